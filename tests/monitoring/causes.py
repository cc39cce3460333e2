"""What makes alerts fire on a running chain, each as it comes about."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path

from aiohttp import ClientConnectionError, ClientSession, web
from confluent_kafka import Consumer, Producer

from e2e.casework import said, tell
from e2e.recorder import Topics
from monitoring.hurt import BUG, LETHAL
from monitoring.prometheus import PATIENCE_S, SAMPLES_S
from monitoring.scene import ANN, BEN, Scene
from monitoring.world import HELD, feed, word
from synthgate.broker.node import free_ports
from synthgate.client import Decision
from synthgate.demo.acts import NET
from synthgate.events.passage import Passage
from synthgate.library.sample import SAMPLE_VERSION, sample_rows
from synthgate.settings import Settings

BAD = SAMPLE_VERSION + 1
WORD = "bird"
"""Of the canaries' prompt, and of harmless people's."""
BEFORE_S = 12
BURST = 20
"""Asked at once by each of them."""
WAIT_FOR_IT = 20
"""Held at once when the scorer is away; the rule asks for more than ten."""
ASKED = 3
CITED = "HOUSE-bug refuse"
"""What a passage is answered with on which a duty failed."""
HOUR_S = 3600
YEAR_S = 366 * 86_400


@asynccontextmanager
async def traffic(scene: Scene) -> AsyncIterator[None]:
    """Somebody asks all the time."""
    feeding = asyncio.create_task(feed(scene.gate))
    try:
        yield
    finally:
        feeding.cancel()


@asynccontextmanager
async def faults(scene: Scene) -> AsyncIterator[None]:
    """Many things at once that have nothing to do with each other."""
    assert await scene.ask("u", "bug", BUG) == "refuse"
    await asyncio.to_thread(say_again_otherwise, scene.settings)
    with scene.flags["others"].up("blind"):
        assert await scene.ask("u", "blind", "a poem of the blind") == "release"
    with (
        coming_and_going(scene.settings),
        filling(scene.settings.data_dir),
        scene.flags["consent"].up("uncommitted"),
        scene.flags["others"].up("unproved"),
        scene.flags["others"].up("unrecorded"),
    ):
        await word(scene.gate, "terms/other/0", {})
        yield


def say_again_otherwise(settings: Settings) -> None:
    """A passage retention has logged comes again as of another event, as after a topic was made anew."""
    topic = "passages.labelled.slow"
    with Topics(settings) as topics:
        read = topics.read(topic)
    partition, records = next((one, found) for one, found in read.items() if found)
    passage = Passage.parse(records[0].value, records[0].key)
    passage.event_hash = passage.event_hash[::-1]
    producer = Producer({"bootstrap.servers": settings.brokers, "log_level": 2})
    producer.produce(settings.topic(topic), passage.render(), passage.key, partition)
    assert producer.flush(PATIENCE_S) == 0


@contextmanager
def coming_and_going(settings: Settings) -> Iterator[None]:
    """A member joins consent's group and leaves it, over and over; it asks for no partition of consent's."""
    over = threading.Event()

    def run() -> None:
        while not over.is_set():
            member = Consumer(
                {
                    "bootstrap.servers": settings.brokers, "log_level": 2,
                    "group.id": settings.group("consent"), "session.timeout.ms": 6000,
                    "partition.assignment.strategy": "range", "enable.auto.commit": False,
                }
            )  # fmt: skip
            try:
                member.subscribe([settings.topic("control")])
                end = time.monotonic() + PATIENCE_S
                while not member.assignment() and not over.is_set() and time.monotonic() < end:
                    member.poll(0.05)
            finally:
                member.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(PATIENCE_S)


@contextmanager
def filling(folder: Path) -> Iterator[None]:
    """A file takes a hundredth of the room: as fast as that, it is gone within the day."""
    status = os.statvfs(folder)
    path = folder / "filling"
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, status.f_bavail * status.f_frsize // 100)
    yield
    path.unlink()


@asynccontextmanager
async def a_slow_duty(scene: Scene) -> AsyncIterator[None]:
    """Moderation takes seconds for every batch."""
    with scene.flags["others"].up("slow"):
        yield


@asynccontextmanager
async def a_bad_entry(scene: Scene) -> AsyncIterator[None]:
    """A word of every day comes on the list: harmless people are refused, and canaries.

    Not before refusals were seldom for a while: the rule asks what was usual ten minutes, here seconds, ago;
    nor while what was asked before is still under way.
    """
    usual = f"count_over_time(synthgate:refused:ratio_rate10m[1h]) > {BEFORE_S / SAMPLES_S}"
    await asyncio.to_thread(
        scene.prometheus.until, lambda: scene.prometheus.query(usual), "a while of calm"
    )
    done = "sum(synthgate_lag_records) == 0"
    await asyncio.to_thread(scene.prometheus.until, lambda: scene.prometheus.query(done), "rest")
    like = next(row for row in sample_rows() if row.risk == "A.1h" and row.kind == "keyword")
    bad = {"entry": "bad-01", "value": WORD, "from_version": BAD}
    await scene.gate.facts.write("facts.features", **like.model_copy(update=bad).model_dump())
    await word(scene.gate, "library", {"version": BAD, "agreed_by": "bob"})
    asking = asyncio.create_task(_ask_for_birds(scene))
    try:
        yield
    finally:
        asking.cancel()
    await word(scene.gate, "library", {"version": SAMPLE_VERSION, "agreed_by": "bob"})


async def _ask_for_birds(scene: Scene) -> None:
    """Two people, over and over, until cancelled."""
    for number in count():
        asked = [(user, f"{user}-{number}-{n}") for user in (ANN, BEN) for n in range(BURST)]
        await asyncio.gather(*(scene.ask(user, name, f"a {WORD}, {name}") for user, name in asked))
        await asyncio.sleep(1)


@asynccontextmanager
async def a_stalled_copy(scene: Scene) -> AsyncIterator[None]:
    """One worker hears what the operator says, the other does not."""
    with scene.flags["consent"].up("stalled"):
        await word(scene.gate, "terms/other/1", {})
        await asyncio.sleep(2)  # what was being read may have taken that word along
        await word(scene.gate, "terms/other/2", {})
        yield


@asynccontextmanager
async def a_record_that_kills(scene: Scene) -> AsyncIterator[None]:
    """It ends consent's worker, twice; whoever starts it anew starts another version, and it is well."""
    flags = scene.flags["consent"]
    with flags.up("build", "another"), flags.up("lethal", "2"):
        story = asyncio.create_task(scene.ask("u", "lethal", LETHAL))
        end = time.monotonic() + PATIENCE_S
        while not story.done():
            assert time.monotonic() < end, "a record that killed twice is never decided"
            process = scene.chain.workers["consent"].process
            if process is not None and process.poll() is not None:
                scene.chain.start("consent")
            await asyncio.sleep(0.2)
        assert story.result() == "release"
        yield


