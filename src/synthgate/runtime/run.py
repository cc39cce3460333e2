"""A worker: apps of several duties on one loop, started, watched and ended together."""

import asyncio
import logging
import signal
from collections.abc import Sequence
from typing import Any

from synthgate.events.topics import RECORDS
from synthgate.runtime import app as apps
from synthgate.runtime import exits, logs, records
from synthgate.runtime.attempts import Turn
from synthgate.runtime.checks import Accepted, StartCheck, check_topics, nothing_accepted
from synthgate.runtime.copies import Copies
from synthgate.runtime.exits import Fate, Refused
from synthgate.runtime.memory import collect_seldom, give_back
from synthgate.runtime.offsets import Offsets
from synthgate.runtime.stages import Runner
from synthgate.runtime.waits import Waits
from synthgate.runtime.watchdog import Watchdog
from synthgate.runtime.web import Server
from synthgate.settings import Settings
from synthgate.step import Stage

log = logging.getLogger(__name__)

LEAVE_SECONDS_MAX = 3.0
"""Time to leave the group, once everything is acknowledged and committed."""
CRASH_SECONDS_MAX = 3.0
"""After a crash: time to commit what is acknowledged and to leave the group."""


class Worker:
    """Several stages in one process. ``run`` returns the exit code; then leave with ``exits.leave``."""

    def __init__(
        self,
        stages: Sequence[Stage],
        settings: Settings,
        copies: Copies | None = None,
        *,
        accepted: Accepted = nothing_accepted,
        outputs: Sequence[str] = (),
    ) -> None:
        records.register()
        self.settings = settings
        self.copies = copies
        self.waits = Waits()
        self._stages = tuple(stages)
        self._accepted = accepted
        self._outputs = tuple(outputs)
        self._offsets = Offsets(settings, committed=True)
        self._turn = Turn()
        self.web = Server(settings, self.state)
        self.runners: list[Runner] = []
        self._apps: list[Any] = []
        self._fate: Fate | None = None
        self.reading = asyncio.Event()
        """Set when every app has joined its group and reads."""

    def stop(self) -> None:
        """Drain and end with exit code 0. Safe from a signal handler of the loop."""
        if self._fate is not None:
            self._fate.settle(exits.OK)

    async def run(self) -> int:
        """Run until stopped or broken; the exit code."""
        fate = self._fate = Fate()
        try:
            await self._begin(fate)
        except Refused as refusal:
            fate.fail(refusal, "start")
        watch = asyncio.create_task(self._watch_apps(fate))
        watchdog = Watchdog(self.runners, self.settings, self._offsets, self.waits, fate)
        guard = asyncio.create_task(watchdog.run())
        memory = asyncio.create_task(give_back())
        code = await fate.wait()
        watch.cancel()
        watchdog.ending()
        code = await self._end(code)
        watchdog.over()
        guard.cancel()
        memory.cancel()
        return code

    def state(self) -> dict[str, Any]:
        """What /readyz says: ready when every stage is in its group and nothing waits."""
        joining = [runner.duty for runner in self.runners if runner.left_at is not None]
        waits = self.waits.rows()
        ready = bool(self.runners) and not joining and not waits
        return {"ready": ready, "joining": joining, "waits": waits}

    async def _begin(self, fate: Fate) -> None:
        await self.web.start()
        await self._offsets.start()
        topics = [name for stage in self._stages for name in stage.inputs]
        topics += self.copies.topics if self.copies else ()
        await check_topics([*topics, *self._outputs], self.settings)
        if self.copies is not None:
            await self.copies.start(fate)
        for stage in self._stages:
            runner = Runner(
                stage,
                self.settings,
                waits=self.waits,
                fate=fate,
                turn=self._turn,
                start_at=StartCheck(stage.name, self.settings, self._accepted),
                # What logs records looks into none, nor into copies.
                follow=self.copies.follow if self.copies and stage.name != RECORDS else None,
                blind=stage.name == RECORDS,
            )
            self.runners.append(runner)
            self._apps.append(apps.build(runner, self.settings))

    async def _watch_apps(self, fate: Fate) -> None:
        starting = [asyncio.create_task(apps.begin(app)) for app in self._apps]
        try:
            await asyncio.gather(*starting)
        except Exception as error:  # noqa: BLE001 (whatever it is, it ends the process)
            fate.fail(error, "starting")
        self.reading.set()
        while True:
            for app in self._apps:
                if app.crashed:
                    fate.fail(app.crash_reason or RuntimeError(), "an app of Faust")
            await asyncio.sleep(0.2)

    async def _end(self, code: int) -> int:
        if code == exits.OK:
            drained = await self._drain(self.settings.drain_s)
            log.info(
                "drained" if drained else "not drained in time; leaving what is not acknowledged"
            )
            code = exits.OK if drained else exits.CRASHED
        else:
            await self._drain(CRASH_SECONDS_MAX)
        return code

    async def _drain(self, seconds: float) -> bool:
        """Finish batches in work, commit, leave the groups; all within ``seconds``."""
        until = asyncio.get_running_loop().time() + seconds
        try:
            async with asyncio.timeout_at(until):
                done = await asyncio.gather(
                    *(self._drain_one(runner, app, seconds) for runner, app in self._pairs())
                )
                if self.copies is not None:
                    await self.copies.stop()
                await self._offsets.stop()
                await self.web.stop()
        except TimeoutError:
            return False
        return all(done)

    def _pairs(self) -> list[tuple[Runner, Any]]:
        return list(zip(self.runners, self._apps, strict=True))

    async def _drain_one(self, runner: Runner, app: Any, seconds: float) -> bool:
        if not app.started:
            return True
        app.consumer.stop_flow()
        member = runner.left_at is None
        done = await runner.close(seconds, ending=True)
        if member:  # else nothing is ours to commit
            await app.consumer.commit()
        # Everything is safe now. Faust cannot stop in the middle of a rebalance: then we just leave.
        if not await apps.end(app, LEAVE_SECONDS_MAX):
            log.info("%s: leaves its group without a good-bye", runner.duty)
        return done


def run_worker(
    stages: Sequence[Stage],
    settings: Settings,
    copies: Copies | None = None,
    *,
    accepted: Accepted = nothing_accepted,
    outputs: Sequence[str] = (),
) -> int:
    """Run until SIGTERM, SIGINT or a fault; the exit code (0, 1, 75, 78).

    Threads of the libraries may still run: end the process with ``exits.leave(code)``.
    """
    logs.quieten()
    logs.take_over()
    collect_seldom()

    async def main() -> int:
        worker = Worker(stages, settings, copies, accepted=accepted, outputs=outputs)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, worker.stop)
        return await worker.run()

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop.run_until_complete(main())
