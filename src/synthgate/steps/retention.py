"""Retention's step: re-read what forbids, append one segment for the batch, answer from the log.

What dies where: before the append nothing was said; after it the next owner finds every origin in the log
and sends the same decisions again, byte for byte. Nothing is published that is not appended.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from synthgate.crypto.passes import PassKeys
from synthgate.events.decision import DoorRow
from synthgate.events.event import STUB
from synthgate.events.passage import Passage
from synthgate.events.topics import FORBIDDING
from synthgate.events.verdicts import Judged, Verdict, record
from synthgate.law import Law, LawBook
from synthgate.ledger import Draft, Receipt
from synthgate.ledger.entry import id_hash_of
from synthgate.ledger.errors import LedgerError
from synthgate.obligations.incidents import STRAY
from synthgate.obligations.retention import RetentionFacts, decide
from synthgate.registries import Registries
from synthgate.settings import Settings
from synthgate.step import Fresh, Outputs, Waiting, Work
from synthgate.steps.accounting import Accounting
from synthgate.steps.answers import Content, Promise, decision_row, pack, pass_row
from synthgate.steps.batched import Batched, answer, root_of, still_waits, withdrawn
from synthgate.steps.begun import NOTE, Notes, asked_for, begun_by, stream_faults, streamed
from synthgate.steps.entry import (
    action_of,
    header_row,
    keep_until,
    mac_of,
    scope_of,
    user_of,
)
from synthgate.steps.in_force import wait_for_law
from synthgate.steps.judge import PRODUCER, refused
from synthgate.steps.logs import Logs
from synthgate.steps.never_read import never_read
from synthgate.steps.observing import observed
from synthgate.steps.quarantine import Quarantine
from synthgate.steps.stale import missing_objects, stale_now

log = logging.getLogger(__name__)
_ASKED = (*FORBIDDING, "control")


class RetentionStep:
    """Appends and answers. One log per partition, opened when the partition is assigned."""

    name = "retention"

    def __init__(
        self,
        settings: Settings,
        book: LawBook,
        *,
        logs: Logs,
        registries: Registries,
        fresh: Fresh,
        objects: Notes,
        pass_keys: PassKeys,
        token_key: bytes,
        quarantine: Quarantine,
        accounting: Accounting,
    ) -> None:
        self._accounting = accounting
        self._book = book
        self._logs = logs
        self._registries = registries
        self._fresh = fresh
        self._objects = objects
        self._keys = pass_keys
        self._token_key = token_key
        self._quarantine = quarantine
        self._repeat_ms = settings.repeat_window_s * 1000
        self._promise = Promise(
            settings.enforced, settings.serve_minutes * 60_000, settings.cite_hours * 3_600_000
        )

    async def run(self, passages: Sequence[Passage], work: Work) -> None:
        """Log every passage exactly once and owe its decision to ``work.outputs``.

        Raises:
            Waiting: log or object store full or away, or registries behind.
            Fenced: another owner has appended; the process must end and start again from the head.
        """
        await self._fresh.fresh(_ASKED)
        wait_for_law(self._registries, self._book)
        async with self._logs.lock(work.partition):
            batch = Batched(await self._logs.opened(work.partition), work)
            await batch.ahead(passages, self._repeat_ms)
            if self._objects.far:
                # Within the lock: the other lane's batch may note that a stream ended.
                names = asked_for(passages, work.partition)
                await asyncio.to_thread(self._objects.ahead, ask=names)
            read = self._fresh.positions(_ASKED)  # what came meanwhile counts, and is recorded
            for passage in passages:
                self._take_whole(passage, batch, read)
            receipts: Sequence[Receipt] = ()
            if batch.drafts:
                receipts = await batch.append()
            if batch.begun:
                await asyncio.to_thread(self._objects.put_all, dict.fromkeys(batch.begun, NOTE))
            answer(batch, receipts, self._keys)

    async def assigned(self, partitions: frozenset[int]) -> None:
        """Open these logs from their heads; let the others go."""
        await self._logs.assigned(partitions)

    async def tick(self, partition: int, now_ms: int) -> Outputs:
        """Log ranges lost by accord; publish the age of the oldest unaccounted origin."""
        work = Work(partition, now_ms)
        for row in self._accounting.lost(partition):
            await self._never_read(row, work)
        oldest = self._accounting.oldest(partition, self._logs.get(partition))
        work.outputs.log_entries = self._logs.get(partition).head
        work.outputs.unproved_ms = self._logs.unproved_ms(partition, now_ms)
        work.outputs.unaccounted_ms = 0 if oldest is None else now_ms - oldest.since_ms
        for key, value in self._logs.untold(partition, now_ms):
            work.outputs.add("checkpoints", key, value)
        return work.outputs

    async def _never_read(self, row: DoorRow, work: Work) -> None:
        """Log what was lost by accord, once, so that every offset is accounted for."""
        await self._fresh.fresh(("control",))
        async with self._logs.lock(work.partition):
            batch = Batched(await self._logs.opened(work.partition), work)
            losses = self._registries.control.losses(row.topic, row.partition)
            batch.drafts.extend(never_read(row, losses, batch.log))
            if batch.drafts:
                await batch.append()

    def _take_whole(
        self, passage: Passage, batch: Batched, read: Mapping[str, Sequence[int]]
    ) -> None:
        """One passage; one that cannot be logged as it is becomes a stub, the others go on."""
        before, drafts = passage.verdicts_raw, len(batch.drafts)
        try:
            self._take(passage, batch, read)
        except (Waiting, LedgerError):
            raise
        except Exception as error:
            if len(batch.drafts) > drafts:
                raise
            log.error("retention: %s on %s", type(error).__name__, passage)
            passage.forget_verdicts(but=before)
            data = passage.event_bytes
            self._quarantine.stub(batch.work, passage, "bug", "retention could not decide", data)
            self._take(passage, batch, read, bug=True)

    def _take(
        self,
        passage: Passage,
        batch: Batched,
        read: Mapping[str, Sequence[int]],
        *,
        bug: bool = False,
    ) -> None:
        known = batch.log.logged(passage.origin)
        if known is None:
            known = batch.origins.get(passage.origin)
        if known is not None:
            if self._same(passage, known, batch):
                batch.owed.append(known)
                if passage.event.type == "generation.segment":
                    action = batch.held(known)["action"]
                    batch.begun.update(begun_by(passage, action, batch.log.log_id))
                return
            if not self._conflict(passage, batch):
                return
        law = self._book.at(passage.as_of)
        facts = self._facts(passage, law, batch)
        verdict = (
            refused("retention", law, "HOUSE-bug", "bug")
            if bug
            else decide(passage.event, facts, law, passage.as_of)
        )
        judged = Judged(self._book.hash, passage.as_of, batch.work.now_ms, PRODUCER, None, read)
        self._draft(passage, facts, verdict, judged, batch)

    def _same(self, passage: Passage, index: int, batch: Batched) -> bool:
        """Whether the entry under this origin holds the same event."""
        draft = batch.draft(index)
        held = draft.event_mac if draft else batch.log.header(index)["event_mac"]
        return bool(held == mac_of(self._token_key, passage.event_hash))

    def _conflict(self, passage: Passage, batch: Batched) -> bool:
        """An origin seen with other bytes: the source lost records or was recreated under one epoch.

        It is logged beside the first, under a marked origin, refused, its bytes sealed. False if it was
        logged that way before.
        """
        origin = passage.origin
        marked = origin._replace(topic=f"{origin.topic}~{passage.event_hash[:8]}")
        index = batch.log.logged(marked)
        if index is None:
            index = batch.origins.get(marked)
        if index is not None:
            batch.owed.append(index)
            return False
        detail = "this origin was logged with another event"
        self._quarantine.stub(batch.work, passage, "origin_conflict", detail, passage.event_bytes)
        passage.origin, passage.reentry = marked, None
        return True

    def _facts(self, passage: Passage, law: Law, batch: Batched) -> RetentionFacts:
        event = passage.event
        rows = passage.said
        upstream = {row["obligation"]: row["outcome"] for row in rows}
        labelled = upstream.get("labelling") == "pass"
        stub = event.stub
        holds = [row["hold"] for row in rows if row.get("hold")]
        facts = RetentionFacts(
            upstream=upstream,
            hold=None if not holds else "review" if "review" in holds else "retry",
            cause=passage.reentry.cause if passage.reentry else None,
            stale=() if stub else self._stale(passage, law, batch),
            missing_objects=missing_objects(passage, self._objects) if labelled else (),
            origin_conflict=stub is not None and stub.code == "origin_conflict",
        )
        if passage.reentry is not None:
            answers = passage.reentry.answers
            by = batch.log.answered(answers)
            by = batch.answered.get(answers) if by is None else by
            return replace(facts, superseded_by=by)
        if stub is not None:
            return facts
        id_hash = id_hash_of(event.tenant, event.source, event.id)
        first = batch.log.first_with_id(id_hash, batch.work.now_ms - self._repeat_ms)
        first = batch.ids.get(id_hash) if first is None else first
        if first is None:
            return facts
        # One id, one act: the same bytes under another type are another act.
        same = self._same(passage, first, batch) and batch.held(first)["type"] == event.type
        return replace(facts, repeat_of=first, repeat_differs=not same)

    def _stale(self, passage: Passage, law: Law, batch: Batched) -> tuple[tuple[str, str], ...]:
        found = stale_now(passage, self._registries, law, batch.work.now_ms)
        # Only an event that carries a pass can cite one.
        identity = None if passage.event.pass_text is None else passage.verdict("identity")
        cites = identity["facts"].get("cites") if identity else None
        # A pass of another log cannot be looked up here; facts.recalls speaks for those.
        if cites and cites[0] == batch.log.log_id and withdrawn(batch, cites[1]):
            found += (("recalled", "pass"),)
        return (*found, *stream_faults(passage, batch, self._objects))

    def _draft(
        self,
        passage: Passage,
        facts: RetentionFacts,
        verdict: Verdict,
        judged: Judged,
        batch: Batched,
    ) -> None:
        event = passage.event
        user = user_of(self._token_key, passage)
        silent = (
            facts.superseded_by is not None
            or (facts.repeat_of is not None and not facts.repeat_differs)
            or still_waits(passage, verdict, batch)
        )
        action = action_of(facts, verdict)
        before = batch.log.latest(passage.root)
        supersedes = batch.latest.get(passage.root, before[0] if before else None)
        body = None if silent else decision_row(
            passage, verdict, action=action, supersedes=supersedes, promise=self._promise,
            user=user, now_ms=batch.work.now_ms,
        )  # fmt: skip
        subjects = [subject.token for subject in event.subjects] if event.type != STUB else []
        beside = streamed(event, self._token_key)
        signed = None if body is None else pass_row(body, subjects, self._promise, beside)
        passage.add_verdict(record(verdict, judged))
        rules = [reason.rule for reason in verdict.reasons]
        batch.work.outputs.judged("retention", verdict.outcome.value, rules)
        if body is not None:
            body["enforced"] &= not observed(body, self._registries.control)
            batch.decided(action, passage, facts.upstream.get("labelling", "none"))
        header = header_row(passage, body, "silent" if silent else action)
        header["keep_until"] = keep_until(event, self._book.at(passage.as_of), batch.work.now_ms)
        if silent and facts.repeat_of is not None:
            header["repeat_root"] = str(root_of(facts.repeat_of, batch))
        keyed = passage.reentry is None and event.type != STUB and not facts.repeat_differs
        # Who sends under another's key takes nobody's id.
        if body is None or not STRAY.isdisjoint(reason["code"] for reason in body["reasons"]):
            keyed = False
        id_hash = id_hash_of(event.tenant, event.source, event.id) if keyed else None
        batch.drafts.append(
            Draft(
                origin=passage.origin,
                header=header,
                content=pack(Content(body, signed, passage.key, passage.render())),
                user=user or scope_of(self._token_key, passage.key),
                root=passage.root,
                revision=passage.revision if not silent else 0,
                answers=passage.reentry.answers if passage.reentry and not silent else None,
                id_hash=id_hash,
                event_mac=mac_of(self._token_key, passage.event_hash),
            )
        )
        batch.remember(passage, id_hash, body, signed)
        if body is not None:
            batch.begun.update(begun_by(passage, action, batch.log.log_id))
