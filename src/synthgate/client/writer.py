"""One producer: every record acknowledged by all in-sync replicas, none doubled by its own retries."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from aiokafka.partitioner import murmur2

from synthgate.client.errors import GateError

if TYPE_CHECKING:
    from synthgate.settings import Settings

RECORD_BYTES_MAX: Final = 1_048_576
STOP_S: Final = 5.0
_LOOK_S: Final = 0.2
"""Until a topic that is not there is looked for again."""
_log = logging.getLogger(__name__)

_NOT_ITS_FAULT: Final = (MessageSizeTooLargeError,)
"""Errors of one record: the producer that reports them is sound."""


class Placed(NamedTuple):
    """Where the broker put a record it has acknowledged. ``topic`` is the logical name."""

    topic: str
    partition: int
    offset: int


class Acknowledged(Protocol):
    """The broker's acknowledgement; aiokafka's RecordMetadata fits."""

    partition: int
    offset: int


@lru_cache(maxsize=65_536)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key: murmur2 as in Kafka's own clients, which the door checks against."""
    hashed: int = murmur2(key)
    return (hashed & 0x7FFFFFFF) % partitions


class Writer:
    """Writes records; an async context manager.

    brokers: bootstrap servers, comma separated. partitions: of every topic. checks: logical topics that must
    exist with that many partitions when it opens.
    """

    def __init__(
        self,
        *,
        brokers: str,
        topic_prefix: str = "",
        partitions: int = 12,
        start_timeout_s: float = 30.0,
        checks: Sequence[str] = (),
        security: Mapping[str, object] | None = None,
    ) -> None:
        self.brokers = brokers
        self.topic_prefix = topic_prefix
        self.partitions = partitions
        self.start_timeout_s = start_timeout_s
        self.security = dict(security or {})
        self._checks = tuple(checks)
        self._producer: AIOKafkaProducer | None = None
        self._replacing: asyncio.Task[None] | None = None
        self._missing = ""

    @classmethod
    def from_settings(cls, settings: "Settings", *checks: str) -> Self:
        """A writer to the brokers these settings describe, let in as they say; ``checks`` as above.

        Raises:
            SettingsError: a file of TLS or SASL cannot be used.
        """
        from synthgate.connection import security

        return cls(
            brokers=settings.brokers, topic_prefix=settings.topic_prefix,
            partitions=settings.partitions, checks=checks, security=security(settings),
        )  # fmt: skip

    async def __aenter__(self) -> Self:
        keep_content_out_of_logs()
        try:
            async with asyncio.timeout(self.start_timeout_s):
                self._producer = await self._started()
                for name in self._checks:
                    await self._check(self._producer, self.topic_prefix + name)
        except (KafkaError, TimeoutError) as error:
            await self.close()
            if self._missing:
                raise GateError(
                    f"{self.brokers} has no topic {self._missing}: set topic_prefix to what the chain uses;"
                    " `synthgate topics create` makes a chain's topics"
                ) from error
            await told_why(self.brokers, self.security)
            raise GateError(
                f"no answer from {self.brokers} within {self.start_timeout_s:g} s"
                f" ({type(error).__name__}); check the setting brokers and that the topics exist"
                f" (`synthgate topics check`)"
            ) from error
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Send what is buffered, at most 5 s, and stop."""
        producer, self._producer = self._producer, None
        if self._replacing is not None:
            self._replacing.cancel()
            await asyncio.wait([self._replacing])
        if producer is not None:
            await _stop(producer)

    async def write(
        self,
        topic: str,
        key: bytes,
        value: bytes | None,
        *,
        headers: Sequence[tuple[str, bytes]] = (),
        partition: int | None = None,
    ) -> "asyncio.Future[Acknowledged]":
        """Hand one record over; the future holds the acknowledgement, or its KafkaError.

        topic: logical name. partition: the key's own unless given.

        Raises:
            KafkaError: it could not even be buffered.
            GateError: the writer is closed.
        """
        producer = self._producer
        if producer is None:
            raise GateError("the writer is closed; use it inside its `async with`")
        at = partition_of(key, self.partitions) if partition is None else partition
        try:
            sent: asyncio.Future[Acknowledged] = await producer.send(
                self.topic_prefix + topic, value=value, key=key, partition=at, headers=list(headers)
            )
        except KafkaError as error:
            self._failed(producer, error)
            raise
        sent.add_done_callback(partial(self._settled, producer))
        return sent

    async def write_and_wait(
        self,
        topic: str,
        key: bytes,
        value: bytes | None,
        *,
        headers: Sequence[tuple[str, bytes]] = (),
        partition: int | None = None,
    ) -> Placed:
        """As ``write``, and wait for the acknowledgement.

        Raises:
            GateError: not acknowledged; it may have been written none the less.
        """
        try:
            sent = await self.write(topic, key, value, headers=headers, partition=partition)
            record = await sent
        except KafkaError as error:
            raise GateError(
                f"{self.topic_prefix}{topic}: not acknowledged ({type(error).__name__});"
                f" it may have been written none the less: writing it again is safe"
            ) from error
        return Placed(topic, record.partition, record.offset)

    async def _started(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            bootstrap_servers=self.brokers,
            acks="all",
            enable_idempotence=True,
            max_request_size=RECORD_BYTES_MAX,
            **self.security,
        )
        try:
            await producer.start()
        except BaseException:
            await _stop(producer)
            raise
        return producer

    async def _check(self, producer: AIOKafkaProducer, topic: str) -> None:
        # All are asked for: naming one would make it, on a broker that makes topics by itself.
        while not (
            found := (await producer.client.fetch_all_metadata()).partitions_for_topic(topic)
        ):
            self._missing = topic  # or not there yet
            await asyncio.sleep(_LOOK_S)
        self._missing = ""
        if len(found) != self.partitions:
            raise GateError(
                f"topic {topic} has {len(found)} partitions and the setting partitions says"
                f" {self.partitions}: every event would go astray; set it to what the chain uses"
            )

    def _settled(self, producer: AIOKafkaProducer, sent: "asyncio.Future[Acknowledged]") -> None:
        error = None if sent.cancelled() else sent.exception()
        if isinstance(error, KafkaError):
            self._failed(producer, error)

    def _failed(self, producer: AIOKafkaProducer, error: KafkaError) -> None:
        """After a lost batch an idempotent producer may never recover its sequence: take a new one."""
        busy = self._replacing is not None and not self._replacing.done()
        if isinstance(error, _NOT_ITS_FAULT) or busy or self._producer is not producer:
            return
        _log.warning("a record was not acknowledged (%s): new producer", type(error).__name__)
        self._replacing = asyncio.create_task(self._replace(producer))

    async def _replace(self, failed: AIOKafkaProducer) -> None:
        try:
            async with asyncio.timeout(self.start_timeout_s):
                fresh = await self._started()
        except (KafkaError, TimeoutError) as error:
            _log.warning("no new producer yet (%s)", type(error).__name__)
            return
        if self._producer is not failed:  # closed meanwhile
            await _stop(fresh)
            return
        self._producer = fresh
        await _stop(failed)


async def told_why(brokers: str, security: Mapping[str, object]) -> None:
    """Say what a broker did not accept of us, if it says so itself.

    Raises:
        GateError: certificate, mechanism, password or token.
    """
    from synthgate.connection import NotLetIn, explain

    try:
        await explain(brokers, dict(security))
    except NotLetIn as error:
        raise GateError(str(error)) from error


async def _stop(producer: AIOKafkaProducer) -> None:
    with contextlib.suppress(KafkaError, TimeoutError):
        async with asyncio.timeout(STOP_S):
            await producer.stop()


def keep_content_out_of_logs() -> None:
    """aiokafka's debug log prints whole records; with root at DEBUG that would be content."""
    logger = logging.getLogger("aiokafka")
    if logger.getEffectiveLevel() < logging.INFO:
        logger.setLevel(logging.INFO)
