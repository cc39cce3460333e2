"""What two people took back is carried out on each partition: a library version withdrawn, a guard let go.

A rollback overturns every case that rested on the version's new entries alone, and with it the count, the
penalty and the notice; the user stands as if it had never counted. A guard let go counts what waited. Both are
found in the rows themselves, so that a worker that dies on the way leaves nothing half done.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from synthgate.cases import penalties
from synthgate.cases.kinds import CONTENT
from synthgate.cases.machine import Happened, next_due
from synthgate.cases.penalties import WAITS, Conduct, Penalty
from synthgate.events.decision import CaseRow, WorkRow
from synthgate.law import LawBook, notices
from synthgate.registries import Registries
from synthgate.registries.withdrawals import Rollback
from synthgate.step import Work
from synthgate.steps.content_case import report_deadlines
from synthgate.steps.docket import Docket, work_case
from synthgate.steps.guard import Guard
from synthgate.steps.resting import Resting
from synthgate.steps.violations import Violations

USERS_AT_ONCE: Final = 1_000
"""Users whose cases one tick changes: the others wait a second, and so does nobody else for long."""
OVERTURNED: Final = "overturned"
Owner = tuple[Rollback | None, str]
"""Which rollback, or that a guard was let go; the user's case, or the case itself if it is nobody's."""


class Reversal:
    """Walks the content cases of a partition whenever something was taken back."""

    def __init__(
        self,
        docket: Docket,
        registries: Registries,
        guard: Guard,
        violations: Violations,
        book: LawBook,
    ) -> None:
        self._docket = docket
        self._registries = registries
        self._guard = guard
        self._violations = violations
        self._book = book
        self._seen: dict[int, Mapping[str, int]] = {}

    def forget(self) -> None:
        """Partitions moved: look at all of them again."""
        self._seen.clear()

    def tick(self, work: Work) -> None:
        """What was taken back and is not carried out on a partition yet."""
        rollbacks, gone = self._registries.control.taken_back()
        due = [one for one in rollbacks if self._docket.get(report(one, work)) is None]
        if not due and (not gone or self._seen.get(work.partition) == gone):
            return
        found = self._found(work.partition)
        for rollback, name in list(found)[:USERS_AT_ONCE]:
            cases = found[rollback, name]
            if rollback is None:
                acts = [*gone.values(), *(one.at for one in rollbacks)]
                self._resume(cases, max(acts, default=0), work)
            else:
                self._reverse(rollback, cases, work)
        if len(found) <= USERS_AT_ONCE:
            self._seen[work.partition] = gone
            for one in due:
                self._docket.put(_done(one, work), work)

    def late(self, case: str, rests: Resting, work: Work) -> None:
        """A refusal that was heard after what it rests on was withdrawn."""
        rollback = self._guard.withdrawn(rests)
        held = self._docket.get(case)
        if rollback is not None and held is not None and held.status != OVERTURNED:
            self._reverse(rollback, [held], work)

    def _found(self, partition: int) -> Mapping[Owner, list[CaseRow]]:
        found: defaultdict[Owner, list[CaseRow]] = defaultdict(list)
        for row in self._docket.cases.of(partition, CONTENT.kind):
            rests = Resting.of(row)
            if rests is None or row.status == OVERTURNED:
                continue
            name = row.links.get("users", [row.case])[0]
            rollback = self._guard.withdrawn(rests)
            if rollback is not None:
                found[rollback, name].append(row)
            elif row.detail.get("waits") == WAITS and not self._guard.covers(rests):
                found[None, name].append(row)
        return found

    def _reverse(self, rollback: Rollback, cases: list[CaseRow], work: Work) -> None:
        """Take everything back that one user was charged with."""
        names = {row.cause: row for row in cases}
        held = self._docket.get(cases[0].links.get("users", [""])[0])
        taken: dict[str, str] = {}
        if held is not None:
            conduct = Conduct.from_row(held.detail)
            stands = (None, WAITS, rollback.id)
            taken = {
                one.cause: one.penalty
                for one in conduct.violations
                if one.cause in names and one.undone_by in stands
            }
            if taken:
                event = _happened(
                    "penalty.reversed", rollback, next(iter(taken.values())), list(taken.values())
                )
                told = {step.cause for step in self._violations.steps(conduct)} & taken.keys()
                self._violations.take_back(held, taken.values(), event, work)
                if told:
                    self._tell(rollback, held, names[min(told)], event.id, work)
        for row in cases:
            event = _happened("decision.overturned", rollback, row.cause, [])
            self._violations.overturn(row, taken.get(row.cause), event, work)
            self._withdraw(f"{row.cause}/incidents/notice", work)

    def _tell(
        self, rollback: Rollback, held: CaseRow, case: CaseRow, event: str, work: Work
    ) -> None:
        """A user who was told of a measure is told that it is gone."""
        rule = self._book.at(rollback.at).rule("DSP-10-7")
        if rule is None:
            return
        text = notices.said("penalty_lifted", detail=rollback.reason)
        notice = WorkRow(
            id=f"{event}/notice", kind="notice.due", case=case.case, cause=case.cause, rule="DSP-10-7",
            article=rule.citation, force=rule.force.value, recipient=held.user, text=text,
            due_at=rollback.at + self._violations.work_ms(rollback.at), about={"undoes": rollback.id},
        )  # fmt: skip
        self._docket.owe([notice], work, held.tenant, held.key, rollback.at)

    def _withdraw(self, notice: str, work: Work) -> None:
        """A notice nobody has answered yet is not owed any more."""
        held = self._docket.get(work_case(notice))
        if held is not None and held.state == "open":
            changed = {
                "version": held.version + 1, "state": "closed", "status": "withdrawn", "due_at": None,
            }  # fmt: skip
            self._docket.put(held.model_copy(update=changed), work)

    def _resume(self, cases: list[CaseRow], at: int, work: Work) -> None:
        """Count what waited for one user, and let reports be due. at: when the guard was let go, Unix ms."""
        held = self._docket.get(cases[0].links.get("users", [""])[0])
        if held is not None:
            conduct = Conduct.from_row(held.detail)
            causes = {row.cause for row in cases}
            waited = [
                one.penalty
                for one in conduct.violations
                if one.cause in causes and one.undone_by == WAITS
            ]
            if waited:
                event = Happened(
                    "penalty.resumed", f"resumed/{waited[0]}", at, detail={"counts": waited}
                )
                before = self._steps(conduct)
                self._violations.resume(held, waited, event, work)
                now = self._docket.get(held.case) or held
                self._told(now, before, event.id, work)
        for row in cases:
            event = Happened("case.resumed", f"{row.case}/resumed", at)
            law = self._book.at(at)
            deadlines = (
                report_deadlines(row.detail["risks"], law, at) if row.state == "open" else []
            )

            def due(moved: CaseRow, deadlines: list[Any] = deadlines) -> CaseRow:
                detail = {name: value for name, value in moved.detail.items() if name != "waits"}
                changed = {"detail": detail, "deadlines": deadlines, "due_at": next_due(deadlines)}
                return moved.model_copy(update=changed)

            self._docket.advance(CONTENT, row, event, work, also=due)

    def _told(self, held: CaseRow, before: Mapping[str, Penalty], event: str, work: Work) -> None:
        """Every step that is another one now is told."""
        for cause, step in self._steps(Conduct.from_row(held.detail)).items():
            if before.get(cause) == step:
                continue
            name = "DSP-10-8" if step.why.startswith("inputs") else "DSP-10-7"
            rule = self._book.at(step.at).rule(name)
            if rule is not None:
                basis = {"rule": name, "article": rule.citation, "force": rule.force.value}
                notice = f"{cause}/incidents/notice/{event}"
                self._violations.tell(held, step, f"content/{cause}", notice, basis, work)

    def _steps(self, conduct: Conduct) -> dict[str, Penalty]:
        """The sternest step for each cause."""
        found = self._violations.steps(conduct)
        sternest = {step.cause: penalties.sternest(found, _root(step.cause)) for step in found}
        return {cause: step for cause, step in sternest.items() if step is not None}


def report(rollback: Rollback, work: Work) -> str:
    """Case id of the word that a rollback is carried out on a partition."""
    return f"{rollback.id}/{work.partition}"


def _done(rollback: Rollback, work: Work) -> CaseRow:
    return CaseRow(
        case=report(rollback, work), version=1, kind="event", state="closed", status="done",
        tenant="_", user=None, opened_at=rollback.at, cause=rollback.id, receipt=None, rules=[],
        detail={"to": rollback.to},
    )  # fmt: skip


def _happened(type: str, rollback: Rollback, about: str, undoes: list[str]) -> Happened:  # noqa: A002
    return Happened(
        type, f"{rollback.id}/{about}", rollback.at, by=rollback.by, reason=rollback.reason,
        detail={"undoes": undoes},
    )  # fmt: skip


def _root(cause: str) -> str:
    return cause.partition("#")[0]
