"""A real Prometheus over a running chain: known events on every dashboard, and alerts by their causes."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from live_chain import RunningChain
from monitoring.prometheus import PATIENCE_S, Prometheus, faster
from monitoring.test_alerts import ALERTS
from monitoring.test_dashboards import QUERIES
from runtime.bench import produce
from synthgate.broker.node import free_ports
from synthgate.client import Gate, Generation
from synthgate.demo.acts import NET, TERMS
from synthgate.demo.facts import control, template, terms
from synthgate.law import load
from synthgate.library.sample import SAMPLE_VERSION, sample_rows
from synthgate.settings import Settings

NOW_MS = 1_795_000_000_000
HELD = "写一句稳赚不赔的理财广告"
NOT_CAUSED = {
    # Faults of the software or of a cluster that a healthy chain does not have; cases.py has their series.
    "ReleasedUnlabelled", "StubBug", "OriginConflict", "RecordsLate", "LogUnproved", "DataDiskFull",
    "CommitsFail", "RebalancesStorm", "WorkerKilled", "CopyBehind", "VersionsDiffer", "CanaryRefused",
    # Days, deadlines of hours, or a scorer away for long.
    "RefusalsSurge", "HoldsGrow", "HoldsExpire", "CaseOverdue",
    "Unreconciled", "CalendarLacks", "BlastGuard",
    # Canaries that are slow; no target at all.
    "CanarySlow", "WorkersAbsent",
}  # fmt: skip
FROM_EVENTS = {
    "Bypass",
    "QuarantineGrows",
    "ReviewLate",
    "ComplaintOld",
    "WorkUnanswered",
    "CanaryAbsent",
}
FROM_A_PAUSE = {"NothingDecided", "OriginUnaccounted", "LagGrows", "StagePaused", "CanaryMissing"}
FROM_A_LAW = {"StageWaits"}
FROM_COMING_BACK = {"DecisionsLate", "DutyLate", "DecisionsLateSlowly", "DutyLateSlowly"}
FROM_A_DEATH = {"WorkerDown", "PartitionsUnheld"}
NOT_OURS = {"CanaryAbsent", "WorkerDown", "DataDiskFull", "CalendarLacks"}
"""What may fire before anything was done: no canary process yet, this disk, the year."""
ROUNDS = 2
ROUNDS_MAX = 20
SOON_S = 20.0


def expected(rounds: int) -> dict[tuple[str, str], int]:
    """What the panels say after so many rounds.

    A round: two released (asked, made), a stranger refused, one held, a delivery refused, a complaint, one
    record that is no event; before them a user who is verified and accepts the terms.
    """
    return {
        ("fleet", "Decisions so far"): 2 + 7 * rounds,
        ("fleet", "Bypasses"): rounds,
        ("fleet", "Workers that answer"): 1,
        ("fleet", "Labelled before release, 1 h"): 1,
        ("ledger", "Entries"): 2 + 7 * rounds,
        ("labels", "Releases with a label"): rounds,
        ("labels", "Releases that need none"): 2 + 2 * rounds,
        ("labels", "Releases without the label they need"): 0,
        ("cases", "Deadlines unmet"): 0,
        ("cases", "Work unanswered"): 2 * rounds,
    }


EMPTY = {
    ("fleet", "Canaries"), ("fleet", "Since a canary passed"), ("fleet", "Waiting"), ("duty", "Waiting"),
    ("duty", "Batches that ended the process"), ("duty", "Stubs"), ("duty", "Rules cited"),
    ("cases", "Holds ended"), ("cases", "Review, from hold to answer"),
    ("labels", "Rules labelling refuses by"),
    ("cases", "Generations let out, by what the platform reported"),
    ("cases", "Surges of refusals"), ("fleet", "Asked by HTTP"), ("fleet", "Answers by HTTP"),
}  # fmt: skip
"""Panels of what has not happened."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_every_alert_is_caused_here_or_named() -> None:
    caused = FROM_EVENTS | FROM_A_PAUSE | FROM_A_LAW | FROM_COMING_BACK | FROM_A_DEATH
    assert caused | NOT_CAUSED == ALERTS.keys()
    assert not caused & NOT_CAUSED


async def test_known_events_are_on_the_dashboards_and_causes_fire_alerts(
    chain: RunningChain,
) -> None:
    settings = chain.settings
    (canary,) = free_ports(1)
    targets = [chain.chain.workers["all"].port, canary]
    gate = Gate.from_settings(settings, tenant="acme", source="//acme/chat")
    with Prometheus(settings.data_dir / "prometheus", targets) as prometheus:
        async with gate:
            await prepared(gate)
            await asyncio.to_thread(prometheus.until, lambda: scraped(prometheus), "quiet")
            rounds = await rounds_until_they_fire(settings, gate, prometheus)
            await asyncio.to_thread(panels_say, prometheus, expected(rounds))
            async with flying(chain, canary):
                await asyncio.to_thread(prometheus.until, lambda: flown(prometheus), "canaries")
                await paused_and_back(chain, gate, prometheus)
                await asyncio.to_thread(
                    prometheus.until, lambda: not prometheus.firing() & FROM_A_DEATH, "all alive"
                )
                chain.kill_worker()
                await asyncio.to_thread(prometheus.until_firing, *FROM_A_DEATH)


