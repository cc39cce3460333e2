"""The wiring guide: its program asks and is answered, its table is the table of topics."""

import re
from pathlib import Path
from typing import Any

import pytest

from client.decider import decision_row
from client.world import World
from synthgate.events.topics import TOPICS
from synthgate.steps.partition import partition_of

PAGE = (Path(__file__).parents[2] / "src" / "guides" / "WIRING.md").read_text(encoding="utf-8")


def test_the_table_names_every_topic_of_a_platform() -> None:
    told = {
        (topic, does, key)
        for topic, does, key in re.findall(
            r"^\| `([\w.]+)` \| (\w+) \| ([^|]+) \|", PAGE, re.MULTILINE
        )
    }
    held = {(topic.name, "write", topic.key) for topic in TOPICS if topic.writer == "platform"}
    held |= {(topic.name, "read", topic.key) for topic in TOPICS if "platform" in topic.readers}
    assert told == held


def program(world: World, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the page's program defines, where these topics are the chain's."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    monkeypatch.setenv("BROKERS", world.brokers)
    monkeypatch.setenv("PREFIX", world.prefix)
    space: dict[str, Any] = {"__name__": "ask"}
    exec(code, space)
    return space


@pytest.mark.embedded
async def test_the_program_asks_and_takes_its_own_answer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answers(record: Any) -> list[Any]:
        other = decision_row(record, event_hash="0" * 64, action="refuse")
        return [other, decision_row(record, event_id="else"), decision_row(record)]

    decider = await world.decider(answers)
    space = program(world, monkeypatch)
    said = await space["ask"]("e-1", "u-7", {"content": {"prompt": "a poem"}})
    assert (said["event_id"], said["action"]) == ("e-1", "release")
    (record,) = decider.heard
    assert record.partition == partition_of(b"acme/u-7", 3)


@pytest.mark.embedded
async def test_the_program_does_not_wait_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = program(world, monkeypatch)
    assert space["WAIT_S"] == 60
    space["WAIT_S"] = 2
    with pytest.raises(TimeoutError):
        await space["ask"]("e-1", "u-7", {"content": {"prompt": "a poem"}})
