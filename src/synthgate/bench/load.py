"""The events of a run, the same for every variant: lawful text requests of verified users.

The users' verifications and their acceptance of the terms are written to ``registry.users`` beforehand, as they
would long have been.
"""

import hashlib
import random
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, NamedTuple

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic

from synthgate import connection
from synthgate.bench.words import prompt, sentences
from synthgate.events.facts import ControlRow, Row, TemplateRow, UserFact, UserRow, key_of
from synthgate.events.topic_configs import configs
from synthgate.events.topics import BY_NAME
from synthgate.library.sample import SAMPLE_VERSION, sample_rows
from synthgate.runtime.app import COMPRESSION
from synthgate.runtime.topic_admin import admin
from synthgate.settings import Settings
from synthgate.steps.partition import partition_of

TENANT: Final = "bench"
TEMPLATE: Final = "chat"
UNREGISTERED: Final = "nobody-registered-it"
TERMS: Final = "1"
_TERMS_SHA256: Final = hashlib.sha256(b"bench terms").hexdigest()
USERS: Final = 2_000
EVENT_BYTES: Final = 2_100
BATCH_BYTES: Final = 500_000
_PROMPT_BYTES: Final = EVENT_BYTES - 400
_RECORD_OVERHEAD: Final = 300
_HOUR_MS: Final = 3_600_000
_WHILE_MS: Final = 10_000


class Odd(NamedTuple):
    """One in ``every`` requests is of a template nobody registered, and refused; images take the slow lane."""

    every: int
    medium: str

    def holds(self, number: int) -> bool:
        """Whether the request of that number is one of them."""
        return number % self.every == 0


class Sent(NamedTuple):
    """One record for ``generation.events``."""

    partition: int
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


def events(
    settings: Settings,
    count: int,
    now_ms: int,
    *,
    first: int = 0,
    answer_by_ms: int | None = None,
    odd: Odd | None = None,
) -> Iterator[Sent]:
    """``count`` requests from number ``first`` on; the same numbers give the same prompts, ids and users."""
    numbers = random.Random(20260101 + first)
    known = _sentences()
    at = moment(now_ms)
    for number in range(first, first + count):
        is_odd = odd is not None and odd.holds(number)
        user = f"user-{numbers.randrange(USERS):05d}"
        key = f"{TENANT}/{user}".encode()
        data = {
            "tenant": TENANT,
            "user": {"id": user},
            "net": {
                "src_ip": "203.0.113.7", "src_port": 50123, "dst_ip": "198.51.100.20",
                "dst_port": 443, "client_fingerprint": f"device-{user}",
            },
            "generation": {
                "id": f"generation-{number}", "medium": odd.medium if odd and is_odd else "text",
                "template": UNREGISTERED if is_odd else TEMPLATE,
                "model": "model-1", "purpose": "chat",
            },
            "content": {"prompt": prompt(numbers, known, _PROMPT_BYTES)},
        }  # fmt: skip
        if answer_by_ms is not None:
            data["answer_by"] = moment(answer_by_ms)
        attrs = {
            "specversion": "1.0", "id": event_id(number), "source": "bench-app",
            "type": "generation.requested", "time": at,
        }  # fmt: skip
        headers = [(f"ce_{name}", text.encode()) for name, text in attrs.items()]
        yield Sent(partition_of(key, settings.partitions), key, orjson.dumps(data), headers)


def event_id(number: int) -> str:
    """Id of the event of that number."""
    return f"event-{number}"


@cache
def _sentences() -> list[str]:
    return sentences(random.Random(20260101))


def facts(now_ms: int) -> list[tuple[str, Row]]:
    """What must be known: a reviewed template, the sample library, every user's verification."""
    template = TemplateRow(
        version=1, tenant=TENANT, template=TEMPLATE, media=["text"], ds_class="DS1", a17_item=1,
        reviewed_media=["text"], status="enabled",
    )  # fmt: skip
    library = ControlRow(
        version=1,
        name="library",
        body={"version": SAMPLE_VERSION, "agreed_by": "bench-2"},
        by="bench",
        at=moment(now_ms),
    )
    rows: list[tuple[str, Row]] = [("facts.features", row) for row in sample_rows()]
    since = moment(now_ms - 2 * _HOUR_MS)
    body: dict[str, object] = {
        "url": "https://bench.example/terms", "sha256": _TERMS_SHA256,
        "labels_sha256": _TERMS_SHA256, "published_at": since,
        "notified_at": since, "effective_at": since,
    }  # fmt: skip
    terms = ControlRow(
        version=1, name=f"terms/{TENANT}/{TERMS}", body=body, by="bench", at=moment(now_ms)
    )
    rows += [("facts.templates", template), ("control", library), ("control", terms)]
    rows += [("registry.users", verified(number, now_ms)) for number in range(USERS)]
    return rows


