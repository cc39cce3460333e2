"""Penalties (DSP Art. 10 ¶3): how a user stands, from what they did and what was taken back.

Pure. What is remembered of a user are violations, in the order of the log; every penalty and the standing
follow from them by the ladder in force when each happened. Taking one back is a mark on the violation, and
everything after it is reckoned anew: the user stands exactly as if it had never counted.
"""

from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, Literal, Self

from synthgate.events.facts import STANDING_ORDER, Standing
from synthgate.law.policy import Ladder

DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000
SHANGHAI_MS: Final = 8 * HOUR_MS
"""Asia/Shanghai: UTC+8 all year."""
KEPT_MAX: Final = 200
"""Violations remembered of one user; the ladder's last step asks for far fewer."""

WAITS: Final = "guard"
"""Mark of a violation that is not counted yet: what it rests on may be at fault (``steps/guard.py``)."""

Why = Literal["ladder", "severe", "inputs_in_a_row", "inputs_in_a_day", "ordered"]
LadderAt = Callable[[int], Ladder]
"""The ladder in force at a time, Unix ms."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One act that counts. cause: decision id. index: of the log entry. at: when it was decided, Unix ms.

    ladder: counts on the ladder. input: an illegal input that counts in a row and in a day. after_clean: the
    user put in something lawful since the illegal input before. undone_by: the case that took it back.
    severe: a risk for which the ladder is skipped. minor: the machine goes no further than the minors' step.
    undone_by ``WAITS``: not taken back, not counted yet.
    """

    cause: str
    penalty: str
    index: int
    at: int
    ladder: bool = True
    input: bool = False
    after_clean: bool = False
    severe: bool = False
    minor: bool = False
    undone_by: str | None = None

    def row(self) -> dict[str, Any]:
        """As kept."""
        return {name: getattr(self, name) for name in _VIOLATION}


_VIOLATION: Final = tuple(one.name for one in fields(Violation))


@dataclass(frozen=True, slots=True)
class Penalty:
    """A step taken for one cause. until: Unix ms, None for ever."""

    id: str
    cause: str
    step: Standing
    why: Why
    at: int
    until: int | None


