"""What two people took back is carried out on each partition: a library version withdrawn, a guard let go.

A rollback overturns every case that rested on the version's new entries alone, and with it the count, the
penalty and the notice; the user stands as if it had never counted. A guard let go counts what waited. Both are
found in the rows themselves, so that a worker that dies on the way leaves nothing half done.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from synthgate.cases import penalties
from synthgate.cases.kinds import CONTENT
from synthgate.cases.machine import Happened, heard, next_due
from synthgate.cases.penalties import WAITS, Conduct, Penalty
from synthgate.events.decision import CaseRow, Noted, WorkRow
from synthgate.law import LawBook, notices
from synthgate.registries import Registries
from synthgate.registries.withdrawals import Rollback
from synthgate.step import OutRecord, Work
from synthgate.steps.content_case import in_time, resumed_deadlines
from synthgate.steps.docket import Docket
from synthgate.steps.guard import Guard
from synthgate.steps.resting import Resting
from synthgate.steps.violations import Violations

USERS_AT_ONCE: Final = 1_000
"""Users whose cases one tick changes: between two ticks everybody else has a turn."""
OVERTURNED: Final = "overturned"
Owner = tuple[Rollback | int, str]
"""Which rollback, or when a guard was let go, ms; the user's case, or the case itself if it is nobody's."""


class Act(NamedTuple):
    """A rollback, or a guard let go, at a time (Unix ms)."""

    id: str
    at: int
    rollback: Rollback | None = None


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
        self._done: set[str] = set()
        self._in_time: set[int] = set()
        self._said: dict[int, tuple[tuple[str, ...], set[str]]] = {}

    def forget(self) -> None:
        """Partitions moved: what the last owner said may not have been published."""
        self._done.clear()
        self._in_time.clear()
        self._said.clear()

    def tick(self, work: Work) -> None:
        """What was taken back and is not carried out on a partition yet.

        That it is, is said last: who takes the partition over before that says all of it again.
        """
        if work.partition not in self._in_time:
            self._in_time.add(work.partition)
            for row in list(self._docket.cases.resting(work.partition, None)):
                timed = in_time(row, self._book.at(row.opened_at))
                if timed is not None:
                    self._docket.put(timed, work)
        due = [act for act in self._acts() if not self._is_done(act, work)]
        if not due:
            return
        acts = tuple(act.id for act in due)
        of, said = self._said.get(work.partition, (acts, set()))
        if of != acts:
            said = set()
        found = list(self._found(work.partition, due, said).items())
        for owner, cases in found[:USERS_AT_ONCE]:
            if isinstance(owner[0], Rollback):
                self._reverse(owner[0], cases, work)
            else:
                self._resume(cases, owner[0], work)
            said.update(row.case for row in cases)
        self._said[work.partition] = acts, said
        work.outputs.more = len(found) > USERS_AT_ONCE
        if not work.outputs.more:
            del self._said[work.partition]
            work.outputs.last["cases"] = [_done(act, work) for act in due]

    def _acts(self) -> list[Act]:
        rollbacks, gone = self._registries.control.taken_back()
        acts = [Act(one.id, one.at, one) for one in rollbacks]
        acts += [Act(f"guard/{subject}/{at}", at) for subject, at in gone.items()]
        return sorted(acts, key=lambda act: (act.at, act.id))

    def _is_done(self, act: Act, work: Work) -> bool:
        """Read back from the topic: so it was published."""
        name = report(act, work)
        if name not in self._done and self._docket.get(name) is not None:
            self._done.add(name)
        return name in self._done

    def late(self, case: str, rests: Resting, work: Work) -> None:
        """A refusal that was heard after what it rests on was withdrawn."""
        rollback = self._guard.withdrawn(rests)
        held = self._docket.get(case)
        if rollback is not None and held is not None and held.status != OVERTURNED:
            self._reverse(rollback, [held], work)

    def _found(
        self, partition: int, due: Sequence[Act], said: Collection[str]
    ) -> Mapping[Owner, list[CaseRow]]:
        """Cases to change, and those that were changed by what is due, by user; but for those said before."""
        found: defaultdict[Owner, list[CaseRow]] = defaultdict(list)
        rollbacks = [act.rollback for act in due if act.rollback is not None]
        after = min((one.to for one in rollbacks), default=None)
        for row in self._docket.cases.resting(partition, after, said):
            rests = Resting.of(row)
            if rests is None:
                continue
            name = row.links.get("users", [row.case])[0]
            rollback = self._guard.withdrawn(rests)
            if rollback is not None:
                if row.status != OVERTURNED or (
                    rollback in rollbacks and heard(row, f"{rollback.id}/{row.cause}")
                ):
                    found[rollback, name].append(row)
            elif row.status != OVERTURNED:
                begun = next((a.at for a in due if heard(row, f"{row.case}/resumed/{a.at}")), None)
                if begun is not None:
                    found[begun, name].append(row)
                elif row.detail.get("waits") == WAITS and not self._guard.covers(rests):
                    found[due[-1].at, name].append(row)
        return found

    def _reverse(self, rollback: Rollback, cases: list[CaseRow], work: Work) -> None:
        """Take everything back that one user was charged with. What was said before is said again."""
        held = self._docket.get(cases[0].links.get("users", [""])[0])
        taken: dict[str, str] = {}
        if held is not None:
            id_ = f"{rollback.id}/{held.case}"
            causes = {row.cause for row in cases}
            conduct = Conduct.from_row(held.detail)
            mine = [one for one in conduct.violations if one.cause in causes]
            taken = {
                one.cause: one.penalty
                for one in mine
                if one.undone_by in (None, WAITS) or one.undone_by.startswith(id_)
            }
            now = {one.cause: one.penalty for one in mine if one.undone_by in (None, WAITS)}
            if now:
                told = {step.cause for step in self._violations.steps(conduct)} & now.keys()
                detail = {"undoes": list(now.values()), "told": sorted(told)}
                event = _happened(
                    "penalty.reversed", rollback, _next_id(held, id_, now.values()), detail
                )
                self._violations.take_back(held, now.values(), event, work)
                held = self._docket.get(held.case) or held
            elif taken:
                self._violations.standing.settle(held, work, rollback.at)
            for noted in _noted(held, id_) if taken else ():
                if noted.detail["told"]:
                    self._tell(
                        rollback, held, min(noted.detail["told"]), f"{noted.id}/notice", work
                    )
        for row in cases:
            event = _happened("decision.overturned", rollback, f"{rollback.id}/{row.cause}", {})
            for case in self._docket.cases.open_works(row.case):
                self._withdraw(case, work)
            self._violations.overturn(row, taken.get(row.cause), event, work)

    def _tell(self, rollback: Rollback, held: CaseRow, cause: str, notice: str, work: Work) -> None:
        """A user who was told of a measure is told that it is gone."""
        rule = self._book.at(rollback.at).rule("DSP-10-7")
        if rule is None:
            return
        text = notices.said("penalty_lifted", detail=rollback.reason)
        row = WorkRow(
            id=notice, kind="notice.due", case=held.case, cause=cause, rule="DSP-10-7",
            article=rule.citation, force=rule.force.value, recipient=held.user, text=text,
            due_at=rollback.at + self._violations.work_ms(rollback.at), about={"undoes": rollback.id},
        )  # fmt: skip
        self._docket.owe([row], work, held.tenant, held.key, rollback.at)

    def _withdraw(self, case: str, work: Work) -> None:
        """Work nobody has answered yet is not owed any more."""
        held = self._docket.get(case)
        if held is not None:
            changed = {
                "version": held.version + 1, "state": "closed", "status": "withdrawn", "due_at": None,
            }  # fmt: skip
            self._docket.put(held.model_copy(update=changed), work)

    def _resume(self, cases: list[CaseRow], at: int, work: Work) -> None:
        """Count what waited for one user, and let reports be due. at: when the guard was let go, Unix ms."""
        held = self._docket.get(cases[0].links.get("users", [""])[0])
        if held is not None:
            id_ = f"resumed/{at}/{held.case}"
            causes = {row.cause for row in cases}
            mine = [one for one in Conduct.from_row(held.detail).violations if one.cause in causes]
            waited = [one.penalty for one in mine if one.undone_by == WAITS]
            if waited:
                name = _next_id(held, id_, waited)
                event = Happened("penalty.resumed", name, at, detail={"counts": waited})
                self._violations.resume(held, waited, event, work)
                held = self._docket.get(held.case) or held
            said = {one for noted in _noted(held, id_) for one in noted.detail["counts"]}
            counted = said.intersection(one.penalty for one in mine)
            if counted and not waited:
                self._violations.standing.settle(held, work, at)
            if counted:
                conduct = Conduct.from_row(held.detail)
                before = self._steps(conduct.marked(counted, (None,), WAITS))
                self._told(held, before, at, work)
        for row in cases:
            event = Happened("case.resumed", f"{row.case}/resumed/{at}", at)
            law = self._book.at(at)
            deadlines = resumed_deadlines(row, law, at)

            def due(moved: CaseRow, deadlines: list[Any] = deadlines) -> CaseRow:
                detail = {name: value for name, value in moved.detail.items() if name != "waits"}
                changed = {"detail": detail, "deadlines": deadlines, "due_at": next_due(deadlines)}
                return moved.model_copy(update=changed)

            self._docket.advance(CONTENT, row, event, work, also=due)

    def _told(self, held: CaseRow, before: Mapping[str, Penalty], at: int, work: Work) -> None:
        """Every step that is another one now is told."""
        for cause, step in self._steps(Conduct.from_row(held.detail)).items():
            if before.get(cause) == step:
                continue
            name = "DSP-10-8" if step.why.startswith("inputs") else "DSP-10-7"
            rule = self._book.at(step.at).rule(name)
            if rule is not None:
                basis = {"rule": name, "article": rule.citation, "force": rule.force.value}
                notice = f"{cause}/incidents/notice/{at}"
                self._violations.tell(held, step, f"content/{cause}", notice, basis, work)

    def _steps(self, conduct: Conduct) -> dict[str, Penalty]:
        """The sternest step for each cause."""
        found = self._violations.steps(conduct)
        sternest = {step.cause: penalties.sternest(found, _root(step.cause)) for step in found}
        return {cause: step for cause, step in sternest.items() if step is not None}


def _noted(held: CaseRow, id: str) -> list[Noted]:  # noqa: A002
    """What one act has done to a user so far: more may come of it later, under an id of its own."""
    return [one for one in held.timeline if one.id == id or one.id.startswith(f"{id}/")]


def _next_id(held: CaseRow, id: str, taken: Collection[str]) -> str:  # noqa: A002
    return f"{id}/{min(taken)}" if _noted(held, id) else id


def report(act: Act, work: Work) -> str:
    """Case id of the word that an act is carried out on a partition."""
    return f"{act.id}/{work.partition}"


def _done(act: Act, work: Work) -> OutRecord:
    row = CaseRow(
        case=report(act, work), version=1, kind="event", state="closed", status="done",
        tenant="_", user=None, opened_at=act.at, cause=act.id, receipt=None, rules=[],
    )  # fmt: skip
    return row.case.encode(), row.model_dump_json().encode(), ()


def _happened(type: str, rollback: Rollback, id: str, detail: Mapping[str, Any]) -> Happened:  # noqa: A002
    return Happened(type, id, rollback.at, by=rollback.by, reason=rollback.reason, detail=detail)


def _root(cause: str) -> str:
    return cause.partition("#")[0]
