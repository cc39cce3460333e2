"""What an operator does to a running chain on real Kafka: pause and resume, quarantine and redrive."""

import asyncio
import io
import json
import re
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import orjson
import pytest

from live_chain import RunningChain
from synthgate.__main__ import main
from synthgate.client import Gate, Generation, Writer
from synthgate.client.check import check
from synthgate.demo.acts import TERMS
from synthgate.demo.chain import ChainError
from synthgate.demo.facts import facts
from synthgate.demo.player import _now_ms
from synthgate.events.decision import Decision
from synthgate.runtime.attempts import _WIDTH
from synthgate.steps.partition import partition_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
NET = {"src_ip": "10.0.0.1", "src_port": 1, "dst_ip": "10.0.0.2", "dst_port": 2,
       "client_fingerprint": "f"}  # fmt: skip
PATIENCE_S = 90.0
USER = "u1"
HERE = partition_of(f"demo/{USER}".encode(), 4)


@asynccontextmanager
async def gate_of(chain: RunningChain) -> AsyncIterator[Gate]:
    """A platform with one verified user."""
    async with Gate.from_settings(chain.settings, tenant="demo", source="//demo") as gate:
        for topic, row in facts(_now_ms()):
            await gate.facts.write(topic, **row.model_dump())
        before = _now_ms() - 1000
        await gate.tell(
            gate.events.identity_verified(
                USER, method="mobile", checker="c", evidence_ref="e", verified_at_ms=before,
                at_ms=before,
            )
        )  # fmt: skip
        await gate.tell(
            gate.events.terms_accepted(
                USER,
                terms_version=TERMS,
                duty_notice_shown=True,
                accepted_at_ms=before,
                at_ms=before,
            )
        )
        yield gate


def poem(gate: Gate, name: str) -> object:
    return gate.events.requested(USER, Generation(name, "chat"), prompt="a poem", net=NET, id=name)


def waits(chain: RunningChain) -> set[str]:
    url = f"http://127.0.0.1:{chain.chain.workers['all'].port}/readyz"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            state = json.load(answer)
    except urllib.error.HTTPError as error:
        state = json.load(error)
    except OSError:
        return {"not up yet"}
    return {f"{row['duty']} {row['what']}" for row in state["waits"]}


def commanded(chain: RunningChain, *words: str) -> str:
    """What a command prints, run in this process: a new one would take a second to load."""
    rows = chain.settings.model_dump(mode="json", exclude={"instance", "web_port"})
    given = [part for name, value in rows.items() for part in ("--set", f"{name}={value}")]
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err):
        code = main([*given, *words])
    if code:
        raise ChainError(err.buffer.getvalue().decode())  # type: ignore[attr-defined]
    said: bytes = out.buffer.getvalue()  # type: ignore[attr-defined]
    return said.decode()


async def command(chain: RunningChain, *words: str) -> str:
    return await asyncio.to_thread(commanded, chain, *words)


async def until(found: Callable[[], object], right: Callable[[Any], bool]) -> None:
    """Until what is found is right; in the end it is said what it was."""
    end = time.monotonic() + PATIENCE_S
    while not right(seen := await asyncio.to_thread(found)):
        assert time.monotonic() < end, f"still {seen}"
        await asyncio.sleep(0.1)


async def test_paused_it_waits_over_a_restart_and_resumed_it_answers(chain: RunningChain) -> None:
    async with gate_of(chain) as gate:
        assert (await gate.decide(poem(gate, "before"), PATIENCE_S)).released
        other = "1" if HERE == 0 else "0"
        said = await command(
            chain, "pause", "retention", "--partition", str(HERE), "--reason", "disk", "--by", "ops-1"
        )  # fmt: skip
        assert f"retention: paused on partition {HERE}, by ops-1" in said
        await until(lambda: waits(chain), {"retention paused"}.__eq__)
        answer = await gate.decide(poem(gate, "meanwhile"), 2)
        assert answer.action == "undecided"
        chain.kill_worker()
        chain.chain.start("all")
        await until(lambda: waits(chain), {"retention paused"}.__eq__)
        assert (await answer.next(1)).action == "undecided"
        status = await command(chain, "status")
        assert f"paused: retention on partition {HERE}, by ops-1 (disk), " in status
        await command(chain, "resume", "retention", "--partition", other)
        assert "paused: retention" in await command(chain, "status")
        await command(chain, "resume", "retention")
        late = await answer.next(PATIENCE_S)
        # Past its answer_by nobody waits: decided all the same, as expired or as released in time.
        assert late.action in ("release", "refuse")
        await until(lambda: waits(chain), set().__eq__)
        assert (await gate.decide(poem(gate, "after"), PATIENCE_S)).released
        assert "paused" not in await command(chain, "status")


