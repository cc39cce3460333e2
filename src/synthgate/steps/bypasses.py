"""Bypass watch: what was delivered although no decision let it out (DSP 10, CSL 49).

A delivery is reported after the fact, so refusing the report undoes nothing: it opens a case, and the content
is to be taken down. Which way round the chain it went is told by the report's faults and by what is known of
the generation; that something was bypassed is certain even when the way is not.
"""

import base64
from typing import Final

from synthgate.cases.kinds import BYPASS
from synthgate.cases.machine import Happened
from synthgate.cases.penalties import HOUR_MS
from synthgate.events.decision import CaseRow, Decision, WorkRow
from synthgate.law import LawBook, notices
from synthgate.step import Work
from synthgate.steps.docket import Docket
from synthgate.steps.quarantine import UNKNOWN_TENANT
from synthgate.steps.times import drop_oldest

DELIVERED: Final = "content.delivered"
MADE: Final = frozenset({"generation.completed", "generation.segment", "scene.started"})
REMEMBERED_MAX: Final = 100_000
"""Refused generations remembered, about 100 bytes each, to say that a delivery came after a refusal."""
_RULE: Final = "DSP-10-2"
"""No delivery without a review of the output: the rule every bypass breaks."""


class Bypasses:
    """Cases of deliveries nobody let out."""

    def __init__(self, docket: Docket, book: LawBook) -> None:
        self._docket = docket
        self._book = book
        self._refused: dict[int, None] = {}

    def open_on(self, tenant: str, generation: str) -> bool:
        """Whether a bypass of a generation is known here."""
        return self._docket.get(_case(tenant, generation)) is not None

    def hear(self, key: bytes | None, decision: Decision, work: Work) -> None:
        """A refused delivery is a bypass; what is known of its generation tells the way."""
        if decision.generation is None or not decision.enforced:
            return
        tenant = decision.tenant or UNKNOWN_TENANT
        if decision.type == DELIVERED and decision.action == "refuse":
            self._found(key, decision, tenant, work)
        elif decision.type in MADE and decision.action == "refuse":
            self._refused[hash((tenant, decision.generation))] = None
            drop_oldest(self._refused, REMEMBERED_MAX)
        elif decision.type in MADE and decision.action == "release":
            held = self._docket.get(_case(tenant, decision.generation))
            if held is not None and held.opened_at < decision.decided_at:
                event = Happened(
                    "note.added", decision.decision, decision.decided_at,
                    reason="released after it was delivered", detail={"way": "before_the_decision"},
                )  # fmt: skip
                self._docket.advance(BYPASS, held, event, work)

    def _found(self, key: bytes | None, decision: Decision, tenant: str, work: Work) -> None:
        way = self._way(decision, tenant)
        row = self._book.at(decision.decided_at).rule(_RULE)
        if way is None or row is None or decision.generation is None:
            return
        name = _case(tenant, decision.generation)
        held = self._docket.get(name)
        if held is None:
            work.outputs.bypasses[way] += 1
            held = CaseRow(
                case=name, version=1, kind="bypass", state="open", status=BYPASS.start, tenant=tenant,
                user=decision.user, opened_at=decision.decided_at, cause=decision.decision,
                receipt=decision.receipt, rules=[_RULE],
                key=None if key is None else base64.b64encode(key).decode(), detail={"way": way},
                links={"decisions": [decision.decision], "generations": [decision.generation]},
            )  # fmt: skip
            self._docket.put(held, work)
        elif held.cause != decision.decision:
            event = Happened(
                "note.added", decision.decision, decision.decided_at,
                reason="delivered again", detail={"way": way},
            )  # fmt: skip
            self._docket.advance(BYPASS, held, event, work)
        else:
            self._docket.put(held, work)
        due_at = held.opened_at + self._book.policy.incidents.work_hours * HOUR_MS
        takedown = WorkRow(
            id=f"{name}/incidents/takedown.due", kind="takedown.due", case=name, cause=held.cause,
            rule=_RULE, article=row.citation, force=row.force.value, recipient=None,
            text=notices.said("stop_spread"), due_at=due_at,
            about={"generation": decision.generation},
        )  # fmt: skip
        self._docket.owe([takedown], work, tenant, held.key, held.opened_at)

    def _way(self, decision: Decision, tenant: str) -> str | None:
        """Which way round; None: the report was refused for something that is no bypass (shape, clock, key)."""
        faults = {(reason.code, reason.where or "") for reason in decision.reasons}
        codes = {code for code, _ in faults}
        if "recalled" in codes:
            return "after_a_recall"
        if any(code == "pass_invalid" and "/objects/" in where for code, where in faults):
            return "other_hash"
        if not codes & {"no_pass", "pass_invalid"} or ("pass_invalid", "/pass expired") in faults:
            return None  # told late of what may well have been let out
        refused = hash((tenant, decision.generation or "")) in self._refused
        return "after_a_refusal" if refused else "without_a_release"


def _case(tenant: str, generation: str) -> str:
    return f"bypass/{tenant}/{generation}"
