"""What a decision owes because of illegal content: a case, a penalty with its notice, work, and their undoing.

One act is one cause, however often it is decided again: a case and a penalty are for the root of its
decisions. What a user did is remembered in a case of its own (``user/…``), from which standing follows.
"""

import base64
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from synthgate.cases import penalties
from synthgate.cases.calendar import day
from synthgate.cases.kinds import CONTENT, USER
from synthgate.cases.machine import Happened
from synthgate.cases.penalties import HOUR_MS, Conduct, Penalty, Violation
from synthgate.events.decision import CaseRow, Decision, Noted, WorkRow
from synthgate.events.verdicts import Reason
from synthgate.law import LawBook, notices
from synthgate.obligations.incidents import IncidentFacts
from synthgate.registries import UNREADABLE, Registries
from synthgate.step import Work
from synthgate.steps.content_case import content_case, user_case
from synthgate.steps.docket import Docket
from synthgate.steps.lookup import Lookup
from synthgate.steps.quarantine import UNKNOWN_TENANT
from synthgate.steps.resting import Weighed
from synthgate.steps.standing import Standing

MINORS: Final = ("lt14", "14_17")


class Violations:
    """Content cases and the conduct of users."""

    def __init__(
        self, docket: Docket, registries: Registries, book: LawBook, lookup: Lookup
    ) -> None:
        self._docket = docket
        self._registries = registries
        self._book = book
        self._lookup = lookup
        self.standing = Standing(docket, registries, self._ladder_at)

    def conduct(self, user_case: str) -> Conduct:
        """What is remembered of a user."""
        held = self._docket.get(user_case)
        return Conduct() if held is None else Conduct.from_row(held.detail)

    def violated(
        self, key: bytes | None, decision: Decision, facts: IncidentFacts, waits: str | None
    ) -> Conduct:
        """The user's conduct with this act counted, if it was not before. Nothing is kept yet.

        waits: why it does not count, or not yet (``Guard.weigh``).
        """
        law = self._book.at(decision.decided_at)
        name = user_case(decision, key)
        conduct = self.conduct(name)
        root = decision.root
        for one in conduct.violations:
            if one.undone_by in _STANDS and one.cause.partition("#")[0] == root:
                return conduct
        receipt = decision.receipt
        counted = Violation(
            cause=decision.decision, penalty=f"penalty-{receipt.log}-{receipt.index}",
            index=receipt.index, at=decision.decided_at, ladder=law.rule("DSP-10-7") is not None,
            input=facts.found_in == "input" and law.rule("DSP-10-8") is not None,
            severe=not set(law.policy.incidents.ladder_at(decision.decided_at).severe_risks).isdisjoint(
                facts.risks
            ),
        )  # fmt: skip
        if receipt.index <= conduct.heard:
            return conduct
        if self._registries.control.penalties_paused(decision.tenant or UNKNOWN_TENANT):
            waits = "paused"
        counted = replace(counted, undone_by=waits)
        if self._full(conduct, key):
            return conduct
        return conduct.violated(replace(counted, minor=self._minor(decision)))

    def lawful(self, decision: Decision, key: bytes | None, work: Work) -> None:
        """A user with illegal inputs in a row put in something lawful."""
        held = self._docket.get(user_case(decision, key))
        if held is None or held.detail["clean"]:
            return
        conduct = Conduct.from_row(held.detail).lawful(decision.receipt.index)
        self._docket.put(_changed(held, conduct), work)

    def owe(
        self, key: bytes | None, decision: Decision, facts: IncidentFacts, reasons: Sequence[Reason],
        conduct: Conduct | None, weighed: Weighed, work: Work,
    ) -> None:  # fmt: skip
        """Everything one refusal for illegal content owes; said again, the same."""
        case = self.case_of(decision)
        row = self._docket.get(case)
        if row is None:
            law = self._book.at(decision.decided_at)
            row = content_case(case, key, decision, facts, reasons, law, weighed)
        self._docket.put(row, work)
        rules = {reason.rule: reason for reason in reasons}
        if "GAI-14-1" in rules:
            work_row = WorkRow(
                id=f"{decision.root}/incidents/remove", kind="takedown.due", case=case,
                cause=decision.decision, recipient=None, text=notices.said("remove_output"),
                due_at=decision.decided_at + self.work_ms(decision.decided_at), **_basis(rules["GAI-14-1"]),
                about={"generation": decision.generation, "root": decision.root, "retrain": True},
            )  # fmt: skip
            self._docket.owe([work_row], work, row.tenant, row.key, decision.decided_at)
        if conduct is not None and key is not None and not rules.keys().isdisjoint(_PENAL):
            reason = next(rules[rule] for rule in _PENAL if rule in rules)
            self._penalise(key, decision, conduct, case, reason, work)

    def case_of(self, decision: Decision) -> str:
        """Id of the case of a refusal for illegal content: one act is one, until it is overturned."""
        case = f"content/{decision.decision}"
        for revision in range(1, decision.revision):
            earlier = self._docket.get(f"content/{decision.root}#{revision}")
            if earlier is not None and earlier.status != "overturned":
                case = earlier.case
        return case

    def _penalise(
        self,
        key: bytes,
        decision: Decision,
        conduct: Conduct,
        case: str,
        reason: Reason,
        work: Work,
    ) -> None:
        name = user_case(decision, key)
        held = self._docket.get(name)
        if not any(one.index == decision.receipt.index for one in conduct.violations):
            return  # not counted: one more of an act that is, or of a user who is stopped already
        found = self.steps(conduct)
        mine = penalties.sternest(found, decision.root)
        tenant, _, user = key.decode().partition("/")
        standing = self._registries.standings.get(tenant, user.split("#", 1)[0])
        if standing is UNREADABLE:
            # It forbids until mended; nothing milder may be written over what nobody can read.
            return
        if held is None or Conduct.from_row(held.detail) != conduct:
            held = self._counted(held, name, key, decision, conduct, mine, case)
        self.standing.settle(held, work, decision.decided_at)
        if mine is None:
            return
        self.tell(held, mine, case, f"{mine.cause}/incidents/notice", _basis(reason), work)

    def tell(
        self,
        held: CaseRow,
        step: Penalty,
        case: str,
        notice: str,
        basis: Mapping[str, Any],
        work: Work,
    ) -> None:
        """Tell a user of a step taken; ``notice``: its id."""
        text = notices.said(f"penalty_{step.step}", until=day(step.until))
        row = WorkRow(
            id=notice, kind="notice.due", case=case, cause=step.cause, recipient=held.user, text=text,
            due_at=step.at + self.work_ms(step.at), penalty=step.id,
            about={"step": step.step, "why": step.why, "until": step.until}, **basis,
        )  # fmt: skip
        self._docket.owe([row], work, held.tenant, held.key, step.at)

    def undo(self, held: CaseRow, penalty: str, event: Happened, work: Work) -> CaseRow | None:
        """Take one cause back, and its case. None if there is no such cause."""
        violation = Conduct.from_row(held.detail).of(penalty)
        if violation is None:
            return None
        self.take_back(held, (penalty,), event, work)
        content = self._docket.get(f"content/{violation.cause}")
        if content is not None:
            self.overturn(content, penalty, event, work)
        return self._docket.get(held.case)

    def take_back(self, held: CaseRow, taken: Collection[str], event: Happened, work: Work) -> None:
        """Take causes back: the user stands as if they had never counted."""
        self._change(held, event, work, lambda conduct: conduct.undone(taken, event.id))

    def resume(self, held: CaseRow, waited: Collection[str], event: Happened, work: Work) -> None:
        """Count what waited."""
        self._change(held, event, work, lambda conduct: conduct.resumed(waited))

    def overturn(self, content: CaseRow, penalty: str | None, event: Happened, work: Work) -> None:
        """The case of a refusal that counts against nobody any more."""
        undoes = {"undoes": [one for one in (content.cause, penalty) if one is not None]}
        overturned = replace(event, type="decision.overturned", detail=undoes)
        self._docket.advance(CONTENT, content, overturned, work)

    def _change(
        self, held: CaseRow, event: Happened, work: Work, change: Callable[[Conduct], Conduct]
    ) -> None:
        def changed(row: CaseRow) -> CaseRow:
            return self.standing.moved(row, change(Conduct.from_row(row.detail)), work)

        if self._docket.advance(USER, held, event, work, also=changed):
            self.standing.say(self._docket.get(held.case) or held, work, event.at)

    def overturned(self, decision: Decision, key: bytes | None, work: Work) -> None:
        """A later revision let through what was refused: what rested on the refusal falls."""
        held = self._docket.get(user_case(decision, key))
        if held is None:
            return
        for one in Conduct.from_row(held.detail).violations:
            if one.cause.partition("#")[0] == decision.root and one.undone_by in _STANDS:
                event = Happened(
                    "penalty.reversed", decision.decision, decision.decided_at,
                    reason="a later revision released it", detail={"undoes": [one.penalty, one.cause]},
                )  # fmt: skip
                self.undo(held, one.penalty, event, work)
                return

    def _counted(
        self, held: CaseRow | None, name: str, key: bytes, decision: Decision, conduct: Conduct,
        mine: Penalty | None, case: str,
    ) -> CaseRow:  # fmt: skip
        """The user's case with one violation more on its timeline; timelines of old ones are cut."""
        detail: dict[str, Any] = {"case": case}
        if mine is not None:
            detail |= {"penalty": mine.id, "step": mine.step, "why": mine.why, "until": mine.until}
        noted = Noted(
            id=decision.decision, type="violation.counted", at=decision.decided_at, was="counted",
            status="counted", detail=detail,
        )  # fmt: skip
        if held is None:
            held = CaseRow(
                case=name, version=0, kind="user", state="open", status="counted",
                tenant=decision.tenant or UNKNOWN_TENANT, user=decision.user,
                opened_at=decision.decided_at, cause=decision.decision, receipt=None,
                key=base64.b64encode(key).decode(), rules=[],
            )  # fmt: skip
        timeline = [*held.timeline, noted][-penalties.KEPT_MAX :]
        return _changed(held, conduct).model_copy(update={"timeline": timeline})

    def _full(self, conduct: Conduct, key: bytes | None) -> bool:
        """Whether a user is stopped already and so much is remembered that more changes nothing."""
        if key is None or len(conduct.violations) < penalties.KEPT_MAX // 2:
            return False
        tenant, _, rest = key.decode(errors="replace").partition("/")
        row = self._registries.standings.get(tenant, rest.split("#", 1)[0])
        return row is not None and row is not UNREADABLE and row.standing in ("suspended", "closed")

    def _minor(self, decision: Decision) -> bool:
        """Whether identity took the user for a minor; who is unknown is not one."""
        receipt = decision.receipt
        try:
            passage = self._lookup.fetch(receipt.log, receipt.index).passage
        except KeyError:
            return False
        verdict = passage.verdict("identity") or {"facts": {}}
        return verdict["facts"].get("age_band") in MINORS

    def steps(self, conduct: Conduct) -> tuple[Penalty, ...]:
        """Every step taken for what a user did."""
        return penalties.penalties(conduct, self._ladder_at)

    def _ladder_at(self, at: int) -> Any:
        return self._book.policy.incidents.ladder_at(at)

    def work_ms(self, at: int) -> int:
        """How long the platform has for what it owes, by the policy of a time; both Unix ms."""
        return self._book.at(at).policy.incidents.work_hours * HOUR_MS


_STANDS: Final = (None, penalties.WAITS)
"""Marks of a violation nobody has taken back."""
_PENAL: Final = ("DSP-10-8", "DSP-10-7")
"""Rules under which a user is penalised; the more special first."""


def _changed(held: CaseRow, conduct: Conduct) -> CaseRow:
    return held.model_copy(update={"version": held.version + 1, "detail": conduct.row()})


def _basis(reason: Reason) -> dict[str, Any]:
    return {"rule": reason.rule, "article": reason.article, "force": reason.force.value}
