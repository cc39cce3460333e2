"""A second after a forbidding fact is appended nothing is released without it, however far the chain lags.

A backlog ten minutes old (its records bear the times they would have had) waits on real Kafka for a worker
that dies by SIGKILL in mid-restore of its local copies, between two batches and within one, before it comes up.
While it works the backlog off, an account is closed, a consent taken back, a function switched off and a
generation recalled.
"""

import json
import signal
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import (
    Consumer,
    TopicPartition,
)
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from e2e.dying import IN_RESTORE, give_order, python_path
from e2e.promised import FORBIDS, SOURCES, SUBJECT, WAIT_S, Asking, Bus
from e2e.recorder import readers
from live_chain import chain_settings
from synthgate.broker.choose import Broker
from synthgate.demo.chain import Chain
from synthgate.demo.facts import consent, facts, template
from synthgate.events.facts import (
    ConsentRow,
    key_of,
)
from synthgate.ledger import LocalStore
from synthgate.registries.entries import RocksEntries
from synthgate.settings import Settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
LAG_MS = 10 * 60 * 1000
PROMISED_MS = 1000
ASKED = 120
"""Requests of each user in the backlog."""
FILLERS = 30_000
"""Consents of others, so that a restore takes a while."""
UNDECIDED = 60
"""Of each user who was not refused yet, so many more are asked when fewer wait."""


