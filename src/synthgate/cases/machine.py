"""The one way a case moves: an event comes in, the case as it is now comes out, or a sentence why not.

Pure. A case is its timeline: an event is known by its id, so one that is heard again changes nothing, and
every owner who hears the same events in the same order holds the same row.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from synthgate.events.decision import CaseRow, Deadline, Noted

ANY: Final = "*"
"""In a machine's moves: from whatever status."""
DEADLINE_REACHED: Final = "deadline.reached"
NOTED_MAX: Final = 400
"""Entries of one timeline that are no moves; a case that is argued over for ever must still fit its topic."""
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that happened to a case. id: of the record it came by. at: Unix ms. by: a person's name.

    detail: what guards look at; small, without content or identities.
    """

    type: str
    id: str
    at: int
    by: str | None = None
    reason: str | None = None
    detail: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)


class NotAllowed(Exception):
    """A case cannot take this now; the sentence says why and what it can take."""


Guard = Callable[[CaseRow, Happened], str | None]
"""A sentence if the move is forbidden, else None."""


@dataclass(frozen=True, slots=True)
class Machine:
    """One kind of case.

    moves: (status, event type) to the next status. closed: statuses that end the case. meets: event type to
    the deadlines (by the start of their id) it meets. guards: by event type. lasting: a case that stays open
    as long as what it is about: its oldest notes give way to new ones, the versions before are in the log.
    """

    kind: str
    start: str
    moves: Mapping[tuple[str, str], str]
    closed: frozenset[str]
    meets: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    guards: Mapping[str, tuple[Guard, ...]] = field(default_factory=lambda: MappingProxyType({}))
    lasting: bool = False

    def takes(self, status: str) -> tuple[str, ...]:
        """Event types a case in this status can take."""
        return tuple(sorted({taken for at, taken in self.moves if at in (status, ANY)}))


def advance(machine: Machine, row: CaseRow, event: Happened) -> CaseRow:
    """The case after the event; the same row if it was heard before, or is a deadline no longer waited for.

    Raises:
        NotAllowed: the machine has no such move from here, or a guard forbids it.
    """
    if heard(row, event.id):
        return row
    if event.type == DEADLINE_REACHED:
        return _reached(row, event)
    status = machine.moves.get((row.status, event.type)) or machine.moves.get((ANY, event.type))
    if status is None:
        can = ", ".join(machine.takes(row.status)) or "nothing more"
        raise NotAllowed(f"a case that is {row.status} cannot take {event.type}; it takes {can}")
    for guard in machine.guards.get(event.type, ()):
        sentence = guard(row, event)
        if sentence is not None:
            raise NotAllowed(sentence)
    status = row.status if status == ANY else status
    timeline = row.timeline[1 - NOTED_MAX :] if machine.lasting else row.timeline
    if status == row.status and len(timeline) >= NOTED_MAX:
        raise NotAllowed(f"the timeline holds {NOTED_MAX} entries: close this case, open another")
    met = machine.meets.get(event.type, ())
    deadlines = [_met(deadline, met, event.at) for deadline in row.deadlines]
    closed = status in machine.closed
    return row.model_copy(
        update={
            "version": row.version + 1,
            "status": status,
            "state": "closed" if closed else "open",
            "deadlines": deadlines,
            "due_at": None if closed else next_due(deadlines),
            "timeline": [*timeline, _noted(event, row.status, status)],
        }
    )


def refused(row: CaseRow, event: Happened, sentence: str) -> CaseRow:
    """The case with the note that something was refused; a full timeline takes no more of them."""
    if heard(row, event.id) or len(row.timeline) >= NOTED_MAX:
        return row
    noted = _noted(event, row.status, row.status).model_copy(update={"refused": sentence})
    return row.model_copy(update={"version": row.version + 1, "timeline": [*row.timeline, noted]})


def heard(row: CaseRow, id: str) -> bool:  # noqa: A002 (the CloudEvents name)
    """Whether the case has this event on its timeline."""
    return any(noted.id == id for noted in row.timeline)


def next_due(deadlines: list[Deadline]) -> int | None:
    """When the next deadline comes, Unix ms."""
    waiting = [d.due_at for d in deadlines if d.reached_at is None and d.met_at is None]
    return min(waiting, default=None)


def reached_id(row: CaseRow, deadline: Deadline) -> str:
    """Id of the event that proposes a deadline: however many owners propose it, it is one."""
    return f"{row.case}/{deadline.id}/reached"


def due(row: CaseRow, now_ms: int) -> list[Happened]:
    """Proposals for every deadline that has come, oldest first."""
    return [
        Happened(
            DEADLINE_REACHED, reached_id(row, deadline), now_ms,
            detail={"deadline": deadline.id, "due": deadline.due_at, "late_ms": now_ms - deadline.due_at},
        )
        for deadline in sorted(row.deadlines, key=lambda d: (d.due_at, d.id))
        if deadline.reached_at is None and deadline.met_at is None and deadline.due_at <= now_ms
    ]  # fmt: skip


def _reached(row: CaseRow, event: Happened) -> CaseRow:
    """The first proposal is accepted; what is met, unknown or early is ignored."""
    wanted = event.detail.get("deadline")
    held = next((d for d in row.deadlines if d.id == wanted), None)
    if held is None or held.reached_at is not None or held.met_at is not None:
        return row
    if event.at < held.due_at:
        return row
    reached = held.model_copy(update={"reached_at": event.at})
    deadlines = [reached if d.id == wanted else d for d in row.deadlines]
    return row.model_copy(
        update={
            "version": row.version + 1,
            "deadlines": deadlines,
            "due_at": next_due(deadlines),
            "timeline": [*row.timeline, _noted(event, row.status, row.status)],
        }
    )


def _met(deadline: Deadline, met: tuple[str, ...], at: int) -> Deadline:
    if deadline.met_at is not None or not deadline.id.startswith(met or ("\0",)):
        return deadline
    return deadline.model_copy(update={"met_at": at})


def _noted(event: Happened, before: str, after: str) -> Noted:
    return Noted(
        id=event.id, type=event.type, at=event.at, by=event.by, reason=event.reason,
        status=after, was=before, detail=dict(event.detail),
    )  # fmt: skip
