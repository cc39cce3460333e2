"""The door: source records in, passages out. Identity's first step.

Every record becomes exactly one passage. What cannot be processed becomes a stub; what can but should not
(late, misplaced, without a pass) carries its findings to identity, which judges them with a rule. The door
stamps the origin and writes ``records.door``: which offsets it took and which are absent.
"""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import orjson
from pydantic import ValidationError

from synthgate.crypto.tokens import user_token
from synthgate.events import canary
from synthgate.events.decision import DoorRow
from synthgate.events.event import STUB, Event
from synthgate.events.models import Reentered
from synthgate.events.origin import Origin
from synthgate.events.passage import FAST, Passage, PassageError, Reentry
from synthgate.events.plain_identity import find_plain_identity
from synthgate.events.types import TYPES, EventType
from synthgate.events.wire import EVIDENCE_BYTES_MAX, Malformed
from synthgate.settings import Settings
from synthgate.step import Batch, SourceRecord, Work
from synthgate.steps.begun import shown_before
from synthgate.steps.citing import Cited, cite
from synthgate.steps.envelope import open_envelope
from synthgate.steps.known import Again, bounded, headers_in, known_of, lasting, printable
from synthgate.steps.lane import lane_of
from synthgate.steps.partition import partition_of
from synthgate.steps.quarantine import UNKNOWN_TENANT, Quarantine, stub_event

Finding = dict[str, str]
Fetch = Callable[[int, int], "Answered"]
"""(log, index) to the entry answered; KeyError if there is none, Waiting if the log is away."""
REVISIONS_MAX: Final = 1000
"""Answers to one act; a desk that comes to this many is a loop."""
ABSENT_MAX: Final = 10_000
"""Absent offsets told in one row of records.door: an aborted transaction may leave very many."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The logged passage a re-entry answers, with its verdicts. ``stub_sha256`` if it was a stub."""

    hash: str
    root: Origin
    revision: int
    passage: Passage
    stub_sha256: str | None


