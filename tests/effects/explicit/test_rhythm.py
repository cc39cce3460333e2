"""The rhythm as the standard's note has it, and an ear that tells it from everything near it."""

import array
import math

import pytest

from synthgate.effects.explicit import rhythm

RATE = 16_000


def pcm(wave: list[float]) -> bytes:
    return array.array("h", [round(value * 32767) for value in wave]).tobytes()


def keyed(*parts: tuple[float, float]) -> bytes:
    """Tones and silences of these seconds."""
    wave: list[float] = []
    for tone, pause in parts:
        wave += [0.25 * math.sin(2 * math.pi * 700 * at / RATE) for at in range(round(RATE * tone))]
        wave += [0.0] * round(RATE * pause)
    return pcm(wave)


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000, 96_000])
def test_it_is_heard_at_every_rate(rate):
    wave = rhythm.wave(rate)
    assert len(wave) == pytest.approx(1.92 * rate, abs=8)
    assert max(wave) <= rhythm.LEVEL
    assert rhythm.heard(pcm(wave), rate)
    assert rhythm.heard(pcm([0.0] * (rate // 5) + wave), rate)
    assert rhythm.heard(pcm(wave + [0.9 * math.sin(at / 9) for at in range(rate)]), rate)


def test_it_is_short_long_short_short():
    unit = 0.12
    assert rhythm.heard(
        keyed((unit, unit), (3 * unit, 3 * unit), (unit, unit), (unit, 5 * unit)), RATE
    )


@pytest.mark.parametrize(
    "sound",
    [
        b"", bytes(2 * RATE), keyed((2, 0)), keyed((0.12, 0.12), (0.36, 0.36), (0.12, 0.5)),
        keyed((0.36, 0.12), (0.12, 0.36), (0.12, 0.12), (0.12, 0.6)),
        keyed((0.12, 0.12), (0.12, 0.36), (0.12, 0.12), (0.12, 0.6)),
        keyed((0.12, 0.12), (0.36, 0.12), (0.12, 0.12), (0.12, 0.6)),
    ],
)  # fmt: skip
def test_other_rhythms_are_not_it(sound):
    assert not rhythm.heard(sound, RATE)
