"""What must hold before a stage reads: its topics exist as the table says, and nothing is missing.

A committed offset outside its input's log means records were deleted unread, or the topic was made anew.
The worker refuses (exit 78) until a person accepts the loss or rewinds.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from synthgate import connection
from synthgate.events.topics import BESIDE, BY_NAME, OUTSIDE, RECORDS, Kind
from synthgate.runtime.acks import TP
from synthgate.runtime.exits import CONFIGURATION, Refused
from synthgate.runtime.offsets import reach
from synthgate.settings import Settings

log = logging.getLogger(__name__)

Accepted = Callable[[str, int, int, int], Awaitable[bool]]
"""(logical topic, partition, committed offset, log start): whether a person accepted that loss."""


async def nothing_accepted(topic: str, partition: int, committed: int, start: int) -> bool:
    """Nobody accepted any loss."""
    return False


async def check_topics(names: Iterable[str], settings: Settings) -> None:
    """Every topic (logical names) exists with the right number of partitions and the right settings.

    Raises:
        Refused: it does not (exit 78), or the broker cannot be reached (exit 75); says what to do.
    """
    admin = AIOKafkaAdminClient(**connection.arguments(settings))
    await reach(admin, settings)
    try:
        # All of them are asked for: naming one would make it, on a broker that makes topics by itself.
        there = {row["topic"]: len(row["partitions"]) for row in await admin.describe_topics()}
        wanted = sorted(set(names))
        for name in wanted:
            _check_count(name, there.get(settings.topic(name), 0), settings)
        await _check_configs(wanted, settings, admin)
    finally:
        await admin.close()


def _check_count(name: str, count: int, settings: Settings) -> None:
    topic = settings.topic(name)
    if name in OUTSIDE:
        if count == 0:
            raise Refused(
                CONFIGURATION,
                f"the platform's topic {topic or '(none named)'} does not exist, or this user may not see"
                " it: set intake_in, intake_out; `synthgate topics acls`",
            )
        return
    if count == 0:
        hidden = " (or this user may not see it: `synthgate topics acls`)" * bool(
            settings.sasl_mechanism or settings.tls_cert_file
        )
        raise Refused(
            CONFIGURATION, f"topic {topic} does not exist{hidden}; run `synthgate topics create`"
        )
    if count != settings.partitions:
        raise Refused(
            CONFIGURATION,
            f"topic {topic} has {count} partitions and SYNTHGATE_PARTITIONS is"
            f" {settings.partitions}; every topic has the same number, set once",
        )


async def _check_configs(names: Sequence[str], settings: Settings, admin: Any) -> None:
    """Append time on sources; room for the largest record. The embedded broker tells no settings."""
    rows = [BY_NAME[name] for name in names if name in BY_NAME]
    asked = [ConfigResource(ConfigResourceType.TOPIC, settings.topic(row.name)) for row in rows]
    try:
        answers = await admin.describe_configs(asked) if asked else []
    except (KafkaError, ValueError) as error:
        log.warning(
            "topic settings not checked: the broker does not tell (%s)", type(error).__name__
        )
        return
    told = {}
    for code, _, _, topic, entries in (row for answer in answers for row in answer.resources):
        if code == TopicAuthorizationFailedError.errno:
            raise Refused(
                CONFIGURATION,
                f"this user may not read the settings of topic {topic}: `synthgate topics acls`",
            )
        told[topic] = {entry[0]: entry[1] for entry in entries}
    for row in rows:
        config = told.get(settings.topic(row.name), {})
        if row.kind is Kind.SOURCE:
            _check_config(
                settings.topic(row.name), config, "message.timestamp.type", "LogAppendTime"
            )
        size = int(config.get("max.message.bytes", row.bytes_max))
        if size < row.bytes_max:
            _check_config(settings.topic(row.name), config, "max.message.bytes", str(row.bytes_max))


def _check_config(topic: str, config: Mapping[str, str], name: str, wanted: str) -> None:
    if config.get(name, wanted) != wanted:
        raise Refused(
            CONFIGURATION,
            f"topic {topic} has {name}={config[name]}, not {wanted}; run `synthgate topics check`",
        )


class StartCheck:
    """Where reading starts: at the commit, or at the log's start for a group that never committed."""

    def __init__(self, duty: str, settings: Settings, accepted: Accepted) -> None:
        self._duty = duty
        self._accepted = accepted
        self._logical = settings.topic_prefix
        self._group = settings.group(duty)

    async def __call__(self, tps: frozenset[TP], consumer: Any) -> dict[TP, int]:
        """Starting offsets by partition.

        Raises:
            Refused: a committed offset lies outside its log (exit 78).
        """
        starts = {}
        for tp, (committed, begin, end) in (await consumer.bounds(tps)).items():
            if committed is None:
                starts[tp] = begin
            elif begin <= committed <= end:
                starts[tp] = committed
            else:
                starts[tp] = await self._outside(tp, committed, begin, end)
        return starts

    async def _outside(self, tp: TP, committed: int, begin: int, end: int) -> int:
        name = tp.topic.removeprefix(self._logical)
        if committed < begin and await self._accepted(name, tp.partition, committed, begin):
            log.warning(
                "%s: %s/%s reads on at %s; %s offsets from %s on are accepted as lost",
                self._duty, name, tp.partition, begin, begin - committed, committed,
            )  # fmt: skip
            return begin
        if committed < begin:
            what = f"offsets {committed} to {begin - 1} were deleted before they were read"
            mend = f"`synthgate topics accept-loss {name} {tp.partition} --reason WHY`"
        else:
            what = f"the log ends at {end}: was the topic made anew? Then the epoch must be raised"
            mend = f"`synthgate rewind {name} {tp.partition} --offset {begin}`"
        if self._duty in (*BESIDE, RECORDS):
            mend = f"Kafka's own `kafka-consumer-groups.sh --reset-offsets` for group {self._group}"
        raise Refused(
            CONFIGURATION,
            f"{self._duty} stands at offset {committed} of {name} partition {tp.partition},"
            f" outside its log ({begin} to {end}): {what}. To go on: {mend}",
        )
