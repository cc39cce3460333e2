"""What people say about cases: appeals, complaints, and acts at the desk. All of it came through the log.

A decision does not carry what was said, so it is read from the log by the decision's receipt.
"""

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from synthgate.cases.calendar import after_working_days, day
from synthgate.cases.details import fault, named
from synthgate.cases.kinds import APPEAL, COMPLAINT, FOLLOW, MACHINES
from synthgate.cases.machine import Happened, refused
from synthgate.cases.penalties import HOUR_MS
from synthgate.events.decision import CaseRow, Deadline, Decision, WorkRow
from synthgate.law import LawBook, notices
from synthgate.law.rows import Row
from synthgate.obligations.findings import FindingFacts, decide
from synthgate.step import Work
from synthgate.steps import bad_faith
from synthgate.steps.content_case import user_case
from synthgate.steps.docket import Also, Docket
from synthgate.steps.erasures import REQUESTED, Erasures
from synthgate.steps.lookup import Lookup
from synthgate.steps.violations import Violations

SAID: Final = frozenset({"penalty.appealed", "complaint.received", "case.acted", REQUESTED})
"""Event types that incidents takes up when they are let through."""
_FAST: Final = frozenset({"portrait", "voice", "privacy", "intimate"})
"""Grounds on which the person depicted is answered first (DSP 12; our choice of lane)."""
DECIDED: Final = frozenset({"appeal.upheld", "appeal.rejected"})


