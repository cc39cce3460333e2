"""A stage an operator can pause, partition by partition: it stops consuming and keeps its membership.

A pause is a row on ``control``, so it stands over restarts until somebody resumes. It takes effect between
batches and shows as the declared wait ``paused``; what is in work is finished first.
"""

from collections.abc import Sequence
from typing import Final

from synthgate.registries import Registries
from synthgate.step import Batch, Fresh, Outputs, Stage, Waiting

PAUSED: Final = "paused"


class Pausable:
    """Wraps a stage. ``duties``: those it carries; a pause of any of them stops it."""

    def __init__(
        self, stage: Stage, duties: Sequence[str], registries: Registries, fresh: Fresh
    ) -> None:
        self.name = stage.name
        self.inputs = stage.inputs
        self.stage = stage
        self._duties = duties
        self._registries = registries
        self._fresh = fresh
        self._read = False

    async def process(
        self, batch: Batch, now_ms: int, poison: frozenset[int] = frozenset()
    ) -> Outputs:
        """What the stage owes.

        Raises:
            Waiting: paused, or it waits itself.
        """
        await self._go_on(batch.partition)
        return await self.stage.process(batch, now_ms, poison)

    async def assigned(self, partitions: frozenset[int]) -> None:
        """As the stage: a paused partition is ours all the same."""
        await self.stage.assigned(partitions)

    async def tick(self, partition: int, now_ms: int) -> Outputs:
        """What time makes due; nothing while paused, and the wait is declared without any traffic."""
        await self._go_on(partition)
        return await self.stage.tick(partition, now_ms)

    async def _go_on(self, partition: int) -> None:
        if not self._read:
            # Once, so that a restart does not run past a pause that stands.
            await self._fresh.fresh(("control",))
            self._read = True
        control = self._registries.control
        if any(control.paused(duty, partition) for duty in self._duties):
            raise Waiting(PAUSED)
