"""Our engine with the six ``decide`` and nothing else (``six.py``): the same work as the peers are given."""

from collections.abc import Callable
from typing import Any

from synthgate.bench.clock import Clock
from synthgate.bench.six import HEARD, PATH, SAID, Record, Six
from synthgate.bench.timed import worked
from synthgate.runtime.run import Worker
from synthgate.settings import Settings
from synthgate.step import Batch, Outputs, Plain


class DecideStage(Plain):
    """One topic in, the next one out, record by record; ``out`` None says nothing."""

    def __init__(
        self, name: str, heard: str, out: str | None, decide: Callable[[Record], bytes]
    ) -> None:
        self.name = name
        self.inputs: tuple[str, ...] = (heard,)
        self._out = out
        self._decide = decide

    async def process(
        self, batch: Batch, now_ms: int, poison: frozenset[int] = frozenset()
    ) -> Outputs:
        """Decide each."""
        outputs, decide, out = Outputs(), self._decide, self._out
        for one in batch.records:
            value = decide(
                Record(
                    batch.partition, one.offset, one.timestamp, one.key, one.value or b"",
                    one.headers,
                )
            )  # fmt: skip
            if out is not None:
                outputs.add(out, one.key, value)
        return outputs


async def six_topics(settings: Settings, count: int) -> dict[str, Any]:
    """One app per duty on one loop; to incidents' commit behind the last decision."""
    six = Six(settings)
    stages = [
        DecideStage(duty, HEARD[duty], SAID.get(duty), decide) for duty, decide in six.each.items()
    ]
    return await _run(settings, count, stages, ("incidents", PATH[-1]))


async def fused(settings: Settings, count: int) -> dict[str, Any]:
    """All six in one hop; to the commit behind the last event."""
    stage = DecideStage("fused", PATH[0], PATH[-1], Six(settings).fused)
    return await _run(settings, count, [stage], ("fused", PATH[0]))


async def _run(
    settings: Settings, count: int, stages: list[DecideStage], last: tuple[str, str]
) -> dict[str, Any]:
    found = await worked(Worker, stages, settings, Clock(count), last=last)
    del found["released"]  # six.py raises for any that is not
    return found
