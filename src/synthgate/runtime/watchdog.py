"""The watchdog: a worker that lives and does nothing is ended, so that its supervisor starts a new one.

Ended is: a partition with records to read or in work, without progress and without a declared wait for
``stall_s``; a member that did not get into its group; a loop that does not turn; an end that does not come.
The first two are asked on the loop, against ends the broker tells; the others by a thread.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Sequence

from synthgate.runtime import metrics
from synthgate.runtime.exits import CRASHED, Fate, Refused, leave
from synthgate.runtime.lanes import Lane
from synthgate.runtime.offsets import UNSAID, Offsets
from synthgate.runtime.stages import Runner
from synthgate.runtime.waits import Waits
from synthgate.settings import Settings

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
GRACE_SECONDS = 5.0


def show(duty: str, lane: Lane, lag: int) -> None:
    """Put into the metrics what a lane has before it and in hand."""
    held = [*lane.at_work, *lane.waiting]
    where = (duty, lane.topic, lane.tp.partition)
    age_s = time.time() - held[0].records[0].timestamp / 1000 if held else 0.0
    metrics.put(metrics.LAG, lag, duty, *where)
    metrics.put(metrics.IN_FLIGHT, sum(len(one.records) for one in held), duty, *where)
    metrics.put(metrics.OLDEST_SECONDS, max(age_s, 0.0), duty, *where)


class Watchdog:
    """Watches every runner of the process. ``hard``: the thread may end the process."""

    def __init__(
        self,
        runners: Sequence[Runner],
        settings: Settings,
        offsets: Offsets,
        waits: Waits,
        fate: Fate,
    ) -> None:
        self._runners = runners
        self._settings = settings
        self._offsets = offsets
        self._waits = waits
        self._fate = fate
        self._beat = time.monotonic()
        self._ending: float | None = None
        self._over = threading.Event()

    async def run(self) -> None:
        """Look once a second until cancelled."""
        thread = threading.Thread(target=self._guard, name="watchdog", daemon=True)
        thread.start()
        try:
            while True:
                self._beat = time.monotonic()
                if not self._fate.settled:
                    await self._look()
                await asyncio.sleep(LOOK_SECONDS)
        except Exception as error:  # noqa: BLE001 (whatever it is, it ends the process)
            self._fate.fail(error, "watchdog")

    def ending(self) -> None:
        """The worker is ending: it may take as long as a drain may."""
        self._ending = time.monotonic()

    def over(self) -> None:
        """The worker has ended."""
        self._over.set()

    async def _look(self) -> None:
        for runner in self._runners:
            # Under load asking them all takes long, though the loop turns and turns.
            self._beat = time.monotonic()
            self._joined(runner)
            lanes = list(runner.lanes.values())
            if not lanes:
                continue
            try:
                ends = await self._offsets.ends(lane.tp for lane in lanes)
            except UNSAID:
                self._waits.declare(runner.duty, "inputs", "broker")
                for lane in lanes:
                    lane.moved_at = time.monotonic()
                continue
            self._waits.clear(runner.duty, "inputs")
            read = await runner.app.consumer.read_positions()
            for lane in lanes:
                self._progress(runner, lane, ends[lane.tp], read.get(lane.tp))

    def _progress(self, runner: Runner, lane: Lane, end: int, read: int | None) -> None:
        lag = max(0, end - lane.position)
        idle = not lane.busy and runner.app.consumer.acks.unacked(lane.tp) == 0
        if idle and read is not None and read >= end:
            lag = 0  # what lies between is absent: markers
        if runner.lanes.get(lane.tp) is lane:
            show(runner.duty, lane, lag)
        now = time.monotonic()
        # One that waits for its turn has not stalled while others move.
        moved_at = lane.moved_at
        if runner.blind:
            moved_at = max(moved_at, runner.acked_at)
        elif lane.waits_for_turn:
            moved_at = max(moved_at, runner.turn.moved_at)
        if lag == 0 or self._waits.declared(runner.duty, lane.where) or not runner.taken:
            lane.moved_at = now
        elif now - moved_at > self._settings.stall_s:
            lane.stalled = True
            self._stalled(
                f"{runner.duty} {lane.where} has {lag} records to go and made no progress"
                f" for {self._settings.stall_s:.0f} s (reads at {read}, acknowledged {lane.position})"
            )

    def _joined(self, runner: Runner) -> None:
        allowed = (
            self._settings.stall_s + self._settings.session_timeout_s + self._settings.revoke_s
        )
        if runner.left_at is not None and time.monotonic() - runner.left_at > allowed:
            self._stalled(f"{runner.duty} has been outside its group for {allowed:.0f} s")

    def _stalled(self, what: str) -> None:
        self._fate.fail(Refused(CRASHED, what), "watchdog")

    def _guard(self) -> None:
        """In a thread: what the loop itself cannot see."""
        while not self._over.wait(LOOK_SECONDS):
            now = time.monotonic()
            if now - self._beat > max(self._settings.stall_s, LOOK_SECONDS * 3):
                log.critical(
                    "watchdog: the event loop has not turned for %s s", self._settings.stall_s
                )
                leave(CRASHED)
            limit = self._settings.drain_s + GRACE_SECONDS
            if self._ending is not None and now - self._ending > limit:
                log.critical("watchdog: not ended within %s s", limit)
                leave(CRASHED)
