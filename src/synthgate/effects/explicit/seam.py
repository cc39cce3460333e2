"""Where a sound was joined to what stands in front of it, and whether it is behind it what it was.

Encoded sound is joined without encoding it anew: its own packets stay, byte for byte. What its decoder threw
away at the start, a few hundredths of a second in which its encoder runs up, is heard now in between.
"""

import array
import sys
from typing import Final, NamedTuple

from synthgate.effects.explicit.errors import ExplicitError

STEPS: Final = 2
"""Of 16 bits: a decoder that comes from silence and one that starts anew may round differently."""


class Seam(NamedTuple):
    """Sample frames of what is decoded: where the old sound starts, and how long a decoder takes to settle.

    Until then it still knows what came before.
    """

    start: int
    settles: int


def check(before: bytes, made: bytes, seam: Seam, channels: int) -> None:
    """Hold what is decoded of both, as 16-bit samples, against each other.

    Raises:
        ExplicitError: the sound behind is not what it was.
    """
    old, new = _samples(before), _samples(made)
    start, skip = seam.start * channels, seam.settles * channels
    behind = new[start + skip : start + len(old)]
    if len(behind) != len(old) - skip or not behind:
        raise ExplicitError("readback", "the sound behind the label is not as long as it was")
    if behind != old[skip:] and any(
        abs(one - other) > STEPS for one, other in zip(behind, old[skip:], strict=True)
    ):
        raise ExplicitError("readback", "the sound behind the label is not what it was")


def _samples(data: bytes) -> "array.array[int]":
    found = array.array("h", data)
    if sys.byteorder == "big":
        found.byteswap()
    return found
