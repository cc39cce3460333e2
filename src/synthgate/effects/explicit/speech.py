"""An operator's own clip in which a voice says the label, instead of the rhythm (GB 45438-2025 5.3 a, b, e).

A WAV of 16 bits whose words name AI and generation, spoken at a normal rate: 120 to 160 characters a minute
(note 4). That the voice says what the setting says only an ear can tell; it is the operator's word.
"""

import array
import io
import math
import sys
import wave as waves
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from synthgate.effects import text_label
from synthgate.settings import Settings, SettingsError

RATE_LEAST, RATE_MOST = 120, 160
"""Characters a minute."""
_SECONDS_MOST: Final = 30
_BYTES_MOST: Final = 16 << 20
_SILENCE_SECONDS: Final = 0.6
"""Behind the words, before the sound begins: the standard wants them not mixed."""
_PEAK_LEAST: Final = 0.1
_LOUD: Final = 0.1
"""Of the loudest window: a window in which somebody speaks."""
_WINDOW_SECONDS: Final = 0.02
_ALIKE_LEAST: Final = 0.9
_LATE_SECONDS: Final = 0.12
"""By so much an encoder may put it later."""


@dataclass(frozen=True, slots=True)
class Clip:
    """text: what is said. rate: samples a second. data: 16-bit samples of one channel, little-endian."""

    text: str
    rate: int
    data: bytes

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """The clip of these settings; None if they name none.

        Raises:
            SettingsError: it cannot be read, or is no label said at a normal rate.
        """
        if not settings.label_clip:
            if settings.label_clip_text:
                raise SettingsError("label_clip_text is set without label_clip")
            return None
        path = Path(settings.label_clip)
        if not text_label.valid(settings.label_clip_text):
            raise SettingsError(
                "label_clip_text: what the clip says must name AI (or 人工智能) and 生成 or 合成"
            )
        try:
            raw = path.read_bytes() if path.stat().st_size <= _BYTES_MOST else b""
            with waves.open(io.BytesIO(raw)) as file:
                channels, width, rate = file.getparams()[:3]
                frames = file.readframes(min(file.getnframes(), rate * _SECONDS_MOST + 1))
        except OSError as error:
            raise SettingsError(f"label_clip {path}: {error.strerror}") from None
        except (waves.Error, EOFError):
            raise SettingsError(f"label_clip {path}: no WAV, or a large one") from None
        if width != 2 or not 8_000 <= rate <= 192_000:
            raise SettingsError(f"label_clip {path}: a WAV of 16 bits, at 8 kHz at least")
        one = _native(frames)[::channels]
        clip = cls(settings.label_clip_text, rate, _little(one))
        if why := clip._unfit():
            raise SettingsError(f"label_clip {path}: {why}")
        return clip

    def wave(self, rate: int) -> list[float]:
        """The clip at a sample rate, one channel, -1 to 1, and a silence behind it."""
        old = _native(self.data)
        count = int(len(old) * rate / self.rate)
        step, last = self.rate / rate, len(old) - 1
        made = []
        for number in range(count):
            at = number * step
            low = min(int(at), last)
            share = at - low
            made.append((old[low] * (1 - share) + old[min(low + 1, last)] * share) / 32768)
        return made + [0.0] * round(rate * _SILENCE_SECONDS)

    def seconds(self) -> float:
        """How long it lasts, with the silence behind it."""
        return len(self.data) / 2 / self.rate + _SILENCE_SECONDS

    def heard(self, samples: bytes, rate: int) -> bool:
        """Whether 16-bit mono samples begin with it: as loud and as quiet, moment by moment."""
        wanted = _loudness(_native(self.data), self.rate)
        found = _loudness(_native(samples[: len(samples) & ~1]), rate)
        shifts = range(round(_LATE_SECONDS / _WINDOW_SECONDS) + 1)
        parts = (found[shift : shift + len(wanted)] for shift in shifts)
        return any(len(part) == len(wanted) and _alike(part, wanted) for part in parts)

    def row(self) -> Mapping[str, Any]:
        """As recorded of what was made."""
        return {"text": self.text, "speech": True}

    def _unfit(self) -> str | None:
        samples = _native(self.data)
        if max(map(abs, samples), default=0) < _PEAK_LEAST * 32767:
            return "next to silent"
        loud = _loudness(samples, self.rate)
        spoken = [at for at, level in enumerate(loud) if level > _LOUD * max(loud)]
        seconds = (spoken[-1] - spoken[0] + 1) * _WINDOW_SECONDS
        pace = 60 * sum(map(str.isalnum, self.text)) / seconds
        if not RATE_LEAST <= pace <= RATE_MOST:
            return (
                f"its words are said at {pace:.0f} characters a minute, not {RATE_LEAST} to {RATE_MOST}"
                " (GB 45438-2025 5.3)"
            )
        return None


def _native(data: bytes) -> "array.array[int]":
    found = array.array("h", data)
    if sys.byteorder == "big":
        found.byteswap()
    return found


def _little(samples: "array.array[int]") -> bytes:
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()


def _loudness(samples: "array.array[int]", rate: int) -> list[float]:
    """Root of the mean square of each window."""
    size = max(1, round(rate * _WINDOW_SECONDS))
    return [
        math.sqrt(sum(value * value for value in samples[at : at + size]) / size)
        for at in range(0, len(samples) - size + 1, size)
    ]


def _alike(one: list[float], other: list[float]) -> bool:
    """Whether two courses of loudness go together (their correlation)."""
    means = sum(one) / len(one), sum(other) / len(other)
    first, second = (
        [value - mean for value in row] for row, mean in zip((one, other), means, strict=True)
    )
    size = math.sqrt(sum(value * value for value in first) * sum(value * value for value in second))
    return (
        size > 0 and sum(a * b for a, b in zip(first, second, strict=True)) / size >= _ALIKE_LEAST
    )
