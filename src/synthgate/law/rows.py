"""Dated, cited rows of law: one file an edition of a law, one entry a duty in one sentence.

``force`` says how binding a row is: *statute* is any law, regulation, ministerial rule or normative document of
the state (``instrument`` says which); house policy is ours and never reads as law. The sentences are ours too;
``source`` is where the official text stands, ``grade`` how it was read (P primary text, Q quoted, M memory,
I our own); ``verified_by`` and ``verified_on`` stay empty until a person compared the row with it.
Dates are days in China (UTC+8); ``effective_to`` is the first day on which the row no longer counts.
"""

from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from synthgate.events.verdicts import Force
from synthgate.law.toml_file import LawError, LawModel, build, read_toml, take

_CHINA = timezone(timedelta(hours=8))

Text = Annotated[str, Field(min_length=1)]
RuleId = Annotated[str, Field(pattern=r"^[A-Z]+(-[A-Za-z0-9_]+)+$")]
Instrument = Literal[
    "law", "administrative regulation", "departmental rule", "normative document",
    "national standard", "technical guide", "house policy",
]  # fmt: skip
Grade = Literal["P", "Q", "M-h", "M-m", "M-l", "I"]


def _force(value: object) -> object:
    return Force(value) if isinstance(value, str) else value


ForceText = Annotated[Force, BeforeValidator(_force)]


def day_ms(day: date) -> int:
    """Unix ms at which ``day`` begins in China."""
    return int(datetime(day.year, day.month, day.day, tzinfo=_CHINA).timestamp()) * 1000


class Basis(LawModel):
    """A further basis of the same duty, by edition; its dates are its edition's."""

    law: Text
    edition: Text
    article: Text


class Edition(LawModel):
    """One edition of one law: what the head of a row file says."""

    regime: Text
    law: Text
    edition: Text
    cite: Text
    """How a citation of it begins: ``CSL (2025)``."""
    title_en: Text
    title_zh: Text
    instrument: Instrument
    force: ForceText
    effective_from: date | None = None
    effective_to: date | None = None
    source: Text
    grade: Grade

    @model_validator(mode="after")
    def _dated(self) -> "Edition":
        _check_dates(self.effective_from, self.effective_to, self.force)
        return self


class Row(LawModel):
    """One duty of one article, over one span of time, for the rule ids it backs."""

    rules: Annotated[tuple[RuleId, ...], Field(min_length=1, strict=False)]
    regime: Text
    law: Text
    edition: Text
    cite: Text
    article: Text
    force: ForceText
    effective_from: date | None = None
    effective_to: date | None = None
    source: Text
    grade: Grade
    en: Text
    zh: Text
    note_en: str = ""
    note_zh: str = ""
    """What in this rule is our reading or choice, and not the words of the law."""
    also: Annotated[tuple[Basis, ...], Field(strict=False)] = ()
    relaxable: bool = False
    """House policy that a setting may switch off."""
    verified_by: str = ""
    verified_on: date | None = None

    @model_validator(mode="before")
    @classmethod
    def _empty_is_none(cls, table: Any) -> Any:
        if isinstance(table, dict) and table.get("verified_on") == "":
            return table | {"verified_on": None}
        return table

    @model_validator(mode="after")
    def _honest(self) -> "Row":
        _check_dates(self.effective_from, self.effective_to, self.force)
        if bool(self.verified_by) != (self.verified_on is not None):
            raise ValueError("verified_by and verified_on come together")
        if bool(self.note_en) != bool(self.note_zh):
            raise ValueError("note_en and note_zh come together")
        if self.relaxable and self.force is not Force.HOUSE_POLICY:
            raise ValueError("only house policy can be relaxable")
        if self.force is not Force.HOUSE_POLICY and any(r.startswith("HOUSE-") for r in self.rules):
            raise ValueError("a HOUSE rule has force house policy")
        return self

    @property
    def citation(self) -> str:
        """What a reason shows: ``DSP 9``, ``CSL (2025) 23(3)``."""
        return f"{self.cite} {self.article}"

    @property
    def verified(self) -> bool:
        """Whether a person compared the row with the official text."""
        return bool(self.verified_by)

    @property
    def from_ms(self) -> int | None:
        """First ms in force; None: always."""
        return None if self.effective_from is None else day_ms(self.effective_from)

    @property
    def to_ms(self) -> int | None:
        """First ms no longer in force; None: no end known."""
        return None if self.effective_to is None else day_ms(self.effective_to)

    def in_force(self, as_of_ms: int) -> bool:
        """Whether the row counts at that moment."""
        begun = self.from_ms is None or self.from_ms <= as_of_ms
        return begun and (self.to_ms is None or as_of_ms < self.to_ms)

    def text(self, language: str) -> str:
        """The sentence in ``zh`` or ``en``."""
        return self.zh if language == "zh" else self.en

    def note(self, language: str) -> str:
        """The note in ``zh`` or ``en``, or empty."""
        return self.note_zh if language == "zh" else self.note_en


