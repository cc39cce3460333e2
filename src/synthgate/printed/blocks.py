"""Our own HTML pages as blocks of text, in the order they are read.

It knows the tags our pages use and no others. What others wrote is escaped in those pages: it is text here too.
"""

from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Final

_STYLES: Final = {
    "h1": "title", "h2": "heading", "p": "text", "li": "item", "th": "label", "td": "value", "pre": "verbatim",
}  # fmt: skip
_SILENT: Final = ("head", "style", "title")
_KNOWN: Final = {
    *_STYLES, *_SILENT, "html", "body", "meta", "table", "tr", "ul", "br", "b",
}  # fmt: skip
_VOID: Final = ("br", "meta")


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph. style: title, heading, text, item, label, value, verbatim."""

    style: str
    text: str


class Page:
    """A page as read. lang, title: of the document."""

    def __init__(self, html: str) -> None:
        reader = _Reader()
        reader.feed(html)
        reader.close()
        reader.end()
        self.lang = reader.lang
        self.blocks = tuple(reader.blocks)
        self.title = next((one.text for one in self.blocks if one.style == "title"), "")


class _Reader(HTMLParser):
    """Collects blocks. A tag our pages do not use is a mistake of ours.

    Raises ValueError on one.
    """

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lang = "en"
        self.blocks: list[Block] = []
        self._style: list[str] = []
        self._silent = 0
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _KNOWN:
            raise ValueError(f"no page of ours has <{tag}>")
        if tag == "html":
            self.lang = dict(attrs).get("lang") or self.lang
        if tag in _SILENT:
            self._silent += 1
        elif tag == "br":
            self._text.append("\n")
        elif tag in _STYLES:
            self.end()
            self._style.append(_STYLES[tag])

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent -= 1
        elif tag in _STYLES and tag not in _VOID:
            self.end()
            self._style.pop()

    def handle_data(self, data: str) -> None:
        if not self._silent and self._style:
            self._text.append(data)

    def end(self) -> None:
        """What was read since the last block began is one."""
        text, self._text = "".join(self._text), []
        if text.strip():
            style = self._style[-1] if self._style else "text"
            self.blocks.append(Block(style, text))
