"""The guides: their Python runs as it stands, and what is said in Chinese is in step with it."""

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from api.service import NET, Api, decision
from synthgate.api.serve import Http, configured

GUIDES = Path(__file__).parents[2] / "src" / "guides"
PAIRS = [(page.with_name(page.name.replace(".zh.md", ".md")), page)
         for page in sorted(GUIDES.glob("*.zh.md"))]  # fmt: skip


@contextmanager
def served(api: Api) -> Iterator[str]:
    """The service on a port of this machine; its chain is a script."""
    http = Http(configured(api.service, api.settings))
    thread = threading.Thread(target=lambda: asyncio.run(http.serve()))
    thread.start()
    try:
        while not http.started:
            assert thread.is_alive()
            thread.join(0.02)
        yield f"http://127.0.0.1:{http.servers[0].sockets[0].getsockname()[1]}"
    finally:
        http.should_exit = True
        thread.join(60)


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
        plain = re.sub(r"```\w*\n.*?```", "", text, flags=re.DOTALL)
        return [
            re.match(r"#+|- |\| ?[\d, ]*|", line)[0].strip()  # type: ignore[index]
            for line in plain.splitlines()
            if re.match(r"#|- |\|", line)
        ]

    def named(text: str) -> set[str]:
        plain = re.sub(r"```\w*\n.*?```", "", text, flags=re.DOTALL)
        return set(re.findall(r"`[^`]+`", plain))

    assert blocks(one) == blocks(other)
    assert skeleton(one) == skeleton(other)
    assert named(one) == named(other)


def test_there_is_a_chinese_page_to_hold_in_step() -> None:
    assert PAIRS
