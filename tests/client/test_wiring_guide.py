"""The wiring guide: its snippet asks and is answered, its table is the table of topics."""

import re
from pathlib import Path
from typing import Any

import pytest

from client.decider import decision_row
from client.world import World
from synthgate.client.build import now_ms, rfc3339
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


@pytest.mark.embedded
async def test_the_snippet_asks_and_takes_its_own_answer(world: World) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)

    def answers(record: Any) -> list[Any]:
        other = decision_row(record, event_hash="0" * 64, action="refuse")
        return [other, decision_row(record, event_id="else"), decision_row(record)]

    decider = await world.decider(answers)
    space: dict[str, Any] = {
        "brokers": world.brokers, "prefix": world.prefix, "now": rfc3339(now_ms()),
    }  # fmt: skip
    exec(code, space)
    said = await space["ask"]("e-1", "u-7", {"content": {"prompt": "a poem"}})
    assert (said["event_id"], said["action"]) == ("e-1", "release")
    (record,) = decider.heard
    assert record.partition == partition_of(b"acme/u-7", 3)
