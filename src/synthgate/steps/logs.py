"""The logs a worker owns: one per partition, opened on assignment, one writer at a time."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator

from synthgate.events.topics import HOUR_MS
from synthgate.ledger import Log
from synthgate.ledger.errors import Fenced
from synthgate.steps.proofs import Proofs


class Logs:
    """Opens and lets go of logs as partitions come and go. ``number``: which log of a partition is meant."""

    def __init__(
        self, open_log: Callable[[int], Log], proofs: Proofs, number: Callable[[int], int] = int
    ) -> None:
        self._number = number
        self._open = open_log
        self._proofs = proofs
        self._logs: dict[int, Log] = {}
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def assigned(self, partitions: frozenset[int]) -> None:
        """Let go of what is not ours any more; open what is new from its head on the store."""
        self._proofs.assigned(frozenset(map(self._number, partitions)))
        for gone in self._logs.keys() - partitions:
            async with self._locks[gone]:
                del self._logs[gone]
        for partition in sorted(partitions - self._logs.keys()):
            self._logs[partition] = await asyncio.to_thread(self._open, self._number(partition))

    def lock(self, partition: int) -> asyncio.Lock:
        """Two lanes write to one log; one at a time."""
        return self._locks[partition]

    async def opened(self, partition: int) -> Log:
        """The log of a partition of ours, to append to; opened again where an append left its end unknown.

        Raises:
            Waiting: the store is away.
            Fenced: another owner was seen to write it. Opened again it would take a batch of a lane that is
                still finishing, and fence the owner.
        """
        found = self._logs[partition]
        if found.fenced:
            raise Fenced(f"log {found.log_id} is another owner's")
        if not found.usable:
            found = self._logs[partition] = await asyncio.to_thread(
                self._open, self._number(partition)
            )
        return found

    def get(self, partition: int) -> Log:
        """The log of a partition of ours; KeyError if it is not."""
        return self._logs[partition]

    def unproved_ms(self, partition: int, now_ms: int) -> int:
        """Age of the log's oldest entry no checkpoint covers; starts building one if it is due."""
        return self._proofs.tick(self._logs[partition], now_ms)

    def untold(self, partition: int, now_ms: int) -> Iterator[tuple[bytes, bytes]]:
        """Key and value of the log's newest checkpoint, if nobody was told of it yet."""
        told = self._proofs.untold(self._number(partition))
        if told is not None:
            name = f"{told.origin}/{now_ms // HOUR_MS}"
            yield name.encode(), told.model_dump_json().encode()

    def heads(self) -> dict[int, int]:
        """Next index of every log held."""
        return {partition: log.head for partition, log in self._logs.items()}
