"""When a variant began and ended: first record consumed, last one committed."""

import asyncio
import time


class Clock:
    """Counts records up to ``count`` and measures wall time and this process's CPU time."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._begun: tuple[float, float] | None = None
        self.seen = 0
        self.all_seen = asyncio.Event()

    def begin(self) -> None:
        """A record was consumed; the first call counts."""
        if self._begun is None:
            self._begun = (time.perf_counter(), time.process_time())

    def count_in(self, records: int) -> None:
        """So many records came out at the far end."""
        self.seen += records
        if self.seen >= self.count:
            self.all_seen.set()

    def stop(self) -> dict[str, float]:
        """What was found: seconds since the beginning, CPU seconds of these, records."""
        assert self._begun is not None
        wall, cpu = self._begun
        return {
            "seconds": time.perf_counter() - wall,
            "cpu_seconds": time.process_time() - cpu,
            "events": self.seen,
        }
