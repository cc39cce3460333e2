"""The programs of the wiring guide, which use no library of ours: built from the page, and run."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from aiokafka import AIOKafkaConsumer

from live_chain import chain_settings
from programs import need
from synthgate.broker.choose import Broker
from synthgate.broker.jars import kafka_jars
from synthgate.demo.chain import Chain
from synthgate.settings import Settings
from synthgate.steps.partition import partition_of

ROOT = Path(__file__).parents[2]
GUIDES = ROOT / "src" / "guides"
PAGE = (GUIDES / "WIRING.md").read_text("utf-8")
SCHEMA = json.loads((ROOT / "schemas" / "generation.events.v1.schema.json").read_text())
LANGUAGES = {"go": "main.go", "java": "Ask.java"}
PROGRAMS = {"go": ["go"], "java": ["java", "javac"]}
PATIENCE_S = 300
"""For a compiler that has nothing in its cache, on a machine with much else to do."""


@pytest.fixture(scope="module")
def running(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    folder = tmp_path_factory.mktemp("wiring")
    settings = chain_settings(kafka, f"test-{os.urandom(4).hex()}.", folder)
    with Chain(kafka, settings) as chain:
        chain.command(*_prepared().split()[1:], "--wait", str(PATIENCE_S))
        yield chain


def _prepared() -> str:
    """What the page runs first, so that the user of the programs is known."""
    (line,) = re.findall(r"^synthgate example .*$", PAGE, re.MULTILINE)
    return str(line)


def _block(language: str) -> str:
    (code,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(code)


def _commands(language: str) -> str:
    """The block that builds and runs the program; its last line runs it."""
    (lines,) = re.findall(rf"```sh\n([^`]*^{language} .*\n)```", PAGE, re.MULTILINE)
    return str(lines)


@pytest.mark.timeout(1000)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_program_goes_through_both_gates(language: str, running: Chain, tmp_path: Path) -> None:
    need(*PROGRAMS[language])
    (tmp_path / LANGUAGES[language]).write_text(_block(language), "utf-8")
    for file in (GUIDES / "go").glob("go.*"):
        shutil.copy(file, tmp_path)
    settings = running.settings
    another = tmp_path / "pass-2.key"
    another.write_text("ab" * 32)
    jars = {"JARS": str(kafka_jars())} if language == "java" else {}
    program = partial(_started, settings, tmp_path, **jars)
    commands = _commands(language)
    said, why = program(commands, "u-7").communicate(timeout=PATIENCE_S)
    served = re.findall(r"^served (\S+)$", said, re.MULTILINE)
    assert len(served) == 1, why
    assert "AI生成" in (settings.objects_dir / served[0]).read_text("utf-8")
    # Whom nobody verified gets no model call; what another key signed is not served.
    again = commands.splitlines()[-1]
    stranger, wrong_key = program(again, "u-8"), program(again, "u-7", PASS_KEY=str(another))
    for process, words in ((stranger, "unverified"), (wrong_key, "not served")):
        said, why = process.communicate(timeout=PATIENCE_S)
        assert process.returncode
        assert "served " not in said
        assert words in why
    sent = ["generation.completed"] * 2 + ["generation.requested"] * 3
    asyncio.run(_sent_by_the_schema(running, language, sent))


@pytest.mark.timeout(400)
def test_python_asks_and_is_answered(running: Chain, tmp_path: Path) -> None:
    (tmp_path / "ask.py").write_text(_block("python"), "utf-8")
    venv = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    for user, answer in (("u-7", r"release"), ("u-8", r"refuse .*\bunverified\w*.*")):
        process = _started(running.settings, tmp_path, _commands("python"), user, PATH=venv)
        said, why = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, why
        assert re.fullmatch(answer, said.strip())
    asyncio.run(_sent_by_the_schema(running, "python", ["generation.requested"] * 2))


def _started(
    settings: Settings, folder: Path, commands: str, user: str, **more: str
) -> "subprocess.Popen[str]":
    """The commands of the page, for a user, with the names that they want."""
    named = {
        "BROKERS": settings.brokers,
        "PREFIX": settings.topic_prefix,
        "OBJECTS": str(settings.objects_dir),
        "PASS_KEY": str(settings.keys_dir / "pass-1.key"),
    }
    return subprocess.Popen(
        ["bash", "-ec", commands.replace("u-7", user)],
        cwd=folder, env=os.environ | named | more, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


async def _sent_by_the_schema(running: Chain, language: str, sent: list[str]) -> None:
    """The events of all runs are on the topic, of the right shape, on the right partition."""
    settings = running.settings
    validator = jsonschema.Draft202012Validator(SCHEMA)
    found: list[Any] = []
    async with AIOKafkaConsumer(
        settings.topic("generation.events"), bootstrap_servers=settings.brokers,
        auto_offset_reset="earliest",
    ) as events:  # fmt: skip
        while len(found) < len(sent):
            record = await asyncio.wait_for(events.getone(), 60)
            attrs = {name.removeprefix("ce_"): text.decode() for name, text in record.headers}
            if not attrs["id"].startswith(language):
                continue
            found.append(attrs["type"])
            validator.validate({**attrs, "data": json.loads(record.value)})
            assert record.partition == partition_of(record.key, settings.partitions)
    assert sorted(found) == sent


def test_the_modules_of_the_page_are_those_that_are_pinned() -> None:
    pinned = (GUIDES / "go" / "go.mod").read_text()
    for module in re.findall(r"github\.com/twmb/franz-go\S*(?=\")", _block("go")):
        assert re.search(rf"{module.removesuffix('/pkg/kgo')} v", pinned), module
