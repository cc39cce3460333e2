"""The guides: their Python runs as it stands, and what is said in Chinese is in step with it."""

import re
from pathlib import Path
from typing import Any

import pytest

from api.service import NET, Api, decision, served

GUIDES = Path(__file__).parents[2] / "src" / "guides"
PAIRS = [(page.with_name(page.name.replace(".zh.md", ".md")), page)
         for page in sorted(GUIDES.glob("*.zh.md")) if page.name != "README.zh.md"]  # fmt: skip
"""The README has tests of its own, tests/test_readme.py."""


@pytest.mark.parametrize("page", ["HTTP.md"])
def test_the_snippet_goes_through_both_gates(page: str, tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (GUIDES / page).read_text("utf-8"), re.DOTALL)
    api = Api(tmp_path, api_port=0)
    label = {"name": "o", "sha256": "0" * 64, "media_type": "text/plain", "size_bytes": 1}
    api.chain.say = lambda event: decision(event, objects=[label])
    with served(api) as url:
        space: dict[str, Any] = {
            "url": url, "key": api.secret, "net": NET, "prompt": "a poem",
            "model": lambda prompt: f"an answer to {prompt}",
        }  # fmt: skip
        exec(code, space)
        assert space["serve"] == [label]
        api.chain.say = lambda event: decision(event, action="refuse")
        exec(code, space | {"serve": None})
    asked, made, again = [event for _, _, event, _ in api.chain.sent]
    assert (asked.type, made.type, again.type) == (
        "generation.requested", "generation.completed", "generation.requested",
    )  # fmt: skip
    assert made.data["pass"] == "a.pass"


@pytest.mark.parametrize(("english", "chinese"), PAIRS, ids=lambda path: path.name)
def test_the_chinese_page_is_in_step(english: Path, chinese: Path) -> None:
    one, other = (path.read_text(encoding="utf-8") for path in (english, chinese))

    def blocks(text: str) -> list[str]:
        return re.findall(r"```\w*\n.*?```", text, re.DOTALL)

    def skeleton(text: str) -> list[str]:
        return [
            re.match(r"#+|- |\| ?[\d, ]*|", line)[0].strip()  # type: ignore[index]
            for line in prose(text).splitlines()
            if re.match(r"#|- |\|", line)
        ]

    def prose(text: str) -> str:
        return re.sub(r"```\w*\n.*?```", "", text, flags=re.DOTALL)

    def named(text: str) -> set[str]:
        return set(re.findall(r"`[^`]+`", prose(text)))

    def linked(text: str) -> list[str]:
        return [each.replace(".zh.md", ".md") for each in re.findall(r"\]\(([^)]+)\)", prose(text))]

    def numbers(text: str) -> list[str]:
        return sorted(re.findall(r"\d[\d,.]*(?<=\d)", prose(text)))

    assert blocks(one) == blocks(other)
    assert skeleton(one) == skeleton(other)
    assert named(one) == named(other)
    assert linked(one) == linked(other)
    assert numbers(one) == numbers(other)


@pytest.mark.parametrize("page", sorted(GUIDES.glob("*.md")), ids=lambda path: path.name)
def test_what_a_guide_links_to_is_there(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_there_is_a_chinese_page_to_hold_in_step() -> None:
    assert PAIRS
