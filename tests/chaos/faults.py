"""What goes wrong: one function a fault. Each does it under load, sees that it took, and lets the chain go on.

A fault that cannot be seen to have happened raises: a round in which nothing went wrong proves nothing.
"""

import asyncio
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from aiohttp.web import Response

from chaos.broker_faults import broker_restart, leaders_back, no_quorum, node_lost
from chaos.proxy import Mode
from chaos.rig import SCORER_SECONDS, SESSION_SECONDS, ChaosError, Rig
from chaos.worker import PRODUCE_SECONDS_MAX
from e2e.recorder import readers
from reviewers.service import harmless

TAKEN_OVER_SECONDS_MAX = 150.0
DISK_STEPS_MAX = 40
CAUGHT_TRIES_MAX = 5
"""To kill workers while retention publishes; whoever publishes then, when it never did."""


def kill(rig: Rig) -> None:
    """SIGKILL in mid-batch."""
    rig.mid_batch()
    name = rig.dice.choice(sorted(rig.up))
    rig.end(name, signal.SIGKILL)
    rig.say(f"{name} killed with {len(rig.load.outstanding)} acts under way")
    rig.start(name)
    rig.answered()


def kill_in_publish(rig: Rig) -> None:
    """SIGKILL of every worker between the broker's taking of a batch and its word on it, or before it."""
    rig.mid_batch()
    mode = rig.dice.choice((Mode.WITHHOLD, Mode.WITHHOLD, Mode.DENY))
    tries = 1
    while not _caught(rig, mode) and tries < CAUGHT_TRIES_MAX:
        tries += 1
        rig.cluster.proxy.turn(Mode.OPEN)
        rig.answered(10)
    names = sorted(rig.up)
    for name in names:
        rig.end(name, signal.SIGKILL)
    rig.cluster.proxy.turn(Mode.OPEN)
    rig.say(f"{', '.join(names)} killed while publishing ({mode})")
    for name in names:
        rig.start(name)
    rig.answered()


def _caught(rig: Rig, mode: Mode) -> bool:
    """Turn to the mode under load; whether the log has grown since by what nobody can have been told."""
    before = rig.cluster.proxy.hurt[mode]
    rig.cluster.proxy.turn(mode)
    entries = _entries(rig)
    rig.flow(lambda: rig.cluster.proxy.hurt[mode] > before, f"a batch in {mode}")
    rig.flow_for(0.6)  # longer than from one commit to the next
    return _entries(rig) > entries


def _entries(rig: Rig) -> int:
    return sum(reader.find_head() for reader in readers(rig.settings).values())


def term(rig: Rig) -> None:
    """SIGTERM under load: drained, exit 0, started again."""
    rig.mid_batch()
    name = rig.dice.choice(sorted(rig.up))
    rig.end(name, signal.SIGTERM)
    rig.say(f"{name} asked to end, ended with {rig.process(name).returncode}")
    rig.start(name)
    rig.answered()


def join_and_leave(rig: Rig) -> None:
    """Another worker joins under load; then one of those with the same duties leaves, asked or killed."""
    spare = next(name for name in rig.layout if name not in rig.up)
    rig.mid_batch()
    rig.start(spare)
    rig.flow(lambda: rig.ready(spare), f"{spare} has joined")
    rig.answered()
    leaving = rig.dice.choice([n for n in sorted(rig.up) if rig.layout[n] == rig.layout[spare]])
    how = rig.dice.choice((signal.SIGTERM, signal.SIGKILL))
    rig.end(leaving, how)
    rig.say(f"{spare} joined, {leaving} left by {how.name}")
    rig.answered()


def zombie(rig: Rig) -> None:
    """SIGSTOP; another takes its partitions over; SIGCONT."""
    twins = [n for n in sorted(rig.up) if sum(rig.layout[n] == rig.layout[o] for o in rig.up) > 1]
    name = rig.dice.choice(twins)
    rig.flow(rig.ready, "every worker is ready")
    rig.mid_batch()
    rig.process(name).send_signal(signal.SIGSTOP)
    heads = {log: reader.find_head() for log, reader in readers(rig.settings).items()}
    rig.flow(
        lambda: all(r.find_head() > heads.get(n, 0) for n, r in readers(rig.settings).items()),
        "every log is written on", TAKEN_OVER_SECONDS_MAX,
    )  # fmt: skip
    rig.process(name).send_signal(signal.SIGCONT)
    rig.say(f"{name} frozen, its partitions taken over, and let go on")
    rig.flow_for(3)  # it still says that it is ready: it learns with its next append that it is not
    rig.flow(lambda: rig.ready(name), f"{name} is ready again, or started again")
    rig.answered()