class Door:
    """Opens source batches. Holds no state."""

    def __init__(
        self,
        settings: Settings,
        token_key: bytes,
        check_pass: Any,
        fetch: Fetch,
        quarantine: Quarantine,
        canary_key: bytes | None = None,
        scored: frozenset[str] = frozenset(),
    ) -> None:
        self._settings = settings
        self._token_key = token_key
        self._check_pass = check_pass
        self._fetch = fetch
        self._quarantine = quarantine
        self._canary_key = canary_key
        self._scored = scored

    def open(self, batch: Batch, work: Work, poison: frozenset[int] = frozenset()) -> list[Passage]:
        """One passage per record, in order, and the batch's row on records.door."""
        opened = []
        for record in batch.records:
            origin = Origin(self._settings.epoch, batch.topic, batch.partition, record.offset)
            try:
                if record.offset in poison:
                    raise Malformed("bug", "processing this record killed the process three times")
                opened.append(self._one(origin, record, work))
            except Malformed as fault:
                opened.append(self._stub(origin, record, fault, work))
        self._account(batch, work)
        return opened

    def _one(self, origin: Origin, record: SourceRecord, work: Work) -> Passage:
        if not bounded(record.key):
            raise Malformed("wrong_key", "the key is no UTF-8 or too long")
        attrs, data, parsed = open_envelope(record)
        row = TYPES.get(attrs["type"])
        if row is None or row.model is None or not self._arrives(row, origin.topic):
            raise Malformed("unknown_type", f"no such event type on {origin.topic}")
        try:
            model = row.model.model_validate(parsed)
            event = Event(attrs, parsed)
            _ = event.time_ms
        except ValidationError as error:
            raise Malformed("bad_shape", _places(error)) from None
        except ValueError:
            raise Malformed(
                "bad_envelope", "attribute time is not RFC 3339 with an offset"
            ) from None
        if isinstance(model, Reentered):
            return self._back(origin, record, model, work)
        places = find_plain_identity(attrs, parsed, record.key)
        if places:
            raise Malformed("plain_identity", " ".join(places))
        passage = Passage(
            origin=origin,
            at=record.timestamp,
            event_hash=hashlib.sha256(data).hexdigest(),
            lane=lane_of(event, self._scored),
            attrs=attrs,
            event_bytes=data,
            key=record.key,
        )
        passage.__dict__["event"] = event
        passage.__dict__["said"] = []
        token = user_token(self._token_key, event.tenant, event.user or "")
        findings = [*self._place(event, record, origin), *self._clock(event, record, work)]
        if event.tenant == canary.TENANT and not canary.vouched(self._canary_key, attrs, data):
            findings.append({"code": canary.FORGED, "where": "/tenant"})
        if row.follows:
            shown = shown_before(event, self._token_key)
            cited = Cited(event, row.follows, token, record.timestamp, shown)
            found, passage.cites = cite(cited, self._check_pass)
            findings.extend(found)
        passage.findings, passage.user_token = findings, token
        return passage

    @staticmethod
    def _arrives(row: EventType, topic: str) -> bool:
        # Timers answer with the same record as people do. Nothing else has a duty yet.
        if row.name == "passage.reentered":
            return topic in ("operator.events", "timer.events")
        return row.topic == topic and (topic == "generation.events" or row.name == "case.acted")

    def _place(self, event: Event, record: SourceRecord, origin: Origin) -> list[Finding]:
        """Key and partition: order per user rests on them."""
        if record.key is None:
            return [{"code": "missing_key", "where": "key"}]
        if event.user is None:
            return []  # an act on a case of nobody's: it finds its case where the case lives, or none
        wanted = f"{event.tenant}/{event.user}".encode()
        if record.key != wanted and not record.key.startswith(wanted + b"#"):
            return [{"code": "wrong_key", "where": "key"}]
        if partition_of(record.key, self._settings.partitions) != origin.partition:
            return [{"code": "wrong_partition", "where": "partition"}]
        return []

    def _clock(self, event: Event, record: SourceRecord, work: Work) -> list[Finding]:
        found = []
        if abs(event.time_ms - record.timestamp) > self._settings.skew_max_s * 1000:
            found.append({"code": "clock", "where": "time"})
        if event.answer_by_ms is not None and work.now_ms > event.answer_by_ms:
            found.append({"code": "expired", "where": "/answer_by"})
        return found

    def _back(self, origin: Origin, record: SourceRecord, model: Reentered, work: Work) -> Passage:
        """A re-entry: the event is fetched from the log by receipt, never taken from the caller."""
        if len(orjson.dumps(model.evidence)) > EVIDENCE_BYTES_MAX:
            raise Malformed("too_large", f"evidence beyond {EVIDENCE_BYTES_MAX} bytes")
        receipt = model.receipt
        try:
            answered = self._fetch(receipt.log, receipt.index)
        except KeyError:
            raise Malformed("reentry_unknown", "the log holds no such receipt") from None
        passage = answered.passage
        asked = (receipt.hash, model.root, model.tenant)
        if asked != (answered.hash, str(answered.root), passage.event.tenant):
            raise Malformed("reentry_unknown", "the receipt names another entry")
        if receipt.log != origin.partition:
            raise Malformed("reentry_unknown", "sent to another partition than the original")
        if answered.revision >= REVISIONS_MAX:
            raise Malformed("reentry_malformed", "this act was answered too often")
        reentry = Reentry(
            answered.root, model.cause, receipt.index, answered.revision + 1, model.evidence
        )
        if model.cause == "redrive":
            passage = self._redrive(origin, record, model, answered, reentry, work)
        else:
            # The key stays the act's own: standings are written by it.
            found = passage.verdict("identity") or {"facts": {}}
            passage.findings = lasting(found["facts"].get("findings", ()))
            passage.cites = found["facts"].get("cites")
            passage.origin, passage.at, passage.reentry = origin, record.timestamp, reentry
            passage.forget_verdicts()
            event = passage.event
            if event.stub is None:
                passage.user_token = user_token(self._token_key, event.tenant, event.user or "")
        try:
            passage.render_head()
        except PassageError:
            raise Malformed(
                "reentry_malformed", "evidence reads like a part of a passage"
            ) from None
        return passage

    def _redrive(
        self,
        origin: Origin,
        record: SourceRecord,
        model: Reentered,
        answered: Answered,
        reentry: Reentry,
        work: Work,
    ) -> Passage:
        """Bytes from quarantine; they must hash to the stub's."""
        try:
            data = base64.b64decode(model.bytes_base64 or "", validate=True)
        except ValueError:
            raise Malformed("reentry_malformed", "bytes_base64 is not base64") from None
        if hashlib.sha256(data).hexdigest() != answered.stub_sha256:
            raise Malformed("reentry_malformed", "the bytes do not hash to the stub's")
        again = Again(record.offset, record.timestamp, record.key, data, headers_in(model.evidence))
        inner = Origin(origin.epoch, "generation.events", origin.partition, origin.offset)
        passage = self._one(inner, again, work)
        passage.origin, passage.reentry = origin, reentry
        passage.findings = lasting(passage.findings)
        return passage

    def _stub(self, origin: Origin, record: SourceRecord, fault: Malformed, work: Work) -> Passage:
        value = record.value or b""
        attrs, tenant = known_of(record, origin)
        key = record.key if printable(record.key) else f"_stub/{origin}".encode()
        plain = fault.code == "plain_identity" or bool(find_plain_identity(attrs, {}, key))
        claimed = str(attrs.get("type", ""))
        if plain:
            tenant, key, claimed = UNKNOWN_TENANT, f"_stub/{origin}".encode(), ""
        detail = str(fault).removeprefix(f"{fault.code}: ")
        data = stub_event(fault.code, detail, value, tenant, claimed)
        if plain:
            attrs = {**attrs, "id": str(origin), "source": "synthgate:door"}
        self._quarantine.put(work, origin=str(origin), code=fault.code, tenant=tenant, data=value)
        return Passage(
            origin=origin,
            at=record.timestamp,
            event_hash=hashlib.sha256(value).hexdigest(),
            lane=FAST,
            attrs={**attrs, "type": STUB},
            event_bytes=data,
            key=key,
        )

    def _account(self, batch: Batch, work: Work) -> None:
        taken = {record.offset for record in batch.records}
        span = range(batch.position, batch.next_offset)
        absent = [] if len(taken) == len(span) else [o for o in span if o not in taken]
        start = batch.position
        while len(absent) > ABSENT_MAX:
            told, absent = absent[:ABSENT_MAX], absent[ABSENT_MAX:]
            self._row(batch, (start, told[-1] + 1), told, work)
            start = told[-1] + 1
        self._row(batch, (start, batch.next_offset), absent, work)

    def account_lost(self, batch: Batch, from_offset: int, work: Work) -> None:
        """A range before this batch that nobody can read any more, by an operator's accord."""
        self._row(batch, (from_offset, batch.position), [], work, lost=True)

    def _row(
        self,
        batch: Batch,
        span: tuple[int, int],
        absent: list[int],
        work: Work,
        *,
        lost: bool = False,
    ) -> None:
        counted = work.outputs.offsets
        counted[batch.topic, "absent"] += len(absent)
        counted[batch.topic, "lost" if lost else "taken"] += span[1] - span[0] - len(absent)
        row = DoorRow(
            epoch=self._settings.epoch,
            topic=batch.topic,
            partition=batch.partition,
            from_offset=span[0],
            to_offset=span[1],
            absent=absent,
            lost=lost,
            at=batch.records[0].timestamp if batch.records else work.now_ms,
        )
        key = str(batch.partition).encode()
        work.outputs.add("records.door", key, row.model_dump_json().encode())


def _places(error: ValidationError) -> str:
    """Where the shape is off and what was expected; never what was sent."""
    faults = error.errors(include_input=False, include_context=False, include_url=False)
    return "; ".join(
        f"/{'/'.join(str(part)[:40] for part in fault['loc'])} {fault['type']}"
        for fault in faults[:5]
    )
