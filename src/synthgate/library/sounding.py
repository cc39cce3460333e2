"""Where a text sounds like one of very many values: every three syllables looked up at once, with numpy.

Three UTF-16 units in a row are mixed to one number, and a table of a bit for each number says "no" to nearly
all of them; what is left is compared. Only built if numpy is there (extra ``images``): without it the automaton
in ``finding`` finds the same, in twice the time.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np

from synthgate.library.letters import sound_codes

_FIRST: Final = np.uint32(0x9E3779B1)
_SECOND: Final = np.uint32(0x85EBCA77)
_BITS: Final = 22
_SHIFT: Final = np.uint32(32 - _BITS)
SYLLABLES: Final = 3

_Array = np.ndarray[Any, Any]


class Triples:
    """Values by the three units they begin with; each key is three units of UTF-16, sounds for characters."""

    def __init__(self, by_start: Mapping[str, Sequence[tuple[str, int]]]) -> None:
        self._values = {
            start.encode("utf-16-le"): [
                (whole.encode("utf-16-le", "surrogatepass"), len(whole), value)
                for whole, value in found
            ]
            for start, found in by_start.items()
        }
        self._known = np.zeros(1 << _BITS, dtype=np.bool_)
        keys = np.frombuffer(b"".join(self._values), dtype="<u2").reshape(-1, SYLLABLES)
        self._known[_mixed(keys[:, 0], keys[:, 1], keys[:, 2])] = True

    def scan(self, wide: bytes) -> Iterator[tuple[int, int, int]]:
        """(value, first unit, characters) of every value that a text in UTF-16 sounds like."""
        if len(wide) < 2 * SYLLABLES:
            return
        said = _sounds()[np.frombuffer(wide, dtype="<u2")]
        maybe = np.flatnonzero(self._known[_mixed(said[:-2], said[1:-1], said[2:])])
        if not maybe.size:
            return
        raw = said.tobytes()
        for at in maybe.tolist():
            for whole, length, value in self._values.get(raw[2 * at : 2 * at + 6], ()):
                if raw.startswith(whole, 2 * at):
                    yield value, at, length


def takes(starts: Sequence[str]) -> bool:
    """Whether all beginnings are three units long, as they are but for very short or very odd values."""
    return all(
        len(start) == SYLLABLES and all(char <= "\uffff" for char in start) for start in starts
    )


def _mixed(first: _Array, second: _Array, third: _Array) -> _Array:
    """One number of ``_BITS`` bits for three units; overflow is meant."""
    mixed: _Array = first * _FIRST + second * _SECOND + third
    mixed ^= mixed >> np.uint32(15)
    mixed *= _SECOND
    return mixed >> _SHIFT


@lru_cache(maxsize=1)
def _sounds() -> _Array:
    """Every UTF-16 unit's sound; its own number where it has none."""
    table = np.arange(1 << 16, dtype="<u2")
    for char, code in sound_codes().items():
        if char < 1 << 16:
            table[char] = ord(code)
    return table
