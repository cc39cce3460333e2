"""``synthgate scan`` on a running chain: nothing found, then a planted number is; by place, never by number."""

import asyncio
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from cli_commands import Running, run

Capture = pytest.CaptureFixture[str]
PHONE = "13800138000"


def append(chain: Running, topic: str, key: bytes, value: bytes) -> None:
    async def work() -> None:
        async with AIOKafkaProducer(bootstrap_servers=chain.settings.brokers) as producer:
            await producer.send_and_wait(chain.settings.topic(topic), value, key, partition=0)

    asyncio.run(work())


def test_a_chain_holds_no_number_until_one_is_planted(
    chain: Running, capsys: Capture, tmp_path: Path
) -> None:
    log = tmp_path / "worker.log"
    log.write_text("all well\n")
    run(capsys, "example", "chat", *chain.options)
    scan = ("scan", "--file", str(log), "--metrics", f"{chain.web}/metrics", *chain.options)
    code, said, why = run(capsys, *scan)
    assert (code, why) == (0, ""), said
    assert "scan: 0 found in what the chain wrote" in said
    lines = {line.split()[0]: line for line in said.splitlines()}
    for name in ("generation.events", "passages.identified", "decisions", "ledger", "metrics"):
        assert int(lines[name].split(" searched")[0].split()[-1]) > 0, name
    append(chain, "generation.events", f"acme/{PHONE}".encode(), b"{}")
    log.write_text(f"user {PHONE} failed\n")
    code, said, _ = run(capsys, *scan)
    assert code == 1
    assert "scan: 1 found in what the chain wrote" in said
    assert "as sent to us; refused" in said
    assert str(log) in said
    assert PHONE not in said


def test_what_is_not_there_is_named(chain: Running, capsys: Capture, tmp_path: Path) -> None:
    code, _, why = run(capsys, "scan", "--no-topics", "--file", str(tmp_path / "x"), *chain.options)
    assert (code, "no such file" in why) == (1, True)
    code, _, why = run(capsys, "scan", "--no-topics", "--metrics", "host:9", *chain.options)
    assert (code, "whole address" in why) == (1, True)
    code, _, why = run(
        capsys, "scan", "--no-topics", "--metrics", "http://127.0.0.1:1", *chain.options
    )
    assert (code, "no page there" in why) == (75, True)
