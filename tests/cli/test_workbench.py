"""A platform that obeys: what is owed is done and proved, what cannot be done stays owed."""

import asyncio
import json
import os
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from cli_commands import PATIENCE_S, Running, run
from synthgate.client import NotDone, Workbench, Writer

Capture = pytest.CaptureFixture[str]


def shown(capsys: Capture, chain: Running, case: str) -> dict[str, Any]:
    return json.loads(run(capsys, "case", "show", case, "--json", *chain.options)[1])


async def test_a_platform_does_what_it_owes_and_the_rumour_is_dispelled(
    chain: Running, capsys: Capture
) -> None:
    tenant = (
        f"obeys-{os.urandom(4).hex()}"  # another, when it is tried again: the chain is everybody's
    )
    case = f"rumour/{tenant}/r-1"
    seen: Counter[str] = Counter()

    async def do(work: Mapping[str, Any]) -> Mapping[str, Any]:
        seen[work["kind"]] += 1
        assert set(work["text"]) == {"zh", "en"} and work["about"] == {"produce_id": "p-1"}
        if work["kind"] == "rebuttal.due" and seen["rebuttal.due"] == 1:
            raise NotDone("the place does not answer")
        return {"proof": f"shot-{work['kind']}"}

    def cli(*argv: str) -> str:
        return run(capsys, *argv, *chain.options)[1]

    settings = chain.settings
    writer = Writer(
        brokers=settings.brokers, topic_prefix=settings.topic_prefix, partitions=settings.partitions
    )
    found = ("rumour.detected", "r-1", "--tenant", tenant, "--detail", "produce_id=p-1")
    told = ("--channel", "12377", "--reference", "CN-9", "--by", "ann")
    async with (
        writer,
        Workbench(writer, tenant=tenant, source="app", group=f"{tenant}.work", do=do) as bench,
    ):
        await asyncio.to_thread(cli, "case", "find", *found)
        await asyncio.to_thread(cli, "report", "receipt", case, *told)
        async with asyncio.timeout(PATIENCE_S):
            while sum(seen.values()) < 3:
                await asyncio.sleep(0.05)
        rebuttal = f"{case}/incidents/rebuttal.due"
        async with asyncio.timeout(PATIENCE_S):
            while True:
                row = await asyncio.to_thread(shown, capsys, chain, case)
                status = {work["detail"]["work"]["id"]: work["status"] for work in row["work"]}
                if status[rebuttal] == "failed" and sorted(status.values()) == [
                    "done",
                    "done",
                    "failed",
                ]:
                    break
        assert row["status"] == "reported", "what failed is still owed"
        proof = ("--proof", "shot=later", "--by", "ann")
        await asyncio.to_thread(cli, "work", "done", rebuttal, *proof)
        assert not (bench._task and bench._task.done())
    row = await asyncio.to_thread(shown, capsys, chain, case)
    assert row["status"] == "dispelled" and seen == {
        "takedown.due": 1, "recall.due": 1, "rebuttal.due": 1,
    }  # fmt: skip
