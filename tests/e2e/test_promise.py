"""A second after a forbidding fact is appended nothing is released without it, however far the chain lags.

A backlog ten minutes old (its records bear the times they would have had) waits on real Kafka for a worker
that is killed with -9 in mid-restore of its local copies, twice, before it comes up. While it works the
backlog off, an account is closed, a consent taken back, a function switched off and a generation recalled.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import (
    TIMESTAMP_CREATE_TIME,
    TIMESTAMP_LOG_APPEND_TIME,
    Consumer,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from e2e.recorder import readers
from live_chain import chain_settings
from synthgate.broker.choose import Broker
from synthgate.cli.produce import line_of
from synthgate.demo.acts import NET, SOURCE, TENANT, TERMS, moment
from synthgate.demo.chain import Chain
from synthgate.demo.facts import consent, facts, template
from synthgate.events.facts import (
    AccountRow,
    ConsentRow,
    RecallRow,
    RevocationRow,
    Row,
    SwitchRow,
    key_of,
)
from synthgate.ledger import LocalStore
from synthgate.registries.entries import RocksEntries
from synthgate.settings import Settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
LAG_MS = 10 * 60 * 1000
PROMISED_MS = 1000
ASKED = 120
"""Requests of each user in the backlog."""
FILLERS = 30_000
"""Consents of others, so that a restore takes a while."""
DEATHS = 2
FIRST_BATCH_BYTES = 4 << 20
"""A store's write-ahead log is longer once a first batch is in it whole."""
WAIT_S = 60.0
SUBJECT = "subj-promise"
SOURCES = "generation.events"
Facts = dict[str, tuple[str, Callable[[int], Row]]]

FORBIDS: Facts = {
    "closed": ("facts.accounts", lambda now: AccountRow(
        version=now, tenant=TENANT, user="closed", standing="closed", reason="terms", since=moment(now))),
    "revoked": ("facts.revocations", lambda now: RevocationRow(
        version=now, tenant=TENANT, subject=SUBJECT, grant="g", revoked_at=moment(now))),
    "switched": ("facts.switches", lambda now: SwitchRow(
        version=now, tenant=TENANT, function="template:promise-off", off=True, order="o-1",
        since=moment(now))),
    "recalled": ("facts.recalls", lambda now: RecallRow(
        version=now, tenant=TENANT, generation="g-recalled", recalled=True, reason="x", since=moment(now))),
}  # fmt: skip
"""By user of the backlog: what forbids what they ask for."""


