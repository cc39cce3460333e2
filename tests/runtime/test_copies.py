"""A fact acknowledged before is always seen."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from runtime.bench import PARTITIONS, PATIENCE_S, create, settings_for
from synthgate.broker.choose import Broker
from synthgate.broker.embedded import EmbeddedBroker
from synthgate.events.facts import AccountRow
from synthgate.events.topic_configs import TOMBSTONE_MS
from synthgate.registries import Registries
from synthgate.registries.entries import RocksEntries, Saved
from synthgate.runtime.acks import TP
from synthgate.runtime.copies import Copies
from synthgate.runtime.exits import Fate
from synthgate.runtime.offsets import Offsets
from synthgate.settings import Settings
from synthgate.step import Waiting

TOPICS = ("facts.accounts", "facts.consents", "registry.users")


class Rows:
    """What is copied into; ``rows`` by topic and key."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, bytes | None], bytes | None] = {}
        self.partitions: dict[tuple[str, bytes | None], int] = {}
        self.left: dict[str, Saved] = {}
        self.forgotten: list[str] = []

    def apply(
        self, topic: str, partition: int, offset: int, key: bytes | None, value: bytes | None
    ) -> None:
        self.rows[topic, key] = value
        self.partitions[topic, key] = partition

    def reset(self, topic: str) -> None:
        self.rows = {at: value for at, value in self.rows.items() if at[0] != topic}
        self.forgotten.append(topic)

    def saved(self, topic: str) -> Saved | None:
        return self.left.get(topic)

    def save(self, topic: str, positions: Mapping[int, int], at: int) -> None:
        self.left[topic] = Saved(dict(positions), at, {})


@asynccontextmanager
async def copying(settings: Settings) -> AsyncIterator[tuple[Rows, Copies]]:
    rows = Rows()
    copies = Copies(rows, TOPICS, settings)
    fate = Fate()
    await copies.start(fate)
    try:
        yield rows, copies
        assert not fate.settled
    finally:
        await copies.stop()


async def fresh(copies: Copies, topics: Sequence[str] = TOPICS) -> Mapping[str, Sequence[int]]:
    """As the engine asks: again, as long as a busy machine makes it wait longer than one call does."""
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return await copies.fresh(topics)
        except Waiting as wait:
            if time.monotonic() > until:
                raise AssertionError(f"still waits for {wait.what}; read {copies.read}") from None


@asynccontextmanager
async def writer(settings: Settings, name: str | None = None) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=settings.brokers, transactional_id=name)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


@pytest.fixture
def quick(embedded: EmbeddedBroker, topic_prefix: str, tmp_path: Path) -> Settings:
    embedded.create_topics({f"{topic_prefix}{name}": PARTITIONS for name in TOPICS})
    return settings_for(embedded.bootstrap, topic_prefix, tmp_path)


@pytest.fixture
async def real(kafka: Broker, topic_prefix: str, tmp_path: Path) -> Settings:
    made = settings_for(kafka.bootstrap, topic_prefix, tmp_path)
    await create(made, *TOPICS)
    return made