def cut(rig: Rig) -> None:
    """Every connection of every worker is cut, and refused for a while."""
    _through(rig, Mode.SHUT, rig.dice.uniform(0.2, 3))


def frozen_link(rig: Rig) -> None:
    """Nothing passes between workers and brokers, for less or more than a session."""
    _through(rig, Mode.FROZEN, rig.dice.choice((1.0, 3.0, SESSION_SECONDS + 3)))


def denied(rig: Rig) -> None:
    """Produce requests do not arrive; their connections are cut."""
    _through(rig, Mode.DENY, rig.dice.uniform(0.5, 2.5))


def lost_answers(rig: Rig) -> None:
    """Brokers take what is produced, and no worker hears of it."""
    _through(rig, Mode.MUTE, rig.dice.uniform(0.5, 2.5))


def produce_timeout(rig: Rig) -> None:
    """No word on what was produced for longer than a worker waits for it."""
    _through(rig, Mode.WITHHOLD, PRODUCE_SECONDS_MAX * 2)


def _through(rig: Rig, mode: Mode, seconds: float) -> None:
    rig.mid_batch()
    proxy = rig.cluster.proxy
    before = proxy.hurt[mode]
    proxy.turn(mode)
    try:
        rig.flow(lambda: proxy.hurt[mode] > before, f"something is hurt by {mode}")
        rig.flow_for(seconds)
    finally:
        proxy.turn(Mode.OPEN)
    rig.say(f"proxy {mode} for {seconds:.1f} s: {proxy.hurt[mode] - before} times")
    rig.answered()


def stalled_copy(rig: Rig) -> None:
    """Registry copies stop reading while facts change: their stage waits, and says so; it refuses nothing."""
    rig.mid_batch()
    rig.flow(rig.ready, "every worker is ready")
    rig.flag("stalled")
    stand = [f"stalls-{name}" for name in rig.up]
    rig.flow(lambda: all((rig.flags / flag).exists() for flag in stand), "copies stand still")
    rig.load.suspend()
    if rig.plant:  # one that does not wait cannot be waited for
        rig.flow(lambda: rig.load.wrong, "something is decided on a stalled copy")
    else:
        rig.flow(
            lambda: any(rig.waits(name, "registry:") for name in rig.up), "a wait for a registry"
        )
        rig.flow_for(1.5)
        states: list[dict[str, Any]] = []

        def all_say() -> bool:  # who is slow to answer is asked again
            states[:] = map(rig.state, rig.up)
            return all(states)

        rig.flow(all_say, "every worker says what it waits for")
        if not any(w["what"].startswith("registry:") for one in states for w in one["waits"]):
            raise ChaosError(f"a stage went on with a stalled copy: {states}; {rig.standing()}")
    for flag in ("stalled", *stand):
        rig.unflag(flag)
    rig.say("registry copies stalled and read on")
    rig.answered()


def disk_full(rig: Rig) -> None:
    """No room for the log nor for objects: a declared wait, membership kept, and on it goes."""
    rig.mid_batch()
    rig.flow(rig.ready, "every worker is ready")
    ends = rig.ends.copy()
    rig.flag("full")
    wants = ("ledger", "object store")
    rig.flow(
        lambda: any(rig.waits(name, what) for name in rig.up for what in wants), "a wait for room"
    )
    rig.flow_for(rig.dice.uniform(0.5, 3))
    if rig.ends != ends:
        raise ChaosError(f"a worker ended for want of room: {rig.ends - ends}")
    rig.unflag("full")
    rig.say("disk full, and room again")
    rig.answered()


