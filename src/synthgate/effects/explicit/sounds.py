"""Sound with the rhythm in front (GB 45438-2025 5.3), heard again in what was made.

WAV by its samples; MP3, AAC and Opus by packets in front of their own, which are not touched; FLAC encoded anew
without loss. For all but WAV ffmpeg is needed. Vorbis would lose by another encoding: refused, to be labelled
by whoever encodes it or where it is played.
"""

import struct
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Protocol

from synthgate.effects.carriers import flac, mp3, riff, wav
from synthgate.effects.explicit import aac, opus, rhythm, tools
from synthgate.effects.explicit.errors import ExplicitError
from synthgate.effects.explicit.seam import Seam
from synthgate.effects.explicit.seam import check as check_seam
from synthgate.effects.explicit.speech import Clip

KINDS: Final = ("wav", "mp3", "flac", "ogg", "m4a")
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_POSITIONS: Final = (b"cue ", b"smpl", b"plst", b"LIST adtl")
_RATE_MAX: Final = 768_000
_CHANNELS_MAX: Final = 64
_MONO: Final = ("-ac", "1", "-c:a", "pcm_s16le", "-f", "s16le", "pipe:1")


class Form(NamedTuple):
    """How a WAV's samples are laid down."""

    kind: int
    channels: int
    rate: int
    bits: int


class Opening(Protocol):
    """What is put in front: the rhythm (the module of that name), or an operator's clip."""

    def wave(self, rate: int) -> list[float]:
        """It at a sample rate, one channel, -1 to 1, ending in silence."""

    def seconds(self) -> float:
        """How long it lasts."""

    def heard(self, samples: bytes, rate: int) -> bool:
        """Whether 16-bit mono samples begin with it."""

    def row(self) -> Mapping[str, Any]:
        """As recorded of what was made."""


def put(data: bytes, kind: str, clip: Clip | None = None) -> tuple[bytes, Mapping[str, Any]]:
    """The sound with the rhythm in front, and what is recorded of it. kind: one of ``KINDS``.

    clip: an operator's spoken one, instead of the rhythm.

    Raises:
        ExplicitError: it cannot be done without loss, or the rhythm is not heard in what was made.
    """
    opening: Opening = rhythm if clip is None else clip
    made = {"wav": _wav, "mp3": _mp3, "flac": _flac, "ogg": _opus, "m4a": _m4a}[kind](data, opening)
    row = {
        **opening.row(),
        "place": "start",
        "start_s": 0.0,
        "duration_s": round(opening.seconds(), 2),
    }
    return made, row


def _form(data: bytes) -> Form:
    chunks = wav.taken_apart(data)[0]
    chunk = next(one for one in chunks if one.kind == b"fmt ")
    body = data[chunk.body : chunk.body_end]
    if len(body) < 16:
        raise ExplicitError("broken", "a WAV whose format is cut short")
    kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", body)
    if kind == _EXTENSIBLE and len(body) >= 26:
        kind = int.from_bytes(body[24:26], "little")
    if not (0 < rate <= _RATE_MAX and 0 < channels <= _CHANNELS_MAX):
        raise ExplicitError("broken", f"a WAV of {channels} channels at {rate} Hz")
    return Form(kind, channels, rate, bits)


def samples(form: Form, opening: Opening) -> bytes:
    """What goes in front, laid down as a WAV's samples are.

    Raises:
        ExplicitError: a form that is neither integer nor floating point samples.
    """
    wave = opening.wave(form.rate)
    if form.kind == _FLOAT and form.bits in (32, 64):
        each = [struct.pack("<f" if form.bits == 32 else "<d", value) for value in wave]
    elif form.kind == _PCM and form.bits == 8:
        each = [bytes([128 + round(value * 127)]) for value in wave]
    elif form.kind == _PCM and form.bits in (16, 24, 32):
        width, top = form.bits // 8, (1 << form.bits - 1) - 1
        each = [round(value * top).to_bytes(width, "little", signed=True) for value in wave]
    else:
        raise ExplicitError("unsupported", f"a WAV of format {form.kind} with {form.bits} bits")
    return b"".join(value * form.channels for value in each)


