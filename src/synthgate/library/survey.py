"""What a list holds: faults for a person to look at, numbers against published minimums, what changed."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from synthgate.events.facts import FeatureRow
from synthgate.law.policy import RISKS
from synthgate.library.files import FIELDS
from synthgate.library.library import Library, in_force
from synthgate.library.reading import normal

KEYWORDS_MIN: Final = 10_000
"""Keywords in all (TC260-003, carried into GB/T 45654-2025, a recommended standard)."""
EACH_MIN: Final[Mapping[str, int]] = {"A.1": 200, "A.2": 100}
"""Keywords of each risk of a group, from the same place."""
_HAN_MIN: Final = 2
_LATIN_MIN: Final = 4
_WORDS: Final = ("keyword", "phrase", "regex", "url", "domain")


class Finding(NamedTuple):
    """Something about one entry.

    code: too_short | duplicate | allowed | covers_nothing | harmless | expired | overdue.
    """

    entry: str
    code: str
    sentence: str


def lint(
    rows: Sequence[FeatureRow], version: int, harmless: Iterable[str] = (), today: str | None = None
) -> list[Finding]:
    """Faults of the entries in force in a version. harmless: texts in which none should be found.

    today: an RFC 3339 moment; entries that expired or are due for review before it are named.
    """
    rows = [row for row in rows if in_force(row, version)]
    found = [*_short(rows), *_double(rows), *_allowed(rows)]
    if today is not None:
        found.extend(_dated(rows, today))
    found.extend(_harmless(rows, version, harmless))
    return sorted(found)


def _short(rows: Iterable[FeatureRow]) -> Iterator[Finding]:
    for row in rows:
        if row.kind == "keyword":
            base = normal(row.value)
            least = _LATIN_MIN if base.isascii() else _HAN_MIN
            if len(base) < least:
                sentence = f"{len(base)} characters: it will stand in many words; {least} or more"
                yield Finding(row.entry, "too_short", sentence)


def _double(rows: Iterable[FeatureRow]) -> Iterator[Finding]:
    """The same words twice under one risk; under two risks they are two entries (ADR 0060)."""
    first: dict[tuple[str, str | None, str], str] = {}
    for row in rows:
        if row.kind not in ("list", "regex"):
            held = first.setdefault((row.kind, row.risk, normal(row.value)), row.entry)
            if held != row.entry:
                yield Finding(row.entry, "duplicate", f"the same as {held} once folded")


def _allowed(rows: Sequence[FeatureRow]) -> Iterator[Finding]:
    """Keywords that an allowance of the same words hides for good, and allowances that hide nothing."""
    allowances = {normal(row.value): row.entry for row in rows if row.kind == "allow"}
    words = [row for row in rows if row.kind == "keyword"]
    for row in words:
        by = allowances.get(normal(row.value))
        if by is not None:
            yield Finding(row.entry, "allowed", f"{by} allows these very words: never found")
    searching = Library(0, [row.model_copy(update={"state": "on"}) for row in words])
    for value, entry in allowances.items():
        if not searching.search(value):
            yield Finding(entry, "covers_nothing", "no keyword stands in it: it allows nothing")


def _dated(rows: Iterable[FeatureRow], today: str) -> Iterator[Finding]:
    for row in rows:
        if row.expires_at is not None and row.expires_at <= today:
            yield Finding(
                row.entry, "expired", f"expired {row.expires_at}; leave it out of a version"
            )
        elif row.review_due is not None and row.review_due <= today:
            yield Finding(row.entry, "overdue", f"its review was due {row.review_due}")


def _harmless(rows: Sequence[FeatureRow], version: int, texts: Iterable[str]) -> Iterator[Finding]:
    library = Library(version, rows)
    hits: Counter[str] = Counter()
    where: dict[str, int] = {}
    for number, text in enumerate(texts, 1):
        for entry in {hit.entry for hit in library.search(text)}:
            hits[entry] += 1
            where.setdefault(entry, number)
    for entry, count in hits.items():
        lines = "text" if count == 1 else "texts"
        sentence = f"found in {count} harmless {lines}, first in line {where[entry]}"
        yield Finding(entry, "harmless", sentence)


def statistics(rows: Iterable[FeatureRow], version: int) -> dict[str, Any]:
    """Entries in force by kind and risk, and how far each published minimum is reached."""
    rows = [row for row in rows if in_force(row, version) and row.state != "off"]
    counted = [row for row in rows if row.kind in _WORDS and row.state == "on"]
    by_risk = Counter(row.risk for row in counted if row.risk is not None)
    short = []
    if len(counted) < KEYWORDS_MIN:
        short.append({"risk": "all", "have": len(counted), "min": KEYWORDS_MIN})
    for risk in RISKS:
        least = EACH_MIN.get(risk[:3], 0)
        if by_risk[risk] < least:
            short.append({"risk": risk, "have": by_risk[risk], "min": least})
    return {
        "version": version,
        "entries": len(rows),
        "kinds": dict(sorted(Counter(row.kind for row in rows).items())),
        "states": dict(sorted(Counter(row.state for row in rows).items())),
        "risks": {risk: by_risk[risk] for risk in RISKS},
        "minimums": "TC260-003 (2024) and GB/T 45654-2025, a recommended standard",
        "short": short,
    }


def difference(old: Iterable[FeatureRow], new: Iterable[FeatureRow]) -> list[dict[str, Any]]:
    """What changed from one list to another, by entry; without the words of a value."""
    before = {row.entry: row for row in old}
    after = {row.entry: row for row in new}
    found: list[dict[str, Any]] = []
    for entry in sorted(before.keys() | after.keys()):
        was, now = before.get(entry), after.get(entry)
        if was is None or now is None:
            found.append({"entry": entry, "change": "added" if was is None else "removed"})
        else:
            fields = [name for name in FIELDS if getattr(was, name) != getattr(now, name)]
            if fields:
                found.append({"entry": entry, "change": "changed", "fields": fields})
    return found
