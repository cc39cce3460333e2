"""How the contents of a PDF page leave the state of drawing: what is drawn after them must not inherit it.

A state that is saved and not restored would move, clip or shrink a label; text, marked content or a string that
is left open would swallow or hide it (ISO 32000-1, 8.4.2, 14.6).
"""

import re
from typing import Final

from synthgate.effects.explicit.errors import ExplicitError

_PART: Final = re.compile(
    rb"%[^\r\n]*+|/[^\x00\t\n\x0c\r ()<>\[\]{}/%]*+|<<|>>|<[^<>]*+>|[\[\]{}(]"
    rb"|[^\x00\t\n\x0c\r ()<>\[\]{}/%]++|[<>)]"
)
_PARENTHESIS: Final = re.compile(rb"\\[\s\S]|[()]")
_IMAGE_END: Final = re.compile(rb"[\x00\t\n\x0c\r ]EI(?=[\x00\t\n\x0c\r ]|\Z)")
_PARTS_MAX: Final = 2_000_000
_SAVED_MAX: Final = 100


def left_open(contents: bytes) -> int:
    """How many saved states a page's contents leave to be restored.

    Raises:
        ExplicitError: nothing drawn after them can be relied on to be seen.
    """
    saved = marked = 0
    text = False
    for operator in _operators(contents):
        if operator in (b"q", b"Q"):
            saved += 1 if operator == b"q" else -1
            if not 0 <= saved <= _SAVED_MAX:
                raise _unfit("restores a state it did not save, or saves too many")
        elif operator in (b"BT", b"ET"):
            text = operator == b"BT"
        elif operator in (b"BMC", b"BDC"):
            marked += 1
        elif operator == b"EMC":
            marked = max(0, marked - 1)
    if text or marked:
        raise _unfit("leaves text or marked content open")
    return saved


def _operators(contents: bytes) -> list[bytes]:
    """The words of the contents that are no operands' strings, names or comments, in order."""
    found: list[bytes] = []
    at = parts = 0
    while match := _PART.search(contents, at):
        at, part = match.end(), match.group(0)
        parts += 1
        if parts > _PARTS_MAX:
            raise _unfit("is too long")
        if part == b"(":
            at = _string_end(contents, match.start())
        elif part in (b"<", b">", b")"):
            raise _unfit("holds a string that is not closed")
        elif part == b"ID":
            image = _IMAGE_END.search(contents, at)
            if image is None:
                raise _unfit("holds a picture that does not end")
            at = image.end()
        elif part.isalpha():
            found.append(part)
    return found


def _string_end(contents: bytes, at: int) -> int:
    level = 0
    for match in _PARENTHESIS.finditer(contents, at):
        level += {b"(": 1, b")": -1}.get(match.group(0), 0)
        if level == 0:
            return match.end()
    raise _unfit("holds a string that is not closed")


def _unfit(why: str) -> ExplicitError:
    return ExplicitError("unsupported", f"what is drawn on the first page {why}")
