"""Incidents' step: every decision answered, missing ones read from the log; holds expire; cases move.

Ids of effects derive from the decision and the duty, so a decision heard twice opens nothing twice; what is
owed (the row as it is now) is sent again.
"""

from typing import Any, Final

import orjson
from pydantic import ValidationError

from synthgate.cases import penalties
from synthgate.events import topics
from synthgate.events.case_models import CaseEvent
from synthgate.events.decision import CaseRow, Decision
from synthgate.events.plain_identity import find_plain_identity
from synthgate.events.types import TYPES
from synthgate.events.verdicts import Outcome
from synthgate.events.wire import Malformed
from synthgate.law import LawBook
from synthgate.obligations.incidents import INPUTS, decide, facts_of
from synthgate.registries import Registries
from synthgate.settings import Settings
from synthgate.step import Batch, Fresh, Outputs, SourceRecord, Work
from synthgate.steps import deletions
from synthgate.steps.acts import SAID, Acts
from synthgate.steps.bypasses import DELIVERED, MADE, Bypasses
from synthgate.steps.cases import Cases, progress_id
from synthgate.steps.deletions import Deletions
from synthgate.steps.docket import Docket
from synthgate.steps.due import Due
from synthgate.steps.envelope import open_envelope
from synthgate.steps.findings import Findings, Found
from synthgate.steps.guard import Guard
from synthgate.steps.lookup import Lookup
from synthgate.steps.quarantine import UNKNOWN_TENANT, Quarantine
from synthgate.steps.resting import Weighed
from synthgate.steps.reversal import Reversal
from synthgate.steps.unreported import Unreported
from synthgate.steps.violations import Violations

WATCHED: Final = MADE | {DELIVERED}
"""What the bypass watch looks at."""
AHEAD_MAX: Final = 1_000
"""Entries read ahead of those nobody told us of; the others as they are asked for."""