async def make_topics(settings: Settings, names: Sequence[str]) -> None:
    """Make these topics, with the settings the table gives them."""
    async with admin(settings) as client:
        await client.create_topics(
            [
                NewTopic(
                    settings.topic(name), settings.partitions, settings.replicas,
                    topic_configs=configs(BY_NAME[name], settings.insync_min),
                )
                for name in names
            ]
        )  # fmt: skip


async def delete_topics(settings: Settings, names: Sequence[str]) -> None:
    """Leave nothing behind."""
    async with admin(settings) as client:
        await client.delete_topics([settings.topic(name) for name in names])


async def load_facts(settings: Settings) -> None:
    """Write what must be known."""
    await write_facts(settings, facts(time.time_ns() // 1_000_000))


async def write_facts(settings: Settings, rows: Iterable[tuple[str, Row]]) -> None:
    """Write rows to their topics; the broker has them all when it returns."""
    async with producer(settings) as writing:
        for topic, row in rows:
            key = key_of(topic, row).encode()
            await writing.send(
                settings.topic(topic), row.model_dump_json().encode(), key=key,
                partition=partition_of(key, settings.partitions),
            )  # fmt: skip


async def load_events(
    settings: Settings, count: int, *, first: int = 0, expired: bool = False
) -> None:
    """Write ``count`` events from number ``first`` on; the broker has them all when it returns.

    expired: they are of a while ago, and nobody waits for them any more.
    """
    topic = settings.topic("generation.events")
    filling: dict[int, Any] = {}
    room: dict[int, int] = {}
    async with producer(settings) as writing:
        now_ms = time.time_ns() // 1_000_000
        at_ms = now_ms - _WHILE_MS if expired else now_ms
        by_ms = at_ms + _WHILE_MS // 2 if expired else None
        for sent in events(settings, count, at_ms, first=first, answer_by_ms=by_ms):
            at = sent.partition
            if room.get(at, 0) < len(sent.value) + _RECORD_OVERHEAD:
                if at in filling:
                    await writing.send_batch(filling[at], topic, partition=at)
                filling[at], room[at] = writing.create_batch(), BATCH_BYTES
            filling[at].append(key=sent.key, value=sent.value, headers=sent.headers, timestamp=None)
            room[at] -= len(sent.value) + _RECORD_OVERHEAD
        for at, batch in filling.items():
            await writing.send_batch(batch, topic, partition=at)


@asynccontextmanager
async def producer(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    """As a careful platform writes: every record acknowledged by all replicas."""
    writing = AIOKafkaProducer(
        **connection.arguments(settings), acks="all", enable_idempotence=True,
        compression_type=COMPRESSION, max_batch_size=1_000_000, max_request_size=1_048_576,
        retry_backoff_ms=300,
    )  # fmt: skip
    await writing.start()
    try:
        yield writing
    finally:
        await writing.stop()


def verified(number: int, now_ms: int, *, told_of: str | None = None) -> UserRow:
    """An adult of that number, verified an hour ago, who accepted the terms then.

    told_of: template at which they were told to ask whoever they edit for consent.
    """
    at, digest = now_ms - _HOUR_MS, hashlib.sha256(str(number).encode()).hexdigest()
    checked = UserFact(
        source="bench-app", id=f"verified-{number}", at=at, type="identity.verified", hash=digest,
        age_band="adult", value="mobile", checker="bench-checker", evidence_ref=f"vault/{number}",
    )  # fmt: skip
    accepted = UserFact(
        source="bench-app", id=f"accepted-{number}", at=at, type="terms.accepted", hash=digest,
        value=TERMS, sha256=_TERMS_SHA256,
    )  # fmt: skip
    facts = [accepted, checked]
    if told_of is not None:
        facts.insert(1, UserFact(
            source="bench-app", id=f"told-{number}", at=at, type="consent.prompted", hash=digest,
            value=told_of,
        ))  # fmt: skip
    return UserRow(version=1, tenant=TENANT, user=f"user-{number:05d}", facts=facts)


def moment(at_ms: int) -> str:
    """RFC 3339 in UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