async def every_fact_is_seen(settings: Settings, count: int) -> None:
    topic = settings.topic("facts.accounts")
    async with copying(settings) as (rows, copies), writer(settings) as producer:
        for n in range(count):
            await producer.send_and_wait(topic, b"%d" % n, key=b"u", partition=n % PARTITIONS)
            read = await fresh(copies, ("facts.accounts", "facts.consents"))
            assert rows.rows["facts.accounts", b"u"] == b"%d" % n
        assert read == {
            "facts.accounts": [count // PARTITIONS] * PARTITIONS,
            "facts.consents": [0] * PARTITIONS,
        }


async def test_every_fact_is_seen_embedded(quick: Settings) -> None:
    await every_fact_is_seen(quick, 100)


@pytest.mark.kafka
async def test_every_fact_is_seen(real: Settings) -> None:
    await every_fact_is_seen(real, 200)


@pytest.mark.kafka
async def test_a_fact_of_a_transaction_is_seen_once_it_is_committed(real: Settings) -> None:
    topic = real.topic("facts.accounts")
    async with copying(real) as (rows, copies), writer(real, real.topic("tx")) as producer:
        for n in range(20):
            async with producer.transaction():
                await producer.send_and_wait(topic, b"%d" % n, key=b"u", partition=1)
            # The commit is acknowledged before its marker is written everywhere.
            await fresh(copies, ("facts.accounts",))
            assert rows.rows["facts.accounts", b"u"] == b"%d" % n


@pytest.mark.kafka
async def test_behind_an_open_transaction_is_waiting(real: Settings) -> None:
    topic = real.topic("facts.accounts")
    async with (
        copying(real) as (rows, copies),
        writer(real, real.topic("tx")) as slow,
        writer(real) as quick,
    ):
        await slow.begin_transaction()
        await slow.send_and_wait(topic, b"open", key=b"v", partition=0)
        await quick.send_and_wait(topic, b"behind", key=b"u", partition=0)
        with pytest.raises(Waiting, match=r"registry:facts\.accounts"):
            await copies.fresh(("facts.accounts",))
        await fresh(copies, ("facts.consents",))
        await slow.abort_transaction()
        await fresh(copies, ("facts.accounts",))
        assert rows.rows == {("facts.accounts", b"u"): b"behind"}


async def test_users_are_read_for_the_partitions_held(quick: Settings) -> None:
    async with copying(quick) as (rows, copies), writer(quick) as producer:
        for p in range(PARTITIONS):
            topic = quick.topic("registry.users")
            await producer.send_and_wait(topic, b"x", key=b"%d" % p, partition=p)
        copies.follow("identity", frozenset({1, 2}))
        assert await fresh(copies, ("registry.users",)) == {"registry.users": [-1, 1, 1, -1]}
        assert {key for _, key in rows.rows} == {b"1", b"2"}
        copies.follow("identity", frozenset({1, 2, 3}))
        assert await fresh(copies, ("registry.users",)) == {"registry.users": [-1, 1, 1, 1]}
        copies.follow("identity", frozenset({0, 3}))
        assert await fresh(copies, ("registry.users",)) == {"registry.users": [1, -1, -1, 1]}
        assert {key for _, key in rows.rows} == {b"0", b"3"}


async def test_many_callers_share_requests_sent_after_they_asked(
    quick: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = Offsets.ends
    count = 0

    async def counted(self: Offsets, tps: Iterable[TP]) -> dict[TP, int]:
        nonlocal count
        count += 1
        return await ask(self, tps)

    async with copying(quick) as (_, copies):
        await fresh(copies)
        monkeypatch.setattr(Offsets, "ends", counted)
        await asyncio.gather(*(copies.fresh(TOPICS) for _ in range(300)))
        # One under way when the rest asked; they share the next.
        assert count == 2
        await copies.fresh(TOPICS)
        assert count == 3


async def test_only_the_topics_that_callers_wait_for_are_asked_about(
    quick: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = Offsets.ends
    asked: list[set[str]] = []

    async def noted(self: Offsets, tps: Iterable[TP]) -> dict[TP, int]:
        wanted = list(tps)
        asked.append({tp.topic for tp in wanted})
        return await ask(self, wanted)

    async with copying(quick) as (rows, copies), writer(quick) as producer:
        copies.follow("identity", frozenset({1}))
        await fresh(copies)
        monkeypatch.setattr(Offsets, "ends", noted)
        accounts, consents, users = TOPICS
        await asyncio.gather(
            copies.fresh([accounts]), copies.fresh([consents]), copies.fresh([consents, users])
        )
        # The first went alone; whoever came meanwhile shares the next.
        named = [quick.topic(name) for name in TOPICS]
        assert asked == [{named[0]}, {named[1], named[2]}]

        # Nothing that was learned of a topic before is good for a partition taken since.
        await producer.send_and_wait(quick.topic(users), b"x", key=b"3", partition=3)
        copies.follow("identity", frozenset({1, 3}))
        await fresh(copies, [accounts])
        assert await fresh(copies, [users]) == {users: [-1, 0, -1, 1]}
        assert rows.rows[users, b"3"] == b"x"
        assert copies.positions([users]) == {users: [-1, 0, -1, 1]}


async def test_a_broker_that_does_not_say_is_waiting(
    quick: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(self: Offsets, tps: Iterable[TP]) -> dict[TP, int]:
        raise TimeoutError

    async with copying(quick) as (_, copies):
        await fresh(copies)
        with monkeypatch.context() as patch:
            patch.setattr(Offsets, "ends", silent)
            with pytest.raises(Waiting, match="broker"):
                await copies.fresh(TOPICS)
        await fresh(copies)


SPANS = {TP("facts.accounts", 0): (10, 90), TP("facts.accounts", 1): (0, 5)}


@pytest.mark.parametrize(
    ("positions", "age_ms", "usable"),
    [
        ({0: 50, 1: 5}, 0, True),
        ({0: 10, 1: 0}, TOMBSTONE_MS // 2 - 60_000, True),
        ({0: 9, 1: 5}, 0, False),  # rows before the log's start were cleaned away unread
        ({0: 91, 1: 5}, 0, False),  # another log than the one it was read from
        ({0: 50}, 0, False),
        ({0: 50, 1: 5, 2: 1}, 0, False),
        ({0: 50, 1: 5}, TOMBSTONE_MS // 2 + 60_000, False),  # an erasure may have gone unread
        ({0: 50, 1: 5}, -60_000, False),  # from the future: nobody knows its age
        (None, 0, False),
    ],
)
def test_a_local_store_is_gone_on_with_or_built_anew(
    positions: dict[int, int] | None, age_ms: int, usable: bool, tmp_path: Path
) -> None:
    rows = Rows()
    if positions is not None:
        at = time.time_ns() // 1_000_000 - age_ms
        rows.left["facts.accounts"] = Saved(positions, at, {})
    copies = Copies(rows, TOPICS, Settings(data_dir=tmp_path))
    copies._begin("facts.accounts", SPANS)
    begins = positions if usable else {0: 10, 1: 0}
    assert copies.read == {TP("facts.accounts", p): at for p, at in (begins or {}).items()}
    assert rows.forgotten == ([] if usable or positions is None else ["facts.accounts"])


def test_partitions_that_come_later_are_read_from_their_start(tmp_path: Path) -> None:
    rows = Rows()
    copies = Copies(rows, TOPICS, Settings(data_dir=tmp_path))
    copies.read = {TP("registry.users", 0): 7}
    rows.left["registry.users"] = Saved({0: 7}, time.time_ns() // 1_000_000, {})
    copies._begin("registry.users", {TP("registry.users", 1): (3, 9)})
    assert copies.read == {TP("registry.users", 0): 7, TP("registry.users", 1): 3}
    assert rows.forgotten == []


class Counted(Registries):
    """Registries on disk that count what they are given."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            TOPICS[:1], lambda topic: RocksEntries(folder / topic, AccountRow, epoch=1)
        )
        self.applied = 0

    def apply(self, *record: object) -> None:
        self.applied += 1
        super().apply(*record)  # type: ignore[arg-type]


@pytest.mark.embedded
async def test_after_a_restart_only_the_tail_is_read(
    embedded: EmbeddedBroker, topic_prefix: str, tmp_path: Path
) -> None:
    settings = settings_for(embedded.bootstrap, topic_prefix, tmp_path)
    embedded.create_topics({settings.topic(name): PARTITIONS for name in TOPICS})

    async def write(first: int, last: int) -> None:
        async with writer(settings) as producer:
            for n in range(first, last):
                row = AccountRow(
                    version=n, tenant="acme", user=f"u{n}", standing="closed", reason="r",
                    since="2026-01-01T00:00:00Z",
                )  # fmt: skip
                topic = settings.topic("facts.accounts")
                key = f"acme/u{n}".encode()
                await producer.send_and_wait(topic, row.model_dump_json().encode(), key)

    async def run() -> Counted:
        rows = Counted(tmp_path / "stores")
        copies, fate = Copies(rows, TOPICS[:1], settings), Fate()
        await copies.start(fate)
        await fresh(copies, TOPICS[:1])
        await copies.stop()
        rows.accounts.close()
        return rows

    await write(0, 40)
    assert (await run()).applied == 40
    await write(40, 45)
    again = await run()
    assert (again.applied, len(again.accounts)) == (5, 45)
