"""The app against a scripted chain on the embedded broker: it obeys, whatever comes back."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from client.decider import Decider, decision_row
from client.world import TOPICS
from example_app.load import FORBIDDEN, TEMPLATE, Kind, asks, drive, set_up, wrong
from example_app.running import Running, running
from synthgate.broker.embedded import EmbeddedBroker
from synthgate.client import KeyFolder, PassBody
from synthgate.client.build import now_ms
from synthgate.crypto.passes import make_pass
from synthgate.effects.objects import LocalObjects
from synthgate.settings import Settings

pytestmark = pytest.mark.embedded
PARTITIONS = 2


class Chain:
    """Judges the example's users by their names, labels, and makes real passes."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.objects = LocalObjects(settings.objects_dir)
        self.keys = KeyFolder.init(settings.keys_dir).pass_keys
        self.spoil: Any = lambda _: {}

    def __call__(self, record: Any) -> list[Any]:
        row = decision_row(record)
        data = orjson.loads(record.value)
        generation = data.get("generation")
        if generation is None:
            return [row]
        content = data["content"]
        words = content.get("prompt", "") + content.get("text", "")
        kind = Kind[data["user"]["id"].partition("-")[0].upper()]
        bad = kind in (Kind.UNVERIFIED, Kind.SUSPENDED) or generation["template"] != TEMPLATE
        row["action"] = "refuse" if bad or FORBIDDEN in words else "release"
        if row["type"] == "generation.completed" and row["action"] == "release":
            row["objects"] = [self.label(content["text"])]
        row["pass"] = self.sign(row) if row["action"] == "release" else None
        return [row | self.spoil(row)]

    def label(self, text: str) -> dict[str, Any]:
        data = f"AI生成 {text}".encode()
        sha256 = hashlib.sha256(data).hexdigest()
        self.objects.put(f"0/{sha256}.txt", data)
        name = f"0/{sha256}.txt"
        return {"name": name, "sha256": sha256, "media_type": "text/plain", "size_bytes": len(data)}

    def sign(self, row: dict[str, Any]) -> str:
        now = now_ms()
        return make_pass(self.keys, PassBody(
            tenant=row["tenant"], generation=row["generation"], event_type=row["type"],
            produce_id=None, user="u", subjects=(), action="release",
            objects={each["name"]: each["sha256"] for each in row["objects"]},
            serve_until=now + 60_000, cite_until=now + 60_000,
            log=row["receipt"]["log"], index=row["receipt"]["index"],
        ))  # fmt: skip


@pytest.fixture
def chain(embedded: EmbeddedBroker, topic_prefix: str, tmp_path: Path) -> Chain:
    embedded.create_topics({topic_prefix + name: PARTITIONS for name in TOPICS})
    values: dict[str, Any] = {
        "brokers": embedded.bootstrap, "topic_prefix": topic_prefix, "partitions": PARTITIONS,
    }  # fmt: skip
    return Chain(Settings.load(environ={}, data_dir=tmp_path, **values))


@pytest.fixture
async def town(chain: Chain, tmp_path: Path) -> AsyncIterator[Running]:
    settings = chain.settings
    async with (
        Decider(settings.brokers, settings.topic_prefix, PARTITIONS, chain),
        running(settings, tmp_path / "access.log", timeout_s=60) as town,
    ):
        yield town


async def test_everyone_gets_their_own_answer(town: Running) -> None:
    await set_up(town.gates[0])
    results = await drive(town.replicas, asks(100), town.http, at_once=20)
    assert wrong(results) == []
    assert {result.action for result in results} == {"release", "refuse"}
    served = town.files.served()
    lawful = [result for result in results if result.ask.kind is Kind.LAWFUL]
    assert len(served) == len(lawful) == 60
    # No model call for a request that was not released.
    asked = [r for r in results if r.ask.kind in (Kind.LAWFUL, Kind.OUTPUT)]
    assert town.model.calls == len(asked)


@pytest.mark.parametrize("action", ["refuse", "hold", "recall", "unheard of"])
@pytest.mark.parametrize("gate", ["generation.requested", "generation.completed"])
async def test_only_a_release_opens_a_gate(
    town: Running, chain: Chain, gate: str, action: str
) -> None:
    chain.spoil = lambda row: {"action": action} if row["type"] == gate else {}
    results = await drive(town.replicas, asks(2), town.http)
    assert [result.action for result in results] == [action] * 2
    assert town.files.served() == []
    assert town.model.calls == (0 if gate == "generation.requested" else 2)


async def test_a_release_without_a_pass_starts_no_model(town: Running, chain: Chain) -> None:
    chain.spoil = lambda _: {"pass": None}
    results = await drive(town.replicas, asks(2), town.http)
    assert [result.status for result in results] == [403, 403]
    assert town.model.calls == 0


async def test_no_answer_is_a_refusal(chain: Chain, tmp_path: Path) -> None:
    async with running(chain.settings, tmp_path / "access.log", timeout_s=0.3) as town:
        results = await drive(town.replicas, asks(4), town.http)
    assert [(result.status, result.action) for result in results] == [(503, "undecided")] * 4
    assert town.files.served() == []
