"""Cases kept beside the lists: what a text must come to, so that no change of a list goes unseen."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from synthgate.library.files import LibraryFileError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from synthgate.events.facts import FeatureRow
    from synthgate.law import Law
    from synthgate.library.library import Library

_OUTCOMES: Final = ("pass", "hold", "refuse")


class Case(NamedTuple):
    """A text and what must become of it. entries: exactly these are found; None: nobody says."""

    line: int
    name: str
    text: str
    outcome: str
    entries: tuple[str, ...] | None


def read_cases(path: Path) -> list[Case]:
    """All cases of a file.

    Raises:
        LibraryFileError: a line is no case; nothing is tested.
    """
    cases: list[Case] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if line.strip():
            made = _case(number, line)
            if isinstance(made, str):
                raise LibraryFileError([f"{path}:{number}: {made}"])
            cases.append(made)
    if not cases:
        raise LibraryFileError([f"{path}: no case in it; a test of nothing would always pass"])
    return cases


def _case(number: int, line: str) -> Case | str:
    try:
        row = json.loads(line)
    except ValueError as error:
        return f"no JSON object: {error}"
    if not isinstance(row, dict) or not row.keys() <= {"name", "text", "outcome", "entries"}:
        return "a case is an object of name, text, outcome and, if you like, entries"
    if not isinstance(row.get("text"), str) or row.get("outcome") not in _OUTCOMES:
        return f"text must be text, and outcome one of {', '.join(_OUTCOMES)}"
    entries = row.get("entries")
    if entries is not None and not (
        isinstance(entries, list) and all(isinstance(one, str) for one in entries)
    ):
        return "entries must be a list of entry ids"
    named = str(row.get("name", f"case {number}"))
    wanted = None if entries is None else tuple(sorted(set(entries)))
    return Case(number, named, row["text"], row["outcome"], wanted)


def changed(
    rows: "Sequence[FeatureRow]", version: int, cases: "Sequence[Case]"
) -> list[dict[str, Any]]:
    """Cases that come to something else than they say: line, name, what, was, now."""
    from synthgate.client.build import now_ms
    from synthgate.law import load
    from synthgate.library.library import Library

    library = Library.build(version, rows)
    law = load().at(now_ms())
    found = []
    for case in cases:
        outcome, entries = _judged(library, law, case.text)
        if outcome != case.outcome:
            found.append(_difference(case, "outcome", case.outcome, outcome))
        if case.entries is not None and entries != case.entries:
            found.append(
                _difference(
                    case, "entries", " ".join(case.entries) or "-", " ".join(entries) or "-"
                )
            )
    return found


def _difference(case: Case, what: str, was: str, now: str) -> dict[str, Any]:
    return {"line": case.line, "name": case.name, "what": what, "was": was, "now": now}


def _judged(library: "Library", law: "Law", text: str) -> tuple[str, tuple[str, ...]]:
    """What moderation itself decides on a prompt with these hits, and the entries found."""
    from synthgate.client.build import Events, Generation, now_ms
    from synthgate.obligations.moderation import ModerationFacts, decide

    hits = [hit for hit in library.search(text) if hit.share == 100]
    risks: dict[str, int] = {}
    for hit in hits:
        risks[hit.risk] = max(hit.severity, risks.get(hit.risk, 0))
    facts = ModerationFacts(
        library=library.version, parts=("prompt",), risks=risks, registered=True, reviewed=True
    )
    event = Events("test", "test").requested("test", Generation("test", "test"), prompt=text)
    verdict = decide(event, facts, law, now_ms())
    return verdict.outcome.value, tuple(sorted({hit.entry for hit in hits}))
