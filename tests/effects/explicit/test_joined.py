"""AAC and Opus with the rhythm in front: by other people's reader their packets are what they were."""

import struct
from pathlib import Path

import pytest

from effects.carriers.builders import FILES
from programs import need, output
from synthgate.effects.carriers import ogg
from synthgate.effects.carriers.carrier import CarrierError
from synthgate.effects.carriers.mp4_boxes import box
from synthgate.effects.explicit import aac, opus, rhythm, sounds, tools
from synthgate.effects.explicit.errors import ExplicitError

M4A = (FILES / "tone.m4a").read_bytes()
OPUS = (FILES / "tone.opus").read_bytes()


def packets(path: Path) -> list[str]:
    """A hash of each packet, as ffmpeg takes the file apart."""
    said = output("ffmpeg", "-v", "error", "-i", path, "-c", "copy", "-f", "framemd5", "-")
    return [line.split(",")[5].strip() for line in said.splitlines() if line[:1] != "#"]


def plain(path: Path) -> bytes:
    return tools.ffmpeg("-i", path, "-map", "0:a:0", "-c:a", "pcm_s16le", "-f", "s16le", "pipe:1")


def seconds(path: Path) -> float:
    return int(output("mediainfo", "--Inform=General;%Duration%", path)) / 1000


SOURCES = [
    ("tone.m4a", ()),
    ("mono.m4a", ("-ac", "1", "-ar", "22050", "-c:a", "aac", "-movflags", "+faststart")),
    ("bare.m4a", ("-c:a", "aac", "-use_editlist", "0")),
    ("speech.opus", ("-ac", "1", "-c:a", "libopus", "-b:a", "8k")),
    ("both.opus", ("-c:a", "libopus", "-b:a", "18k", "-frame_duration", "60")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "options"), SOURCES, ids=lambda it: it if isinstance(it, str) else ""
)
def test_packets_and_samples_behind_the_rhythm_are_untouched(name, options, tmp_path):
    need("ffmpeg", "ffprobe", "mediainfo")
    old, new = tmp_path / f"old-{name}", tmp_path / name
    if options:
        noise = "aevalsrc=0.3*sin(3000*t*t)+0.1*random(0)|0.3*sin(900*t):d=1.3:s=48000"
        output("ffmpeg", "-v", "error", "-f", "lavfi", "-i", noise, *options, old)
    else:
        old.write_bytes((FILES / name).read_bytes())
    made, row = sounds.put(old.read_bytes(), "m4a" if name.endswith("m4a") else "ogg")
    new.write_bytes(made)
    assert (row["place"], row["duration_s"]) == ("start", 1.92)
    before, now = packets(old), packets(new)
    assert now[-len(before) :] == before
    sound, rate = plain(new), 48_000 if name.endswith("opus") else 0
    assert sound.endswith(plain(old)[4 * 1024 :])
    assert rhythm.heard(
        tools.ffmpeg("-i", new, "-ac", "1", "-ar", "16000", "-f", "s16le", "pipe:1"), 16_000
    )
    assert seconds(new) - seconds(old) == pytest.approx(1.94 if rate else 1.98, abs=0.07)
    assert output("ffmpeg", "-v", "error", "-xerror", "-i", new, "-f", "null", "-") == ""


def with_user_data(user: bytes) -> bytes:
    """The sound with this for its user data, which stand last in it."""
    movie, own = M4A.index(b"moov") - 4, M4A.index(b"udta") - 4
    assert own + int.from_bytes(M4A[own : own + 4], "big") == len(M4A)
    return M4A[:movie] + box(b"moov", M4A[movie + 8 : own], user)


def gapless() -> bytes:
    """The sound with iTunes's note of its length, as iTunes writes it."""
    value = b" 00000000 00000400 000001CA 0000000000003F31" + b" 00000000" * 8
    item = box(
        b"----", box(b"mean", bytes(4), b"com.apple.iTunes"), box(b"name", bytes(4), b"iTunSMPB"),
        box(b"data", bytes(3), b"\x01", bytes(4), value),
    )  # fmt: skip
    handler = box(b"hdlr", bytes(8), b"mdir", bytes(13))
    meta = box(b"meta", bytes(4), handler, box(b"ilst", item))
    return with_user_data(box(b"udta", meta))


def test_players_note_of_the_length_is_right_again():
    made, _ = aac.joined(gapless(), [b"\x21\x10\x05" * 3] * 84)
    said = made[made.index(b"iTunSMPB") :][24:].split(b" ")
    assert said[2:5] == [b"00000400", b"000001CA", b"%016X" % (0x3F31 + 84 * 1024)]


def test_where_chunks_lie_is_told_in_both_widths():
    table = M4A.index(b"stco") - 4
    count = int.from_bytes(M4A[table + 12 : table + 16], "big")
    places = struct.unpack_from(f">{count}I", M4A, table + 16)
    made, _ = aac.joined(M4A, [b"front"] * 3)
    at = made.index(b"stco") - 4
    now = struct.unpack_from(f">{count + 1}I", made, at + 16)
    assert made[now[0] :][:15] == b"front" * 3
    for old, new in zip(places, now[1:], strict=True):
        assert made[new : new + 40] == M4A[old : old + 40]


def test_a_manifest_of_what_is_no_more_is_left_behind():
    claim = box(b"uuid", bytes.fromhex("d8fec3d61b0e483c92975828877ec481"), b"claim")
    made, _ = aac.joined(M4A + claim, [b"front"])
    assert b"claim" not in made


