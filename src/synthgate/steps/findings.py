"""What comes on ``case.events``: findings that open a case of nobody's, and answers to what we asked for.

A finding opens a case under its tenant and name, on its partition; found again it adds to it. An answer names
a case, or the work it is about, on the partition that case lives on; there alone anybody knows it.
"""

import base64
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from synthgate.cases.details import fault, named, stated
from synthgate.cases.kinds import MACHINES
from synthgate.cases.machine import Happened
from synthgate.cases.penalties import HOUR_MS
from synthgate.events.case_models import CaseAnswer, CaseEvent
from synthgate.events.decision import CaseRow, Deadline
from synthgate.events.event import time_ms
from synthgate.events.verdicts import Reason
from synthgate.events.wire import Malformed
from synthgate.law import Law
from synthgate.law.levels import Operator, load_levels
from synthgate.obligations.findings import OBLIGATION, FindingFacts, decide
from synthgate.step import SourceRecord, Work
from synthgate.steps import filings, pages_checked, upkeep
from synthgate.steps.docket import Docket, work_case
from synthgate.steps.owed import (
    DAY_MS,
    clocks,
    graded,
    links_of,
    notice_of,
    ordered,
    reached,
    run_on,
    with_clocks,
    works,
)

Hear = Callable[["Found", Docket, Law, Work], bool]
_KINDS: Final[dict[str, Any]] = {
    "rumour.detected": "rumour", "incident.detected": "incident", "leak.suspected": "incident",
    "flaw.found": "incident", "spread.found": "content", "regulator.requested": "order",
    "app_store.requested": "order",
}  # fmt: skip
"""Findings that open a case with a machine."""
_HEARD: Final[tuple[tuple[Collection[str], Hear], ...]] = (
    ((pages_checked.TYPE,), pages_checked.hear),
    (filings.WHAT, filings.hear),
    (upkeep.HEARS, upkeep.hear),
)
"""Findings whose own module says whether they open or move a case; what none takes is for the record."""
_OPEN_BY_NAME: Final = tuple(dict.fromkeys(_KINDS.values()))
"""Kinds a bare name is looked for under."""
_SETTLED: Final = {
    "rumour": ("reported", "rumour.dispelled", "dispelled"),
    "deletion": ("owed", "deletion.proved", "proved"),
}
"""By kind: what ends a case from which status once all its work is done."""


@dataclass(frozen=True, slots=True)
class Found:
    """One event on case.events, opened and validated. id: source and id of the CloudEvent."""

    id: str
    type: str
    rules: tuple[str, ...]
    at: int
    key: bytes | None
    event: CaseEvent

    @property
    def discovered(self) -> int:
        """When the clock began: discovery or learning, never later than the record itself, nor before 1970."""
        text = self.event.discovered_at
        return self.at if text is None else min(self.at, max(0, time_ms(text)))


