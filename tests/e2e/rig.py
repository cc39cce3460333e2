"""The running chain a test kills: settings, processes, and when it has come to rest."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from e2e.followed import latest, settled
from e2e.history import SOURCES, History, counts, faults
from e2e.load import Load
from e2e.recorder import Topics, readers, recorded
from live_chain import chain_settings
from synthgate.broker.choose import Broker
from synthgate.settings import Settings

REST_SECONDS = 120.0


def small_settings(broker: Broker, prefix: str, folder: Path, **over: Any) -> Settings:
    """Small batches besides: many boundaries in little time."""
    return chain_settings(broker, prefix, folder, **{"batch_records": 40} | over)


def at_rest(settings: Settings, never_read: int = 0) -> bool:
    """Whether every source record is logged, and incidents has answered the last decision and late rows.

    never_read: offsets that share an entry with the one before them.
    """
    with Topics(settings) as topics:
        sent = sum(
            begin + len(records)
            for name in SOURCES
            for records, (begin, _) in zip(
                topics.read(name).values(), topics.bounds(name), strict=True
            )
        )
        logs = readers(settings)
        if sum(reader.find_head() for reader in logs.values()) + never_read < sent:
            return False
        cases = topics.read("cases")
        if not (settled(cases) and settled(topics.read("standings"))):
            return False
        rows = latest(cases)
        for log, reader in logs.items():
            last = reader.find_head() - 1
            while last >= 0 and reader.header(last)["action"] in ("silent", "never read"):
                last -= 1
            row = rows.get(f"_answered/{log}")
            if last >= 0 and (row is None or row["detail"]["index"] < last):
                return False
    return True


def rest(
    settings: Settings,
    load: Load,
    seconds: float = REST_SECONDS,
    never_read: int = 0,
    meanwhile: Callable[[], None] = lambda: None,
) -> None:
    """Listen and react until nothing is under way any more; give up after a while: the checker will tell."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        meanwhile()
        load.listen(0.2)
        if at_rest(settings, never_read):
            before = load.answered.total()
            load.listen(0.3)
            if load.answered.total() == before and at_rest(settings, never_read):
                return
    heads = {log: reader.find_head() for log, reader in readers(settings).items()}
    print(f"not at rest after {seconds:g} s: entries by log {heads}; {load.standing()}")


def checked(settings: Settings, *, unordered: bool = False) -> History:
    """The history of the run, without fault; what it was made of goes to the test's output.

    unordered: a hole was filled later, so entries need not stand in the order of their records.
    """
    history = recorded(settings)
    found = [fault for fault in faults(history) if not (unordered and fault.startswith("ordered:"))]
    print(dict(counts(history)))
    assert not found, f"{len(found)} faults: " + "\n".join(found[:20])
    return history
