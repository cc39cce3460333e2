"""Requests to be forgotten: a case each, answered at once, open until it is shown that nothing is left.

PIPL 47; GenAI Measures 11. What the log must still keep is only stored until its period ends; the last of it is
the request itself, so the case's clock runs that long and then as long as work may take (both house numbers:
the law says promptly). ``synthgate erase`` gives the proof.
"""

import base64
from typing import Final

from synthgate.cases.calendar import day
from synthgate.cases.kinds import ERASURE
from synthgate.cases.penalties import HOUR_MS
from synthgate.events.decision import CaseRow, Deadline, Decision, WorkRow
from synthgate.events.topics import DAY_MS
from synthgate.events.verdicts import Reason
from synthgate.law import LawBook, notices
from synthgate.obligations.findings import FindingFacts, decide
from synthgate.step import Work
from synthgate.steps.docket import Docket

REQUESTED: Final = "erasure.requested"


class Erasures:
    """Opens the cases."""

    def __init__(self, docket: Docket, book: LawBook) -> None:
        self._docket = docket
        self._book = book

    def asked(self, key: bytes | None, decision: Decision, work: Work) -> None:
        """One request, by the decision that let it through."""
        at = decision.decided_at
        law = self._book.at(at)
        owed = {one.rule: one for one in decide(None, FindingFacts(REQUESTED), law, at).reasons}
        if not owed or decision.user is None:
            return
        promptly = at + law.policy.incidents.work_hours * HOUR_MS
        until = promptly + law.policy.retention.keep_days * DAY_MS
        case = f"erasure/{decision.root}"
        held = self._docket.get(case)
        if held is None:
            clock = Deadline(id="erase", due_at=until, rule=next(iter(owed)), internal=True)
            held = CaseRow(
                case=case, version=1, kind="erasure", state="open", status=ERASURE.start,
                tenant=str(decision.tenant), user=decision.user, opened_at=at, due_at=until,
                cause=decision.decision, receipt=decision.receipt, rules=[*owed],
                key=None if key is None else base64.b64encode(key).decode(), deadlines=[clock],
            )  # fmt: skip
        held = self._docket.put(held, work)
        rows = [
            _work(held, owed[rule], kind, code, promptly, until)
            for rule, kind, code in _OWED
            if rule in owed
        ]
        self._docket.owe(rows, work, held.tenant, held.key, at)


_OWED: Final = (
    ("GAI-11-1", "notice.due", "erasure_received"), ("PIPL-47-1", "restriction.due", "only_store"),
)  # fmt: skip
"""Rule to what the platform owes: kind and text."""


def _work(
    held: CaseRow, reason: Reason, kind: str, code: str, due_at: int, until: int
) -> WorkRow:  # fmt: skip
    return WorkRow.model_validate(
        {
            "id": f"{held.case}/incidents/{kind}", "kind": kind, "case": held.case, "cause": held.cause,
            "rule": reason.rule, "article": reason.article, "force": reason.force.value,
            "recipient": held.user, "text": notices.said(code, until=day(until)), "due_at": due_at,
        }
    )  # fmt: skip
