"""What every bench on a broker has in common: broker, folder, topics of its own, words for the report."""

import logging
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from synthgate.bench.load import EVENT_BYTES
from synthgate.bench.place import file_system, place
from synthgate.broker.choose import Broker, choose_broker
from synthgate.demo.chain import ChainError
from synthgate.effects.provider_code import SAMPLE_CODE
from synthgate.events.topics import TOPICS
from synthgate.runtime.app import COMPRESSION
from synthgate.settings import Settings

PARTITIONS: Final = 12
ALL: Final = tuple(topic.name for topic in TOPICS)


class BenchError(Exception):
    """What was to be measured failed; the sentence says what, and where its log is."""


def on_broker(
    bench: str,
    work: Callable[[Broker, Path], dict[str, Any]],
    *,
    quick: bool,
    folder: Path | None = None,
) -> dict[str, Any]:
    """What ``work`` finds on a real broker, with what it was found on. Leaves nothing behind.

    Raises:
        BrokerUnavailableError: no real Kafka can be had.
        BenchError: a process did not come up, or did not do what it must.
    """
    # Nothing of aiokafka's retries while leaders are elected.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    home = Path(tempfile.mkdtemp(prefix="synthgate-bench-", dir=folder))
    try:
        with choose_broker() as broker:
            found = work(broker, home)
            return {"bench": bench, "quick": quick, **_where(broker, home), **found}
    except ChainError as error:
        raise BenchError(str(error)) from None
    finally:
        shutil.rmtree(home, ignore_errors=True)


def settings_for(broker: Broker, home: Path, name: str, topics: str = "") -> Settings:
    """Settings of a run: a folder of its own below ``home``, topics of its own or those of that name."""
    settings = Settings.load(
        environ={}, brokers=broker.bootstrap, topic_prefix=f"{topics or name}.",
        data_dir=home / name, partitions=PARTITIONS, replicas=1, insync_min=1,
        provider_code=SAMPLE_CODE, provider_sample=True,
    )  # fmt: skip
    settings.data_dir.mkdir()
    return settings


def fresh_name() -> str:
    """A name for topics and folders that nobody else has: the broker may be somebody's."""
    return f"bench-{secrets.token_hex(4)}"


def progress(doing: str) -> None:
    """What is being done, for whoever waits."""
    sys.stderr.write(f"bench: {doing}\n")
    sys.stderr.flush()


def _where(broker: Broker, home: Path) -> dict[str, Any]:
    """On what it was measured."""
    return {
        "store": f"{broker.words}, loopback, one node; log on {file_system(home)}, fsync per batch",
        "acks": "all, idempotent",
        "replicas": 1,
        "compression": COMPRESSION,
        "partitions": PARTITIONS,
        "event_bytes": EVENT_BYTES,
        **place(),
    }
