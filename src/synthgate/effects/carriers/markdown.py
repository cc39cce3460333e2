"""Markdown: the label is the mapping ``AIGC`` in the YAML front matter at the head of the file.

The front matter is not parsed as YAML: one top-level key is looked for, in the forms people and tools write (a
block of indented keys, or a mapping in braces on its line). Anything else under that key is named, not guessed.
"""

import json
import re
from typing import Final, NamedTuple

from synthgate.effects.carriers.carrier import (
    KEY,
    Carrier,
    CarrierError,
    Parsed,
    Place,
    place,
)  # fmt: skip
from synthgate.effects.label import FIELDS, Label

_PLACE: Final = "front matter AIGC"
_FRONT_LINES_MAX: Final = 10_000
_KEY: Final = re.compile(rf"""(["']?)({KEY})\1[ \t]*:(?:[ \t]+(.*))?$""")
_NESTED: Final = re.compile(
    r"""[ \t]+(["']?)(\w+)\1[ \t]*:[ \t]*("[^"\\]*"|'[^']*'|[^"'#{}\[\]&*!|>%@`,\s]*)[ \t]*(?:[ \t]#.*)?$"""
)
_LINE_CHARS_MAX: Final = 4_096
_BYTE_ORDER: Final = "\ufeff"


class _Front(NamedTuple):
    """A file taken apart. ``lines``: of the front matter, None if there is none; ``body``: all behind it."""

    mark: str
    lines: list[str] | None
    closing: str
    body: str
    newline: str


def _claims(data: bytes) -> bool:
    return False  # text has no first bytes of its own; the catalogue goes by the name


def front(data: bytes) -> _Front:
    """Take a file apart.

    Raises:
        CarrierError: no UTF-8 text.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise CarrierError("broken", f"no UTF-8 text at byte {error.start}") from None
    if "\x00" in text:
        raise CarrierError("broken", "a zero byte in a text")
    mark = _BYTE_ORDER if text.startswith(_BYTE_ORDER) else ""
    text = text[len(mark) :]
    newline = "\r\n" if "\r\n" in text[:4096] else "\n"
    lines = text.split("\n", _FRONT_LINES_MAX)
    if lines[0].rstrip() != "---":
        return _Front(mark, None, "", text, newline)
    for at, line in enumerate(lines[1:_FRONT_LINES_MAX], 1):
        if line.rstrip() in ("---", "..."):
            inner = [each.rstrip("\r") for each in lines[1:at]]
            return _Front(mark, inner, line.rstrip(), "\n".join(lines[at + 1 :]), newline)
    return _Front(mark, None, "", text, newline)


def _blocks(lines: list[str]) -> list[tuple[int, int, str]]:
    """First and last line of each entry under the label's key, and what stands on its own line."""
    found = []
    for at, line in enumerate(lines):
        match = _KEY.match(line) if KEY in line[:16] else None
        if match:
            end = at + 1
            while end < len(lines) and (lines[end][:1] in (" ", "\t") or not lines[end].strip()):
                end += 1
            while end > at + 1 and not lines[end - 1].strip():
                end -= 1
            found.append((at, end, (match.group(3) or "").strip()))
    return found


def _parse(data: bytes) -> Parsed:
    lines = front(data).lines or []
    return Parsed([_label(lines, *block) for block in _blocks(lines)], [])


def _label(lines: list[str], start: int, end: int, own: str) -> Place:
    if own.startswith("{"):
        return place(_PLACE, own)
    if own.startswith(("'", '"')) and own[-1:] == own[0] and len(own) > 1:
        inner = own[1:-1].replace('\\"', '"') if own[0] == '"' else own[1:-1].replace("''", "'")
        return place(_PLACE, inner)
    if own and not own.startswith("#"):
        return Place(_PLACE, None, fault="no mapping")
    pairs = []
    for line in lines[start + 1 : end]:
        match = _NESTED.match(line) if len(line) <= _LINE_CHARS_MAX else None
        if match is None:
            if line.strip() and not line.strip().startswith("#"):
                return Place(_PLACE, None, fault="an entry that is no plain text")
            continue
        value = match.group(3)
        quoted = value[:1] in ("'", '"')
        if not quoted and match.group(2) == "Label" and value.isdecimal():
            return Place(_PLACE, None, fault="Label is no string")
        pairs.append(f"{json.dumps(match.group(2))}:{json.dumps(value[1:-1] if quoted else value)}")
    return place(_PLACE, "{" + ",".join(pairs) + "}")


def _rewrite(data: bytes, value: bytes) -> bytes:
    found = front(data)
    row = Label.read(value).row()
    block = [f"{KEY}:", *(f'  {name}: "{row[name]}"' for name in FIELDS)]
    lines = list(found.lines or [])
    for start, end, _ in reversed(_blocks(lines)):
        del lines[start:end]
    rows = ["---", *lines, *block, found.closing or "---"]
    return (found.mark + found.newline.join(rows) + found.newline + found.body).encode()


CARRIER: Final = Carrier(
    "markdown", "text", "text/markdown", (".md", ".markdown"), _PLACE, "TC260-PG-20258A",
    _claims, _parse, _rewrite,
)  # fmt: skip
