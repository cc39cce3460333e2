"""What the history checker of ``e2e`` does not ask: answers known beforehand, idle workers, counts.

The run must be at rest, but for ``idle``, which waits a while for the last commits.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from e2e.followed import parse
from e2e.history import Entry, History, Record
from e2e.recorder import Topics
from synthgate.events.topics import DUTIES, RECORDS, TOPICS, Kind
from synthgate.settings import Settings

COMMITTED_SECONDS_MAX = 90.0
ASK_SECONDS = 30.0
DOUBLED = ("entries", "is there", "cases", "counts", "different notices", "versions", "invented")
"""Words of the checker's sentences that mean: an effect twice, or one of nothing."""


def known(
    history: History, sure: Collection[str], barred: Collection[str], *, held: bool = False
) -> Iterator[str]:
    """Acts of which the answer was known have that one and no other (``acts.py``).

    held: a scorer may have made them wait; then a hold may stand before the answer.
    """
    for name, ids, wanted in (("sure", sure, "release"), ("barred", barred, "refuse")):
        found = _answers(history, ids)
        for event_id in sorted(ids):
            rows = found.get(event_id, [])
            if held:
                rows = [row for row in rows if row["hold"] != "retry"]
            if not rows:
                yield f"{name}: {event_id} was not decided"
            for row in rows:
                if row["action"] != wanted:
                    codes = sorted({f"{r['obligation']}:{r['code']}" for r in row["reasons"]})
                    yield f"{name}: {event_id} was answered {row['action']} ({', '.join(codes)})"


def _answers(history: History, ids: Collection[str]) -> dict[str, list[dict[str, Any]]]:
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in history.entry.values():
        decision = entry.content["decision"]
        if decision is not None and decision["event_id"] in ids:
            found[decision["event_id"]].append(decision)
    return found


class Stand(NamedTuple):
    """Where a member stands on a partition it holds."""

    group: str
    member: str
    topic: str
    partition: int


def idle(
    settings: Settings,
    workers: Collection[str],
    seconds: float = COMMITTED_SECONDS_MAX,
    meanwhile: Callable[[], None] = lambda: None,
) -> list[str]:
    """A live member with records to read, or a worker outside a group of its; empty as soon as there is none.

    The broker is asked who is a member and what was committed; records are counted, markers are not.
    """
    until = time.monotonic() + seconds
    while found := [*_lagging(settings), *_outside(settings, workers)]:
        meanwhile()
        if time.monotonic() > until:
            return found
        time.sleep(0.5)
    return []


def _members(settings: Settings) -> Iterator[tuple[str, Any]]:
    admin = AdminClient({"bootstrap.servers": settings.brokers, "log_level": 2})
    groups = [settings.group(stage) for stage in (*DUTIES, RECORDS)]
    for group, asked in admin.describe_consumer_groups(groups, request_timeout=ASK_SECONDS).items():
        for member in asked.result(ASK_SECONDS).members:
            yield group, member


def _lagging(settings: Settings) -> Iterator[str]:
    held: defaultdict[str, list[Stand]] = defaultdict(list)
    for group, member in _members(settings):
        for part in member.assignment.topic_partitions if member.assignment else ():
            who = member.group_instance_id or member.client_id
            held[group].append(Stand(group, who, part.topic, part.partition))
    names = {settings.topic(topic.name): topic.name for topic in TOPICS}
    ends: dict[tuple[str, int], int] = {}
    with Topics(settings) as topics:
        for topic in sorted({stand.topic for stands in held.values() for stand in stands}):
            for number, records in topics.read(names[topic]).items():
                ends[topic, number] = records[-1].offset + 1 if records else 0
    for group, stands in held.items():
        committed = _committed(settings, group, stands)
        for stand in stands:
            end = ends[stand.topic, stand.partition]
            at = max(0, committed[stand.topic, stand.partition])  # negative: nothing committed
            if at < end:
                yield (
                    f"{stand.member} of {group} lives, and has {end - at} offsets to go on"
                    f" {stand.topic}/{stand.partition}"
                )


def _committed(settings: Settings, group: str, stands: list[Stand]) -> dict[tuple[str, int], int]:
    consumer = Consumer(
        {"bootstrap.servers": settings.brokers, "group.id": group, "enable.auto.commit": False}
    )
    try:
        asked = [TopicPartition(stand.topic, stand.partition) for stand in stands]
        told = consumer.committed(asked, ASK_SECONDS)
        return {(part.topic, part.partition): part.offset for part in told}
    finally:
        consumer.close()


def _outside(settings: Settings, workers: Collection[str]) -> Iterator[str]:
    """Every live worker is a member of some group, by its static name."""
    inside = {member.group_instance_id for _, member in _members(settings)}
    yield from (f"worker {name} lives, and is in no group" for name in set(workers) - inside)


def repeats(settings: Settings) -> int:
    """Passages that lie on a chain topic more than once: the price of at least once."""
    count = 0
    with Topics(settings) as topics:
        for topic in TOPICS:
            if topic.kind is Kind.CHAIN:
                for records in topics.read(topic.name).values():
                    count += len(records) - len({_origin(record) for record in records})
    return count


def _origin(record: Record) -> tuple[Any, ...]:
    origin = parse(record.value)["origin"]
    return origin["topic"], origin["partition"], origin["offset"]


def longest_pause(history: History) -> float:
    """Seconds, at most, without a decision while a record lay on a source unanswered; by entries' times."""
    rows = sorted(_times(entry) for entry in history.entry.values() if entry.said)
    longest, waiting_since = 0, float("inf")
    oldest: list[float] = []
    for _, sent in reversed(rows):
        waiting_since = min(waiting_since, sent)
        oldest.append(waiting_since)
    oldest.reverse()
    for number in range(1, len(rows)):
        before, now = rows[number - 1][0], rows[number][0]
        longest = max(longest, int(now - max(before, oldest[number])))
    return longest / 1000


def _times(entry: Entry) -> tuple[int, int]:
    """When it was decided, and when its record was appended (Unix ms)."""
    decision = entry.content["decision"]
    return decision["decided_at"], entry.content["passage"]["origin"]["at"]


def sorted_out(faults: list[str]) -> Counter[str]:
    """Faults as lost, doubled, or other."""
    found: Counter[str] = Counter(lost=0, doubled=0, other=0)
    for fault in faults:
        if fault.startswith(("accounted:", "recorded:")) and fault.endswith("is lost"):
            found["lost"] += 1
        elif any(word in fault for word in DOUBLED):
            found["doubled"] += 1
        else:
            found["other"] += 1
    return found
