"""(q, g) Quix Streams with the same six ``decide``, as its documentation builds it, on its own defaults.

At least once: a checkpoint flushes what was produced and then commits, every 5 s by default. Only what makes
it like the others is set: acks=all idempotent, zstd, large batches.
"""

from typing import Any

from quixstreams import Application, message_context

from synthgate.bench.clock import Clock
from synthgate.bench.six import HEARD, PATH, SAID, Record, Six
from synthgate.settings import Settings


async def six_topics(settings: Settings, count: int) -> dict[str, Any]:
    """Six dataframes in one application; to the commit behind incidents' last verdict."""
    each = Six(settings).each
    return _run(
        settings,
        count,
        {HEARD[duty]: (decide, SAID.get(duty)) for duty, decide in each.items()},
        PATH[-1],
    )


async def fused(settings: Settings, count: int) -> dict[str, Any]:
    """All six in one hop."""
    return _run(settings, count, {PATH[0]: (Six(settings).fused, PATH[-1])}, PATH[0])


def _run(
    settings: Settings, count: int, routes: dict[str, tuple[Any, str | None]], last: str
) -> dict[str, Any]:
    clock = Clock(count)
    found: dict[str, Any] = {}
    last_topic = settings.topic(last)

    def processed(topic: str, _partition: int, _offset: int) -> None:
        if topic != last_topic:
            return
        clock.count_in(1)
        if clock.seen == count:
            app._processing_context.commit_checkpoint(force=True)  # as the application's end does
            found.update(clock.stop())
            app.stop()

    app = Application(
        broker_address=settings.brokers,
        consumer_group=f"{settings.topic_prefix}bench.quix",
        auto_offset_reset="earliest",
        auto_create_topics=False,
        state_dir=settings.data_dir / "state",
        loglevel="WARNING",
        producer_extra_config={
            "acks": "all",
            "enable.idempotence": True,
            "compression.type": "zstd",
            "batch.size": 1_000_000,
            "queue.buffering.max.messages": 1_000_000,
        },
        on_message_processed=processed,
    )
    known = {
        name: app.topic(
            settings.topic(name), key_deserializer="bytes", key_serializer="bytes",
            value_deserializer="bytes", value_serializer="bytes",
        )
        for name in {*routes, *(out for _, out in routes.values() if out)}
    }  # fmt: skip
    for heard, (decide, out) in routes.items():
        frame = app.dataframe(known[heard]).apply(_hop(decide, clock), metadata=True)
        if heard == PATH[0]:
            frame = frame.set_headers(lambda *_: [])  # a passage carries the attributes itself
        if out:
            frame.to_topic(known[out])
    app.run()
    return found


def _hop(decide: Any, clock: Clock) -> Any:
    def hop(value: bytes, key: bytes, timestamp: int, headers: Any) -> bytes:
        clock.begin()
        at = message_context()
        return decide(Record(at.partition, at.offset, timestamp, key, value, headers or ()))

    return hop
