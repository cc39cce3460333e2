"""A running chain for tests on real Kafka: workers as processes, to be killed and started again."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthgate.broker.choose import Broker
from synthgate.demo.chain import Chain
from synthgate.effects.provider_code import SAMPLE_CODE
from synthgate.settings import Settings


@dataclass
class RunningChain:
    """All duties in one worker."""

    chain: Chain

    @property
    def settings(self) -> Settings:
        return self.chain.settings

    def kill_worker(self) -> None:
        self.chain.kill("all")

    def restart_worker(self) -> None:
        self.chain.start("all")
        self.chain.wait_ready()


@dataclass
class HurtableChain(Chain):
    """A chain whose workers find the programs of tests that hurt them."""

    def environment(self) -> dict[str, str]:
        kept = super().environment()
        path = ":".join(filter(None, (str(Path(__file__).parent), kept.get("PYTHONPATH", ""))))
        return {**kept, "PYTHONPATH": path}


def chain_settings(broker: Broker, prefix: str, folder: Path, **over: Any) -> Settings:
    """Four partitions, one replica, the sample provider code, short group time-outs."""
    values = {
        "brokers": broker.bootstrap, "topic_prefix": prefix, "data_dir": folder, "partitions": 4,
        "replicas": 1, "insync_min": 1, "provider_code": SAMPLE_CODE, "provider_sample": True,
        "session_timeout_s": 10, "media_roots": f"demo={folder}/media",
    }  # fmt: skip
    return Settings.load(environ={}, **{**values, **over})