def stamped_by(settings: Settings, bus: Bus, whom: str) -> None:
    """Who stamps the source: the broker (LogAppendTime), or for once the test (CreateTime).

    The broker follows a moment later, so it is asked with events of nobody until it does.
    """
    entry = ConfigEntry("message.timestamp.type", whom, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(
        ResourceType.TOPIC, settings.topic(SOURCES), incremental_configs=[entry]
    )
    done = AdminClient({"bootstrap.servers": settings.brokers})
    for future in done.incremental_alter_configs([resource]).values():
        future.result(WAIT_S)
    until = time.monotonic() + WAIT_S
    while bus.stamped != whom:
        assert time.monotonic() < until, f"stamped by {bus.stamped}, not {whom}"
        bus.event(
            "account.flagged", "nobody", f"n-{time.monotonic_ns()}", time.time_ns() // 1_000_000
        )
        bus.flush()


def dies_in_restore(chain: Chain, folder: Path, boundary: str) -> int:
    """Start the worker, which ends itself with SIGKILL in mid-restore; rows its store holds then."""
    give_order(chain.settings.data_dir, boundary)
    chain.start("all")
    worker = chain.workers["all"]
    assert worker.process is not None
    code = worker.process.wait(WAIT_S)
    assert code == -signal.SIGKILL, f"ended with {code}: {worker.said[-2000:]}"
    return len(stored(folder))


def stored(folder: Path) -> dict[str, ConsentRow]:
    """What a store left behind holds: everything its positions say, and nothing else."""
    entries = RocksEntries(folder, ConsentRow, 1)
    rows = {key: entry.row for key, entry in entries.items()}
    read = {} if entries.saved is None else entries.saved.positions  # none: dead in the first batch
    assert sum(read.values()) == len(rows) == len(entries)
    entries.close()
    return rows


def heard(settings: Settings) -> Iterator[dict[str, Any]]:
    """Decisions on requests as they come."""
    consumer = Consumer(
        {"bootstrap.servers": settings.brokers, "group.id": f"{settings.topic_prefix}promise",
         "enable.auto.commit": False, "fetch.wait.max.ms": 5}
    )  # fmt: skip
    name = settings.topic("decisions")
    consumer.assign([TopicPartition(name, n, 0) for n in range(settings.partitions)])
    until = time.monotonic() + WAIT_S
    try:
        while time.monotonic() < until:
            for record in consumer.consume(200, 0.01):
                assert record.error() is None, record.error()
                decision = json.loads(record.value())
                if str(decision["event_id"]).startswith("r-"):
                    yield decision
    finally:
        consumer.close()


def forbidden_meanwhile(bus: Bus, settings: Settings, asking: Asking) -> dict[str, int]:
    """Write each user's forbidding fact at their first release; when it was acknowledged, Unix ms.

    However fast the chain is, the fact meets requests of its user that are not decided: they are asked until
    one was refused.
    """
    written: dict[str, int] = {}
    decided: Counter[str] = Counter()
    refused: set[str] = set()
    known: set[str] = set()
    for decision in heard(settings):
        user = decision["event_id"].split("-")[1]
        if decision["event_id"] in known:
            continue  # the same decision once more
        known.add(decision["event_id"])
        decided[user] += 1
        if user not in written:
            assert decision["action"] == "release", decision["reasons"]
            topic, row = FORBIDS[user]
            bus.fact(topic, row(time.time_ns() // 1_000_000))
            written[user] = bus.flush()
        elif decision["action"] == "refuse":
            refused.add(user)
        if user not in refused:
            for _ in range(asking.asked[user] - decided[user], UNDECIDED):
                asking.ask(user)
        if len(refused) == len(FORBIDS) and decided == asking.asked:
            bus.flush()
            return written
    raise AssertionError(f"asked {asking.asked}, decided {decided}, refused at last {refused}")


def logged(settings: Settings, users: dict[tuple[int, int], str]) -> Iterator[tuple[str, str, int]]:
    """(user, action, when its segment was written, Unix ms) of every request in the log."""
    store = LocalStore(settings.ledger_dir)
    for log, reader in readers(settings).items():
        bounds = [*store.firsts(log), reader.find_head()]
        for first, end in pairwise(bounds):
            at = Path(store.where(log, first)).stat().st_mtime_ns // 1_000_000
            for index in range(first, end):
                header = reader.header(index)
                _, topic, partition, offset = header["origin"].split("/")
                if topic == SOURCES and (int(partition), int(offset)) in users:
                    yield users[int(partition), int(offset)], header["action"], at


def test_a_second_after_a_forbidding_fact_nothing_is_released(
    kafka: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    settings = chain_settings(kafka, topic_prefix, tmp_path, store="rocksdb", batch_records=20)
    chain = Chain(
        kafka, settings, programs={"all": "e2e.dying"}, more={"all": {"PYTHONPATH": python_path()}}
    )
    bus = Bus(settings)
    chain.prepare()
    now = time.time_ns() // 1_000_000
    told = {key_of("facts.consents", row): row for row in grants(now)}
    for topic, row in (*facts(now), ("facts.templates", template("promise-off", now))):
        bus.fact(topic, row)
        if isinstance(row, ConsentRow):
            told[key_of(topic, row)] = row
    for row in grants(now):
        bus.fact("facts.consents", row)
    stamped_by(settings, bus, "CreateTime")
    asking = Asking(bus, now - LAG_MS)
    asking.introduce()
    for _ in range(ASKED):
        for user in FORBIDS:
            asking.ask(user)
    bus.flush()
    stamped_by(settings, bus, "LogAppendTime")
    folder = settings.model_copy(update={"instance": "all"}).stores_dir / "facts.consents"
    try:
        held = [dies_in_restore(chain, folder, boundary) for boundary in IN_RESTORE]
        assert all(0 < count < len(told) for count in held), f"{held}: not in mid-restore"
        chain.start("all")
        chain.wait_ready()
        stamped_by(settings, bus, "CreateTime")  # it has looked, and may be asked a lag ago again
        written = forbidden_meanwhile(bus, settings, asking)
    finally:
        chain.stop()
    found = list(logged(settings, bus.users))
    actions = {user: Counter(a for u, a, _ in found if u == user) for user in FORBIDS}
    for user, seen in actions.items():
        assert seen["release"] > 0 < seen["refuse"], f"{user}: {seen}"
        assert seen.total() == asking.asked[user]
    late = {
        user: max(at for u, action, at in found if (u, action) == (user, "release")) - written[user]
        for user in FORBIDS
    }
    print(f"restored {held} of {len(told)} when killed; last release after the fact, ms: {late}")
    assert max(late.values()) <= PROMISED_MS, late
    assert stored(folder) == told


def grants(now: int) -> Iterator[ConsentRow]:
    """The consent that is taken back, and everybody else's."""
    yield consent(SUBJECT, "g", now)
    for number in range(FILLERS):
        yield consent(f"subj-filler-{number:06}", "g", now)