@dataclass(frozen=True, slots=True)
class Conduct:
    """What is remembered of a user. heard: log index up to which decisions were counted.

    clean: something lawful was put in since the last illegal input.
    """

    violations: tuple[Violation, ...] = ()
    heard: int = -1
    clean: bool = True
    appeals: Mapping[str, str] = field(default_factory=dict)
    """Penalty to the appeal case that is or was about it."""

    def row(self) -> dict[str, Any]:
        """As kept in the detail of the user's case."""
        return {
            "violations": [one.row() for one in self.violations],
            "heard": self.heard, "clean": self.clean, "appeals": dict(self.appeals),
        }  # fmt: skip

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Back from the detail."""
        found = tuple(Violation(**one) for one in row["violations"])
        return cls(found, row["heard"], row["clean"], dict(row["appeals"]))

    def violated(self, violation: Violation) -> "Conduct":
        """One more violation; what the log had before (heard again) changes nothing."""
        if violation.index <= self.heard:
            return self
        counted = replace(violation, after_clean=self.clean)
        kept = (*self.violations, counted)[-KEPT_MAX:]
        clean = self.clean and not violation.input
        return replace(self, violations=kept, heard=violation.index, clean=clean)

    def lawful(self, index: int) -> "Conduct":
        """The user put in something lawful: the row of illegal inputs is broken."""
        if index <= self.heard or self.clean:
            return self
        return replace(self, heard=index, clean=True)

    def undone(self, penalties: Collection[str], by: str) -> "Conduct":
        """Take causes back; taken back once it stays so."""
        return self.marked(penalties, (None, WAITS), by)

    def resumed(self, penalties: Collection[str]) -> "Conduct":
        """Count what waited."""
        return self.marked(penalties, (WAITS,), None)

    def marked(
        self, penalties: Collection[str], held: tuple[str | None, ...], by: str | None
    ) -> "Conduct":
        """Of these causes those that bear one of some marks (``undone_by``) bear another."""
        found = tuple(
            replace(one, undone_by=by)
            if one.penalty in penalties and one.undone_by in held
            else one
            for one in self.violations
        )
        return replace(self, violations=found)

    def of(self, penalty: str) -> Violation | None:
        """The violation a penalty is for."""
        return next((one for one in self.violations if one.penalty == penalty), None)


def penalties(conduct: Conduct, ladder_at: LadderAt) -> tuple[Penalty, ...]:
    """The steps taken for every violation that stands, in order; a cause may give more than one."""
    found: list[Penalty] = []
    counted: list[int] = []
    in_a_row, days = 0, Counter[int]()
    for one in conduct.violations:
        if one.undone_by is not None:
            in_a_row = 0  # it was lawful after all
            continue
        ladder = ladder_at(one.at)
        steps: list[tuple[Standing, Why]] = []
        if one.ladder:
            insort(counted, one.at)
            old = bisect_right(counted, one.at - ladder.decay_days * DAY_MS)
            steps.append((ladder.standing_for(len(counted) - old), "ladder"))
            if one.severe:
                steps.append((ladder.severe_step, "severe"))
        if one.input:
            in_a_row = 1 if one.after_clean else in_a_row + 1
            day = shanghai_day(one.at)
            days[day] += 1
            if days[day] >= ladder.inputs_in_a_day:
                steps.append(("suspended", "inputs_in_a_day"))
            if in_a_row >= ladder.inputs_in_a_row:
                steps.append(("suspended", "inputs_in_a_row"))
        most = ladder.minor_step_max if one.minor else "closed"
        for step, why in steps:
            taken = min(step, most, key=STANDING_ORDER.index)
            if taken != "ok":
                until = _until(one.at, taken, why, ladder)
                found.append(Penalty(one.penalty, one.cause, taken, why, one.at, until))
    return tuple(found)


def sternest(found: Iterable[Penalty], root: str) -> Penalty | None:
    """The sternest step taken for one act, by the root of its decisions; of equals the special one."""
    mine = [one for one in found if one.cause.partition("#")[0] == root]
    return max(reversed(mine), key=lambda one: STANDING_ORDER.index(one.step), default=None)


def inputs(conduct: Conduct, index: int) -> tuple[int, int]:
    """Illegal inputs in a row, and of that day, as of the one with this log index (it among them)."""
    in_a_row, days, last = 0, Counter[int](), 0
    for one in conduct.violations:
        if one.index > index:
            break
        if one.undone_by is not None:
            in_a_row = 0
        elif one.input:
            in_a_row = 1 if one.after_clean else in_a_row + 1
            last = shanghai_day(one.at)
            days[last] += 1
    return in_a_row, days[last]


def standing(found: Iterable[Penalty], at: int) -> tuple[Standing, int | None]:
    """How the user stands at a time, and when that changes by itself (Unix ms; None: it does not)."""
    live = [one for one in found if one.until is None or one.until > at]
    if not live:
        return "ok", None
    step = max((one.step for one in live), key=STANDING_ORDER.index)
    ends = [one.until for one in live if one.until is not None]
    return step, min(ends, default=None)


def shanghai_day(at: int) -> int:
    """Number of the day in Asia/Shanghai."""
    return (at + SHANGHAI_MS) // DAY_MS


def _until(at: int, step: Standing, why: Why, ladder: Ladder) -> int | None:
    if step == "closed":
        return None
    if step == "suspended" and why in ("inputs_in_a_row", "inputs_in_a_day"):
        return at + ladder.inputs_hours * HOUR_MS
    days = {
        "warned": ladder.decay_days, "limited": ladder.limited_days, "suspended": ladder.suspended_days,
    }[step]  # fmt: skip
    return at + days * DAY_MS
