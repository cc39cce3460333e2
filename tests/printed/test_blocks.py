"""Our pages are read in the order they stand; what others wrote is text and nothing else."""

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgate.printed.blocks import Block, Page


def page(body: str) -> Page:
    return Page(
        f'<html lang="zh-CN"><head><title>no</title><style>p{{}}</style></head><body>{body}</body></html>'
    )


def test_every_tag_of_ours_becomes_a_block() -> None:
    found = page(
        "<h1>T</h1>\n<p>p &amp; q</p><h2>H</h2><table>\n<tr><th scope=row>1. l</th><td><b>b</b><br>c"
        "<pre>{\n 1}</pre></td></tr></table><ul><li>i</li>\n</ul>"
    )
    assert (found.title, found.lang) == ("T", "zh-CN")
    assert [(one.style, one.text) for one in found.blocks] == [
        ("title", "T"), ("text", "p & q"), ("heading", "H"), ("label", "1. l"), ("value", "b\nc"),
        ("verbatim", "{\n 1}"), ("item", "i"),
    ]  # fmt: skip


@given(st.text(st.characters(exclude_characters="\r", exclude_categories=("Cs",))))
def test_what_is_escaped_comes_out_as_it_was(text: str) -> None:
    found = page(f"<p>{html.escape(text)}</p>").blocks
    assert found == ((Block("text", text),) if text.strip() else ())


def test_a_tag_our_pages_do_not_use_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="<img>"):
        page("<p><img src=x></p>")