def power_cut(rig: Rig) -> None:
    """The log's machine loses its power at some file operation: what was not synced is gone."""
    rig.mid_batch()
    names = rig.dice.choice(("all", "synced"))
    cut_to = rig.settings.ledger_dir.with_suffix(".cut")
    owner = next(name for name in sorted(rig.up) if owns_logs(rig.layout[name]))
    rig.up.discard(owner)
    rig.flag("cut", f"{rig.dice.randrange(1, DISK_STEPS_MAX)} {names}")
    rig.flow(lambda: not rig.alive(owner), "the power goes")
    rig.unflag("cut")
    if rig.process(owner).returncode != -signal.SIGKILL or not cut_to.exists():
        raise ChaosError(f"{owner} ended with {rig.process(owner).returncode}: {rig.log(owner)}")
    others = sorted(rig.up)
    for name in others:
        rig.end(name, signal.SIGKILL)
    lost = rig.settings.ledger_dir.with_suffix(f".lost-{rig.ends['power cut']}")
    rig.settings.ledger_dir.rename(lost)
    cut_to.rename(rig.settings.ledger_dir)
    rig.ends["power cut"] += 1
    rig.say(f"power cut of {owner}, {names} names kept")
    for name in (owner, *others):
        rig.start(name)
    rig.answered()


def owns_logs(arguments: Sequence[str]) -> bool:
    """Whether a worker with these arguments is a retention."""
    return not arguments or "retention" in arguments or "--fused" in arguments


def switch(rig: Rig) -> None:
    """Fused to separate, or back: the door stops, what is on the way arrives, the others take over."""
    fused = "fused" in rig.up
    rig.mid_batch()
    if fused:
        rig.end("fused", signal.SIGTERM)
        rig.start("door")
        rig.start("rest")
    else:
        rig.end("door", signal.SIGTERM)
        on_the_way = "may be switched"
        until = time.monotonic() + TAKEN_OVER_SECONDS_MAX
        while on_the_way not in rig.chain.command("status"):
            rig.load.listen(0.2)
            rig.tend()
            if time.monotonic() > until:
                raise ChaosError(f"passages stay on the way: {rig.standing()}")
        rig.end("rest", signal.SIGTERM)
        rig.start("fused")
    rig.say(f"switched from {'fused to separate' if fused else 'separate to fused'}")
    rig.flow(rig.ready, "every worker is ready")
    rig.answered()


def slow_scorer(rig: Rig) -> None:
    """Who reads texts takes longer than is waited for: what it should have read is held, and comes back."""
    _scorer(rig, lambda _: asyncio.sleep(SCORER_SECONDS * 4), "slow")


def dead_scorer(rig: Rig) -> None:
    """Who reads texts answers that it cannot."""
    _scorer(rig, lambda _: Response(status=503), "dead")


def _scorer(rig: Rig, answers: Callable[[Any], Any], how: str) -> None:
    rig.mid_batch()
    rig.scorer.answers = answers
    before = len(rig.scorer.asked)
    rig.flow(lambda: len(rig.scorer.asked) > before, f"a {how} scorer is asked")
    rig.answered()
    rig.say(f"scorer {how}: asked {len(rig.scorer.asked) - before} times")
    rig.scorer.answers = harmless
    asked = len(rig.scorer.asked)
    rig.flow(lambda: len(rig.scorer.asked) > asked, "the scorer is asked again")
    rig.answered()


class Fault(NamedTuple):
    """What is done, and in which layouts (``schedule.py``) it makes sense; with how many brokers."""

    act: Callable[[Rig], None]
    layouts: tuple[str, ...] = ("twins", "halves", "fused twins", "one", "switched")
    nodes: tuple[int, ...] = (1, 3)


ONE_LOG_OWNER = ("halves", "one", "switched")
FAULTS: Mapping[str, Fault] = {
    "kill": Fault(kill),
    "kill in publish": Fault(kill_in_publish),
    "term": Fault(term),
    "join and leave": Fault(join_and_leave, layouts=("twins", "fused twins")),
    "zombie": Fault(zombie, layouts=("twins", "fused twins")),
    "cut": Fault(cut),
    "frozen link": Fault(frozen_link),
    "denied": Fault(denied),
    "lost answers": Fault(lost_answers),
    "produce time-out": Fault(produce_timeout),
    "stalled copy": Fault(stalled_copy),
    "disk full": Fault(disk_full),
    "power cut": Fault(power_cut, layouts=ONE_LOG_OWNER),
    "slow scorer": Fault(slow_scorer),
    "dead scorer": Fault(dead_scorer),
    "switch": Fault(switch, layouts=("switched",)),
    "broker restart": Fault(broker_restart, nodes=(1,)),
    "node lost": Fault(node_lost, nodes=(3,)),
    "leaders back": Fault(leaders_back, nodes=(3,)),
    "no quorum": Fault(no_quorum, nodes=(3,)),
}
SCORED = {"slow scorer", "dead scorer"}
"""A round with one of these has a scorer."""
