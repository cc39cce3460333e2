"""The README says what is: its table, its sentences on the law, its commands, and its snippet."""

import asyncio
import re
import textwrap
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from live_chain import RunningChain
from synthgate.cli import COMMANDS
from synthgate.client import Gate
from synthgate.demo.acts import NET, TERMS
from synthgate.demo.facts import control, template, terms
from synthgate.events.topics import DUTIES
from synthgate.law import load, status
from synthgate.law.coverage import deciders
from synthgate.library.sample import SAMPLE_VERSION, sample_rows
from synthgate.steps import reviewers_page

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
CHINESE = (ROOT / "src" / "guides" / "README.zh.md").read_text(encoding="utf-8")


class Omission(NamedTuple):
    """What the Chinese README may lack: a command or link that begins so."""

    begins: str
    why: str


FIGURES: Final = (
    "figures and how they are had stand in README.md alone; the page sends its readers there"
)
OMITTED: Final = (
    Omission("synthgate bench", FIGURES),
    Omission("synthgate fuzz", FIGURES),
    Omission("src/SOAK.md", FIGURES),
    Omission("src/decisions/0", "the page links the folder"),
)
NOW_MS = 1_795_000_000_000
PATIENCE_S = 60


@pytest.mark.parametrize("text", [TEXT, CHINESE], ids=["en", "zh"])
def test_the_table_of_duties_is_what_the_duties_say(text: str) -> None:
    for duty in DUTIES:
        (row,) = re.findall(rf"^\| {duty} \|.*\|$", text, re.MULTILINE)
        told = set(re.findall(r"[A-Z]+-[0-9E]+-[0-9]+", row.split("|")[4]))
        held = {rule for rule, names in deciders().items() if duty in str(names)}
        assert told == {rule for rule in held if not rule.startswith("HOUSE")}, duty


def test_the_sentences_on_the_law_are_fresh() -> None:
    for text, language in ((TEXT, "en"), (CHINESE, "zh")):
        assert status.summary(status.status(load(), NOW_MS), language) in text


def test_the_table_of_reviewers_is_what_moderation_decides() -> None:
    assert reviewers_page.table() in TEXT


def test_the_chinese_readme_has_the_same_sections_and_code() -> None:
    blocks, titles = r"```\w+\n.*?```", r"^## [^\n]+"
    assert set(re.findall(blocks, CHINESE, re.DOTALL)) <= set(re.findall(blocks, TEXT, re.DOTALL))
    sections = [title for title in re.findall(titles, TEXT, re.MULTILINE) if title.isascii()]
    assert len(re.findall(titles, CHINESE, re.MULTILINE)) == len(sections)


def named(text: str, folder: str) -> set[str]:
    """Commands, by their words alone, and links, as seen from the top."""
    words = {re.match(r"[a-z ]*", each)[0] for each in re.findall(r"`synthgate ([^`]+)`", text)}  # type: ignore[index]
    links = re.findall(r"\]\((?![a-z]+:)([^)#]+)", text)
    places = {str((ROOT / folder / link).resolve().relative_to(ROOT)) for link in links}
    commands = {f"synthgate {each.strip()}" for each in words}
    return commands | {place.replace(".zh.md", ".md") for place in places}


def test_the_chinese_readme_names_every_command_and_page() -> None:
    lacks = named(TEXT, ".") - named(CHINESE, "src/guides") - {"src/guides/README.md"}
    left = {one for one in lacks if not one.startswith(tuple(each.begins for each in OMITTED))}
    assert left == set()
    stale = [each for each in OMITTED if not any(one.startswith(each.begins) for one in lacks)]
    assert stale == []


def test_every_command_named_is_one() -> None:
    for name in re.findall(r"`synthgate ([a-z]+)", TEXT):
        assert name in COMMANDS
    for name in re.findall(r"\./deploy/([a-z]+)", TEXT):
        assert (ROOT / "deploy" / name).is_file()


def test_ci_calls_the_test_command_that_is_printed() -> None:
    assert "deploy/test" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.kafka
async def test_the_snippet_runs(chain: RunningChain) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    settings = chain.settings
    place = f'brokers="{settings.brokers}", topic_prefix="{settings.topic_prefix}", partitions=4'
    # Five seconds are enough for an answer, where there is nothing else to do.
    code = code.replace('brokers="kafka:9092"', place).replace("timeout=5", f"timeout={PATIENCE_S}")
    assert code.count(f"timeout={PATIENCE_S}") == 2
    async with Gate.from_settings(settings, tenant="acme", source="//acme/chat") as gate:
        for row in sample_rows():
            await gate.facts.write("facts.features", **row.model_dump())
        library = control("library", {"version": SAMPLE_VERSION, "agreed_by": "b"}, NOW_MS)
        await gate.facts.write("control", **library.model_dump())
        chat = template("chat", NOW_MS).model_dump() | {"tenant": "acme"}
        await gate.facts.write("facts.templates", **chat)
        vouched = gate.events.identity_verified(
            "u-7", method="mobile", checker="c", evidence_ref="vault/1", age_band="adult"
        )
        assert (await gate.decide(vouched, PATIENCE_S)).released
        await gate.facts.write("control", **terms("acme", NOW_MS).model_dump())
        agreed = gate.events.terms_accepted("u-7", terms_version=TERMS, duty_notice_shown=True)
        assert (await gate.decide(agreed, PATIENCE_S)).released

    async def model(prompt: str) -> str:
        return f"an answer to {prompt}"

    lines = textwrap.indent(code.split("\n\n", 1)[1], "    ")
    space: dict[str, Any] = {}
    imports = code.split("\n\n", 1)[0]
    exec(f"{imports}\nasync def snippet(model, net, prompt):\n{lines}", space)
    (made,) = await space["snippet"](model, dict(NET), "hello")
    assert made.media_type.startswith("text/plain")
    wanted = [f'synthgate_verdicts_total{{duty="{duty}",outcome="pass"}}' for duty in DUTIES]
    wanted.append('synthgate_decisions_total{action="release"} 4.0')
    wanted.append("synthgate_origin_unaccounted_age_seconds")
    until = time.monotonic() + PATIENCE_S
    # An answer is heard before the worker has counted it, and before incidents has heard of it.
    while missing := [one for one in wanted if one not in (page := chain.chain.metrics("all"))]:
        assert time.monotonic() < until, f"{missing} not in {page}"
        await asyncio.sleep(0.1)
