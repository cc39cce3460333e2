"""The platform's own topic in, ``generation.events`` out; and decisions out to a topic of the platform's.

Two stages beside the chain, on the same engine: nothing is acknowledged before what it became is durable.
What does not map is sealed to the operator on ``quarantine`` with the expression that failed, and holds up
nothing. A record read twice gives the same event with the same id, which the chain answers from its log.
"""

import re
from typing import Any

import orjson

from synthgate.events.origin import Origin
from synthgate.events.topics import INTAKE_IN, INTAKE_OUT
from synthgate.events.wire import Malformed, parse
from synthgate.mapping import applied
from synthgate.mapping.applied import Made, UnmappedError
from synthgate.mapping.cases import of_decision
from synthgate.mapping.file import Mapping
from synthgate.step import Batch, Outputs, Plain, SourceRecord, Work
from synthgate.steps.quarantine import UNKNOWN_TENANT, Quarantine

UNMAPPED = "unmapped"
_TRACE = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-[!-~]{1,64})?")
"""W3C Trace Context; later versions may say more behind it."""


class _Mapped(Plain):
    """What both have in common: a record in, one out, or one into quarantine."""

    name: str
    inputs: tuple[str, ...]
    to: str

    def __init__(self, mapping: Mapping, quarantine: Quarantine, epoch: int) -> None:
        self._mapping = mapping
        self._quarantine = quarantine
        self._epoch = epoch

    async def process(
        self, batch: Batch, now_ms: int, poison: frozenset[int] = frozenset()
    ) -> Outputs:
        """Map the batch, in order."""
        work = Work(batch.partition, now_ms)
        for record in batch.records:
            if record.offset in poison:
                self._seal(work, batch, record, "bug", "it killed the process")
                continue
            try:
                made = self.made(record)
            except UnmappedError as error:
                self._seal(work, batch, record, UNMAPPED, str(error))
                continue
            except Malformed as fault:
                self._seal(work, batch, record, fault.code, "the value is no JSON that is admitted")
                continue
            if made is not None:
                work.outputs.keyed.setdefault(self.to, []).append(
                    (made.key, made.value, made.headers)
                )
        return work.outputs

    def made(self, record: SourceRecord) -> Made | None:
        """What a record becomes. Raises UnmappedError, Malformed."""
        raise NotImplementedError

    def _seal(self, work: Work, batch: Batch, record: SourceRecord, code: str, why: str) -> None:
        origin = Origin(self._epoch, batch.topic, batch.partition, record.offset)
        self._quarantine.put(
            work, origin=str(origin), code=code, tenant=UNKNOWN_TENANT, data=record.value or b"",
            why=why, keyed=True,
        )  # fmt: skip


class IntakeStage(_Mapped):
    """The platform's records become events."""

    name = "intake"
    inputs = (INTAKE_IN,)
    to = "generation.events"

    def made(self, record: SourceRecord) -> Made | None:
        """The event, with the trace context the record came with."""
        made = applied.event(self._mapping, seen(record))
        if made is None or any(name == "traceparent" for name, _ in made.headers):
            return made
        # What is none is left behind: it could make the event larger than its topic takes.
        trace = [
            (name, raw) for name, raw in record.headers
            if name == "traceparent" and raw and _TRACE.fullmatch(raw)
        ]  # fmt: skip
        return made._replace(headers=[*made.headers, *trace[:1]])


class RepliesStage(_Mapped):
    """Decisions become the platform's answers."""

    name = "replies"
    inputs = ("decisions",)
    to = INTAKE_OUT

    def made(self, record: SourceRecord) -> Made | None:
        """The answer."""
        tenant, _, user = (record.key or b"").decode(errors="replace").partition("/")
        decision = orjson.loads(record.value or b"null")
        known = None if decision is None else decision.get("tenant")
        return applied.reply(
            self._mapping, of_decision(decision, known, user if tenant == known else None)
        )


def seen(record: SourceRecord) -> dict[str, Any]:
    """What expressions see of a record of the platform's. Raises Malformed."""
    headers = {name: (raw or b"").decode(errors="replace") for name, raw in record.headers}
    key = None if record.key is None else record.key.decode(errors="replace")
    return {
        "value": parse(record.value or b""), "key": key, "headers": headers, "at": record.timestamp,
    }  # fmt: skip
