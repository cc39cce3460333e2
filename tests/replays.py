"""A replay over every log of a bus, at either depth."""

from local_bus import LocalBus
from synthgate.effects.objects import LocalObjects
from synthgate.law import load
from synthgate.steps.evidence_replay import EvidenceReplay, Rechecked
from synthgate.steps.kept_facts import Facts
from synthgate.steps.replay import Replay, Replayed


def replayed(bus: LocalBus) -> Replayed:
    """On the facts as they were recorded."""
    replay = Replay(load())
    _over_all(bus, replay)
    return replay.found


def rechecked(bus: LocalBus, facts: Facts) -> Rechecked:
    """On facts gathered anew."""
    replay = EvidenceReplay(load(), facts, LocalObjects(bus.settings.objects_dir))
    _over_all(bus, replay)
    return replay.found


def _over_all(bus: LocalBus, replay: Replay | EvidenceReplay) -> None:
    for log, head in bus.parts.logs.heads().items():
        replay.run(bus.parts.logs.get(log), 0, head)