class Findings:
    """Cases without a user, and answers to all cases."""

    def __init__(self, docket: Docket, operator: Operator) -> None:
        self._docket = docket
        self._operator = operator

    def hear(self, found: Found, record: SourceRecord, law: Law, work: Work) -> None:
        """One event.

        Raises:
            Malformed: an answer to a case or work nobody here knows.
        """
        if isinstance(found.event, CaseAnswer):
            self._answer(found, law, work)
        elif found.type == "incident.closed":
            self._closed(found, law, work)
        elif found.type in _KINDS:
            self._open(found, law, work)
        elif not self._heard(found, law, work):
            self._recorded(found, record, law, work)

    def _heard(self, found: Found, law: Law, work: Work) -> bool:
        hears = [hear for types, hear in _HEARD if found.type in types]
        took = [hear(found, self._docket, law, work) for hear in hears]
        return any(took)

    def _recorded(self, found: Found, record: SourceRecord, law: Law, work: Work) -> None:
        """What is kept for the record alone. The version is its place: heard again it changes nothing."""
        event = found.event
        case = f"event/{event.tenant}/{event.case}"
        held = self._docket.get(case)
        rules = [*(held.rules if held else ()), *filter(law.rule, found.rules)]
        row = CaseRow(
            case=case, version=record.offset + 1, kind="event", state="open", tenant=event.tenant,
            user=None, opened_at=held.opened_at if held else found.at, cause=found.id, receipt=None,
            rules=list(dict.fromkeys(rules)), detail={"type": found.type},
        )  # fmt: skip
        self._docket.put(row, work)

    def _open(self, found: Found, law: Law, work: Work) -> None:
        """A new case with its clocks and work, or more about one there is."""
        event, kind = found.event, _KINDS[found.type]
        case = f"{kind}/{event.tenant}/{event.case}"
        held = self._docket.get(case)
        if held is not None and _seen(held, found.id) and held.cause != found.id:
            self._docket.put(held, work)
            return
        opening = held is None or held.cause == found.id
        before = held.detail.get("items", {}) if held else {}
        detail: dict[str, Any] = {"type": found.type, "items": before | stated(event.detail)}
        if about := named(event.detail):
            detail["about"] = about
        facts = FindingFacts(found.type, public=_public(event))
        if found.type == "incident.detected":
            every, level = graded(None if opening else held, event)
            detail |= {"measures": every, "graded": level.model_dump(mode="json")}
            facts = FindingFacts(found.type, reported=level.reported)
        owed = _by_rule(decide(event, facts, law, found.at).reasons)
        if held is not None and not opening:
            self._more(held, found, owed, law, detail, work)
            return
        held = self._docket.put(held or self._new(case, kind, found, owed, law, detail), work)
        due_at = found.at + law.policy.incidents.work_hours * HOUR_MS
        self._docket.owe(works(held, owed, event, due_at), work, held.tenant, held.key, found.at)

    def _new(
        self, case: str, kind: Any, found: Found, owed: Mapping[str, Reason], law: Law,
        detail: dict[str, Any],
    ) -> CaseRow:  # fmt: skip
        others = (rule for rule in found.rules if rule not in OBLIGATION.rules and law.rule(rule))
        row = CaseRow(
            case=case, version=1, kind=kind, state="open", status=MACHINES[kind].start,
            tenant=found.event.tenant, user=None, opened_at=found.discovered, cause=found.id,
            receipt=None, key=base64.b64encode(found.key or b"").decode(), rules=[*owed, *others],
            detail=detail,
        )  # fmt: skip
        every = clocks(owed, row.opened_at, law.policy.incidents, self._operator)
        return with_clocks(row, [*every, *ordered(row, found.event)])

    def _more(
        self, held: CaseRow, found: Found, owed: Mapping[str, Reason], law: Law,
        detail: dict[str, Any], work: Work,
    ) -> None:  # fmt: skip
        """Found again: an incident is graded anew from discovery; anything else is a note."""
        if held.kind != "incident":
            event = Happened("note.added", found.id, found.at, detail={"found": found.type})
            self._docket.advance(MACHINES[held.kind], held, event, work)
            return

        def graded_anew(row: CaseRow) -> CaseRow:
            if found.type == "incident.detected":
                row = run_on(row, None if "INC-4-2" in owed else found.at)
            row = with_clocks(
                row, clocks(owed, row.opened_at, law.policy.incidents, self._operator)
            )
            more = {
                "detail": {**row.detail, **detail, "type": row.detail["type"]},
                "rules": list(dict.fromkeys([*row.rules, *owed])),
            }
            return row.model_copy(update=more)

        event = Happened("incident.graded", found.id, found.at, detail={"found": found.type})
        self._docket.advance(MACHINES["incident"], held, event, work, also=graded_anew)

    def _closed(self, found: Found, law: Law, work: Work) -> None:
        """Handling ended; thirty days from now a summary is owed of what was reported."""
        held = self._find(found.event)
        if _seen(held, found.id):
            self._docket.put(held, work)
            return
        facts = FindingFacts(found.type, reported="INC-4-2" in held.rules)
        owed = _by_rule(decide(found.event, facts, law, found.at).reasons)

        def summed_up(row: CaseRow) -> CaseRow:
            if "INC-8-1" not in owed:
                return row
            due = found.at + load_levels().clocks.summary_days * DAY_MS
            row = with_clocks(
                row, [Deadline(id="summary", due_at=due, rule="INC-8-1", internal=False)]
            )
            return row.model_copy(update={"rules": [*row.rules, *owed]})

        event = Happened("incident.closed", found.id, found.at)
        self._docket.advance(MACHINES[held.kind], held, event, work, also=summed_up)

    def _answer(self, found: Found, law: Law, work: Work) -> None:
        event = found.event
        assert isinstance(event, CaseAnswer)
        if found.type == "reach.found":
            self._reached(found, event, law, work)
            return
        wrong = fault(event.detail)
        if wrong is not None:
            raise Malformed("plain_identity" if "plain" in wrong else "too_large", wrong)
        if found.type in ("work.done", "work.failed"):
            self._worked(found, event, work)
            return
        held = self._find(event)
        happened = Happened(found.type, found.id, found.at, event.by, event.reason, event.detail)
        if self._docket.advance(MACHINES[held.kind], held, happened, work):
            self._settled(held.case, found.at, work)

    def _reached(self, found: Found, event: CaseAnswer, law: Law, work: Work) -> None:
        """A batch of those it reached: they are told once, however often the batch is found."""
        held = self._find(event)
        owed = _by_rule(decide(event, FindingFacts(found.type), law, found.at).reasons)
        told = reached(event.detail)
        if "DSP-11-3" not in owed or told is None:
            if told is None:
                raise Malformed(
                    "bad_shape", "/detail: batch, and recipients by token, a thousand at most"
                )
            return
        due_at = found.at + law.policy.incidents.work_hours * HOUR_MS
        row = notice_of(held, owed["DSP-11-3"], told, due_at)
        before = held.detail.get("reached", {})
        if told["batch"] not in before:
            count = {**before, told["batch"]: len(told["recipients"])}
            more = {
                "version": held.version + 1, "detail": {**held.detail, "reached": count},
                "rules": list(dict.fromkeys([*held.rules, "DSP-11-3"])),
                "links": {**held.links, **links_of(event.detail, held.links)},
            }  # fmt: skip
            held = held.model_copy(update=more)
        self._docket.owe([row], work, held.tenant, held.key, found.at)
        self._docket.put(held, work)

    def _worked(self, found: Found, event: CaseAnswer, work: Work) -> None:
        """The platform did it, with proof, or could not; what failed stays owed."""
        answered = event.work or event.detail.get("work")
        if not isinstance(answered, str):
            raise Malformed("bad_shape", "/work missing: the id of the work that is answered")
        held = self._docket.get(work_case(answered))
        if held is None or held.tenant != event.tenant:
            raise Malformed("case_unknown", "no such work on this partition")
        done = found.type == "work.done"
        if done and not event.detail:
            raise Malformed("bad_shape", "/detail empty: say what proves that it is done")
        answer = Happened(found.type, found.id, found.at, event.by, event.reason, event.detail)
        self._docket.answered(held, answer, work, done=done)
        self._settled(held.cause, found.at, work)

    def _settled(self, case: str, at: int, work: Work) -> None:
        """A rumour is dispelled when it is reported and every place has answered; a template is gone."""
        held = self._docket.get(case)
        status, type_, end = _SETTLED.get(held.kind if held else "", ("", "", ""))
        if held is None or held.status != status:
            return
        if self._docket.cases.open_work(case) == 0:
            event = Happened(type_, f"{case}/{end}", at)
            self._docket.advance(MACHINES[held.kind], held, event, work)

    def _find(self, event: CaseEvent) -> CaseRow:
        """Raises Malformed: nobody here knows the case."""
        names = [event.case, *(f"{kind}/{event.tenant}/{event.case}" for kind in _OPEN_BY_NAME)]
        for name in names:
            held = self._docket.get(name)
            if held is not None and held.tenant == event.tenant and held.kind in MACHINES:
                return held
        raise Malformed("case_unknown", "no such case on this partition")


def _public(event: CaseEvent) -> bool | None:
    said = event.detail.get("public_interest")
    return said if isinstance(said, bool) else None


def _by_rule(reasons: tuple[Reason, ...]) -> dict[str, Reason]:
    return {reason.rule: reason for reason in reasons}


def _seen(row: CaseRow, id: str) -> bool:  # noqa: A002 (the CloudEvents name)
    return row.cause == id or any(noted.id == id for noted in row.timeline)
