"""Checkpoints, packs and snapshots of the logs held: built beside the hot path, within seconds of an append.

A build that fails says nothing of the log but that it is not proved yet: decisions go on, the age of the
oldest entry without a checkpoint grows, and that is what the alert watches. Each checkpoint is told on the
topic ``checkpoints`` once it is durable here (ADR 0039).
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from synthgate.events.decision import CheckpointRow
from synthgate.ledger import Log, Packer, Prover
from synthgate.ledger.checkpoint import Checkpoint
from synthgate.ledger.errors import CheckpointConflict, LedgerError

log = logging.getLogger(__name__)

BUILD_EVERY_MS = 3_000
"""A build costs the same for one entry and for a thousand; an entry must be proved within five seconds."""
RETRY_MS = 30_000
PACK_EVERY_MS = 60_000


@dataclass(slots=True)
class _Proving:
    """One log. ``since_ms``: when its head was first seen past the newest checkpoint, None if it is not."""

    prover: Prover
    packer: Packer
    packed_ms: int = 0
    size: int = 0
    since_ms: int | None = None
    not_before_ms: int = 0
    task: asyncio.Task[None] | None = None
    untold: Checkpoint | None = None


class Proofs:
    """Builds in a thread, one build a log at a time."""

    def __init__(
        self, open_prover: Callable[[int], Prover], open_packer: Callable[[int], Packer]
    ) -> None:
        self._prover, self._packer = open_prover, open_packer
        self._logs: dict[int, _Proving] = {}

    def assigned(self, logs: frozenset[int]) -> None:
        """Let go of logs that are not ours any more; a build that runs ends by itself."""
        for gone in self._logs.keys() - logs:
            del self._logs[gone]

    def tick(self, held: Log, now_ms: int) -> int:
        """Start a build if one is due; the age in ms of the oldest entry no checkpoint covers, 0 if none."""
        one = self._logs.get(held.log_id)
        if one is None:
            one = self._logs[held.log_id] = _Proving(
                self._prover(held.log_id), self._packer(held.log_id)
            )
        proved = held.head <= one.size
        if proved:
            one.since_ms = None
        elif one.since_ms is None:
            one.since_ms = now_ms
        due = not proved or now_ms >= one.packed_ms + PACK_EVERY_MS
        if due and one.task is None and now_ms >= one.not_before_ms:
            one.not_before_ms = now_ms + BUILD_EVERY_MS
            one.task = asyncio.create_task(self._build(one, now_ms))
        return 0 if one.since_ms is None else now_ms - one.since_ms

    def untold(self, log_id: int) -> CheckpointRow | None:
        """The newest checkpoint, once: a new owner tells the one it found as well. None if nothing is new."""
        one = self._logs.get(log_id)
        newest = None if one is None else one.untold
        if one is None or newest is None:
            return None
        one.untold = None
        try:
            note = one.prover.published.note(newest.size)
        except LedgerError as error:
            log.error("retention: a checkpoint is not told: %s", error)
            return None
        return CheckpointRow(origin=newest.origin, size=newest.size, note=note)

    async def _build(self, one: _Proving, now_ms: int) -> None:
        try:
            newest = await asyncio.to_thread(one.prover.build)
            if newest.size > one.size:
                one.untold = newest
            one.size, one.since_ms = newest.size, None
            if now_ms >= one.packed_ms + PACK_EVERY_MS:
                await asyncio.to_thread(one.packer.run, now_ms)
                one.packed_ms = now_ms
        except CheckpointConflict as error:
            log.critical("retention: no checkpoint signed: %s", error)
            one.not_before_ms = now_ms + RETRY_MS
        except Exception as error:  # noqa: BLE001  the log goes on without; the age is watched
            said = f": {error}" if isinstance(error, LedgerError) else ""
            log.error("retention: no checkpoint or pack: %s%s", type(error).__name__, said)
            one.not_before_ms = now_ms + RETRY_MS
        finally:
            one.task = None
