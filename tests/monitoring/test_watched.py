"""A real Prometheus over a running chain: known events on every dashboard, and alerts by their causes."""

import asyncio
import json
from collections.abc import Iterator
from math import nan
from pathlib import Path
from typing import Any

import pytest

from cli_commands import run
from live_chain import RunningChain, chain_settings
from monitoring.panel_numbers import NOTHING, QUERIES, Between, after, await_panels, fits
from monitoring.prometheus import PATIENCE_S, Prometheus
from monitoring.test_alerts import ALERTS
from monitoring.test_every_fault import CAUSED, SHOWN
from monitoring.world import HELD, feed, flying, prepared, word
from runtime.bench import produce
from synthgate import __version__
from synthgate.broker.choose import Broker
from synthgate.broker.node import free_ports
from synthgate.client import Gate, Generation
from synthgate.demo.acts import NET
from synthgate.demo.chain import Chain
from synthgate.law import load
from synthgate.settings import Settings

FROM_EVENTS = {"Bypass", "QuarantineGrows", "CanaryAbsent"}
FROM_A_PAUSE = {"NothingDecided", "OriginUnaccounted", "LagGrows", "StagePaused", "CanaryMissing"}
FROM_A_LAW = {"StageWaits"}
FROM_COMING_BACK = {"DecisionsLate", "DutyLate", "DecisionsLateSlowly", "DutyLateSlowly"}
FROM_A_DEATH = {"WorkerDown", "PartitionsUnheld"}
NOT_OURS = {"CanaryAbsent", "WorkerDown", "DataDiskFull", "CalendarLacks"}
"""What may fire before anything was done: no canary process yet, this disk, the year."""
ROUNDS = 2
ROUNDS_MAX = 20
SOON_S = 20.0
PHONE, WORDS = "13800138000", "a poem for"
"""Of what is asked, and of a record that is no event: in no line of a worker's."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def chain(kafka: Broker, topic_prefix: str, tmp_path: Path) -> Iterator[RunningChain]:
    """Six duties in one worker that logs JSON."""
    settings = chain_settings(kafka, topic_prefix, tmp_path, log_format="json")
    with Chain(kafka, settings) as running:
        yield RunningChain(running)


def test_every_alert_is_caused_on_running_workers_here_or_beside() -> None:
    here = FROM_EVENTS | FROM_A_PAUSE | FROM_A_LAW | FROM_COMING_BACK | FROM_A_DEATH
    assert here | CAUSED == ALERTS.keys()
    assert not here & CAUSED


def test_each_panel_has_a_number_to_show() -> None:
    numbers = after(2, "law")
    assert numbers.keys() == {panel for panel, _ in QUERIES}
    beside = {panel for panels in SHOWN.values() for panel in panels}
    assert {panel for panel, said in numbers.items() if said == NOTHING} <= beside


def test_a_panel_that_says_something_else_is_found() -> None:
    said = {"a": 2, "b": Between(0, 1), "c": Between(0, 1, absent=True)}
    assert fits({"a": 2.0, "b": 0.5, "over": 0.0}, said)
    for found in ({"a": 3.0}, {"b": 1.5}, {"b": nan}, {"c": 2.0}, {"more": 1.0}):
        assert not fits({"a": 2.0, "b": 0.5, **found}, said), found
    assert not fits({"a": 2.0}, said)


async def test_known_events_are_on_the_dashboards_and_causes_fire_alerts(
    chain: RunningChain, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = chain.settings
    (canary,) = free_ports(1)
    names = {f"127.0.0.1:{chain.chain.workers['all'].port}": "worker"}
    law = f"{__version__} law {load().hash[:12]}"
    targets = [chain.chain.workers["all"].port, canary]
    gate = Gate.from_settings(settings, tenant="acme", source="//acme/chat")
    with Prometheus(settings.data_dir / "prometheus", targets) as prometheus:
        async with gate:
            await prepared(gate, "u")
            await asyncio.to_thread(prometheus.until, lambda: scraped(prometheus), "quiet")
            rounds = await rounds_until_they_fire(settings, gate, prometheus)
            await asyncio.to_thread(await_panels, prometheus, names, after(rounds, law))
            async with flying(chain.chain, canary):
                await asyncio.to_thread(prometheus.until, lambda: flown(prometheus), "canaries")
                await paused_and_back(chain, gate, prometheus)
                await asyncio.to_thread(
                    prometheus.until, lambda: not prometheus.firing() & FROM_A_DEATH, "all alive"
                )
                pages = [f"http://127.0.0.1:{port}/metrics" for port in targets]
                await asyncio.to_thread(nobody_in_what_it_says, chain, pages, capsys)
                chain.kill_worker()
                await asyncio.to_thread(prometheus.until_firing, *FROM_A_DEATH)


def nobody_in_what_it_says(chain: RunningChain, pages: list[str], capsys: Any) -> None:
    """Logs are JSON without content; ``synthgate scan`` finds nobody in them, and who is planted it does."""
    logs = sorted(chain.settings.data_dir.glob("worker-*.log"))
    assert [log.name for log in logs] == ["worker-all.log", "worker-canary.log"]
    places = [part for log in logs for part in ("--file", str(log))]
    places += [part for page in pages for part in ("--metrics", page)]
    here = f"data_dir={chain.settings.data_dir}"
    code, said, why = run(capsys, "--set", here, "scan", "--no-topics", *places)
    assert (code, why) == (0, ""), said
    text = logs[0].read_text("utf-8")
    assert text and all(json.loads(line)["message"] for line in text.splitlines())
    for words in (PHONE, WORDS, HELD, json.dumps(HELD)[1:-1]):
        assert not [log for log in logs if words in log.read_text("utf-8")], words
    planted = chain.settings.data_dir / "planted.log"
    planted.write_text(f"{text}user {PHONE} failed\n", "utf-8")
    code, said, _ = run(capsys, "scan", "--no-topics", "--file", str(planted))
    assert (code, str(planted) in said, PHONE in said) == (1, True, False)


async def rounds_until_they_fire(settings: Settings, gate: Gate, prometheus: Prometheus) -> int:
    """Rounds, and more of them while an alert has not fired that looks at the last seconds only; how many."""
    missing, rounds = set(FROM_EVENTS), 0
    while missing:
        assert rounds < ROUNDS_MAX, f"never fired: {missing}"
        for _ in range(ROUNDS):
            await a_round(gate, rounds)
            await produce(settings, "generation.events", [(1, f"no event, {PHONE}".encode())])
            rounds += 1
            await asyncio.sleep(1)
        missing = await asyncio.to_thread(prometheus.not_fired, missing, SOON_S)
    return rounds


def scraped(prometheus: Prometheus) -> bool:
    """The worker is known and nothing fires that is of our making."""
    return prometheus.value("sum(up)") == 1 and not prometheus.firing() - NOT_OURS


def flown(prometheus: Prometheus) -> bool:
    """Canaries have passed on every partition, and their process no longer counts as missing."""
    passed = prometheus.value("count(synthgate_canary_passed_timestamp_seconds)")
    return passed == 4 and "WorkerDown" not in prometheus.firing()


async def a_round(gate: Gate, number: int) -> None:
    """One of everything that platforms do, at once."""
    events, net = gate.events, dict(NET)

    def story(name: str) -> Generation:
        return Generation(f"{name}-{number}", template="chat", purpose="chat")

    async def made() -> list[str]:
        asked = await gate.decide(
            events.requested("u", story("g"), prompt=f"{WORDS} {PHONE}", net=net), PATIENCE_S
        )
        passed = asked.pass_text
        answers = [
            events.completed("u", story("g"), text=text, pass_text=passed, net=net)
            for text in ("roses", None)
        ]
        return [(await gate.decide(one, PATIENCE_S)).action for one in answers]

    others = (
        events.requested("stranger", story("s"), prompt=PHONE, net=net),
        events.requested("u", story("h"), prompt=HELD, net=net),
        events.delivered("u", story("never"), pass_text=None, recipient="r", net=net),
        events.build(
            "complaint.received",
            "victim",
            complaint=f"k-{number}",
            about={"words": "these"},
            net=net,
        ),
    )
    actions, *answers = await asyncio.gather(
        made(), *(gate.decide(one, PATIENCE_S) for one in others)
    )
    assert (*actions, *(answer.action for answer in answers)) == (
        "release", "refuse", "refuse", "hold", "refuse", "release",
    )  # fmt: skip


async def paused_and_back(chain: RunningChain, gate: Gate, prometheus: Prometheus) -> None:
    """Moderation pauses under load, then nobody has the law in force, then all is well again."""
    await word(gate, "pause/moderation", {"paused": True, "reason": "test"})
    feeding = asyncio.create_task(feed(gate))
    try:
        await asyncio.to_thread(prometheus.until_firing, *FROM_A_PAUSE)
    finally:
        if feeding.done():
            feeding.result()  # what ended it
        feeding.cancel()
    await word(gate, "law", {"hash": "0" * 64})
    await asyncio.to_thread(prometheus.until_firing, *FROM_A_LAW)
    await word(gate, "law", {"hash": load().hash})
    await word(gate, "pause/moderation", {"paused": False, "reason": "test"})
    await asyncio.to_thread(prometheus.until_firing, *FROM_COMING_BACK)
