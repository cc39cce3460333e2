"""``synthgate replay --shadow``: a candidate law or library beside live traffic.

Follows the logs as they grow and decides each new entry again, as replay does, seconds after it was decided. It
reads and does nothing else: no topic, no case, no worker knows of it.
"""

import argparse
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from synthgate.settings import Settings
    from synthgate.steps.replay import Replay

EVERY_S: Final = 1.0


def follow(args: argparse.Namespace, settings: "Settings", replay: "Replay") -> None:
    """Run until ``--for`` has passed or somebody interrupts. Raises LedgerError."""
    read = _heads(args, settings)
    until = None if args.seconds is None else time.monotonic() + args.seconds
    with suppress(KeyboardInterrupt):
        while until is None or time.monotonic() < until:
            time.sleep(EVERY_S)
            _round(args, settings, replay, read)
    _round(args, settings, replay, read)


def _round(
    args: argparse.Namespace, settings: "Settings", replay: "Replay", read: dict[int, int]
) -> None:
    """Everything that came since the last one; a log that is new is read from its start."""
    from synthgate.ledger import LogReader
    from synthgate.ledger.rings import open_ring
    from synthgate.ledger.stores import open_store

    before = replay.found.different
    heads = {log: end for log, end in _heads(args, settings).items() if end > read.get(log, 0)}
    if not heads:
        return
    store, ring = open_store(settings), open_ring(settings)
    for log, end in heads.items():
        start, done = read.get(log, 0), replay.found.entries
        try:
            replay.run(LogReader(store, ring, log), start, end)
        finally:  # interrupted in the middle, the last round goes on from there
            read[log] = start + replay.found.entries - done
    found = replay.found
    if found.different > before:
        said = f"{found.entries} entries, {found.different} verdicts would be different so far\n"
        sys.stderr.write(said)


def _heads(args: argparse.Namespace, settings: "Settings") -> dict[int, int]:
    from synthgate.ledger import LogReader
    from synthgate.ledger.log_ids import decided
    from synthgate.ledger.stores import open_store

    store = open_store(settings)
    logs = decided(store.logs()) if args.log is None else [args.log]
    return {log: LogReader(store, None, log).find_head() for log in logs}
