"""How grave a network incident is, and how fast it is reported: the threshold table as data."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator

from synthgate.law.toml_file import LawModel, build, read_toml

FILE = Path(__file__).parent / "levels.toml"
Level = Literal["ordinary", "serious", "grave", "extreme"]
LEVELS: Final[tuple[Level, ...]] = ("ordinary", "serious", "grave", "extreme")
"""一般, 较大, 重大, 特别重大; from ``serious`` on it is reported."""
Operator = Literal["cii", "state_organ", "other"]
Hours = Annotated[int, Field(ge=1)]


class Threshold(LawModel):
    """One measure and the number from which each level is reached. draft: rests on a draft."""

    measure: str
    serious: Annotated[int, Field(ge=1)]
    grave: int
    extreme: int
    draft: bool = False

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if not self.serious < self.grave < self.extreme:
            raise ValueError("the numbers must rise")
        return self

    def level(self, value: float) -> Level:
        """The level a value reaches."""
        return LEVELS[sum(value >= n for n in (self.serious, self.grave, self.extreme))]


class Clocks(LawModel):
    """Hours to the first report by kind of operator; days to the summary."""

    cii: Hours
    state_organ: Hours
    other: Hours
    summary_days: Annotated[int, Field(ge=1)]

    def hours(self, operator: Operator) -> int:
        """Hours for one kind."""
        return {"cii": self.cii, "state_organ": self.state_organ, "other": self.other}[operator]


class Levels(LawModel):
    """The whole table."""

    clocks: Clocks
    threshold: Annotated[tuple[Threshold, ...], Field(min_length=1, strict=False)]

    def grade(self, measures: Mapping[str, Any]) -> "Graded":
        """Grade what is known. A measure that is missing or no number is unknown, never zero."""
        level: Level = "ordinary"
        hits, unknown, draft = [], [], False
        for row in self.threshold:
            value = measures.get(row.measure)
            if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
                unknown.append(row.measure)
                continue
            reached = row.level(value)
            if reached != "ordinary":
                hits.append(row.measure)
                draft |= row.draft
            level = max(level, reached, key=LEVELS.index)
        return Graded(level=level, hits=tuple(hits), unknown=tuple(unknown), draft=draft)


class Graded(LawModel):
    """level: at least. hits: measures that reach one. unknown: measures nobody knows. draft: see Threshold."""

    level: Level
    hits: tuple[str, ...]
    unknown: tuple[str, ...]
    draft: bool

    @property
    def known(self) -> bool:
        """Whether the level can not turn out higher."""
        return not self.unknown or self.level == LEVELS[-1]

    @property
    def reported(self) -> bool:
        """Whether a report is owed: it is serious, or might be."""
        return self.level != "ordinary" or not self.known


@lru_cache(maxsize=2)
def load_levels(path: Path = FILE) -> Levels:
    """Read the table.

    Raises:
        LawError: an unknown, missing or wrong entry.
    """
    return build(Levels, read_toml(path), path.name)