CHAPTERS = box(b"udta", box(b"chpl", bytes(9)))
FORM = b"\x12\x08\x56\xe5\x00"
"""Of the decoder: AAC-LC, 44,100 Hz, mono, nothing made up."""


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (M4A.replace(b"mp4a", b"alac", 1), "another kind than AAC"),
        (M4A.replace(FORM, b"\x2a\x08\x56\xe5\x00"), "AAC-LC"),
        (M4A.replace(FORM, b"\x12\x30\x56\xe5\x00"), "one or two channels"),
        (M4A.replace(FORM, b"\x12\x08\x56\xe5\x80"), "AAC-LC"),
        (M4A + box(b"moof", b""), "fragments"),
        (M4A.replace(b"soun", b"text"), "without a sound"),
        (M4A.replace(b"sgpd", b"ctts", 1), "ctts"),
        (with_user_data(CHAPTERS), "chapters"),
    ],
)  # fmt: skip
def test_an_m4a_we_cannot_join_is_refused_by_name(data, words):
    assert data != M4A
    with pytest.raises(ExplicitError, match=words) as refused:
        sounds.put(data, "m4a")
    assert refused.value.code == "unsupported"


def edits(rows: list[tuple[int, int, int]]) -> bytes:
    at = M4A.index(b"elst") - 4
    body = b"".join(struct.pack(">IiI", *row) for row in rows)
    new = box(b"elst", bytes(4), len(rows).to_bytes(4, "big"), body)
    old = M4A[at : at + int.from_bytes(M4A[at : at + 4], "big")]
    return M4A.replace(box(b"edts", old), box(b"edts", new), 1)


@pytest.mark.parametrize(
    "rows",
    [
        [(100, 1024, 0x10000), (100, 9000, 0x10000)], [(100, -1, 0x10000)], [(100, 90_000, 0x10000)],
        [(100, 1024, 0x20000)], [],
    ],
)  # fmt: skip
def test_an_m4a_that_was_cut_is_refused(rows):
    with pytest.raises((ExplicitError, CarrierError)):
        aac.joined(edits(rows), [b"front"])


def test_frames_of_another_form_are_not_joined():
    need("ffmpeg")
    with tools.folder() as home:
        (home / "a.wav").write_bytes(sounds._plain_wav(sounds.Form(1, 1, 48_000, 16), rhythm))
        tools.ffmpeg("-i", home / "a.wav", "-c:a", "aac", "-f", "adts", home / "a.aac")
        coded = (home / "a.aac").read_bytes()
    assert len(aac.frames(coded, aac.Form(48_000, 1))) > 80
    for wrong in (coded[:-1], coded + b"x" * 9, b""):
        with pytest.raises(ExplicitError, match="another form"):
            aac.frames(wrong, aac.Form(48_000, 1))
    with pytest.raises(ExplicitError, match="another form"):
        aac.frames(coded, aac.form(M4A))


@pytest.mark.parametrize(("kind", "module"), [("m4a", aac), ("ogg", opus)])
def test_a_sound_that_is_not_what_it_was_is_not_let_through(kind, module, monkeypatch):
    need("ffmpeg", "ffprobe")
    join = module.joined

    def wrong(data, front):
        made, seam = join(data, front)
        return made, seam._replace(start=seam.start + 40)

    monkeypatch.setattr(module, "joined", wrong)
    with pytest.raises(ExplicitError) as refused:
        sounds.put(M4A if kind == "m4a" else OPUS, kind)
    assert refused.value.code == "readback"


def headed(change) -> bytes:
    """The Opus with another head packet."""
    page = ogg.taken_apart(OPUS)[0][0]
    head = bytearray(OPUS[page.start : page.end])
    change(head)
    return ogg.sealed(bytes(head)) + OPUS[page.end :]


def test_an_opus_of_many_channels_or_cut_is_refused():
    with pytest.raises(ExplicitError, match="two channels"):
        opus.channels(headed(lambda head: head.__setitem__(28 + 18, 1)))
    with pytest.raises(ExplicitError, match="cut away"):
        opus.joined(headed(lambda head: head.__setitem__(28 + 11, 0x40)), OPUS)


def test_a_running_broadcast_starts_where_the_rhythm_ends():
    long, _ = opus.joined(OPUS, OPUS)
    pages, _, count, _ = ogg.taken_apart(long)
    assert len(pages) > count + 1
    late = long[: pages[count].start]
    for page in pages[count:]:
        raw = long[page.start : page.end]
        position = int.from_bytes(raw[6:14], "little") + 960_000
        late += ogg.sealed(raw[:6] + position.to_bytes(8, "little") + raw[14:])
    assert opus.joined(late, OPUS)[0] == opus.joined(long, OPUS)[0]


@pytest.mark.parametrize(
    ("packet", "samples"),
    [
        (b"", 0), (b"\x00", 480), (b"\x18", 2880), (b"\x60", 480), (b"\x68", 960), (b"\x80", 120),
        (b"\xf8", 960), (b"\xf9", 1920), (b"\xfa", 1920), (b"\xfb\x03", 2880), (b"\xfb", 0),
    ],
)  # fmt: skip
def test_a_packet_says_how_long_it_is(packet, samples):
    assert opus.samples(packet) == samples