class Bus:
    """What the test writes, and when the broker had it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer = Producer(
            {"bootstrap.servers": settings.brokers, "partitioner": "murmur2", "linger.ms": 5}
        )
        self.users: dict[tuple[int, int], str] = {}
        """User of a request, by partition and offset."""
        self.stamped = ""
        """Whose time the newest event bears."""

    def fact(self, topic: str, row: Row) -> None:
        value = row.model_dump_json(by_alias=True).encode()
        self._producer.produce(self._settings.topic(topic), value, key_of(topic, row).encode())
        self._producer.poll(0)

    def event(self, kind: str, user: str, name: str, at_ms: int, **data: Any) -> None:
        """An event of its own time, appended at that time as far as anybody can see."""
        told = {
            "type": kind, "id": name, "source": SOURCE, "time": moment(at_ms),
            "data": {"tenant": TENANT, "user": {"id": user}, **data},
        }  # fmt: skip
        line = line_of(json.dumps(told).encode())

        def heard(error: Any, record: Any) -> None:
            assert error is None, error
            kinds = {
                TIMESTAMP_CREATE_TIME: "CreateTime",
                TIMESTAMP_LOG_APPEND_TIME: "LogAppendTime",
            }
            self.stamped = kinds[record.timestamp()[0]]
            if kind == "generation.requested":
                self.users[record.partition(), record.offset()] = user

        self._producer.produce(
            self._settings.topic(SOURCES), line.value, line.key, headers=line.headers,
            timestamp=at_ms, on_delivery=heard,
        )  # fmt: skip
        self._producer.poll(0)

    def flush(self) -> int:
        """Unix ms at which all of it was acknowledged."""
        assert self._producer.flush(WAIT_S) == 0
        return time.time_ns() // 1_000_000


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


def backlog(bus: Bus, then: int) -> None:
    """Four users, verified and told, then their requests in turn, a lag ago."""
    for user in FORBIDS:
        bus.event(
            "identity.verified", user, f"v-{user}", then - 9000, method="mobile", checker="c",
            verified_at=moment(then - 9000), evidence_ref=f"vault/{user}", age_band="adult",
        )  # fmt: skip
        bus.event(
            "terms.accepted", user, f"t-{user}", then - 8000, terms_version=TERMS,
            duty_notice_shown=True, accepted_at=moment(then - 8000),
        )  # fmt: skip
        bus.event(
            "consent.prompted", user, f"p-{user}", then - 7000, template="style",
            prompted_at=moment(then - 7000),
        )  # fmt: skip
    templates = {"revoked": "style", "switched": "promise-off"}
    person = {"subjects": [{"token": SUBJECT, "age_band": "adult", "is_actor": False}]}
    for number in range(ASKED):
        for user in FORBIDS:
            name = "g-recalled" if user == "recalled" else f"g-{user}-{number}"
            generation = {
                "id": name, "medium": "text", "template": templates.get(user, "chat"), "purpose": "chat",
            }  # fmt: skip
            bus.event(
                "generation.requested", user, f"r-{user}-{number}", then + number, net=dict(NET),
                generation=generation, content={"prompt": "写一首关于春天的诗"},
                **(person if user == "revoked" else {}),
            )  # fmt: skip


def killed_in_mid_restore(chain: Chain, folder: Path) -> int:
    """Start the worker, kill it once it has begun to write its copy; rows its store holds then."""
    before = {path: path.stat().st_size for path in folder.rglob("*.log")}
    chain.start("all")
    until = time.monotonic() + WAIT_S
    while not any(
        path.stat().st_size > FIRST_BATCH_BYTES for path in set(folder.rglob("*.log")) - set(before)
    ):
        assert time.monotonic() < until, "no copy was begun"
        time.sleep(0.002)
    chain.kill("all")
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
    """Decisions as they come."""
    consumer = Consumer(
        {"bootstrap.servers": settings.brokers, "group.id": f"{settings.topic_prefix}promise",
         "enable.auto.commit": False, "fetch.wait.max.ms": 5}
    )  # fmt: skip
    name = settings.topic("decisions")
    consumer.assign([TopicPartition(name, n, 0) for n in range(settings.partitions)])
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        for record in consumer.consume(200, 0.01):
            assert record.error() is None, record.error()
            yield json.loads(record.value())
    consumer.close()


def forbidden_meanwhile(bus: Bus, settings: Settings) -> dict[str, int]:
    """Write each user's forbidding fact at their first release; when it was acknowledged, Unix ms."""
    written: dict[str, int] = {}
    left = ASKED * len(FORBIDS)
    for decision in heard(settings):
        name = str(decision["event_id"])
        if not name.startswith("r-"):
            continue
        user = name.split("-")[1]
        if user not in written:
            assert decision["action"] == "release", decision["reasons"]
            topic, row = FORBIDS[user]
            bus.fact(topic, row(time.time_ns() // 1_000_000))
            written[user] = bus.flush()
        left -= 1
        if not left:
            return written
    raise AssertionError(f"{left} decisions are missing")


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
    chain, bus = Chain(kafka, settings), Bus(settings)
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
    backlog(bus, now - LAG_MS)
    bus.flush()
    stamped_by(settings, bus, "LogAppendTime")
    folder = settings.model_copy(update={"instance": "all"}).stores_dir / "facts.consents"
    try:
        held = [killed_in_mid_restore(chain, folder) for _ in range(DEATHS)]
        assert any(0 < count < len(told) for count in held), f"{held}: not in mid-restore"
        chain.start("all")
        written = forbidden_meanwhile(bus, settings)
    finally:
        chain.stop()
    found = list(logged(settings, bus.users))
    actions = {user: Counter(a for u, a, _ in found if u == user) for user in FORBIDS}
    for user, seen in actions.items():
        assert seen["release"] > 0 < seen["refuse"], (
            f"{user}: {seen}: the fact came too late or early"
        )
        assert seen.total() == ASKED
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