async def test_what_was_quarantined_is_listed_shown_and_handed_back(chain: RunningChain) -> None:
    settings = chain.settings
    async with gate_of(chain) as gate:
        assert (await gate.decide(poem(gate, "before"), PATIENCE_S)).released
        chain.kill_worker()
        event = poem(gate, "poisoned")
        checked = check(event, topic="generation.events", tenant="demo", source="//demo")  # type: ignore[arg-type]
        whole = orjson.dumps({**event.attrs, "data": event.data})  # type: ignore[attr-defined]
        async with Writer(
            brokers=settings.brokers, topic_prefix=settings.topic_prefix, partitions=4
        ) as writer:
            ill = await writer.write_and_wait("generation.events", checked.key, b'{"a":1,"a":2}')
            placed = await writer.write_and_wait("generation.events", checked.key, whole)
        # As the worker leaves it when a record has killed it three times.
        name = f"{settings.group('identity')}.generation.events.{placed.partition}"
        book = f"{'':{_WIDTH}}{placed.offset}"
        (settings.data_dir / "attempts" / name).write_text(book)
        chain.restart_worker()
        ids = [f"1/generation.events/{p.partition}/{p.offset}" for p in (ill, placed)]

        await until(lambda: {row["id"] for row in kept(chain)}, set(ids).__eq__)
        # What is handed back answers a decision: the door quarantines, and the log comes after.
        await until(lambda: [last(chain, one)["revision"] for one in ids], [1, 1].__eq__)
        rows = await asyncio.to_thread(kept, chain)
        assert {row["id"]: row["code"] for row in rows} == dict(
            zip(ids, ("duplicate_key", "bug"), strict=True)
        )
        assert "poem" not in await command(chain, "quarantine", "list")
        assert (await command(chain, "quarantine", "show", ids[1])).encode() == whole
        await handed_back(chain, gate, ids)
        chosen = ("quarantine", "redrive", ids[1], "--why", "again")
        with pytest.raises(ChainError):
            await command(chain, *chosen)


async def handed_back(chain: RunningChain, gate: Gate, ids: list[str]) -> None:
    """By reason, first dry; without the operator's key not at all."""
    chosen = ("quarantine", "redrive", "--reason", "bug", "--why", "fixed in 0.1.1")
    dry = await command(chain, *chosen, "--dry-run")
    assert "1 would be handed back, 0 not" in dry
    assert ids[0] not in dry
    key = chain.settings.keys_dir / "operator.key"
    held = key.rename(key.with_suffix(".away"))
    for words in (chosen, ("quarantine", "show", ids[1])):
        with pytest.raises(ChainError, match=r"operator\.key"):
            await command(chain, *words)
    held.rename(key)
    assert "1 handed back, 0 not" in await command(chain, *chosen)
    await until(lambda: last(chain, ids[1])["revision"], lambda revision: revision == 2)
    decision = Decision.model_validate(await asyncio.to_thread(last, chain, ids[1]))
    assert (decision.action, decision.event_id) == ("release", "poisoned")
    # Bytes that are wrong are wrong again.
    assert "1 handed back" in await command(chain, "quarantine", "redrive", ids[0], "--why", "try")
    await until(
        lambda: [row["code"] for row in kept(chain)], lambda c: c.count("duplicate_key") == 2
    )


def last(chain: RunningChain, root: str) -> dict[str, Any]:
    """The decision with the highest revision; of revision 0 if there is none."""
    rows = [json.loads(line) for line in commanded(chain, "decisions", "--json").splitlines()]
    mine = [row for row in rows if row["root"] == root]
    return max(mine, key=lambda row: row["revision"], default={"revision": 0})


def kept(chain: RunningChain) -> list[dict[str, str]]:
    said = commanded(chain, "quarantine", "list", "--json")
    return [json.loads(line) for line in said.splitlines()]


async def test_canaries_come_back_on_every_partition(chain: RunningChain, tmp_path: Path) -> None:
    async with gate_of(chain):
        said = await command(chain, "canary", "--once", "--timeout", f"{PATIENCE_S}")
        assert [line.split(":")[0] for line in said.splitlines()] == [
            f"partition {number}" for number in range(4)
        ]
        assert said.count("decided in ") == 4, said
        await command(chain, "pause", "moderation", "--partition", "2", "--reason", "test")
        with pytest.raises(ChainError):
            await command(chain, "canary", "--once", "--timeout", "2")
        await command(chain, "resume", "moderation")
    log = tmp_path / "canary.log"
    with log.open("wb") as out:
        flying = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "synthgate", "canary", "--every", "5",
            env={**chain.chain.environment(), "SYNTHGATE_WEB_PORT": "0"}, stderr=out,
        )  # fmt: skip

    def told() -> str:
        place = re.search(r"metrics at (\S+)", log.read_text())
        try:
            with urllib.request.urlopen(
                place[1] if place else "http://127.0.0.1:0", timeout=5
            ) as p:
                return p.read().decode()
        except OSError:
            return log.read_text()

    passed = 'synthgate_canaries_total{partition="3",result="passed"}'
    try:
        await until(told, lambda page: passed in page and "synthgate_canary_seconds_bucket" in page)
        flying.terminate()
        assert await asyncio.wait_for(flying.wait(), PATIENCE_S) == 0, log.read_text()
    finally:
        if flying.returncode is None:
            flying.kill()
            await flying.wait()