class IncidentsStep:
    """Hears decisions, case events and consents taken back; writes cases, standings, work and timers."""

    name = "incidents"
    inputs: tuple[str, ...] = ("decisions", "case.events", *topics.HEARD["incidents"])

    def __init__(
        self, settings: Settings, book: LawBook, *, cases: Cases, registries: Registries,
        fresh: Fresh, lookup: Lookup, quarantine: Quarantine,
    ) -> None:  # fmt: skip
        docket = Docket(cases)
        self._settings = settings
        self._book = book
        self._cases = cases
        self._docket = docket
        self._lookup = lookup
        self._fresh = fresh
        self._quarantine = quarantine
        self._violations = Violations(docket, registries, book, lookup)
        self._guard = Guard(settings, registries, cases.surges, lookup, book)
        self._reversal = Reversal(docket, registries, self._guard, self._violations, book)
        self._acts = Acts(docket, self._violations, book, lookup)
        self._findings = Findings(docket, settings.operator_kind)
        self._bypasses = Bypasses(docket, book)
        self._deletions = Deletions(docket)
        self._unreported = Unreported(settings.delivery_minutes)
        self._due = Due(settings, docket, self._violations)

    async def assigned(self, partitions: frozenset[int]) -> None:
        """The copy of ``cases`` follows by itself; whoever held them before may not have reversed all."""
        self._unreported.hold(partitions)
        self._due.hold(partitions)
        self._reversal.forget()

    async def process(
        self,
        batch: Batch,
        now_ms: int,
        poison: frozenset[int] = frozenset(),
    ) -> Outputs:
        """Answer one batch of one input.

        A decision may not go unanswered, poison or not: what kills this duty is for a person to mend.
        """
        if batch.topic == "decisions" and self._lookup.far(batch.partition):
            # Before anything is asked: from there on nothing may come between.
            await self._lookup.ahead(batch.partition, self._looked_up(batch))
        await self._fresh.fresh(("cases", *topics.COPIES["incidents"]))
        work = Work(batch.partition, now_ms)
        self._say_again(work)
        if batch.topic == "case.events":
            for record in batch.records:
                self._case_event(record, work)
        elif batch.topic == deletions.TOPIC:
            for record in batch.records:
                self._revoked(record, work)
        else:
            self._decisions(batch, work)
        return work.outputs

    async def tick(self, partition: int, now_ms: int) -> Outputs:
        """What time alone makes due: holds that expire, deadlines, work nobody answered, penalties that end."""
        work = Work(partition, now_ms)
        await self._fresh.fresh(("cases", *topics.COPIES["incidents"]))
        self._say_again(work)
        work.outputs.holds = self._cases.holds.waiting(partition, now_ms)
        self._reversal.tick(work)
        self._due.tick(work)
        self._unreported.tick(work)
        work.outputs.guards_waiting = self._guard.waiting(partition)
        return work.outputs

    def _say_again(self, work: Work) -> None:
        """Rows as they are now where a worker that was taken for dead has spoken last (ADR 0024)."""
        self._docket.say_again(work)
        self._violations.standing.say_again(work)
        self._guard.say_again(work)

    def _looked_up(self, batch: Batch) -> set[int]:
        """Entries that answering these decisions will read: what each owes, and what nobody told us of."""
        rows = [orjson.loads(record.value or b"") for record in batch.records]
        told = {int(row["receipt"]["index"]) for row in rows}
        first = self._cases.answered(batch.partition) + 1
        missing = range(first, min(max(told, default=0), first + AHEAD_MAX))
        asks = {
            int(row["receipt"]["index"])
            for record, row in zip(batch.records, rows, strict=True)
            if self._asks(record.key, row)
        }
        return asks.union(missing) - (told - asks)

    def _decisions(self, batch: Batch, work: Work) -> None:
        """Answer these and every one missing before them.

        What is said of progress goes out after their effects are acknowledged, never before.
        """
        answered = self._cases.answered(batch.partition)
        for record in batch.records:
            row = orjson.loads(record.value or b"")
            index = int(row["receipt"]["index"])
            if index > answered + 1:
                for key, lost in self._lookup.decisions(batch.partition, answered + 1, index):
                    self._unreported.hear(lost.model_dump(), work)
                    self._one(key, lost, work)
            if index > answered:
                self._unreported.hear(row, work)
            if self._asks(record.key, row):
                self._one(record.key, Decision.model_validate_json(record.value or b""), work)
            else:
                work.outputs.judged(self.name, "pass")
            answered = max(answered, index)
        progress = CaseRow(
            case=progress_id(batch.partition), version=answered + 2, kind="event", state="closed",
            tenant="_", user=None, opened_at=0, cause="decisions", receipt=None, rules=[],
            detail={"index": answered},
        )  # fmt: skip
        self._cases.put(batch.partition, progress)
        value = progress.model_dump_json().encode()
        work.outputs.last["cases"] = [(progress.case.encode(), value, ())]

    def _asks(self, key: bytes | None, row: dict[str, Any]) -> bool:
        """Whether a decision can owe anything: a plain release of a user without a past does not.

        Its verdict is a pass for any law, so nothing more is made of it.
        """
        if row["action"] != "release" or row["type"] in SAID or row["revision"] > 1:
            return True
        if row["type"] in MADE:
            return self._bypasses.open_on(row["tenant"], row["generation"])
        if row["type"] not in INPUTS:
            return False
        _, _, sub = (key or b"").decode(errors="replace").partition("#")
        name = f"user/{row['tenant']}/{row['user']}" + (f"#{sub}" if sub else "")
        return self._docket.get(name) is not None

    def _one(self, key: bytes | None, decision: Decision, work: Work) -> None:
        """What one decision owes."""
        law = self._book.at(decision.decided_at)
        facts = facts_of(decision)
        conduct, weighed = None, Weighed()
        if decision.action == "refuse" and facts.risks and facts.counted:
            held = self._docket.get(self._violations.case_of(decision))
            weighed = self._guard.weigh(decision, held, work, attributed=facts.attributed)
            if facts.attributed:
                conduct = self._violations.violated(key, decision, facts, weighed.waits)
                counts = penalties.inputs(conduct, decision.receipt.index)
                facts = facts.with_inputs(*counts)
        verdict = decide(decision, facts, law, decision.decided_at)
        rules = [reason.rule for reason in verdict.reasons]
        work.outputs.judged(self.name, verdict.outcome.value, rules)
        self._due.holds(key, decision, law, work)
        if decision.type in WATCHED:
            self._bypasses.hear(key, decision, work)
        if verdict.outcome is Outcome.REFUSE:
            self._violations.owe(key, decision, facts, verdict.reasons, conduct, weighed, work)
            self._reversal.late(self._violations.case_of(decision), weighed.rests, work)
        elif decision.action == "release" and decision.enforced:
            if decision.revision > 1:
                self._violations.overturned(decision, key, work)
            if decision.type in INPUTS and decision.repeat_of is None:
                self._violations.lawful(decision, key, work)
            if decision.type in SAID and decision.repeat_of is None:
                self._acts.said(key, decision, work)

    def _case_event(self, record: SourceRecord, work: Work) -> None:
        """A finding without a user, or an answer; what is none is sealed away."""
        try:
            attrs, _, parsed = open_envelope(record)
            known = TYPES.get(attrs["type"])
            if known is None or known.topic != "case.events" or known.model is None:
                raise Malformed("unknown_type", "no such event type on case.events")
            event = known.model.model_validate(parsed)
            if find_plain_identity(attrs, parsed, record.key):
                raise Malformed("plain_identity", "a plain number outside the detail")
            assert isinstance(event, CaseEvent)
            found = Found(
                f"{attrs['source']}/{attrs['id']}", known.name, known.rules, record.timestamp,
                record.key, event,
            )  # fmt: skip
            self._findings.hear(found, record, self._book.at(record.timestamp), work)
        except (Malformed, ValidationError) as error:
            code = error.code if isinstance(error, Malformed) else "bad_shape"
            self._seal("case.events", record, code, work)

    def _revoked(self, record: SourceRecord, work: Work) -> None:
        """A consent taken back, or the proof that what was made on it is gone."""
        try:
            self._deletions.hear(record, self._book.at(record.timestamp), work)
        except Malformed as error:
            self._seal(deletions.TOPIC, record, error.code, work)

    def _seal(self, topic: str, record: SourceRecord, code: str, work: Work) -> None:
        origin = f"{self._settings.epoch}/{topic}/{work.partition}/{record.offset}"
        self._quarantine.put(
            work, origin=origin, code=code, tenant=UNKNOWN_TENANT, data=record.value or b""
        )
