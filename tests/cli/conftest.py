"""A chain of one worker on the embedded broker, for the commands that need answers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli_commands import PATIENCE_S, Running
from synthgate.broker.choose import Broker
from synthgate.broker.embedded import EmbeddedBroker
from synthgate.cli import casebook, example, library_back
from synthgate.demo import aftermath
from synthgate.demo.chain import Chain
from synthgate.demo.run import demo_settings


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command waits as long as a person would not: how long an answer takes says something of the machine."""
    for module, name in (
        (casebook, "ANSWER_S"), (library_back, "CARRIED_OUT_S"), (example, "WAIT_S"),
        (aftermath, "ANSWER_S"),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, PATIENCE_S)


@pytest.fixture(scope="session")
def chain(embedded: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("chain")
    settings = demo_settings(embedded.bootstrap, folder).model_copy(
        update={"topic_prefix": "cli-chain.", "partitions": 2}
    )
    broker = Broker(
        embedded.bootstrap, "embedded", lambda: None, create_topics=embedded.create_topics
    )
    with Chain(broker, settings) as running:
        rows = settings.model_dump(mode="json", exclude={"instance", "web_port"})
        options = [part for name, value in rows.items() for part in ("--set", f"{name}={value}")]
        yield Running(settings, options, f"http://127.0.0.1:{running.workers['all'].port}")