@asynccontextmanager
async def two_hours(scene: Scene) -> AsyncIterator[None]:
    """Something was let out, something waits for a person, and an order is to be answered within the hour.

    Something else a person has judged.
    """
    events, story = scene.gate.events, scene.story("made")
    assert await scene.ask("u", "held", HELD) == "hold"
    asked = await scene.decide(events.requested("u", story, prompt="roses", net=dict(NET)))
    done = events.completed("u", story, text="red", pass_text=asked.pass_text, net=dict(NET))
    assert (await scene.decide(done)).action == "release"
    within = said(time.time_ns() // 1_000_000 + HOUR_S * 1000)
    order = ("o-1", "regulator.requested", "o-1", {"detail": {"answer_by": within}})
    await asyncio.to_thread(tell, scene.settings, [order])
    await word(scene.gate, "reviewers/acme", {"reviewers": ["reviewer-1"]})
    judged = await scene.decide(
        events.requested("u", scene.story("judged"), prompt=HELD, net=dict(NET))
    )
    assert isinstance(judged, Decision)
    await scene.gate.desk.answer_hold(judged, "refuse", "reviewer-1")
    with scene.flags["others"].up("ahead", str(2 * HOUR_S)):
        yield


@asynccontextmanager
async def ten_years(scene: Scene) -> AsyncIterator[None]:
    """Nobody answers a complaint, nor does the work; nobody reviews; and who knows the holidays of then?"""
    complaint = scene.gate.events.build(
        "complaint.received", "victim", complaint="k", about={"words": "these"}, net=dict(NET)
    )
    assert (await scene.decide(complaint)).action == "release"
    with scene.flags["others"].up("ahead", str(10 * YEAR_S)):
        yield


@asynccontextmanager
async def a_scorer_away(scene: Scene) -> AsyncIterator[None]:
    """Who scores texts fails, and everything waits."""
    well = scene.scorer.answers
    scene.scorer.answers = lambda _: web.Response(status=500)
    asked = (scene.ask("u", f"unscored-{n}", f"unscored {n}") for n in range(WAIT_FOR_IT))
    assert set(await asyncio.gather(*asked)) == {"hold"}
    yield
    scene.scorer.answers = well


@asynccontextmanager
async def no_target(scene: Scene) -> AsyncIterator[None]:
    """Whoever tells Prometheus where workers are tells it nothing."""
    scene.prometheus.forget()
    yield


@asynccontextmanager
async def asked_by_http(scene: Scene) -> AsyncIterator[None]:
    """Whether it is well, three times, of `synthgate api`."""
    (port,) = free_ports(1)
    more = {"WEB_PORT": str(scene.api_port), "API_PORT": str(port), "API_BEHIND_PROXY": "true"}
    environment = scene.chain.environment() | {
        f"SYNTHGATE_{name}": said for name, said in more.items()
    }
    with (scene.settings.data_dir / "worker-api.log").open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "synthgate", "api", env=environment, stdout=out, stderr=out
        )
    try:
        async with ClientSession() as session:
            for _ in range(ASKED):
                await _answer(session, f"http://127.0.0.1:{port}/livez")
        yield
    finally:
        process.kill()
        await process.wait()


async def _answer(session: ClientSession, url: str) -> None:
    """Wait for the one answer."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            async with session.get(url) as answer:
                assert answer.status == 200
                return
        except ClientConnectionError:
            assert time.monotonic() < end
            await asyncio.sleep(0.2)
