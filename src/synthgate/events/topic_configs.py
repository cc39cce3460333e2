"""What the broker is told about each topic. Pure; ``synthgate topics`` creates and checks by it."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from synthgate.events.topics import (
    BESIDE,
    DAY_MS,
    DUTIES,
    ERASED,
    HOUR_MS,
    INTAKE_IN,
    INTAKE_OUT,
    RECORDED,
    RECORDS,
    TOPICS,
    Kind,
    Topic,
)

TOMBSTONE_MS: Final = 7 * DAY_MS
"""delete.retention.ms: a copy older than half of this is rebuilt, so no erasure is missed."""

COMPACT_FROM_MS: Final = HOUR_MS
"""min.compaction.lag.ms: the last hour stays whole, for whoever looks into a fault."""

COMPACT_BY_MS: Final = 7 * DAY_MS
"""max.compaction.lag.ms: an erased row is really gone after this."""


def configs(topic: Topic, insync_min: int) -> dict[str, str]:
    """Settings of one topic by Kafka's names.

    The broker stamps every record (LogAppendTime): retention, time look-ups and the clock check then rest
    on no writer's clock. Writers compress; the broker keeps what they sent.
    """
    rows = {
        "compression.type": "producer",
        "max.message.bytes": str(topic.bytes_max),
        "message.timestamp.type": "LogAppendTime",
        "min.insync.replicas": str(insync_min),
        "retention.bytes": "-1",
        "unclean.leader.election.enable": "false",
    }
    if topic.kept_ms is None:
        rows |= {
            "cleanup.policy": "compact",
            "delete.retention.ms": str(TOMBSTONE_MS),
            "max.compaction.lag.ms": str(COMPACT_BY_MS),
            "min.compaction.lag.ms": str(COMPACT_FROM_MS),
        }
    else:
        rows |= {"cleanup.policy": "delete", "retention.ms": str(topic.kept_ms)}
    return dict(sorted(rows.items()))


AT_THE_DOOR: Final = ("api", "canary", "intake")
"""Processes of ours that send events as a platform does and hear the decisions."""


class Right(NamedTuple):
    """One access: who may do what to which topic or group (logical names)."""

    who: str
    verb: str
    kind: str
    name: str


def rights() -> Iterator[Right]:
    """The least rights of everyone in the table; one may be told twice.

    Group names are those of ``Settings.group``. A worker checks the settings of what it reads and writes.
    ``cli`` sees all positions, mends the door's, and hands back what was quarantined. ``eraser`` runs
    ``synthgate erase``: it alone writes where it is no writer of the table, and only tombstones (ADR 0038);
    the proof it gives for a request is an act of the desk.
    """
    for topic in TOPICS:
        writers = DUTIES if topic.kind is Kind.QUARANTINE else (topic.writer,)
        for who in writers:
            yield Right(who, "Write", "topic", topic.name)
        for who in (*topic.readers, "cli"):
            yield Right(who, "Read", "topic", topic.name)
        for who in (*writers, *topic.readers, "cli"):
            if who in DUTIES or who == "cli":
                yield Right(who, "DescribeConfigs", "topic", topic.name)
        yield Right("cli", "Create", "topic", topic.name)
    for topic_name in ("operator.events", "desk.events"):
        yield Right("cli", "Write", "topic", topic_name)
    for topic_name in ERASED:
        yield Right("eraser", "Write", "topic", topic_name)
    yield Right("eraser", "Write", "topic", "operator.events")
    for topic_name in (*ERASED, "facts.accounts"):
        yield Right("eraser", "Read", "topic", topic_name)
    yield Right("intake", "Write", "topic", "quarantine")
    for name in ("generation.events", "decisions", "quarantine"):
        yield Right("intake", "DescribeConfigs", "topic", name)
    for who in AT_THE_DOOR:
        yield Right(who, "Write", "topic", "generation.events")
        yield Right(who, "Read", "topic", "decisions")
    for duty in DUTIES:
        yield Right(duty, "Read", "group", f"synthgate.{duty}")
        yield Right("cli", "Describe", "group", f"synthgate.{duty}")
    for topic_name in RECORDED:
        yield Right("retention", "Read", "topic", topic_name)
        yield Right("retention", "DescribeConfigs", "topic", topic_name)
    yield Right("retention", "Read", "group", f"synthgate.{RECORDS}")
    yield Right("cli", "Describe", "group", f"synthgate.{RECORDS}")
    yield Right("cli", "Read", "group", "synthgate.identity")
    # Fused, identity's group reads what retention's read: the same user then has the rights of all duties.


def rights_outside() -> Iterator[Right]:
    """What ``worker intake replies`` needs besides on the platform's own topics, and of its groups."""
    yield Right("intake", "Read", "topic", INTAKE_IN)
    yield Right("intake", "Write", "topic", INTAKE_OUT)
    for stage in BESIDE:
        yield Right("intake", "Read", "group", stage)


class Grant(NamedTuple):
    """Rights that one kafka-acls command gives: these verbs on each of these topics or groups."""

    who: str
    kind: str
    verbs: tuple[str, ...]
    names: tuple[str, ...]


def grants(rights_of: Iterable[Right]) -> list[Grant]:
    """The same rights in as few commands as they take."""
    verbs: dict[tuple[str, str, str], set[str]] = {}
    for right in rights_of:
        verbs.setdefault((right.who, right.kind, right.name), set()).add(right.verb)
    alike: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for (who, kind, name), held in verbs.items():
        alike.setdefault((who, kind, tuple(sorted(held))), []).append(name)
    return sorted(
        Grant(who, kind, held, tuple(sorted(names))) for (who, kind, held), names in alike.items()
    )
