"""Faults planted in the engine of a child process, to see them found. Each looks harmless."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from synthgate.ledger import Log
from synthgate.ledger.files import FileOps
from synthgate.runtime.acks import Acks, Delivery
from synthgate.runtime.copies import Copies
from synthgate.runtime.lanes import Lane
from synthgate.runtime.stages import Runner

PLANTED = "CHAOS_PLANT"
"""Environment variable that names the one to plant."""


def acknowledge_early() -> None:
    """A batch is acknowledged when it is taken up, not when what it owes is on the broker."""
    one = Lane._one

    async def ack_first(self: Lane, taken: Sequence[Delivery]) -> None:
        for delivery in taken:
            self._runner.ack(delivery)
        await one(self, taken)

    Lane._one = ack_first  # type: ignore[method-assign]


def drop_a_hole() -> None:
    """Of what was fetched every fifth batch is lost on the way, and the commit goes past it."""
    put, count = Runner.put, 0

    def lose(self: Runner, delivery: Delivery) -> None:
        nonlocal count
        count += 1
        if count % 5:
            put(self, delivery)

    def commit_past(self: Acks, delivery: Delivery) -> None:
        delivery.acked = True
        self._commit[delivery.tp] = delivery.next_offset

    Runner.put = lose  # type: ignore[method-assign]
    Acks.ack = commit_past  # type: ignore[method-assign]


def append_twice() -> None:
    """Retention does not look whether an origin is logged."""
    Log.logged = lambda *_: None  # type: ignore[method-assign]


def trust_a_stale_registry() -> None:
    """Facts are used as far as they were read, without asking where they end."""

    async def fresh(self: Copies, topics: Sequence[str]) -> Mapping[str, Sequence[int]]:
        from synthgate.runtime.acks import TP

        count = range(self._settings.partitions)
        return {name: [self.read.get(TP(name, p), -1) for p in count] for name in topics}

    Copies.fresh = fresh  # type: ignore[method-assign]


def skip_a_sync() -> None:
    """A segment gets its name before its bytes are on stable storage."""

    def write_whole(self: FileOps, path: Path, data: bytes) -> None:
        fd = self.create(path)
        rest = memoryview(data)
        while rest:
            rest = rest[self.write(fd, rest) :]
        self.close(fd)

    FileOps.write_whole = write_whole  # type: ignore[method-assign]


PLANTS: dict[str, Callable[[], Any]] = {
    "acknowledge early": acknowledge_early,
    "drop a hole": drop_a_hole,
    "append twice": append_twice,
    "trust a stale registry": trust_a_stale_registry,
    "skip a sync": skip_a_sync,
}

SHOWN_BY: dict[str, tuple[str, tuple[str, ...]]] = {
    "acknowledge early": ("one", ("kill in publish",)),
    "drop a hole": ("one", ()),
    "append twice": ("one", ("kill in publish",)),
    "trust a stale registry": ("one", ("stalled copy",)),
    "skip a sync": ("one", ("power cut",)),
}
"""Workers and faults that bring each to light."""


def plant(name: str) -> None:
    """Plant the fault of this name; nothing for an empty one."""
    if name:
        PLANTS[name]()
