"""What ``synthgate law status`` says: how binding the rows are, who compared them, what is not covered.

Numbers are data first; the two renderers only put them into words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from synthgate.events.verdicts import Force
from synthgate.law import coverage
from synthgate.law.book import LawBook
from synthgate.law.rows import Row

_CHINA_OFFSET = timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class ForceCount:
    """Rows of one force by where they stand in time, and how many of them a person has verified."""

    force: Force
    in_force: int
    not_yet: int
    ended: int
    verified: int

    @property
    def rows(self) -> int:
        """All rows of this force."""
        return self.in_force + self.not_yet + self.ended


@dataclass(frozen=True, slots=True)
class Status:
    """The law files at one moment. ``uncovered``: obligations in force that no deciding file claims."""

    as_of_ms: int
    book_hash: str
    law_hash: str
    counts: tuple[ForceCount, ...]
    unverified: tuple[Row, ...]
    """Rows of law (not house policy) nobody has compared with the official text."""
    not_yet: tuple[Row, ...]
    ended: tuple[Row, ...]
    obligations: int
    """Obligations in force."""
    uncovered: tuple[str, ...]

    @property
    def law_rows(self) -> int:
        """Rows that are law, house policy left out."""
        return sum(c.rows for c in self.counts if c.force is not Force.HOUSE_POLICY)

    @property
    def covered(self) -> int:
        """Obligations in force that a deciding file claims."""
        return self.obligations - len(self.uncovered)

    def row(self) -> dict[str, object]:
        """As JSON-able data."""
        return {
            "as_of": self.as_of_ms,
            "book": self.book_hash,
            "law": self.law_hash,
            "rows": {
                c.force.value: {
                    "in_force": c.in_force,
                    "not_yet": c.not_yet,
                    "ended": c.ended,
                    "verified": c.verified,
                }
                for c in self.counts
            },
            "unverified": len(self.unverified),
            "obligations": self.obligations,
            "uncovered": list(self.uncovered),
        }


def status(book: LawBook, as_of_ms: int, decided: Mapping[str, object] | None = None) -> Status:
    """Count. ``decided``: rule id to the files that decide it; by default what the duties claim."""
    claimed = coverage.deciders() if decided is None else decided
    law = book.at(as_of_ms)
    not_yet = tuple(r for r in book.rows if r.from_ms is not None and as_of_ms < r.from_ms)
    ended = tuple(r for r in book.rows if r.to_ms is not None and r.to_ms <= as_of_ms)
    listed = set(coverage.load_plan().rules())
    in_force = [rule for row in law.rows for rule in row.rules if rule in listed]
    return Status(
        as_of_ms=as_of_ms,
        book_hash=book.hash,
        law_hash=law.hash,
        counts=tuple(
            ForceCount(
                force=force,
                in_force=sum(r.force is force for r in law.rows),
                not_yet=sum(r.force is force for r in not_yet),
                ended=sum(r.force is force for r in ended),
                verified=sum(r.force is force and r.verified for r in book.rows),
            )
            for force in Force
        ),
        unverified=tuple(
            r for r in book.rows if not r.verified and r.force is not Force.HOUSE_POLICY
        ),
        not_yet=not_yet,
        ended=ended,
        obligations=len(in_force),
        uncovered=coverage.uncovered(in_force, claimed),
    )


_FORCE_ZH = {
    Force.STATUTE: "法律规章",
    Force.MANDATORY_STANDARD: "强制性标准",
    Force.RECOMMENDED_STANDARD: "推荐性标准与指南",
    Force.HOUSE_POLICY: "内部规则",
}


def force_name(force: Force, language: str) -> str:
    """A force in words."""
    return _FORCE_ZH[force] if language == "zh" else force.value


def summary(found: Status, language: str = "en") -> str:
    """Two sentences for the README: what nobody verified, and what is not covered."""
    open_rows, rows = len(found.unverified), found.law_rows
    missing, all_rules = len(found.uncovered), found.obligations
    if language == "zh":
        return (
            f"{rows}条法律条目中有{open_rows}条尚无人与官方文本核对。"
            f"现行{all_rules}项义务中有{missing}项尚无判定文件。"
        )
    return (
        f"{open_rows} of {rows} rows of law have not been compared with the official text by a person. "
        f"{missing} of {all_rules} obligations in force have no deciding file yet."
    )


def render(found: Status, language: str = "en") -> str:
    """The whole status as plain text."""
    return _render_zh(found) if language == "zh" else _render_en(found)


def _day(as_of_ms: int) -> str:
    return f"{datetime.fromtimestamp(as_of_ms / 1000, UTC) + _CHINA_OFFSET:%Y-%m-%d}"


def _render_en(found: Status) -> str:
    lines = [
        f"law book {found.book_hash[:12]}; on {_day(found.as_of_ms)} (UTC+8) {found.law_hash[:12]}",
        "",
        f"{'force':<22}{'in force':>9}{'not yet':>9}{'ended':>9}{'verified':>10}",
    ]
    for c in found.counts:
        checked = "-" if c.force is Force.HOUSE_POLICY else f"{c.verified}/{c.rows}"
        lines.append(f"{c.force:<22}{c.in_force:>9}{c.not_yet:>9}{c.ended:>9}{checked:>10}")
    lines += ["", summary(found, "en")]
    lines += [_moved("not in force yet", row, row.effective_from) for row in found.not_yet]
    lines += [_moved("ended", row, row.effective_to) for row in found.ended]
    if found.uncovered:
        lines += ["", "In force and not covered by a deciding file:", *_wrapped(found.uncovered)]
    return "\n".join(lines) + "\n"


def _render_zh(found: Status) -> str:
    lines = [
        f"法律条目{found.book_hash[:12]}，{_day(found.as_of_ms)}（UTC+8）现行{found.law_hash[:12]}",
        "",
    ]
    for c in found.counts:
        checked = "" if c.force is Force.HOUSE_POLICY else f"，已核对{c.verified}/{c.rows}"
        name = force_name(c.force, "zh")
        lines.append(f"{name}：现行{c.in_force}，未施行{c.not_yet}，已失效{c.ended}{checked}")
    lines += ["", summary(found, "zh")]
    lines += [_moved("尚未施行", row, row.effective_from) for row in found.not_yet]
    lines += [_moved("已失效", row, row.effective_to) for row in found.ended]
    if found.uncovered:
        lines += ["", "现行而尚无判定文件的义务：", *_wrapped(found.uncovered)]
    return "\n".join(lines) + "\n"


def _moved(said: str, row: Row, day: object) -> str:
    return f"{said} ({day}): {', '.join(row.rules)} {row.citation}"


def _wrapped(rules: tuple[str, ...], per_line: int = 8) -> list[str]:
    return [
        "  " + "  ".join(rules[start : start + per_line])
        for start in range(0, len(rules), per_line)
    ]
