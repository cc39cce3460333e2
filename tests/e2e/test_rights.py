"""Least rights: every part is a user of its own on a Kafka with TLS, SCRAM and the ACLs we print.

Each can do its whole work, and is refused outside it.
"""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import GroupAuthorizationFailedError, TopicAuthorizationFailedError

from cli_commands import run
from guarded import ADMIN, PARTS, Guarded
from synthgate import connection
from synthgate.broker.choose import Broker
from synthgate.client import Decision, Desk, Gate, Generation, Writer
from synthgate.demo.acts import TERMS
from synthgate.demo.chain import Chain
from synthgate.demo.facts import control, facts
from synthgate.demo.player import _now_ms
from synthgate.effects.provider_code import SAMPLE_CODE
from synthgate.events.facts import key_of
from synthgate.events.topic_configs import Right, rights
from synthgate.events.topics import DUTIES, RECORDS, TOPICS
from synthgate.runtime.exits import CONFIGURATION
from synthgate.settings import Settings

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(600)]
NET = {"src_ip": "10.0.0.1", "src_port": 1, "dst_ip": "10.0.0.2", "dst_port": 2,
       "client_fingerprint": "f"}  # fmt: skip

PATIENCE_S = 90.0


def allowed(guarded: Guarded, prefix: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What the operator does: run what ``topics acls`` prints."""
    code, commands, _ = run(capsys, "topics", "acls", "--set", f"topic_prefix={prefix}")
    assert code == 0
    assert guarded.allow(commands) == len(set(rights()))


async def may_write(settings: Settings) -> set[str]:
    """Topics this user can write to, tried on each."""
    producer = AIOKafkaProducer(**connection.arguments(settings), acks="all")
    await connection.start(producer, settings)

    async def one(topic: str) -> bool:
        try:
            await producer.send_and_wait(settings.topic(topic), b"x", key=b"x", partition=0)
        except TopicAuthorizationFailedError:
            return False
        return True

    try:
        names = [topic.name for topic in TOPICS]
        done = await asyncio.gather(*map(one, names))
        return {name for name, ok in zip(names, done, strict=True) if ok}
    finally:
        await producer.stop()


async def may_read(settings: Settings) -> set[str]:
    """Topics this user can read, tried on each; every one holds a record."""
    found = set()
    consumer = AIOKafkaConsumer(**connection.arguments(settings), auto_offset_reset="earliest")
    await connection.start(consumer, settings)
    try:
        seen = await consumer.topics()  # what may not be described is not even told
        for topic in TOPICS:
            if settings.topic(topic.name) not in seen:
                continue
            consumer.assign([TopicPartition(settings.topic(topic.name), 0)])
            try:
                await asyncio.wait_for(consumer.getone(), PATIENCE_S)
            except TopicAuthorizationFailedError:
                continue
            found.add(topic.name)
        return found
    finally:
        await consumer.stop()


async def may_join(settings: Settings) -> set[str]:
    """Groups this user can read with."""
    found = set()
    for duty in (*DUTIES, RECORDS):
        consumer = AIOKafkaConsumer(
            **connection.arguments(settings),
            group_id=settings.group(duty),
            enable_auto_commit=False,
        )
        place = TopicPartition(settings.topic("control"), 0)
        try:
            await asyncio.wait_for(consumer.start(), PATIENCE_S)
            consumer.assign([place])
            await asyncio.wait_for(consumer.commit({place: 0}), PATIENCE_S)
            found.add(duty)
        except GroupAuthorizationFailedError:
            pass
        finally:
            await consumer.stop()
    return found


async def test_each_part_may_do_what_the_table_says_and_nothing_else(
    guarded: Guarded, topic_prefix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    allowed(guarded, topic_prefix, capsys)
    admin = guarded.settings(ADMIN, topic_prefix, tmp_path)
    cli = guarded.settings("synthgate-cli", topic_prefix, tmp_path)
    from synthgate.runtime.topic_admin import create_topics, differences

    assert len(await create_topics(cli)) == len(TOPICS)
    assert await differences(cli) == []
    assert await may_write(admin) == {topic.name for topic in TOPICS}
    for part in (*PARTS, None):
        name = "stranger" if part is None else f"synthgate-{part}"
        settings = guarded.settings(name, topic_prefix, tmp_path)
        told = {right for right in rights() if right.who == part}
        assert await may_write(settings) == {r.name for r in told if r.verb == "Write"}, part
        assert await may_read(settings) == {
            r.name for r in told if r.verb == "Read" and r.kind == "topic"
        }, part  # fmt: skip
    outside = {
        Right("platform", "Write", "topic", "operator.events"),
        Right("labelling", "Write", "topic", "decisions"),
        Right("desk", "Write", "topic", "generation.events"),
        Right("incidents", "Write", "topic", "operator.events"),
        Right("identity", "Write", "topic", "control"),
        Right("incidents", "Write", "topic", "control"),
        Right("platform", "Write", "topic", "guards"),
    }
    assert not outside & set(rights())
    for duty in DUTIES:
        user = guarded.settings(f"synthgate-{duty}", topic_prefix, tmp_path)
        beside = {RECORDS} if duty == "retention" else set()
        assert await may_join(user) == {duty, *beside}


def as_user(guarded: Guarded, name: str) -> dict[str, str]:
    """Environment of a process that is this user."""
    word = str(guarded.word_file(name))
    return {"SYNTHGATE_SASL_USERNAME": name, "SYNTHGATE_SASL_PASSWORD_FILE": word}


@pytest.fixture
def guarded_chain(
    guarded: Guarded, topic_prefix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[Chain]:
    """Every duty in a process of its own, as a user of its own; commands run as ``cli``."""
    allowed(guarded, topic_prefix, capsys)
    settings = guarded.settings(
        "synthgate-cli", topic_prefix, tmp_path, provider_code=SAMPLE_CODE, provider_sample=True
    )
    users = {duty: as_user(guarded, f"synthgate-{duty}") for duty in DUTIES}
    broker = Broker(guarded.cluster.bootstrap, "maven", lambda: None)
    layout = {duty: (duty,) for duty in DUTIES}
    with Chain(broker, settings, layout, more=users) as running:
        yield running


async def test_the_whole_chain_works_with_these_rights(
    guarded_chain: Chain, guarded: Guarded, tmp_path: Path
) -> None:
    mine = guarded_chain.settings
    prefix = mine.topic_prefix
    platform = guarded.settings("synthgate-platform", prefix, tmp_path)
    rows = facts(_now_ms())
    own = {right.name for right in rights() if (right.who, right.verb) == ("platform", "Write")}
    async with Writer.from_settings(mine) as cli:
        for topic, row in [
            *rows,
            ("control", control("reviewers/demo", {"reviewers": ["r1"]}, _now_ms() + 1)),
        ]:
            if topic not in own:
                await cli.write_and_wait(
                    topic, key_of(topic, row).encode(), row.model_dump_json().encode()
                )
    async with Gate.from_settings(platform, tenant="demo", source="//demo") as gate:
        for topic, row in rows:
            if topic in own:
                await gate.facts.write(topic, **row.model_dump())
        answers = await stories(gate, guarded, prefix, tmp_path)
    assert answers == {
        "asked": "release", "made": "release", "illegal": "refuse", "held": "hold",
        "reviewed": "release",
    }  # fmt: skip
    for duty in DUTIES:
        process = guarded_chain.workers[duty].process
        assert process is not None and process.poll() is None, duty
    await seen_by_admin(guarded, prefix, tmp_path)
    enforce = "rollout enforce --tenant demo --by ops --reason r"
    for words in ("status", "topics check", "quarantine list", "pause consent --reason r", enforce):
        await asyncio.to_thread(guarded_chain.command, *words.split())
    await asyncio.to_thread(guarded_chain.command, "resume", "consent")
    flown = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "synthgate", "canary", "--once", "--timeout", f"{PATIENCE_S}",
        env={**guarded_chain.environment(), **as_user(guarded, "synthgate-canary")},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, why = await asyncio.wait_for(flown.communicate(), 2 * PATIENCE_S)
    assert (flown.returncode, said.count(b"decided in")) == (0, 2), said + why


async def stories(gate: Gate, guarded: Guarded, prefix: str, folder: Path) -> dict[str, str]:
    """A release with its label, a violation, a hold and a person's answer to it."""
    events = gate.events
    before = _now_ms() - 1000
    known = events.identity_verified(
        "u1", method="mobile", checker="c", evidence_ref="e", verified_at_ms=before, at_ms=before
    )
    await gate.tell(known)
    agreed = events.terms_accepted(
        "u1", terms_version=TERMS, duty_notice_shown=True, accepted_at_ms=before, at_ms=before
    )
    await gate.tell(agreed)
    asked = await gate.decide(
        events.requested("u1", Generation("g1", "chat"), prompt="a poem", net=NET), PATIENCE_S
    )
    made = await gate.decide(
        events.completed(
            "u1", Generation("g1", "chat"), pass_text=asked.pass_text, text="once", net=NET
        ),
        PATIENCE_S,
    )
    illegal = await gate.decide(
        events.requested("u1", Generation("g2", "chat"), prompt="where can I buy heroin", net=NET),
        PATIENCE_S,
    )
    held = await gate.decide(
        events.requested("u1", Generation("g3", "chat"), net=NET,
                         prompt="promise guaranteed returns to investors"), PATIENCE_S,
    )  # fmt: skip
    assert isinstance(held, Decision)
    async with Writer.from_settings(guarded.settings("synthgate-desk", prefix, folder)) as writer:
        await Desk(writer, "//desk").answer_hold(held, "pass", "r1")
        reviewed = await held.next(PATIENCE_S)
    forged = AIOKafkaProducer(
        **connection.arguments(guarded.settings("synthgate-platform", prefix, folder))
    )
    await forged.start()
    with pytest.raises(TopicAuthorizationFailedError):
        await forged.send_and_wait(f"{prefix}operator.events", orjson.dumps({"cause": "review"}))
    await forged.stop()
    named = {"asked": asked, "made": made, "illegal": illegal, "held": held, "reviewed": reviewed}
    return {name: answer.action for name, answer in named.items()}


async def seen_by_admin(guarded: Guarded, prefix: str, folder: Path) -> None:
    """Incidents, last of all, has written too."""
    admin = guarded.settings(ADMIN, prefix, folder)
    consumer = AIOKafkaConsumer(
        *(f"{prefix}{name}" for name in ("cases", "standings", "work")),
        **connection.arguments(admin), auto_offset_reset="earliest",
    )  # fmt: skip
    await consumer.start()
    try:
        missing = {f"{prefix}{name}" for name in ("cases", "standings", "work")}
        async with asyncio.timeout(PATIENCE_S):
            while missing:
                missing.discard((await consumer.getone()).topic)
    finally:
        await consumer.stop()


async def test_a_worker_without_its_rights_says_so_and_stays_down(
    guarded: Guarded, topic_prefix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    allowed(guarded, topic_prefix, capsys)
    cli = guarded.settings("synthgate-cli", topic_prefix, tmp_path)
    chain = Chain(Broker(guarded.cluster.bootstrap, "maven", lambda: None), cli)
    await asyncio.to_thread(chain.prepare)
    desk = as_user(guarded, "synthgate-desk")
    done = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "synthgate", "worker", "consent",
        env={**chain.environment(), **desk}, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        _, said = await asyncio.wait_for(done.communicate(), PATIENCE_S)
    finally:
        if done.returncode is None:
            done.kill()
    assert done.returncode == CONFIGURATION, said
    assert "or this user may not see it: `synthgate topics acls`" in said.decode()
    assert guarded.words["synthgate-desk"] not in said.decode()