def _wav(data: bytes, opening: Opening) -> bytes:
    chunks = wav.taken_apart(data)[0]
    if any(chunk.kind in _POSITIONS for chunk in chunks):
        raise ExplicitError("unsupported", "a WAV with marks at positions, which would move")
    form = _form(data)
    new = samples(form, opening)
    count = len(new) // (form.channels * form.bits // 8)
    pieces = []
    for chunk in chunks:
        body = data[chunk.body : chunk.body_end]
        if chunk.kind == b"data":
            pieces.append(riff.chunk(b"data", new + body))
        elif chunk.kind == b"fact" and len(body) >= 4:
            total = int.from_bytes(body[:4], "little") + count
            pieces.append(
                riff.chunk(b"fact", (total & 0xFFFFFFFF).to_bytes(4, "little") + body[4:])
            )
        else:
            pieces.append(data[chunk.start : chunk.end])
    made = riff.form(b"WAVE", pieces)
    again = next(one for one in wav.taken_apart(made)[0] if one.kind == b"data")
    _read_back(_first_channel(made[again.body : again.body + len(new)], form), form.rate, opening)
    return made


def _first_channel(laid: bytes, form: Form) -> bytes:
    """One channel as 16-bit samples."""
    width = form.bits // 8
    step = width * form.channels
    if form.kind == _FLOAT:
        code = "<f" if width == 4 else "<d"
        values = [struct.unpack_from(code, laid, at)[0] * 32767 for at in range(0, len(laid), step)]
        return struct.pack(f"<{len(values)}h", *map(round, values))
    if width == 1:
        return b"".join(
            struct.pack("<h", (laid[at] - 128) << 8) for at in range(0, len(laid), step)
        )
    return b"".join(laid[at + width - 2 : at + width] for at in range(0, len(laid), step))


def _mp3(data: bytes, opening: Opening) -> bytes:
    start = mp3.sound(data)
    head = mp3.frame(data[start : start + 4])
    first = data[start : start + head.size]
    info = head.size if b"Xing" in first[:64] or b"Info" in first[:64] else 0
    with tools.folder() as home:
        source, target = home / "rhythm.wav", home / "rhythm.mp3"
        source.write_bytes(_plain_wav(Form(_PCM, 1, head.rate, 16), opening))
        tools.ffmpeg(
            "-i", source, "-ac", str(head.channels), "-c:a", "libmp3lame", "-b:a", f"{head.kbits}k",
            "-reservoir", "0", "-write_xing", "0", "-id3v2_version", "0", target,
        )  # fmt: skip
        frames = target.read_bytes()
        if mp3.frame(frames[:4])._replace(kbits=head.kbits, size=head.size) != head:
            raise ExplicitError("readback", "the rhythm was encoded in another form than the sound")
        made = data[:start] + _counted(first[:info], frames) + frames + data[start + info :]
        source.with_name("made.mp3").write_bytes(made)
        _heard(source.with_name("made.mp3"), "mp3", head.rate, opening)
    return made


def _counted(info: bytes, frames: bytes) -> bytes:
    """The head frame with the counts of frames and bytes it says, raised by ours."""
    at = max(info.find(b"Xing"), info.find(b"Info"))
    if at < 0:
        return info
    made, flags, place = bytearray(info), int.from_bytes(info[at + 4 : at + 8], "big"), at + 8
    for flag, more in ((1, mp3.count(frames)), (2, len(frames))):
        if flags & flag:
            total = int.from_bytes(made[place : place + 4], "big") + more
            made[place : place + 4] = (total & 0xFFFFFFFF).to_bytes(4, "big")
            place += 4
    return bytes(made)


