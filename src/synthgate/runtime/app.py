"""One Faust app per duty: its group, its transport, one agent over its inputs."""

import asyncio
from typing import Any

import faust
from faust.types.tuples import TP as FaustTP

from synthgate.runtime import transport
from synthgate.runtime.stages import Runner
from synthgate.settings import Settings

COMMIT_SECONDS = 0.25
"""How often acknowledged batches are committed; a crash repeats at most this much."""
NEVER_SECONDS = 1e9
FETCH_BYTES_MAX = 1_048_576
BATCH_BYTES_MAX = 1_200_000
"""The quarantine takes the largest records: 1 MiB and 64 KiB, and framing."""
COMPRESSION = "zstd"
"""aiokafka compresses lz4 at level 9, ten times as slowly; it asks for no other level."""
PRODUCE_SECONDS_MAX = 30.0
REQUEST_SECONDS_MAX = 60.0


def build(runner: Runner, settings: Settings) -> Any:
    """A Faust app that feeds the runner's lanes and does nothing else."""
    transport.register()
    group = settings.group(runner.duty)
    folder = settings.data_dir / "faust" / group
    folder.mkdir(parents=True, exist_ok=True)
    session_s = settings.session_timeout_s
    app = faust.App(
        group,
        broker=";".join(f"bulk://{address}" for address in settings.brokers.split(",")),
        datadir=str(folder),
        autodiscover=False,
        web_enabled=False,
        cache="memory://",
        topic_allow_declare=False,
        topic_disable_leader=True,
        consumer_group_instance_id=settings.instance,
        consumer_max_fetch_size=FETCH_BYTES_MAX,
        broker_max_poll_records=settings.batch_records,
        broker_commit_interval=COMMIT_SECONDS,
        broker_commit_livelock_soft_timeout=NEVER_SECONDS,
        stream_processing_timeout=NEVER_SECONDS,
        broker_session_timeout=session_s,
        broker_heartbeat_interval=settings.heartbeat_s,
        broker_rebalance_timeout=settings.revoke_s + session_s,
        broker_request_timeout=max(REQUEST_SECONDS_MAX, session_s + settings.revoke_s + 5),
        stream_wait_empty=False,  # our lanes are waited for, with a limit
        stream_recovery_delay=0,
        producer_acks=-1,
        producer_linger=0,
        producer_compression_type=COMPRESSION,
        producer_max_batch_size=BATCH_BYTES_MAX,
        producer_max_request_size=BATCH_BYTES_MAX + 65_536,
        producer_request_timeout=PRODUCE_SECONDS_MAX,
        worker_redirect_stdouts=False,
    )
    app.engine = runner
    runner.app = app
    inputs = app.topic(*runner.logical, schema=transport.RawBatch(), maxsize=1000)
    app.agent(inputs, name=runner.duty)(_feeder(runner))
    return app


def _feeder(runner: Runner) -> Any:
    async def feed(stream: Any) -> None:
        try:
            async for event in stream.noack().events():
                runner.put(event.value)
        except Exception as error:  # noqa: BLE001 (Faust would restart the agent and skip the batch)
            runner.fail(error, f"{runner.duty} agent")

    return feed


async def begin(app: Any) -> None:
    """Start the app; returns when it has joined its group and reads."""
    await app.start()


async def end(app: Any, seconds: float) -> bool:
    """Stop the app, leaving the group unless membership is static; False if it took too long."""
    try:
        await asyncio.wait_for(app.stop(), seconds)
    except TimeoutError:
        return False
    return True


def held(app: Any) -> frozenset[Any]:
    """Partitions the app's consumer holds now."""
    return frozenset(FaustTP(*tp) for tp in app.consumer.assignment())