class Acts:
    """Appeals, complaints and people's acts."""

    def __init__(
        self, docket: Docket, violations: Violations, book: LawBook, lookup: Lookup
    ) -> None:
        self._docket = docket
        self._violations = violations
        self._book = book
        self._lookup = lookup
        self._erasures = Erasures(docket, book)

    def said(self, key: bytes | None, decision: Decision, work: Work) -> None:
        """One thing said; what was erased since is not heard any more."""
        if decision.type == REQUESTED:
            self._erasures.asked(key, decision, work)
            return
        try:
            passage = self._lookup.fetch(decision.receipt.log, decision.receipt.index).passage
        except KeyError:
            return
        data = passage.event.data
        if decision.type == "penalty.appealed":
            self._appealed(key, decision, data, work)
        elif decision.type == "complaint.received":
            self._complained(key, decision, data, work)
        else:
            self._acted(decision, data, work)

    def _appealed(
        self, key: bytes | None, decision: Decision, data: Mapping[str, Any], work: Work
    ) -> None:
        rule = self._owed(decision, "DSP-12-3")
        if rule is None:
            return
        case = f"appeal/{decision.root}"
        held = self._docket.get(case)
        if held is None:
            held = self._appeal(case, key, decision, data)
            self._remember(held, str(data["penalty"]), work)
        self._docket.put(held, work)
        code = "appeal_inadmissible" if held.status == "inadmissible" else "appeal_received"
        until = day(held.deadlines[0].due_at) if held.deadlines else ""
        text = notices.said(code, until=until, detail=held.detail.get("why", ""))
        self._tell(held, f"{decision.root}/incidents/appeal", text, decision.decided_at, rule, work)

    def _owed(self, decision: Decision, rule: str) -> Row | None:
        """The row under which what was said is taken up, if the duty says that it is."""
        law = self._book.at(decision.decided_at)
        verdict = decide(decision, FindingFacts(decision.type), law, decision.decided_at)
        return law.rule(rule) if any(reason.rule == rule for reason in verdict.reasons) else None

    def _appeal(
        self, case: str, key: bytes | None, decision: Decision, data: Mapping[str, Any]
    ) -> CaseRow:
        penalty = str(data["penalty"])
        user = user_case(decision, key)
        conduct = self._violations.conduct(user)
        violation = conduct.of(penalty)
        why = None
        if violation is None or violation.undone_by is not None:
            why = "no such measure stands against you" if violation is None else "it was reversed"
        elif conduct.appeals.get(penalty, case) != case:
            why = "it was appealed before"
        policy = self._book.at(decision.decided_at).policy.incidents
        due = after_working_days(decision.decided_at, policy.appeal_days)
        deadline = Deadline(id="decide", due_at=due, rule="DSP-12-3", internal=True)
        return CaseRow(
            case=case, version=1, kind="appeal", state="closed" if why else "open",
            status="inadmissible" if why else APPEAL.start, tenant=str(decision.tenant),
            user=decision.user, opened_at=decision.decided_at, due_at=None if why else due,
            cause=decision.decision, receipt=decision.receipt, rules=["DSP-12-3"],
            key=None if key is None else base64.b64encode(key).decode(),
            deadlines=[] if why else [deadline], detail={"why": why} if why else {},
            links={"penalties": [penalty], "users": [user]},
        )  # fmt: skip

    def _remember(self, appeal: CaseRow, penalty: str, work: Work) -> None:
        """A penalty is appealed once."""
        held = self._docket.get(appeal.links["users"][0])
        if held is None or appeal.state == "closed":
            return
        detail = {**held.detail, "appeals": {**held.detail["appeals"], penalty: appeal.case}}
        changed = {"version": held.version + 1, "detail": detail}
        self._docket.put(held.model_copy(update=changed), work)

    def _complained(
        self, key: bytes | None, decision: Decision, data: Mapping[str, Any], work: Work
    ) -> None:
        rule = self._owed(decision, "DSP-12-2")
        if rule is None:
            return
        case = f"complaint/{decision.tenant}/{decision.user}/{data['complaint']}"
        held = self._docket.get(case)
        if held is None:
            held = self._complaint(case, key, decision, data)
        self._docket.put(held, work)
        if held.cause != decision.decision:
            return  # sent twice: one case, acknowledged once
        until = day(held.deadlines[-1].due_at)
        text = notices.said("complaint_received", until=until)
        self._tell(held, f"{decision.root}/incidents/ack", text, decision.decided_at, rule, work)
        if held.detail["fast"]:
            self._work(
                held, f"{decision.root}/incidents/hide", "restriction.due", "hide_until_reviewed",
                decision.decided_at, rule, work,
            )  # fmt: skip

    def _complaint(
        self, case: str, key: bytes | None, decision: Decision, data: Mapping[str, Any]
    ) -> CaseRow:
        at = decision.decided_at
        policy = self._book.at(at).policy.incidents
        about = data["about"]
        fast = about.get("depicted") is True and about.get("ground") in _FAST
        tenant = str(decision.tenant)
        limited = fast and bad_faith.limited(self._docket, tenant, decision.user, policy, at)
        fast = fast and not limited
        due = (
            at + policy.complaint_fast_hours * HOUR_MS
            if fast
            else after_working_days(at, policy.complaint_days)
        )
        return CaseRow(
            case=case, version=1, kind="complaint", state="open", status=COMPLAINT.start,
            tenant=tenant, user=decision.user, opened_at=at, due_at=due,
            cause=decision.decision, receipt=decision.receipt, rules=["DSP-12-2"],
            key=None if key is None else base64.b64encode(key).decode(),
            deadlines=[Deadline(id="decide", due_at=due, rule="DSP-12-2", internal=True)],
            detail={"fast": fast, "about": named(about)} | ({"limited": True} if limited else {}),
        )  # fmt: skip

    def _acted(self, decision: Decision, data: Mapping[str, Any], work: Work) -> None:
        event = Happened(
            str(data["act"]), decision.decision, decision.decided_at, by=str(data["by"]),
            reason=data.get("reason"), detail=data.get("detail") or {},
        )  # fmt: skip
        held = self._docket.get(str(data["case"]))
        machine = None if held is None else MACHINES.get(held.kind)
        if held is None or machine is None or held.tenant != data["tenant"]:
            self._lost(decision, data, work)
            return
        wrong = fault(event.detail)
        if event.type in FOLLOW:
            wrong = f"{event.type} follows from a decision; nobody can say it"
        if wrong is not None:
            self._docket.put(refused(held, replace(event, detail={}), wrong), work)
            return
        if event.type == "penalty.lifted":
            penalty = str(event.detail.get("penalty"))
            self._violations.undo(held, penalty, event, work)
            return
        matched = _matched(event) if event.type == "complaint.matched" else None
        if not self._docket.advance(machine, held, event, work, also=matched):
            return
        now = self._docket.get(held.case) or held
        if event.type in DECIDED:
            self._appeal_decided(now, event, work)
        elif event.type in ("complaint.upheld", "complaint.rejected"):
            self._complaint_decided(now, event, work)

    def _lost(self, decision: Decision, data: Mapping[str, Any], work: Work) -> None:
        """An act on no case of this partition is shown as what it is."""
        row = CaseRow(
            case=f"act/{decision.root}", version=1, kind="event", state="closed", status="refused",
            tenant=str(data["tenant"]), user=None, opened_at=decision.decided_at,
            cause=decision.decision, receipt=decision.receipt, rules=[],
            detail={"refused": "no such case on this partition: take key and partition from the case"},
        )  # fmt: skip
        self._docket.put(row, work)

    def _appeal_decided(self, appeal: CaseRow, event: Happened, work: Work) -> None:
        rule = self._book.at(event.at).rule("DSP-12-3")
        if rule is None:
            return
        upheld = event.type == "appeal.upheld"
        penalty, user = appeal.links["penalties"][0], appeal.links["users"][0]
        held = self._docket.get(user)
        if upheld and held is not None:
            undo = Happened(
                "penalty.reversed", event.id, event.at, by=event.by, reason=event.reason,
                detail={"undoes": [penalty], "case": appeal.case},
            )  # fmt: skip
            self._violations.undo(held, penalty, undo, work)
        text = notices.said(
            "appeal_upheld" if upheld else "appeal_rejected", detail=event.reason or ""
        )
        self._tell(appeal, f"{appeal.case}/incidents/decided", text, event.at, rule, work)

    def _complaint_decided(self, complaint: CaseRow, event: Happened, work: Work) -> None:
        rule = self._book.at(event.at).rule("DSP-12-2")
        if rule is None:
            return
        upheld = event.type == "complaint.upheld"
        bad_faith.judged(self._docket, complaint, event, work)
        text = notices.said(
            "complaint_upheld" if upheld else "complaint_rejected", detail=event.reason or ""
        )
        answer = f"{complaint.case}/incidents/decided/{event.id}"
        self._tell(complaint, answer, text, event.at, rule, work)
        if upheld:
            for kind in ("takedown.due", "recall.due"):
                self._work(
                    complaint, f"{complaint.case}/incidents/{kind}", kind, "take_down", event.at,
                    rule, work,
                )  # fmt: skip
        elif complaint.detail["fast"]:
            self._work(
                complaint, f"{complaint.case}/incidents/restore/{event.id}", "restriction.due",
                "restore", event.at, rule, work,
            )  # fmt: skip

    def _tell(
        self,
        case: CaseRow,
        work_id: str,
        text: dict[str, str],
        at: int,
        rule: Row,
        work: Work,
    ) -> None:
        notice = WorkRow(
            id=work_id, kind="notice.due", case=case.case, cause=case.cause, rule=case.rules[0],
            article=rule.citation, force=rule.force.value, recipient=case.user, text=text,
            due_at=at + self._work_ms(at), about={"status": case.status},
        )  # fmt: skip
        self._docket.owe([notice], work, case.tenant, case.key, at)

    def _work(
        self,
        case: CaseRow,
        work_id: str,
        kind: Any,
        code: str,
        at: int,
        rule: Row,
        work: Work,
    ) -> None:
        row = WorkRow(
            id=work_id, kind=kind, case=case.case, cause=case.cause, rule=case.rules[0],
            article=rule.citation, force=rule.force.value, recipient=None, text=notices.said(code),
            due_at=at + self._work_ms(at), about=case.detail.get("about", {}),
        )  # fmt: skip
        self._docket.owe([row], work, case.tenant, case.key, at)

    def _work_ms(self, at: int) -> int:
        return self._book.at(at).policy.incidents.work_hours * HOUR_MS


def _matched(event: Happened) -> Also:
    """The case knows what it is about from now on."""

    def known(row: CaseRow) -> CaseRow:
        about = {**row.detail["about"], **named(event.detail)}
        return row.model_copy(update={"detail": {**row.detail, "about": about}})

    return known
