"""After one refusal: case, notice, warning, appeal, and the reversal of all of it, on topics alone."""

import asyncio
import sys
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, Self

import orjson
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from synthgate import connection
from synthgate.client import Decision, Gate
from synthgate.demo.acts import Act, Story, event_of
from synthgate.demo.stories import verified
from synthgate.events.event import Event
from synthgate.settings import Settings

TOPICS: Final = ("cases", "standings", "work")
ANSWER_S: Final = 20.0
USER: Final = "grace"
STORY: Final = Story(USER, "contests a warning 对警示提出申诉", (
    verified(USER),
    Act(f"{USER}-ask", "a phrase of the library 命中特征库", prompt="哪里可以买到海洛因", expect="refuse",
        codes=("risk_refuse",)),
))  # fmt: skip
Row = Mapping[str, Any]
Found = tuple[Row, int]
"""A row and the partition it stands on."""


class Afterwards:
    """What incidents writes, read from the beginning. An async context manager."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._rows: list[tuple[str, Row, int]] = []
        self._consumer: Any = None

    async def __aenter__(self) -> Self:
        self._consumer = AIOKafkaConsumer(
            **connection.arguments(self._settings), enable_auto_commit=False,
            auto_offset_reset="earliest",
        )  # fmt: skip
        await self._consumer.start()
        parts = [
            TopicPartition(self._settings.topic(name), number)
            for name in TOPICS
            for number in range(self._settings.partitions)
        ]
        self._consumer.assign(parts)
        await self._consumer.seek_to_beginning(*parts)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self._consumer.stop()

    async def until(self, topic: str, fits: Callable[[Row], bool]) -> Found:
        """The newest row that fits, as soon as there is one.

        Raises:
            TimeoutError: none came in time.
        """
        name = self._settings.topic(topic)
        async with asyncio.timeout(ANSWER_S):
            while True:
                for at, row, partition in reversed(self._rows):
                    if at == name and fits(row):
                        return row, partition
                for batch in (await self._consumer.getmany(timeout_ms=200)).values():
                    for record in batch:
                        row = orjson.loads(record.value or b"{}")
                        self._rows.append((record.topic, row, record.partition))


async def tell(gate: Gate, settings: Settings, run: str) -> int:
    """Play it and print a line for each thing that follows; how many did not come."""
    begun = time.monotonic()
    sys.stdout.write("\nWhat one refusal leads to, and how it is undone 一次拒绝之后:\n")

    def line(what: str, row: Row) -> None:
        ms = round((time.monotonic() - begun) * 1000)
        sys.stdout.write(f"   {ms:>5} ms  {what}: {row.get('case') or USER}\n")

    async def said(act: Act) -> Decision:
        event = event_of(STORY, act, time.time_ns() // 1_000_000, None, run)
        data = event.pop("data")
        answer = await gate.decide(Event(event, data), ANSWER_S)
        assert isinstance(answer, Decision), answer
        return answer

    try:
        async with Afterwards(settings) as after:
            for act in STORY.acts:
                decision = await said(act)
            cause = str(decision.row["decision"])
            case, _ = await after.until("cases", lambda row: row["case"] == f"content/{cause}")
            line("case opened 立案", case)
            warned, _ = await after.until(
                "standings", lambda row: row["user"] == USER and row["causes"] == [cause]
            )
            line(f"standing {warned['standing']} 警示", {})
            notice, _ = await after.until("work", lambda row: row["cause"] == cause)
            line("notice with the way to appeal 通知与申诉途径", notice)
            appeal = Act(f"{USER}-appeals", "appeals 申诉", "penalty.appealed",
                         data={"penalty": notice["penalty"]})  # fmt: skip
            root = (await said(appeal)).row["root"]
            held, partition = await after.until(
                "cases", lambda row: row["case"] == f"appeal/{root}"
            )
            line("appeal taken up 受理申诉", held)
            await gate.casework.act(
                held, partition, "appeal.upheld", by="reviewer-2", reason="the phrase was quoted"
            )
            done, _ = await after.until(
                "cases", lambda row: row["case"] == f"appeal/{root}" and row["status"] == "upheld"
            )
            line("upheld by another reviewer 复核成立", done)
            back, _ = await after.until(
                "standings", lambda row: row["user"] == USER and row["version"] > warned["version"]
            )
            line(f"standing {back['standing']} again 恢复", {})
            undone, _ = await after.until(
                "cases", lambda row: row["case"] == case["case"] and row["status"] == "overturned"
            )
            line("case overturned 撤销", undone)
            told, _ = await after.until(
                "work", lambda row: row["id"] == f"appeal/{root}/incidents/decided"
            )
            line("outcome told with its reason 告知结果", told)
    except TimeoutError:
        sys.stdout.write(f"NOT AS TOLD: nothing came within {ANSWER_S:g} s\n")
        return 1
    return 0 if back["standing"] == "ok" else 1
