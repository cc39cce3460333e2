"""Every command on the pages for operators is one the command line takes."""

import re
import shlex
from pathlib import Path

import pytest

from synthgate import cli

ROOT = Path(__file__).parents[2]
BOOKS = sorted((ROOT / "deploy" / "runbooks").glob("*.md"))
PAGES = (
    *("src/RECOVERY.md", "src/REGISTRIES.md", "src/WHEN_DOWN.md"),
    *(f"src/guides/{path.name}" for path in sorted((ROOT / "src" / "guides").glob("*.md"))),
    *(f"deploy/runbooks/{path.name}" for path in BOOKS),
)


def commands(page: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return [line.strip() for block in blocks for line in block.splitlines() if line.strip()]


@pytest.mark.parametrize(
    ("page", "line"), [(page, line) for page in PAGES for line in commands(page)]
)
def test_a_command_on_a_page_is_taken(page: str, line: str) -> None:
    words = shlex.split(line)
    assert words[0] == "synthgate", line
    args = cli.parser().parse_args(words[1:])
    assert callable(args.run)


@pytest.mark.parametrize("page", PAGES)
def test_what_is_named_in_the_text_is_a_command_too(page: str) -> None:
    """``synthgate x y`` between backticks: as many words of it as name a command."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for named in set(re.findall(r"`synthgate ([a-z -]+?)`", text)):
        with pytest.raises(SystemExit) as left:
            cli.parser().parse_args([*named.split(), "--help"])
        assert left.value.code == 0, named


def test_the_pages_say_the_exact_repairs() -> None:
    said = " ".join(commands("src/RECOVERY.md"))
    for words in ("rewind generation.events", "topics accept-loss", "topics create", "redrive"):
        assert words in said
