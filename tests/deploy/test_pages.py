"""Every command on a page is one the command line takes, with the options it is given."""

import argparse
import re
import shlex
from pathlib import Path

import pytest

from synthgate import cli

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    str(page.relative_to(ROOT))
    for page in (
        ROOT / "README.md",
        *(ROOT / "src").rglob("*.md"),
        *(ROOT / "deploy" / "runbooks").glob("*.md"),
    )
)
PARSER = cli.parser()
SIGNED = {"pack 1\\n", "segment 1\\n", "sealed box"}
"""Words of src/FORMAT.md that are hashed and signed, and no commands."""
RUN = ("QUICKSTART", "WIRING", "AUDIT")
"""Guides whose blocks are run as they stand, by tests of their own; they may hold other programs' commands."""


def commands(page: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return [line.strip() for block in blocks for line in block.splitlines() if line.strip()]


def fault(words: list[str]) -> str | None:
    """What is wrong with a command named in passing: an unknown word where a command is due, or an option."""
    parser, left = PARSER, list(words)
    while under := [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]:
        if not left or left[0].startswith("-"):
            break
        if left[0] not in under[0].choices:
            return f"no command {left[0]}"
        parser = under[0].choices[left.pop(0)]
    options = [word.partition("=")[0] for word in left if word.startswith("--")]
    unknown = [name for name in options if name not in parser._option_string_actions]
    return f"no option {unknown[0]}" if unknown else None


@pytest.mark.parametrize(
    ("page", "line"), [(page, line) for page in PAGES for line in commands(page)]
)
def test_a_command_on_a_page_is_taken(page: str, line: str) -> None:
    words = shlex.split(line.partition(" > ")[0], comments=True)
    if words[0].startswith("./deploy/"):
        assert (ROOT / words[0]).is_file()
    elif words[0] == "synthgate":
        assert callable(PARSER.parse_args(words[1:]).run)
    else:
        assert words[0] == "pip" or Path(page).name.partition(".")[0] in RUN, line


@pytest.mark.parametrize("page", PAGES)
def test_what_is_named_in_the_text_is_a_command_too(page: str) -> None:
    """``synthgate x y --z`` between backticks."""
    text = re.sub(r"```.*?```", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    named = {" ".join(each.split()) for each in re.findall(r"`synthgate\s+([^`]+)`", text)}
    faults = {each: told for each in named - SIGNED if (told := fault(each.split()))}
    assert not faults


def test_an_unknown_command_or_option_is_seen() -> None:
    assert fault(["inspect", "FILE…"]) is None
    assert fault(["topics", "acls", "--only", "api"]) is None
    assert fault(["keys"]) is None
    assert fault(["keys", "lose"]) == "no command lose"
    assert fault(["inspect", "--color"]) == "no option --color"


def test_the_pages_say_the_exact_repairs() -> None:
    said = " ".join(commands("src/RECOVERY.md"))
    for words in ("rewind generation.events", "topics accept-loss", "topics create", "redrive"):
        assert words in said
