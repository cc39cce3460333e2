"""Rewind repairs any hole and doubles nothing; a lost range stops the worker until somebody accepts it."""

import asyncio
import re
import shlex
import signal
import time
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.structs import TopicPartition

from e2e.history import SOURCES, History, counts, faults
from e2e.load import UNTIL_SECONDS, Load
from e2e.recorder import Topics, readers, recorded
from e2e.rig import checked, rest, small_settings
from synthgate.broker.choose import Broker
from synthgate.demo.chain import Chain, ChainError
from synthgate.settings import Settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
TOPIC = "generation.events"
QUICK = {"partitions": 2, "session_timeout_s": 6}
"""A rewind waits until a stopped member no longer counts, and is one command a partition."""
FRONT = ("identity",)
REST = ("consent", "moderation", "labelling", "retention", "incidents")


def patiently(chain: Chain, *command: str) -> str:
    """Run a command that is refused while a stopped member still counts."""
    until = time.monotonic() + 120
    while True:
        try:
            return chain.command(*command)
        except ChainError as error:
            if "has members" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.5)


def ended(chain: Chain, name: str) -> tuple[int, str]:
    """Exit code of a worker that ends by itself, and all that it said: other duties may have the last word."""
    process = chain.workers[name].process
    assert process is not None
    return process.wait(120), chain.workers[name].said


def delete_before(settings: Settings, topic: str, partition: int, offset: int) -> None:
    """Records of a topic before an offset are gone."""

    async def delete() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=settings.brokers)
        await admin.start()
        place = TopicPartition(settings.topic(topic), partition)
        await admin.delete_records({place: RecordsToDelete(before_offset=offset)})
        await admin.close()

    asyncio.run(delete())


def bounds(settings: Settings, topic: str) -> list[tuple[int, int]]:
    with Topics(settings) as topics:
        return topics.bounds(topic)


def readable(settings: Settings) -> int:
    """Records on all sources."""
    with Topics(settings) as topics:
        return sum(len(rows) for name in SOURCES for rows in topics.read(name).values())


def hashes(history: History) -> dict[int, list[str]]:
    return {log: [entry.hash for entry in rows] for log, rows in history.logs.items()}


def test_rewind_reads_everything_again_and_doubles_nothing(
    kafka: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    settings = small_settings(kafka, topic_prefix, tmp_path, **QUICK)
    with Chain(kafka, settings) as chain:
        load = Load(settings)
        load.facts()
        load.send(200)
        rest(settings, load)
        before = checked(settings)
        chain.kill("all", signal.SIGTERM)
        for topic in SOURCES:
            for partition, (begin, end) in enumerate(bounds(settings, topic)):
                if begin < end:
                    patiently(chain, "rewind", topic, str(partition), "--offset", "0")
        heard = load.answered.total()
        owed = counts(before)["entries"]
        chain.start("all")
        load.until(lambda: load.answered.total() >= heard + owed, UNTIL_SECONDS, "everything again")
        rest(settings, load)
        load.close()
    after = checked(settings)
    assert hashes(after) == hashes(before)
    assert counts(after)["again"] >= counts(before)["again"] + owed


def test_rewind_fills_a_hole_between_two_duties(
    kafka: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    """Passages are deleted before consent ever read them: nothing in the log, until the door reads again."""
    settings = small_settings(kafka, topic_prefix, tmp_path, **QUICK)
    layout = {"front": FRONT, "rest": REST}
    chain = Chain(kafka, settings, layout=layout)
    chain.prepare()
    load = Load(settings)
    load.facts()
    load.send(100)
    sent = readable(settings)
    try:
        chain.start("front")
        chain.wait_ready()
        passages = ("passages.identified", "passages.identified.slow")
        load.until(
            lambda: sum(end for name in passages for _, end in bounds(settings, name)) >= sent,
            UNTIL_SECONDS, "identified",
        )  # fmt: skip
        for partition, (_, end) in enumerate(bounds(settings, passages[0])):
            delete_before(settings, passages[0], partition, end // 2)
        spans = [span for name in passages for span in bounds(settings, name)]
        left, gone = sum(end - begin for begin, end in spans), sum(begin for begin, _ in spans)
        chain.start("rest")
        load.until(
            lambda: sum(r.find_head() for r in readers(settings).values()) >= left,
            UNTIL_SECONDS,
            "what is left",
        )
        holed = recorded(settings)
        assert sum(fault.endswith("is lost") for fault in faults(holed)) >= gone > 0
        chain.kill("front", signal.SIGTERM)
        for partition in range(settings.partitions):
            patiently(chain, "rewind", TOPIC, str(partition), "--offset", "0")
        chain.start("front")
        rest(settings, load)
        filled = recorded(settings)
    finally:
        chain.stop()
        load.close()
    for log, kept in hashes(holed).items():
        assert hashes(filled)[log][: len(kept)] == kept
    found = counts(checked(settings, unordered=True))
    assert found["entries"] == readable(settings)


def test_a_lost_range_stops_the_worker_until_it_is_accepted(
    kafka: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    settings = small_settings(kafka, topic_prefix, tmp_path)
    with Chain(kafka, settings) as chain:
        load = Load(settings, transactions=False)  # of what is gone, nobody knows what was a marker
        load.facts()
        load.send(60)
        rest(settings, load)
        chain.kill("all", signal.SIGTERM)
        read = [end for _, end in bounds(settings, TOPIC)]
        load.send(120)
        lost = {p: n for p, n in enumerate((3, 0, 5, 0)) if n}
        for partition, count in lost.items():
            delete_before(settings, TOPIC, partition, read[partition] + count)

        told = set()
        for _ in lost:  # one at a time: the worker names the first it meets
            chain.start("all")
            code, said = ended(chain, "all")
            assert code == 78, said
            found = re.search(r"To go on: `synthgate ([^`]+)`", said)
            assert found, said
            command = shlex.split(found[1])
            assert command[:3] == ["topics", "accept-loss", TOPIC]
            told.add(int(command[3]))
            command[-1] = "the disk was lost"
            assert "count as never read" in chain.command(*command)
        assert told == set(lost)

        chain.start("all")
        extra = sum(count - 1 for count in lost.values())
        rest(settings, load, never_read=extra)
        chain.kill("all")
        chain.start("all")
        rest(settings, load, never_read=extra)
        load.close()
        status = chain.command("status", "--json")
    history = checked(settings)
    unread = [e for e in history.entry.values() if e.header["action"] == "never read"]
    assert {e.header["origin"]: e.header["offsets"] for e in unread} == {
        f"1/{TOPIC}/{partition}/{read[partition]}": count for partition, count in lost.items()
    }
    assert all(e.content["passage"]["lost"][0]["reason"] == "the disk was lost" for e in unread)
    assert status.count('"unaccounted": null') == settings.partitions, status
