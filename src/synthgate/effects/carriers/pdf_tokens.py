"""PDF's own notation: names, strings, arrays, dictionaries with the bytes of each entry; within limits."""

import re
from typing import Any, Final, NamedTuple

from synthgate.effects.carriers.carrier import CarrierError

_TOKENS_MAX: Final = 200_000
_DEPTH_MAX: Final = 32
_BLANKS: Final = rb"(?:[\x00\t\n\x0c\r ]++|%[^\r\n]*+)*+"
_SPACE: Final = re.compile(_BLANKS)
_NAME: Final = re.compile(rb"/([^\x00\t\n\x0c\r ()<>\[\]{}/%]*+)")
_BLANK: Final = rb"[\x00\t\n\x0c\r ]++"
_TOKEN: Final = re.compile(
    _BLANKS + rb"(?:(\d{1,10})" + _BLANK + rb"(\d{1,5})" + _BLANK + rb"R(?!\w)"
    rb"|([+-]?+(?:\d++\.?+\d*+|\.\d++))|(" + _NAME.pattern + rb")|(true|false|null)(?![A-Za-z])"
    rb"|(<<|[<\[\](]))"
)  # fmt: skip
_REFERENCE, _NUMBER, _NAMED, _WORD, _BEGIN = 2, 3, 4, 6, 7
"""Groups of ``_TOKEN``: the last that took part says what was found."""
_WORDS: Final = {b"true": True, b"false": False, b"null": None}
_ARRAY_ENDS: Final = object()
_ESCAPES: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
_ESCAPE: Final = re.compile(rb"\\([0-7]{1,3}|\r\n|[\s\S])")
_PARENTHESIS: Final = re.compile(rb"\\[\s\S]|[()]")


class Reference(NamedTuple):
    """An object by number and generation."""

    number: int
    generation: int


class Entry(NamedTuple):
    """One entry of a dictionary: its value, and where key and value stand."""

    value: Any
    start: int
    end: int


class Dictionary(dict[bytes, Entry]):
    """Entries by key. ``data`` is what their positions count in."""

    data: bytes = b""

    def value(self, key: bytes) -> Any:
        """The value of a key, or None."""
        entry = self.get(key)
        return None if entry is None else entry.value

    def raw(self, key: bytes) -> bytes:
        """Key and value as they are written."""
        return self.data[self[key].start : self[key].end]


class Reader:
    """Reads objects from bytes, within limits."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._tokens = 0

    def object(self, at: int, depth: int = 0) -> tuple[Any, int]:
        """The object at a position and where it ends.

        Raises:
            CarrierError: there is none, or it is too large or too deep.
        """
        value, end = self._next(at, depth)
        if value is _ARRAY_ENDS:
            raise CarrierError("broken", f"no PDF object at byte {end - 1}")
        return value, end

    def _next(self, at: int, depth: int) -> tuple[Any, int]:
        """As ``object``; ``_ARRAY_ENDS`` for the bracket that ends an array. One match a token."""
        self._tokens += 1
        if self._tokens > _TOKENS_MAX or depth > _DEPTH_MAX:
            raise CarrierError("too_much", "a PDF object too large or too deep")
        match = _TOKEN.match(self.data, at)
        if match is None:
            raise CarrierError("broken", f"no PDF object at byte {self.skip(at)}")
        found, end = match.lastindex, match.end()
        if found == _NUMBER:
            text = match[_NUMBER]
            return (float(text) if b"." in text else int(text[:20])), end
        if found == _REFERENCE:
            return Reference(int(match[1]), int(match[2])), end
        if found == _NAMED:
            return match[_NAMED], end
        if found == _WORD:
            return _WORDS[match[_WORD]], end
        return self._begun(match[_BEGIN], end, depth)

    def _begun(self, bracket: bytes, at: int, depth: int) -> tuple[Any, int]:
        """What a bracket begins, that ends at ``at``; or the end of an array."""
        if bracket == b"<<":
            return self._dictionary(at, depth)
        if bracket == b"<":
            return self._hexadecimal(at - 1)
        if bracket == b"[":
            return self._array(at, depth)
        if bracket == b"(":
            return self._string(at - 1)
        return _ARRAY_ENDS, at

    def skip(self, at: int) -> int:
        """Where white space and comments end."""
        match = _SPACE.match(self.data, at)
        return match.end() if match else at

    def _dictionary(self, at: int, depth: int) -> tuple[Dictionary, int]:
        found = Dictionary()
        found.data = self.data
        while True:
            at = self.skip(at)
            if self.data.startswith(b">>", at):
                return found, at + 2
            match = _NAME.match(self.data, at)
            if match is None:
                raise CarrierError("broken", f"no key in a PDF dictionary at byte {at}")
            value, end = self.object(match.end(), depth + 1)
            key = _unescaped(match.group(1))
            if key in found:
                raise CarrierError("broken", f"a key twice in a PDF dictionary at byte {at}")
            found[key] = Entry(value, at, end)
            at = end

    def _array(self, at: int, depth: int) -> tuple[list[Any], int]:
        found: list[Any] = []
        while True:
            value, at = self._next(at, depth + 1)
            if value is _ARRAY_ENDS:
                return found, at
            found.append(value)

    def _string(self, at: int) -> tuple[bytes, int]:
        level, end = 0, at
        for match in _PARENTHESIS.finditer(self.data, at):
            level += {b"(": 1, b")": -1}.get(match.group(0), 0)
            if level == 0 and match.group(0) == b")":
                end = match.end()
                break
        if end == at:
            raise CarrierError("truncated", f"a PDF string at byte {at} has no end")
        text = self.data[at + 1 : end - 1]
        return (_ESCAPE.sub(_escaped, text) if b"\\" in text else text), end

    def _hexadecimal(self, at: int) -> tuple[bytes, int]:
        end = self.data.find(b">", at)
        digits = b"".join(self.data[at + 1 : end].split()) if end >= 0 else b"?"
        try:
            return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode("ascii")), end + 1
        except ValueError:
            raise CarrierError(
                "broken", f"a PDF string at byte {at} that is no hexadecimal"
            ) from None


def _escaped(match: re.Match[bytes]) -> bytes:
    text = match.group(1)
    if text.isdigit():
        return bytes([int(text, 8) & 0xFF])
    if text in (b"\n", b"\r", b"\r\n"):
        return b""
    return _ESCAPES.get(text, text)


def _unescaped(name: bytes) -> bytes:
    return re.sub(rb"#([0-9A-Fa-f]{2})", lambda m: bytes([int(m.group(1), 16)]), name)
