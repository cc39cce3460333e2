"""What a decision owes because of illegal content: a case, a penalty with its notice, work, and their undoing.

One act is one cause, however often it is decided again: a case and a penalty are for the root of its
decisions. What a user did is remembered in a case of its own (``user/…``), from which standing follows.
"""

import base64
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from synthgate.cases import penalties
from synthgate.cases.calendar import day
from synthgate.cases.kinds import CONTENT, USER
from synthgate.cases.machine import Happened, next_due
from synthgate.cases.penalties import HOUR_MS, Conduct, Penalty, Violation
from synthgate.events.decision import CaseRow, Deadline, Decision, Noted, WorkRow
from synthgate.events.verdicts import Reason
from synthgate.law import LawBook, notices
from synthgate.obligations.incidents import IncidentFacts
from synthgate.registries import UNREADABLE, Registries
from synthgate.step import Work
from synthgate.steps.docket import Docket
from synthgate.steps.lookup import Lookup
from synthgate.steps.quarantine import UNKNOWN_TENANT
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

    def violated(self, key: bytes | None, decision: Decision, facts: IncidentFacts) -> Conduct:
        """The user's conduct with this act counted, if it was not before. Nothing is kept yet."""
        law = self._book.at(decision.decided_at)
        name = user_case(decision, key)
        conduct = self.conduct(name)
        root = decision.root
        for one in conduct.violations:
            if one.undone_by is None and one.cause.partition("#")[0] == root:
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
            counted = replace(counted, undone_by="paused")
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
        conduct: Conduct | None, work: Work,
    ) -> None:  # fmt: skip
        """Everything one refusal for illegal content owes; said again, the same."""
        case = f"content/{decision.decision}"
        for revision in range(1, decision.revision):
            earlier = self._docket.get(f"content/{decision.root}#{revision}")
            if earlier is not None and earlier.status != "overturned":
                case = earlier.case
        held = self._docket.get(case)
        row = held or self._content(case, key, decision, facts, reasons)
        self._docket.put(row, work)
        rules = {reason.rule: reason for reason in reasons}
        if "GAI-14-1" in rules:
            work_row = WorkRow(
                id=f"{decision.root}/incidents/remove", kind="takedown.due", case=case,
                cause=decision.decision, recipient=None, text=notices.said("remove_output"),
                due_at=decision.decided_at + self._work_ms(decision), **_basis(rules["GAI-14-1"]),
                about={"generation": decision.generation, "root": decision.root, "retrain": True},
            )  # fmt: skip
            self._docket.owe([work_row], work, row.tenant, row.key, decision.decided_at)
        if conduct is not None and key is not None and not rules.keys().isdisjoint(_PENAL):
            reason = next(rules[rule] for rule in _PENAL if rule in rules)
            self._penalise(key, decision, conduct, case, reason, work)

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
        found = penalties.penalties(conduct, self._ladder_at)
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
        text = notices.said(f"penalty_{mine.step}", until=day(mine.until))
        notice = WorkRow(
            id=f"{mine.cause}/incidents/notice", kind="notice.due", case=case, cause=mine.cause,
            recipient=decision.user, text=text, due_at=mine.at + self._work_ms(decision),
            penalty=mine.id, about={"step": mine.step, "why": mine.why, "until": mine.until},
            **_basis(reason),
        )  # fmt: skip
        self._docket.owe([notice], work, tenant, held.key, mine.at)

    def undo(self, held: CaseRow, penalty: str, event: Happened, work: Work) -> CaseRow | None:
        """Take one cause back: the user stands as if it had never counted. None if there is no such cause."""
        conduct = Conduct.from_row(held.detail)
        violation = conduct.of(penalty)
        if violation is None:
            return None
        if self._docket.advance(USER, held, event, work):
            now = self._docket.get(held.case) or held
            changed = conduct.undone(penalty, event.id)
            if Conduct.from_row(now.detail) != changed:
                now = self._docket.put(_changed(now, changed), work)
            self.standing.settle(now, work, event.at)
        content = self._docket.get(f"content/{violation.cause}")
        if content is not None:
            undoes = {"undoes": [violation.cause, penalty]}
            overturned = replace(event, type="decision.overturned", detail=undoes)
            self._docket.advance(CONTENT, content, overturned, work)
        return self._docket.get(held.case)

    def overturned(self, decision: Decision, key: bytes | None, work: Work) -> None:
        """A later revision let through what was refused: what rested on the refusal falls."""
        held = self._docket.get(user_case(decision, key))
        if held is None:
            return
        for one in Conduct.from_row(held.detail).violations:
            if one.cause.partition("#")[0] == decision.root and one.undone_by is None:
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

    def _content(
        self, case: str, key: bytes | None, decision: Decision, facts: IncidentFacts,
        reasons: Sequence[Reason],
    ) -> CaseRow:  # fmt: skip
        law = self._book.at(decision.decided_at)
        policy = law.policy.incidents
        deadlines = []
        if law.rule("DSP-10-6") and not set(facts.risks).isdisjoint(policy.report_risks):
            at = decision.decided_at
            deadlines = [
                Deadline(id=name, due_at=at + hours * HOUR_MS, rule="DSP-10-6", internal=True)
                for name, hours in (
                    ("report.draft", policy.draft_hours), ("report.sent", policy.sent_hours),
                )
            ]  # fmt: skip
        return CaseRow(
            case=case, version=1, kind="content", state="open", status=CONTENT.start,
            tenant=decision.tenant or UNKNOWN_TENANT, user=decision.user,
            opened_at=decision.decided_at, due_at=next_due(deadlines), cause=decision.decision,
            receipt=decision.receipt, key=None if key is None else base64.b64encode(key).decode(),
            rules=list(dict.fromkeys(reason.rule for reason in reasons)), deadlines=deadlines,
            detail={"risks": list(facts.risks), "type": decision.type},
            links={
                name: [value]
                for name, value in (
                    ("decisions", decision.decision), ("generations", decision.generation),
                    ("users", user_case(decision, key) if decision.user else None),
                )
                if value
            },
        )  # fmt: skip

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

    def _ladder_at(self, at: int) -> Any:
        return self._book.policy.incidents.ladder_at(at)

    def _work_ms(self, decision: Decision) -> int:
        return self._book.at(decision.decided_at).policy.incidents.work_hours * HOUR_MS


_PENAL: Final = ("DSP-10-8", "DSP-10-7")
"""Rules under which a user is penalised; the more special first."""


def user_case(decision: Decision, key: bytes | None) -> str:
    """Case id of what is held against a user; a sub-key of an account has its own."""
    _, _, sub = (key or b"").decode(errors="replace").partition("#")
    return f"user/{decision.tenant}/{decision.user}" + (f"#{sub}" if sub else "")


def _changed(held: CaseRow, conduct: Conduct) -> CaseRow:
    return held.model_copy(update={"version": held.version + 1, "detail": conduct.row()})


def _basis(reason: Reason) -> dict[str, Any]:
    return {"rule": reason.rule, "article": reason.article, "force": reason.force.value}