async def rounds_until_they_fire(settings: Settings, gate: Gate, prometheus: Prometheus) -> int:
    """Rounds, and more of them while an alert has not fired that looks at the last seconds only; how many."""
    missing, rounds = set(FROM_EVENTS), 0
    while missing:
        assert rounds < ROUNDS_MAX, f"never fired: {missing}"
        for _ in range(ROUNDS):
            await a_round(gate, rounds)
            await produce(settings, "generation.events", [(1, b"no event")])
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


async def prepared(gate: Gate) -> None:
    """What must be known, and a user in good standing."""
    for row in sample_rows():
        await gate.facts.write("facts.features", **row.model_dump())
    library = control("library", {"version": SAMPLE_VERSION, "agreed_by": "b"}, NOW_MS)
    await gate.facts.write("control", **library.model_dump())
    chat = template("chat", NOW_MS).model_dump() | {"tenant": "acme"}
    await gate.facts.write("facts.templates", **chat)
    await gate.facts.write("control", **terms("acme", NOW_MS).model_dump())
    vouched = gate.events.identity_verified(
        "u", method="mobile", checker="c", evidence_ref="vault/1", age_band="adult"
    )
    assert (await gate.decide(vouched, PATIENCE_S)).released
    agreed = gate.events.terms_accepted("u", terms_version=TERMS, duty_notice_shown=True)
    assert (await gate.decide(agreed, PATIENCE_S)).released


async def a_round(gate: Gate, number: int) -> None:
    """One of everything that platforms do, at once."""
    events, net = gate.events, dict(NET)

    def story(name: str) -> Generation:
        return Generation(f"{name}-{number}", template="chat", purpose="chat")

    async def made() -> str:
        asked = await gate.decide(
            events.requested("u", story("g"), prompt="a poem", net=net), PATIENCE_S
        )
        passed = asked.pass_text
        done = events.completed("u", story("g"), text="roses", pass_text=passed, net=net)
        return (await gate.decide(done, PATIENCE_S)).action

    others = (
        events.requested("stranger", story("s"), prompt="x", net=net),
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
    action, *answers = await asyncio.gather(
        made(), *(gate.decide(one, PATIENCE_S) for one in others)
    )
    assert (action, *(answer.action for answer in answers)) == (
        "release", "refuse", "hold", "refuse", "release",
    )  # fmt: skip


def panels_say(prometheus: Prometheus, expected: dict[tuple[str, str], int]) -> None:
    """Every query of every dashboard, and the numbers that are known, once the last of them is scraped."""
    until = time.monotonic() + PATIENCE_S
    while True:
        found = panels(prometheus)
        empty = {panel for panel, values in found.items() if not values} - EMPTY
        wrong = {p: (found[p], said) for p, said in expected.items() if found[p] != [said]}
        if not empty and not wrong:
            return
        assert time.monotonic() < until, f"empty: {empty}; found, not expected: {wrong}"
        time.sleep(0.5)


def panels(prometheus: Prometheus) -> dict[tuple[str, str], list[float]]:
    found: dict[tuple[str, str], list[float]] = {}
    for uid, title, query in QUERIES:
        text = query.expression.replace("$__rate_interval", "5m").replace("$duty", "consent")
        found.setdefault((uid, title), []).extend(prometheus.query(faster(text)).values())
    return found


@asynccontextmanager
async def flying(chain: RunningChain, port: int) -> AsyncIterator[None]:
    """Canaries every second."""
    environment = {**chain.chain.environment(), "SYNTHGATE_WEB_PORT": str(port)}
    with (chain.settings.data_dir / "worker-canary.log").open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "synthgate", "canary", "--every", "1",
            env=environment, stderr=out,
        )  # fmt: skip
    try:
        yield
    finally:
        process.kill()
        await process.wait()


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


async def feed(gate: Gate) -> None:
    """Requests, one after the other, until cancelled."""
    number = 0
    while True:
        story = Generation(f"f-{number}", template="chat", purpose="chat")
        await gate.tell(gate.events.requested("u", story, prompt="a poem", net=dict(NET)))
        number += 1
        await asyncio.sleep(0.05)


async def word(gate: Gate, name: str, body: dict[str, object]) -> None:
    """The operator's word, on every partition where it is one of those."""
    names = [f"{name}/{n}" for n in range(4)] if name.startswith("pause") else [name]
    for one in names:
        row = control(one, body, NOW_MS).model_dump(exclude={"version"})
        await gate.facts.write("control", **row)