def _flac(data: bytes, opening: Opening) -> bytes:
    blocks = flac.taken_apart(data)[0]
    information = int.from_bytes(blocks[0].body[10:18], "big")
    rate, channels = information >> 44, (information >> 41 & 7) + 1
    bits = (information >> 36 & 31) + 1
    if bits not in (16, 24) or not rate:
        raise ExplicitError("unsupported", f"a FLAC of {bits} bits")
    with tools.folder() as home:
        source, old, target = home / "rhythm.wav", home / "old.flac", home / "new.flac"
        source.write_bytes(_plain_wav(Form(_PCM, channels, rate, bits), opening))
        old.write_bytes(data)
        tools.ffmpeg(
            "-i", source, "-f", "flac", "-i", old, "-filter_complex", "[0:a][1:a:0]concat=n=2:v=0:a=1",
            "-map_metadata", "-1", "-c:a", "flac", "-bits_per_raw_sample", str(bits), target,
        )  # fmt: skip
        plain = ("-map", "0:a:0", "-c:a", "pcm_s32le", "-f", "s32le", "pipe:1")
        now, before = tools.ffmpeg("-i", target, *plain), tools.ffmpeg("-i", old, *plain)
        if not now.endswith(before) or len(now) <= len(before):
            raise ExplicitError("readback", "the sound behind the rhythm is not what it was")
        _heard(target, "flac", rate, opening)
        return flac.grafted(data, target.read_bytes())


def _opus(data: bytes, opening: Opening) -> bytes:
    # Packets as for speech: after them every decoder is as if it had just begun, whatever way it goes on in.
    channels = opus.channels(data)
    with tools.folder() as home:
        source, target, old = home / "rhythm.wav", home / "rhythm.opus", home / "old.opus"
        source.write_bytes(_plain_wav(Form(_PCM, channels, opus.RATE, 16), opening))
        tools.ffmpeg(
            "-i", source, "-c:a", "libopus", "-b:a", "24k", "-application", "voip", target,
        )  # fmt: skip
        made, seam = opus.joined(data, target.read_bytes())
        old.write_bytes(data)
        target.write_bytes(made)
        _compared(old, target, "ogg", opus.RATE, channels, seam, opening)
    return made


def _m4a(data: bytes, opening: Opening) -> bytes:
    form = aac.form(data)
    with tools.folder() as home:
        source, coded = home / "rhythm.wav", home / "rhythm.aac"
        old, target = home / "old.m4a", home / "new.m4a"
        source.write_bytes(_plain_wav(Form(_PCM, form.channels, form.rate, 16), opening))
        tools.ffmpeg("-i", source, "-c:a", "aac", "-aac_pns", "0", "-f", "adts", coded)
        made, seam = aac.joined(data, aac.frames(coded.read_bytes(), form))
        old.write_bytes(data)
        target.write_bytes(made)
        _compared(old, target, "mov", form.rate, form.channels, seam, opening)
    return made


def _compared(
    old: Any, new: Any, kind: str, rate: int, channels: int, seam: Seam, opening: Opening
) -> None:
    """The rhythm is heard, and behind it the sound is what it was."""
    _heard(new, kind, rate, opening)
    plain = ("-map", "0:a:0", "-ar", str(rate), "-c:a", "pcm_s16le", "-f", "s16le", "pipe:1")
    before, now = (tools.ffmpeg("-f", kind, "-i", path, *plain) for path in (old, new))
    check_seam(before, now, seam, channels)


def _plain_wav(form: Form, opening: Opening) -> bytes:
    laid = samples(form, opening)
    block = form.channels * form.bits // 8
    head = struct.pack(
        "<HHIIHH", form.kind, form.channels, form.rate, form.rate * block, block, form.bits
    )
    return riff.form(b"WAVE", [riff.chunk(b"fmt ", head), riff.chunk(b"data", laid)])


def _heard(path: Any, kind: str, rate: int, opening: Opening) -> None:
    _read_back(
        tools.ffmpeg(
            "-f", kind, "-t", str(opening.seconds() + 1), "-i", path, "-map", "0:a:0", *_MONO
        ),
        rate,
        opening,
    )


def _read_back(mono: bytes, rate: int, opening: Opening) -> None:
    if not opening.heard(mono, rate):
        raise ExplicitError("readback", "the label is not heard in what was made")
