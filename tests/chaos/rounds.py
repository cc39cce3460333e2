"""One round: the chain starts, the schedule happens to it, all heals, and the checkers say what is wrong."""

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from chaos import findings
from chaos.cluster import ProxiedCluster
from chaos.faults import FAULTS, SCORED
from chaos.rig import Rig
from chaos.schedule import LAYOUTS, Schedule
from e2e import records_logged
from e2e.history import counts, faults
from e2e.recorder import recorded
from synthgate.demo.chain import ChainError
from synthgate.events.topics import TOPICS
from synthgate.settings import Settings


@dataclass
class Outcome:
    """What a round came to. ``wrong``: a sentence each; none of a sound round."""

    schedule: Schedule
    wrong: list[str] = field(default_factory=list)
    records: int = 0
    repeats: int = 0
    """Passages and decisions that were on their topic already."""
    pause_seconds: float = 0.0
    seconds: float = 0.0
    done: tuple[str, ...] = ()
    """Faults that happened."""
    ends: Counter[str] = field(default_factory=Counter)
    story: list[str] = field(default_factory=list)

    @property
    def sorted_out(self) -> Counter[str]:
        """``wrong`` as lost, doubled, other."""
        return findings.sorted_out(self.wrong)


def play(schedule: Schedule, cluster: ProxiedCluster, folder: Path, plant: str = "") -> Outcome:
    """Play one round. What goes wrong in it is in the outcome; a broker that cannot be had raises."""
    begun = time.monotonic()
    outcome = Outcome(schedule)
    layout, first = LAYOUTS[schedule.layout]
    prefix = f"chaos-{schedule.seed}-{time.monotonic_ns() % 10**6}."
    scored = not SCORED.isdisjoint(schedule.faults)
    rig = Rig(cluster, layout, first, schedule.seed, folder, prefix, plant, scored)
    try:
        with rig:
            for name in schedule.faults:
                rig.say(f"{name}:")
                FAULTS[name].act(rig)
                outcome.done += (name,)
            rig.heal()
            rig.rest()
            outcome.wrong += judge(rig, outcome)
    except (ChainError, AssertionError, KafkaException) as error:  # ChaosError is an AssertionError
        outcome.wrong.append(f"round: {error}")
    finally:
        outcome.ends, outcome.story = rig.ends, rig.said
        forget(rig.settings)
    outcome.seconds = time.monotonic() - begun
    return outcome


def judge(rig: Rig, outcome: Outcome) -> list[str]:
    """What the checkers say; workers are still running. Fills in what was counted."""
    wrong = []
    if not rig.plant:
        idle = findings.idle(rig.settings, rig.up, meanwhile=rig.tend)
        wrong += [f"idle: {what}" for what in idle]
        wrong += [f"recorded: {what}" for what in records_logged.faults(rig.settings)]
    history = recorded(rig.settings)
    wrong += faults(history)
    wrong += findings.known(history, rig.load.sure, rig.load.barred, held=rig.scored)
    found = counts(history)
    outcome.records = found["entries"]
    outcome.repeats = found["again"] + findings.repeats(rig.settings)
    outcome.pause_seconds = findings.longest_pause(history)
    if not rig.load.sure:
        wrong.append("round: nothing was asked of which the answer was known")
    return wrong


def forget(settings: Settings) -> None:
    """Delete the round's topics: a hundred rounds share a broker."""
    admin = AdminClient({"bootstrap.servers": settings.brokers, "log_level": 2})
    gone = admin.delete_topics([settings.topic(topic.name) for topic in TOPICS])
    for asked in gone.values():
        try:
            asked.result(30)
        except (KafkaException, TimeoutError):
            continue  # it only takes room
