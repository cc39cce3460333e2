"""The rhythm of a sound: short long, short short (GB 45438-2025 5.3: Morse for AI), made and heard.

The standard gives no lengths; these are Morse's: short is one unit, long three, one between signs and three
between letters. Units of 120 ms at 700 Hz, a quarter of full scale, then silence: 1.92 s in all.
"""

import array
import math
import sys
from collections.abc import Mapping
from typing import Any, Final

UNIT_SECONDS: Final = 0.12
TONE_HZ: Final = 700
PATTERN: Final = ((1, 1), (3, 3), (1, 1), (1, 5))
"""Units of tone and of silence behind it."""
LEVEL: Final = 0.25
_RAMP_SECONDS: Final = 0.005
_WINDOW_SECONDS: Final = 0.01
_LOUD: Final = 0.25
"""Of the loudest window: a window of tone is louder."""
_TOLERANCE_SECONDS: Final = 0.05


def seconds() -> float:
    """How long the rhythm lasts."""
    return UNIT_SECONDS * sum(tone + pause for tone, pause in PATTERN)


def row() -> Mapping[str, Any]:
    """As recorded of what was made."""
    return {"rhythm": "short long, short short"}


def wave(rate: int) -> list[float]:
    """The rhythm at a sample rate, one channel, -1 to 1."""
    made: list[float] = []
    ramp = max(1, round(rate * _RAMP_SECONDS))
    step = 2 * math.pi * TONE_HZ / rate
    for tone, pause in PATTERN:
        count = round(rate * UNIT_SECONDS * tone)
        made += [
            LEVEL * min(1.0, at / ramp, (count - at) / ramp) * math.sin(step * at)
            for at in range(count)
        ]
        made += [0.0] * round(rate * UNIT_SECONDS * pause)
    return made


def heard(samples: bytes, rate: int) -> bool:
    """Whether 16-bit mono samples begin with the rhythm: lengths of tone and silence within 50 ms."""
    values = array.array("h")
    values.frombytes(samples[: 2 * round(rate * (seconds() + 0.5))])
    if sys.byteorder == "big":
        values.byteswap()
    size = max(1, round(rate * _WINDOW_SECONDS))
    loudness = [
        max(map(abs, values[at : at + size])) for at in range(0, len(values) - size + 1, size)
    ]
    loud = [level > _LOUD * LEVEL * 32767 for level in loudness]
    if True not in loud:
        return False
    runs = _runs(loud[loud.index(True) :])
    wanted = [part * UNIT_SECONDS for pair in PATTERN for part in pair][:-1]
    return len(runs) >= len(wanted) and all(
        abs(run * _WINDOW_SECONDS - want) <= _TOLERANCE_SECONDS
        for run, want in zip(runs, wanted, strict=False)
    )


def _runs(loud: list[bool]) -> list[int]:
    """Lengths of equal neighbours."""
    runs: list[int] = []
    before: bool | None = None
    for level in loud:
        if level is before:
            runs[-1] += 1
        else:
            runs.append(1)
        before = level
    return runs
