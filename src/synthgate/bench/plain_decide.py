"""(e) The six ``decide`` (``six.py``) in plain Faust agents: the least a chain of plain agents takes."""

from collections.abc import Callable
from typing import Any

from synthgate.bench import plain_agents
from synthgate.bench.clock import Clock
from synthgate.bench.plain_agents import Hop, Out
from synthgate.bench.six import SAID, Record, Six
from synthgate.settings import Settings


async def run(settings: Settings, count: int) -> dict[str, Any]:
    """From the first event consumed to incidents' verdict on the last decision."""
    clock = Clock(count)
    six = Six(settings)
    hops = {duty: _hop(decide, SAID.get(duty), clock) for duty, decide in six.each.items()}
    return await plain_agents.run(settings, hops, clock)


def _hop(decide: Callable[[Record], bytes], out: str | None, clock: Clock) -> Hop:
    async def hop(message: Any) -> list[Out]:
        clock.begin()
        at_ms = round(message.timestamp * 1000)
        value = decide(
            Record(
                message.partition, message.offset, at_ms, message.key, message.value,
                message.headers or (),
            )
        )  # fmt: skip
        if out is None:
            clock.count_in(1)
            return []
        return [Out(out, message.key, value, [])]

    return hop
