"""Sound with the rhythm in front: the sound behind it is what it was, sample by sample or frame by frame."""

import io
import struct
import wave

import pytest

from effects.carriers.builders import FILES, wav
from programs import need, output
from synthgate.effects import files
from synthgate.effects.carriers import mp3
from synthgate.effects.carriers.conclusion import Conclusion
from synthgate.effects.explicit import rhythm, sounds, tools
from synthgate.effects.explicit.errors import ExplicitError
from synthgate.effects.files import Order, Refused
from synthgate.effects.provider_code import SAMPLE_CODE


def laid(form: sounds.Form, count: int = 500) -> bytes:
    """A WAV of a form with some samples."""
    block = form.channels * form.bits // 8
    head = struct.pack(
        "<HHIIHH", form.kind, form.channels, form.rate, form.rate * block, block, form.bits
    )
    fact = b"fact\x04\0\0\0" + count.to_bytes(4, "little")
    data = bytes(range(1, 1 + block)) * count
    body = (
        b"WAVEfmt "
        + len(head).to_bytes(4, "little")
        + head
        + fact
        + b"data"
        + len(data).to_bytes(4, "little")
    )
    body += data + bytes(len(data) % 2)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_wav_samples_behind_the_rhythm_are_untouched(bits, channels, rate):
    data = laid(sounds.Form(1, channels, rate, bits))
    made, row = sounds.put(data, "wav")
    assert row == {
        "rhythm": "short long, short short",
        "place": "start",
        "start_s": 0.0,
        "duration_s": 1.92,
    }
    with wave.open(io.BytesIO(made)) as now, wave.open(io.BytesIO(data)) as before:
        assert now.getparams()[:3] == before.getparams()[:3]
        added = now.getnframes() - before.getnframes()
        assert added == pytest.approx(1.92 * rate, abs=8)
        now.setpos(added)
        assert now.readframes(1_000) == before.readframes(1_000)
    assert int.from_bytes(made[made.index(b"fact") + 8 :][:4], "little") == 500 + added


@pytest.mark.parametrize("bits", [32, 64])
def test_wav_of_floating_point(bits):
    made, _ = sounds.put(laid(sounds.Form(3, 2, 16_000, bits)), "wav")
    assert made.endswith(laid(sounds.Form(3, 2, 16_000, bits))[-2_000:])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (laid(sounds.Form(7, 1, 8_000, 8)), "format 7"), (laid(sounds.Form(1, 1, 8_000, 12)), "12 bits"),
        (wav(foreign=b"cue \x04\0\0\0\0\0\0\0"), "positions"),
        (laid(sounds.Form(1, 0, 8_000, 16)), "0 channels"),
    ],
)  # fmt: skip
def test_wav_forms_we_do_not_know_are_refused_by_name(data, words):
    with pytest.raises(ExplicitError, match=words):
        sounds.put(data, "wav")


def test_a_wav_in_which_the_rhythm_is_not_heard_is_not_let_through(monkeypatch):
    monkeypatch.setattr(rhythm, "wave", lambda rate: [0.0] * rate)
    with pytest.raises(ExplicitError) as refused:
        sounds.put(wav(), "wav")
    assert refused.value.code == "readback"


@pytest.mark.parametrize("name", ["tone.mp3", "tone-v24.mp3", "bare.mp3"])
def test_mp3_frames_behind_the_rhythm_are_untouched(name):
    need("ffmpeg", "ffprobe")
    data = (FILES / name).read_bytes()
    made, _ = sounds.put(data, "mp3")
    own = data[mp3.sound(data) :]
    info = mp3.frame_bytes(own[:4]) if b"Info" in own[:64] or b"Xing" in own[:64] else 0
    assert made.endswith(own[info:])
    added = mp3.count(made[mp3.sound(made) :]) - mp3.count(own)
    assert added * 1152 / 44_100 == pytest.approx(1.92, abs=0.1)
    if info:
        at = made.index(b"Info" if b"Info" in made else b"Xing")
        assert (
            int.from_bytes(made[at + 8 : at + 12], "big") == mp3.count(made[mp3.sound(made) :]) - 1
        )


def test_flac_is_encoded_without_loss_and_keeps_its_metadata():
    need("ffmpeg", "ffprobe")
    data = (FILES / "tone.flac").read_bytes()
    made, _ = sounds.put(data, "flac")
    assert b"Foreign" in made
    assert "一个人".encode() in made


@pytest.mark.parametrize("name", ["tone.mp3", "tone.flac", "plain.wav", "tone.opus", "tone.m4a"])
def test_labelled_whole_it_is_compliant_and_plays(name, tmp_path):
    need("ffmpeg", "ffprobe")
    done = files.label((FILES / name).read_bytes(), name, Order(SAMPLE_CODE))
    made = done.files[""]
    assert files.inspect(made, name).conclusion is Conclusion.COMPLIANT
    path = tmp_path / name
    path.write_bytes(made)
    assert output("ffmpeg", "-v", "error", "-xerror", "-i", path, "-f", "null", "-") == ""
    mono = tools.ffmpeg("-i", path, "-ac", "1", "-ar", "16000", "-f", "s16le", "pipe:1")
    assert rhythm.heard(mono, 16_000)


def test_without_ffmpeg_it_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Refused, match=r"ffmpeg and ffprobe not installed \(Debian: ffmpeg\)"):
        files.label((FILES / "tone.mp3").read_bytes(), "tone.mp3", Order(SAMPLE_CODE))


def test_vorbis_is_refused_for_it_would_lose_by_another_encoding():
    with pytest.raises(Refused, match="Vorbis"):
        files.label((FILES / "tone.ogg").read_bytes(), "tone.ogg", Order(SAMPLE_CODE))
