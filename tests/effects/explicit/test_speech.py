"""An operator's clip in front of a sound: its words and pace are checked, and it is heard in what was made."""

import io
import math
import struct
import wave
from pathlib import Path

import pytest

from effects.carriers.builders import FILES, wav
from programs import need
from synthgate.effects.explicit import rhythm, sounds, speech, tools
from synthgate.effects.explicit.errors import ExplicitError
from synthgate.effects.explicit.speech import Clip
from synthgate.effects.isolated import Limits, apart
from synthgate.effects.label import Label
from synthgate.effects.labelled_file import mark
from synthgate.settings import Settings, SettingsError

WORDS = "本内容由AI生成"
RATE = 16_000
LABEL = Label.first("001191110000600037341L10001", "SG1-A")


def spoken(seconds: float = 3.3, rate: int = RATE, level: float = 0.5) -> list[int]:
    """Eight syllables, each louder or quieter than the one before."""
    each = seconds / 8
    return [
        round(
            32767 * level * (0.4 + 0.6 * (int(at / rate / each) * 5 % 8) / 8)
            * math.sin(math.pi * (at / rate % each) / each) * math.sin(at / rate * 2 * math.pi * 300)
        )
        for at in range(round(seconds * rate))
    ]  # fmt: skip


def laid(
    folder: Path, samples: list[int], *, rate: int = RATE, channels: int = 1, width: int = 2
) -> Path:
    path = folder / "clip.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        each = [value for value in samples for _ in range(channels)]
        file.writeframes(struct.pack(f"<{len(each)}h", *each) if width == 2 else bytes(len(each)))
    return path


def clip(folder: Path, **over) -> Clip:
    found = Clip.of(Settings(label_clip=str(laid(folder, spoken(), **over)), label_clip_text=WORDS))
    assert found is not None
    return found


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_samples_behind_it_are_untouched(rate, tmp_path):
    data = wav() if rate == 8_000 else (FILES / "rich.wav").read_bytes()
    made, row = sounds.put(data, "wav", clip(tmp_path, channels=2))
    assert (row["text"], row["speech"], row["place"]) == (WORDS, True, "start")
    assert row["duration_s"] == pytest.approx(3.9, abs=0.05)
    with wave.open(io.BytesIO(made)) as now, wave.open(io.BytesIO(data)) as before:
        added = now.getnframes() - before.getnframes()
        assert added == pytest.approx(3.9 * now.getframerate(), abs=9)
        now.setpos(added)
        assert now.readframes(10_000) == before.readframes(10_000)


@pytest.mark.parametrize(
    ("name", "kind"), [("tone.mp3", "mp3"), ("tone.m4a", "m4a"), ("tone.opus", "ogg")]
)
def test_encoded_sounds_have_it_too(name, kind, tmp_path):
    need("ffmpeg", "ffprobe")
    said = clip(tmp_path)
    made, _ = sounds.put((FILES / name).read_bytes(), kind, said)
    (tmp_path / name).write_bytes(made)
    mono = tools.ffmpeg("-i", tmp_path / name, "-ac", "1", "-ar", "16000", "-f", "s16le", "pipe:1")
    assert said.heard(mono, 16_000)
    assert not rhythm.heard(mono, 16_000)


def test_marked_here_and_apart_it_comes_to_the_same(tmp_path):
    said = clip(tmp_path)
    asked = (wav(), "a.wav", "audio", "AI生成", LABEL)
    here = mark(*asked, clip=said)
    assert here.explicit["speech"] is True
    assert apart(*asked, Limits(), clip=said) == here


def test_another_voice_and_silence_are_not_taken_for_it(tmp_path):
    said = clip(tmp_path)
    other = struct.pack("<53000h", *[round(9_000 * math.sin(at / 900)) for at in range(53_000)])
    for wrong in (other, bytes(106_000), b"", said.data[: len(said.data) // 2]):
        assert not said.heard(wrong, RATE)
    assert said.heard(bytes(2 * 800) + said.data + bytes(4_000), RATE)


def test_a_sound_in_which_it_is_not_heard_is_not_let_through(tmp_path, monkeypatch):
    monkeypatch.setattr(Clip, "wave", lambda self, rate: [0.0] * rate)
    with pytest.raises(ExplicitError, match="not heard"):
        sounds.put(wav(), "wav", clip(tmp_path))


@pytest.mark.parametrize(
    ("samples", "over", "words", "why"),
    [
        (spoken(1.6), {}, WORDS, r"30\d characters a minute"), (spoken(6.0), {}, WORDS, r"8\d characters"),
        (spoken(level=0.01), {}, WORDS, "silent"), ([], {}, WORDS, "silent"),
        (spoken(), {"width": 1}, WORDS, "16 bits"), (spoken(), {"rate": 4_000}, WORDS, "8 kHz"),
        (spoken(), {}, "机器写作", "must name AI"), (spoken(), {}, "", "must name AI"),
    ],
)  # fmt: skip
def test_a_clip_that_is_no_label_at_a_normal_rate_is_refused(samples, over, words, why, tmp_path):
    path = laid(tmp_path, samples, **over)
    with pytest.raises(SettingsError, match=why):
        Clip.of(Settings(label_clip=str(path), label_clip_text=words))


def test_what_is_no_clip_is_named(tmp_path, monkeypatch):
    assert Clip.of(Settings()) is None
    with pytest.raises(SettingsError, match="without label_clip"):
        Clip.of(Settings(label_clip_text=WORDS))
    with pytest.raises(SettingsError, match="No such file"):
        Clip.of(Settings(label_clip=str(tmp_path / "none.wav"), label_clip_text=WORDS))
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    with pytest.raises(SettingsError, match="no WAV"):
        Clip.of(Settings(label_clip=str(tmp_path / "a.wav"), label_clip_text=WORDS))
    monkeypatch.setattr(speech, "_BYTES_MOST", 99)
    with pytest.raises(SettingsError, match="a large one"):
        clip(tmp_path)
