"""A worker on real Kafka, log and objects in a bucket, killed in mid-load: nothing lost, nothing doubled."""

import os
from pathlib import Path

import pytest

from buckets import BUCKET
from e2e.load import Load
from e2e.rig import checked, rest, small_settings
from synthgate.broker.choose import Broker
from synthgate.broker.object_store import ObjectServer
from synthgate.demo.chain import Chain
from synthgate.ledger.stores import open_store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
SECONDS = 60


def test_killed_in_mid_load_it_loses_and_doubles_nothing(
    kafka: Broker, topic_prefix: str, object_server: ObjectServer, tmp_path: Path
) -> None:
    bucket = f"s3://{BUCKET}/{os.urandom(6).hex()}"
    settings = small_settings(
        kafka, topic_prefix, tmp_path, bucket=bucket, **object_server.settings
    )
    with Chain(kafka, settings) as chain:
        load = Load(settings, users=12)
        load.facts()
        load.send(30)
        load.until(lambda: load.answered.total() > 5, SECONDS, "decisions")
        chain.kill("all")
        load.send(20)
        chain.start("all")
        chain.wait_ready()
        rest(settings, load)
        load.close()
        history = checked(settings)
    assert sum(map(len, history.logs.values())) > 50
    assert history.objects
    assert open_store(settings).logs()
    assert not list(tmp_path.rglob("*.seg"))
    assert not settings.objects_dir.exists()
    said = (settings.data_dir / "worker-all.log").read_text()
    assert object_server.secret_key not in said
