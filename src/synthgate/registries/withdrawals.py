"""What two people took back: library versions (``control``, ``rollback/…``), and guards (``guard/…``)."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from synthgate.events.event import time_ms
from synthgate.events.facts import COUNT_MAX, ControlRow, GuardRow

ROLLBACK: Final = "rollback/"
GUARD: Final = "guard/"


class Rollback(NamedTuple):
    """Versions after ``to``, up to and with ``version``, are withdrawn. at: Unix ms."""

    version: int
    to: int
    at: int
    by: str
    reason: str

    @property
    def id(self) -> str:
        """Of the act, for what it reverses."""
        return f"{ROLLBACK}{self.version}"

    def withdraws(self, library: int) -> bool:
        """Whether a version is one of them."""
        return self.to < library <= self.version

    def answers(self, surge: GuardRow) -> bool:
        """Whether it answers a surge: a version's or its new entries', a rule's until then.

        What of a rule's surge did not rest on the version is counted again from what is left.
        """
        kind, _, name = surge.subject.partition("/")
        if kind == "library":
            return self.withdraws(int(name))
        if kind == "entry":
            return surge.came is not None and self.withdraws(surge.came)
        return kind == "rule" and surge.since <= self.at


class TakenBack(NamedTuple):
    """All rollbacks, the first first; when a guard was last let go, Unix ms, by subject."""

    rollbacks: tuple[Rollback, ...]
    let_go: Mapping[str, int]

    def answer(self, surge: GuardRow) -> str | None:
        """What answered a surge: a rollback, ``let go``; None: penalties wait."""
        if self.let_go.get(surge.subject, -1) >= surge.since:
            return "let go"
        return next((one.id for one in self.rollbacks if one.answers(surge)), None)


def taken_back(rows: Iterable[ControlRow]) -> TakenBack:
    """Read off readable rows of ``control``."""
    rollbacks, let_go = [], {}
    for row in rows:
        if row.name.startswith(GUARD):
            let_go[row.name.removeprefix(GUARD)] = time_ms(row.at)
        elif row.name.startswith(ROLLBACK):
            version, to = int(row.name.removeprefix(ROLLBACK)), int(str(row.body["to"]))
            reason = str(row.body["reason"])
            rollbacks.append(Rollback(version, to, time_ms(row.at), row.by, reason))
    return TakenBack(tuple(sorted(rollbacks, key=lambda one: (one.at, one.version))), let_go)


def readable(row: ControlRow) -> bool:
    """Whether a row of either kind says what it must, by two people."""
    body: dict[str, Any] = row.body
    other, reason = body.get("agreed_by"), body.get("reason")
    if not (isinstance(other, str) and other and other != row.by and isinstance(reason, str)):
        return False
    if row.name.startswith(GUARD):
        return body.get("let_go") is True
    version, to = row.name.removeprefix(ROLLBACK), body.get("to")
    if not version.isdecimal() or len(version) > 16 or type(to) is not int:
        return False
    return 0 < to < int(version) <= COUNT_MAX
