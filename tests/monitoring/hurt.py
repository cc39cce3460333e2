"""A worker that can be hurt from outside: ``python -m monitoring.hurt worker …``, arguments as ``synthgate``'s.

Files in ``<data_dir>/hurt/<instance>`` say what is wrong now; without them the worker is a plain one:

* ``ahead``: so many seconds have passed for what time makes due on cases and holds
* ``blind``: labelling says nothing, and retention takes it for a pass
* ``build``: this is the version of the software; read at the start
* ``lethal``: so many times an event with ``LETHAL`` in it ends the process
* ``slow``: moderation takes ``SLOW_S`` seconds longer for a batch
* ``stalled``: registry copies do not read on
* ``unrecorded``: the log takes no facts and cases
* ``uncommitted``: the group's coordinator takes no commit
* ``unproved``: checkpoints cannot be written

An event with ``BUG`` in it is always one that consent cannot decide. The shipped code knows nothing of this.
"""

import asyncio
import errno
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import GroupCoordinatorNotAvailableError

from synthgate import worker
from synthgate.__main__ import main
from synthgate.events.event import Event
from synthgate.events.passage import Passage
from synthgate.events.verdicts import Verdict
from synthgate.law import Law
from synthgate.ledger import Prover
from synthgate.ledger.checkpoint import Checkpoint
from synthgate.obligations.retention import RetentionFacts
from synthgate.runtime.copies import Copies
from synthgate.settings import Settings
from synthgate.step import Outputs, Waiting, Work
from synthgate.steps import retention
from synthgate.steps.consent import ConsentDuty
from synthgate.steps.incidents import IncidentsStep
from synthgate.steps.judge import Gathered, JudgeStep
from synthgate.steps.moderation import ModerationDuty
from synthgate.steps.recording import RecordsStage

BUG = "zirconium"
LETHAL = "plutonium"
SLOW_S = 3.0
"""More than CanarySlow allows."""


class Flags:
    """What is wrong with one worker, as files."""

    def __init__(self, settings: Settings, instance: str) -> None:
        self._folder = settings.data_dir / "hurt" / instance
        self._folder.mkdir(parents=True, exist_ok=True)

    def set(self, name: str, text: str = "") -> None:
        """Hurt it. Whole at once: the worker may be reading."""
        new = self._folder / f".{name}"
        new.write_text(text)
        new.rename(self._folder / name)

    @contextmanager
    def up(self, name: str, text: str = "") -> Iterator[None]:
        """Hurt it, and let it be well again."""
        self.set(name, text)
        yield
        self._path(name).unlink()

    def get(self, name: str) -> str | None:
        """What the file says; None without it."""
        try:
            return self._path(name).read_text()
        except FileNotFoundError:
            return None

    def _path(self, name: str) -> Path:
        return self._folder / name


def hurt(flags: Flags) -> None:
    """Put the wrappings in place."""
    worker.__version__ = flags.get("build") or worker.__version__
    _consent(flags)
    _moderation(flags)
    _release_blindly(flags)
    _pass_time(flags)
    _engine(flags)


def _consent(flags: Flags) -> None:
    decide = ConsentDuty.obligation.decide

    def fail_or_die(event: Event, facts: Any, law: Law, as_of: int) -> Verdict:
        words = str(event.data)
        if BUG in words:
            raise ZeroDivisionError
        if LETHAL in words and (left := int(flags.get("lethal") or 0)):
            flags.set("lethal", str(left - 1))
            os.kill(os.getpid(), signal.SIGKILL)
        return decide(event, facts, law, as_of)

    ConsentDuty.obligation = replace(ConsentDuty.obligation, decide=fail_or_die)


def _moderation(flags: Flags) -> None:
    gather = ModerationDuty.gather

    async def gather_slowly(
        self: ModerationDuty, passages: Sequence[Passage], work: Work
    ) -> Gathered:
        if flags.get("slow") is not None:
            await asyncio.sleep(SLOW_S)
        return await gather(self, passages, work)

    ModerationDuty.gather = gather_slowly  # type: ignore[method-assign]


def _release_blindly(flags: Flags) -> None:
    decide, run = retention.decide, JudgeStep.run

    def decide_blindly(event: Event, facts: RetentionFacts, law: Law, as_of: int) -> Verdict:
        if flags.get("blind") is not None:
            facts = replace(facts, upstream={**facts.upstream, "labelling": "pass"})
        return decide(event, facts, law, as_of)

    async def run_but_labelling(self: JudgeStep, passages: Sequence[Passage], work: Work) -> None:
        if self.name != "labelling" or flags.get("blind") is None:
            await run(self, passages, work)

    retention.decide = decide_blindly
    JudgeStep.run = run_but_labelling  # type: ignore[method-assign]


def _pass_time(flags: Flags) -> None:
    tick = IncidentsStep.tick

    async def tick_later(self: IncidentsStep, partition: int, now_ms: int) -> Outputs:
        return await tick(self, partition, now_ms + 1000 * int(flags.get("ahead") or 0))

    IncidentsStep.tick = tick_later  # type: ignore[method-assign]


def _engine(flags: Flags) -> None:
    commit, read, build = AIOKafkaConsumer.commit, Copies._read, Prover.build
    process = RecordsStage.process

    async def commit_unless_away(self: AIOKafkaConsumer, offsets: Any = None) -> None:
        if flags.get("uncommitted") is not None:
            raise GroupCoordinatorNotAvailableError
        await commit(self, offsets)

    async def read_unless_stalled(self: Copies) -> None:
        if flags.get("stalled") is None:
            await read(self)
        else:
            await asyncio.sleep(0.05)

    def build_unless_full(self: Prover) -> Checkpoint:
        if flags.get("unproved") is not None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return build(self)

    async def process_unless_away(self: RecordsStage, *batch: Any) -> Outputs:
        if flags.get("unrecorded") is not None:
            raise Waiting("ledger", "the test says so")
        return await process(self, *batch)

    RecordsStage.process = process_unless_away  # type: ignore[method-assign]
    AIOKafkaConsumer.commit = commit_unless_away
    Prover.build = build_unless_full  # type: ignore[method-assign]
    Copies._read = read_unless_stalled  # type: ignore[method-assign]


if __name__ == "__main__":
    mine = Settings.load()
    hurt(Flags(mine, mine.instance))
    sys.exit(main(sys.argv[1:]))