def _check_dates(start: date | None, end: date | None, force: Force) -> None:
    if start is None and force is not Force.HOUSE_POLICY:
        raise ValueError("effective_from is missing (only house policy may count always)")
    if start is not None and end is not None and end <= start:
        raise ValueError(f"effective_to {end} is not after effective_from {start}")


_INHERITED = (
    "regime", "law", "edition", "cite", "force", "effective_from", "effective_to", "source", "grade",
)  # fmt: skip
_OWN_TO_ROW = frozenset(Row.model_fields) - {"regime", "law", "edition", "cite"}


def load_rows(folder: Path) -> tuple[tuple[Edition, ...], tuple[Row, ...]]:
    """Read every ``*.toml`` of the folder, in name order.

    Raises:
        LawError: a wrong or unknown key, a rule with overlapping dates, a basis nobody defined.
    """
    editions: dict[tuple[str, str], Edition] = {}
    rows: list[tuple[str, Row]] = []
    for path in sorted(folder.glob("*.toml")):
        table = read_toml(path)
        entries = take(table, "row", path.name)
        edition = build(Edition, table, path.name)
        key = (edition.law, edition.edition)
        if key in editions:
            raise LawError(f"{path.name}: {edition.law} edition {edition.edition} is defined twice")
        editions[key] = edition
        rows.extend(_row(path.name, edition, number, entry) for number, entry in enumerate(entries))
    for where, row in rows:
        for basis in row.also:
            if (basis.law, basis.edition) not in editions:
                raise LawError(f"{where}: also cites {basis.law} {basis.edition}, which no file is")
    _refuse_overlaps(rows)
    return tuple(editions.values()), tuple(row for _, row in rows)


def _row(file: str, edition: Edition, number: int, entry: dict[str, Any]) -> tuple[str, Row]:
    rules = entry.get("rules")
    named = ", ".join(map(str, rules)) if isinstance(rules, list) else "no rules"
    where = f"{file}: row {number + 1} ({named})"
    for key in entry:
        if key not in _OWN_TO_ROW:
            raise LawError(f"{where}: unknown key {key}")
    inherited = {key: getattr(edition, key) for key in _INHERITED}
    return where, build(Row, inherited | entry, where)


def _refuse_overlaps(rows: list[tuple[str, Row]]) -> None:
    """A rule stands in one row at a time: two rows of it must not share a day."""
    held: dict[str, list[tuple[str, Row]]] = {}
    for where, row in rows:
        if len(set(row.rules)) != len(row.rules):
            raise LawError(f"{where}: a rule is named twice")
        for rule in row.rules:
            for other_where, other in held.setdefault(rule, []):
                if _overlap(row, other):
                    raise LawError(f"{where}: {rule} overlaps in time with {other_where}")
            held[rule].append((where, row))


def _overlap(one: Row, two: Row) -> bool:
    starts_before_end = one.from_ms is None or two.to_ms is None or one.from_ms < two.to_ms
    ends_after_start = two.from_ms is None or one.to_ms is None or two.from_ms < one.to_ms
    return starts_before_end and ends_after_start
