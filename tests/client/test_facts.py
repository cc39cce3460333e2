from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from client.world import PARTITIONS, World
from synthgate.client import FactError, Facts, Placed
from synthgate.client.facts import WRITABLE
from synthgate.client.writer import partition_of
from synthgate.events.facts import ROWS
from synthgate.events.topics import BY_NAME
from synthgate.registries import Registries

pytestmark = pytest.mark.embedded
HASH = "0a" * 32

Call = Callable[[Facts], Awaitable[Placed]]
CALLS: dict[str, tuple[str, str, Call]] = {
    "grant_consent": ("facts.consents", "acme/subject-1/g1", lambda facts: facts.grant_consent(
        "subject-1", "g1", separate=True, grantor="guardian", guardian="guardian-1",
        age_band="lt14", biometric=["style"], purposes=["play"], templates=["chat"],
        notice_sha256=HASH, expires_at_ms=9_999_999_999_999, channel="app", proof_ref="vault/1",
        necessity_shown=True, relation="mother")),
    "revoke_consent": ("facts.revocations", "acme/subject-1/g1",
        lambda facts: facts.revoke_consent("subject-1", "g1")),
    "restrict_account": ("facts.accounts", "acme/用户", lambda facts: facts.restrict_account(
        "用户", "suspended", reason="fraud", until_ms=1)),
    "register_template": ("facts.templates", "acme/chat", lambda facts: facts.register_template(
        "chat", media=["text"], ds_class="DS1", a17_item=1, reviewed_media=["text"],
        data_sources=[{"source": "s", "personal": True, "basis": "consent"}])),
    "publish_terms": ("control", "terms/acme/v1", lambda facts: facts.publish_terms(
        "v1", url="https://acme.example/terms", sha256=HASH, by="bob", published_at_ms=1,
        notified_at_ms=2, effective_at_ms=3)),
    "switch_function": ("facts.switches", "*/chat", lambda facts: facts.switch_function(
        "chat", off=True, order="CAC-1", all_tenants=True)),
    "list_news_source": ("facts.news_sources", "unit-1", lambda facts: facts.list_news_source(
        "unit-1", list_version="2021")),
    "recall": ("facts.recalls", "acme/g1", lambda facts: facts.recall("g1", reason="rumour")),
    "add_feature": ("facts.features", "f1/1", lambda facts: facts.add_feature(
        "f1", kind="keyword", value="词", risk="A.1a", severity=90, from_version=1,
        criteria="c1", proposed_by="ann", approved_by="bob")),
    "activate_library": ("control", "library", lambda facts: facts.activate_library(
        3, by="bob", and_by="ann")),
    "contract_interface": ("control", "interface/acme/player/1", lambda facts: facts.contract_interface(
        "player", "1", wording="AI生成", screenshot_sha256=HASH, tested_at_ms=1, valid_until_ms=2, by="bob",
        shows="start_frame", height_percent=6)),
    "list_reviewers": ("control", "reviewers/acme",
        lambda facts: facts.list_reviewers(["ann"], by="bob")),
}  # fmt: skip


async def stored(world: World, placed: Placed) -> Any:
    at = TopicPartition(world.prefix + placed.topic, placed.partition)
    consumer = AIOKafkaConsumer(bootstrap_servers=world.brokers)
    await consumer.start()
    try:
        consumer.assign([at])
        consumer.seek(at, placed.offset)
        return await consumer.getone()
    finally:
        await consumer.stop()


@pytest.mark.parametrize("name", CALLS)
async def test_writes_a_row_its_readers_take(world: World, name: str) -> None:
    topic, key, call = CALLS[name]
    gate = await world.gate()
    placed = await call(gate.facts)
    assert placed.topic == topic
    record = await stored(world, placed)
    assert record.key.decode() == key
    assert record.partition == partition_of(record.key, PARTITIONS)
    ROWS[topic].model_validate_json(record.value)
    registries = Registries([topic])
    registries.apply(topic, record.partition, record.offset, record.key, record.value)
    assert registries.unreadable == {}


def test_every_helper_and_every_registry_an_app_writes_is_covered() -> None:
    methods = {name for name in vars(Facts) if not name.startswith("_")} - {"write", "control"}
    assert methods == set(CALLS)
    assert {topic for topic, _, _ in CALLS.values()} == set(WRITABLE)
    assert {name for name in ROWS if BY_NAME[name].writer in ("platform", "cli")} == set(WRITABLE)


async def test_a_library_whose_import_was_cut_short_is_not_put_in_force(world: World) -> None:
    gate = await world.gate()
    begun = {"from_version": 3, "entries": 2, "lists": ["a.csv", "b.csv"], "done": False}
    await gate.facts.control("import/3/x", begun, by="library-import")
    for version in (3, 4):
        with pytest.raises(FactError) as caught:
            await gate.facts.activate_library(version, by="bob", and_by="ann")
        assert caught.value.code == "import_unfinished"
        assert "a.csv, b.csv" in str(caught.value)
    before = await gate.facts.activate_library(2, by="bob", and_by="ann")
    await gate.facts.control("import/3/x", begun | {"done": True}, by="library-import")
    after = await gate.facts.activate_library(4, by="bob", and_by="ann")
    assert before.partition == after.partition and before.offset < after.offset


async def test_versions_grow_within_one_millisecond(world: World) -> None:
    gate = await world.gate()
    placed = [await gate.facts.recall("g1", reason="r", recalled=bool(n % 2)) for n in range(5)]
    rows = [
        ROWS["facts.recalls"].model_validate_json((await stored(world, p)).value) for p in placed
    ]
    versions = [row.version for row in rows]
    assert versions == sorted(set(versions))
    chosen = await gate.facts.write(
        "facts.recalls", tenant="acme", generation="g", recalled=True, reason="r",
        since="2026-01-01T00:00:00Z", version=7,
    )  # fmt: skip
    assert b'"version":7' in (await stored(world, chosen)).value


@pytest.mark.parametrize(
    ("call", "where"),
    [
        (lambda facts: facts.grant_consent(
            "subject-1", "g1", separate=False, grantor="subject", age_band="adult", biometric=[],
            purposes=[], notice_sha256=HASH), "/facts.consents/separate"),
        (lambda facts: facts.restrict_account("u", "banned", reason="r"), "/facts.accounts/standing"),
        (lambda facts: facts.write("standings", tenant="acme"), "/standings"),
        (lambda facts: facts.write("nothing"), "/nothing"),
        (lambda facts: facts.recall("a/b", reason="r"), "/facts.recalls/generation"),
    ],
)  # fmt: skip
async def test_what_no_reader_could_use_is_not_written(
    world: World, call: Call, where: str
) -> None:
    gate = await world.gate()
    with pytest.raises(FactError) as caught:
        await call(gate.facts)
    assert caught.value.where == where
