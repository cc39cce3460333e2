"""Facts, rules, cases and work: what lies on their topics, and what of it stands in the records logs."""

import time
from collections import Counter
from collections.abc import Iterator

from e2e.recorder import Topics
from synthgate.crypto.keys import KeyFolder
from synthgate.events import topics
from synthgate.ledger import LogReader
from synthgate.ledger.log_ids import is_records
from synthgate.ledger.rings import open_ring
from synthgate.ledger.stores import open_store
from synthgate.settings import Settings
from synthgate.steps.record_entry import Recorded, recorded

LOGGED_SECONDS_MAX = 60.0
"""Their stage is asked for by nobody, so it reads once a second, and not while a log waits for its owner."""


def entries(settings: Settings) -> Iterator[tuple[str, Recorded | None]]:
    """Origin and record of every entry; None where there was nothing at these offsets."""
    store = open_store(settings)
    ring = open_ring(settings, KeyFolder(settings.keys_dir))
    for log in filter(is_records, store.logs()):
        for entry in LogReader(store, ring, log).entries():
            yield entry.header["origin"], recorded(entry.content)


def on_topics(settings: Settings) -> dict[str, tuple[bytes | None, bytes]]:
    """Key and value of every record of a logged topic, by origin."""
    with Topics(settings) as reading:
        return {
            f"{settings.epoch}/{topic}/{partition}/{row.offset}": (row.key, row.value)
            for topic in topics.RECORDED
            for partition, rows in reading.read(topic).items()
            for row in rows
        }


def faults(settings: Settings, seconds: float = LOGGED_SECONDS_MAX) -> list[str]:
    """Records that no log holds after so many seconds, and entries that stand twice.

    An entry without a record is none: logged topics are compacted.
    """
    there = on_topics(settings)
    until = time.monotonic() + seconds
    while True:
        held = Counter(origin for origin, _ in entries(settings))
        lost = [origin for origin in there if origin not in held]
        if not lost or time.monotonic() > until:
            break
        time.sleep(1)
    return [f"{origin} is lost" for origin in lost] + [
        f"{origin} has {times} entries" for origin, times in held.items() if times > 1
    ]
