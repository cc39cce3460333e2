"""What a redrive sends: ``passage.reentered`` with the bytes as they came, answering the stub's decision."""

import base64
import getpass
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from synthgate.cli.errors import CommandError

if TYPE_CHECKING:
    from synthgate.cli.quarantine import Kept
    from synthgate.events.origin import Origin
    from synthgate.settings import Settings

Headers = list[tuple[str, bytes]]
_CARRIED = ("ce_", "traceparent", "content-type")


class Redrive(NamedTuple):
    """One record for operator.events. ``answers``: log and index of the decision it answers."""

    id: str
    key: bytes
    value: bytes
    headers: Headers
    partition: int
    answers: str


@dataclass
class Source:
    """How the record came in. ``whole`` is its value, if the source still has it."""

    key: bytes | None
    headers: Headers
    whole: bytes | None


@asynccontextmanager
async def sender(settings: "Settings") -> AsyncIterator[Any]:
    """A writer; GateError if the broker does not answer."""
    from synthgate.client import Writer

    async with Writer.from_settings(settings) as writer:
        yield writer


async def send(writer: Any, record: Redrive) -> Any:
    """Where the broker put it."""
    return await writer.write_and_wait(
        "operator.events", record.key, record.value, headers=record.headers,
        partition=record.partition,
    )  # fmt: skip


async def make(settings: "Settings", one: "Kept", why: str, by: str | None) -> Redrive:
    """The record that hands one back.

    Raises:
        CommandError: it cannot be handed back, and why.
        KeyFolderError: operator.key is not here.
    """
    from synthgate.cli.found import find
    from synthgate.cli.quarantine import opened
    from synthgate.client.build import now_ms, rfc3339
    from synthgate.client.check import bound_headers, validated
    from synthgate.client.errors import EventError
    from synthgate.events.event import STUB
    from synthgate.events.origin import Origin
    from synthgate.events.topics import INTAKE_IN

    data = opened(one, settings)
    if hashlib.sha256(data).hexdigest() != one.sha256:
        raise CommandError("only its beginning was kept: the platform must send it again")
    origin = Origin.parse(one.id)
    if origin.topic == INTAKE_IN:
        raise CommandError(
            f"it never became an event: mend the mapping, then set group {settings.group('intake')} back with"
            " Kafka's own kafka-consumer-groups.sh, or have it sent again; what went on is answered as before"
        )
    if origin.topic != "generation.events":
        raise CommandError(f"it came on {origin.topic}: whoever sent it must send it again")
    latest = (await find(settings, one.id))[-1].row
    if latest["type"] != STUB:
        raise CommandError(
            f"its decision is no stub's any more (revision {latest['revision']}, {latest['action']})"
        )
    source = await _source(settings, origin, latest)
    if source.key is None:
        raise CommandError("nobody knows its record key any more: the platform must send it again")
    headers = _headers(data, source)
    receipt = latest["receipt"]
    body = {
        "tenant": latest["tenant"],
        "root": latest["root"],
        "cause": "redrive",
        "receipt": {name: receipt[name] for name in ("log", "index", "hash")},
        "evidence": {"by": by or getpass.getuser(), "why": why, "headers": _text(headers)},
        "bytes_base64": base64.b64encode(data).decode(),
    }
    # The same redrive has the same id, however often it is sent.
    attrs = {
        "specversion": "1.0", "id": f"redrive/{one.id}/{receipt['index']}",
        "source": "synthgate-cli", "type": "passage.reentered", "time": rfc3339(now_ms()),
    }  # fmt: skip
    try:
        value = validated(attrs, body, topic="operator.events")
    except EventError as error:
        raise CommandError(f"{error}; the platform must send it again") from None
    answers = f"{receipt['log']}/{receipt['index']}"
    return Redrive(attrs["id"], source.key, value, bound_headers(attrs), origin.partition, answers)


async def _source(settings: "Settings", origin: "Origin", decision: Any) -> Source:
    """The record as the source still has it, else what the ledger knows of it."""
    from synthgate.cli.positions import place_of, reader

    place = await place_of(settings, origin.topic, origin.partition)
    async with reader(settings) as consumer:
        begin = (await consumer.beginning_offsets([place]))[place]
        end = (await consumer.end_offsets([place]))[place]
        if begin <= origin.offset < end:
            consumer.assign([place])
            consumer.seek(place, origin.offset)
            record = await consumer.getone()
            if record.offset == origin.offset and settings.epoch == origin.epoch:
                headers = [(name, raw) for name, raw in record.headers if raw is not None]
                return Source(record.key, headers, record.value or b"")
    return _from_ledger(settings, decision["receipt"])


def _from_ledger(settings: "Settings", receipt: Any) -> Source:
    from synthgate.ledger import LogReader
    from synthgate.ledger.rings import open_ring
    from synthgate.ledger.stores import open_store
    from synthgate.steps.lookup import Lookup

    store = open_store(settings)
    ring = open_ring(settings)
    lookup = Lookup(lambda log: LogReader(store, ring, log))
    try:
        passage = lookup.fetch(receipt["log"], receipt["index"]).passage
    except KeyError:
        raise CommandError("the source has let it go and the ledger does not hold it") from None
    attrs = {**passage.attrs, "type": passage.event.data.get("of", "")}
    return Source(passage.key, _bound(attrs), None)


def _headers(data: bytes, source: Source) -> Headers:
    """Headers that make an event of the bytes again; none if they are a whole envelope themselves."""
    from synthgate.events.wire import Malformed, admit
    from synthgate.steps.envelope import open_envelope
    from synthgate.steps.known import Again

    try:
        outer = admit(data)
        if "specversion" in outer and isinstance(outer.get("data"), dict):
            return []
    except Malformed:
        pass  # the door will say so again; it may have been taught better meanwhile
    if source.whole is None or source.whole == data:
        return [pair for pair in source.headers if pair[0].lower().startswith(_CARRIED)]
    try:  # a duty sealed the data of a structured event: its attributes stand around it
        attrs, inner, _ = open_envelope(Again(0, 0, source.key, source.whole, source.headers))
    except Malformed:
        attrs, inner = {}, b""
    if inner != data:
        raise CommandError("the source holds other bytes at this origin: is `epoch` right?")
    return _bound(attrs)


def _bound(attrs: Any) -> Headers:
    return [(f"ce_{name}", str(value).encode()) for name, value in attrs.items()]


def _text(headers: Sequence[tuple[str, bytes]]) -> list[list[str]]:
    try:
        return [[name, raw.decode()] for name, raw in headers]
    except UnicodeDecodeError:
        raise CommandError("a header of it is no text: the platform must send it again") from None
