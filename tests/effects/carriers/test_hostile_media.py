"""Hostile sound and film, the finds of ``synthgate fuzz`` among them."""

import struct
import time

import pytest

from effects.carriers.builders import (
    FILES,
    LABEL,
    OTHER,
    wav,
)
from effects.carriers.hostile import LABELLED, read, refused
from synthgate.effects.carriers import catalogue, mp4_boxes, ogg
from synthgate.effects.carriers.carrier import CarrierError
from synthgate.effects.carriers.conclusion import Conclusion, conclude
from synthgate.effects.carriers.ebml import element
from synthgate.effects.carriers.mp4_boxes import box


def test_mp3_a_text_of_odd_length_does_not_hang():
    """A find of the fuzzer: the search for a pair of zeros on an even place never ended."""
    frame = b"TXXX\0\0\0\x06\0\0" + b"\x01a\0\0bc"
    data = b"ID3\x03\0\0\0\0\0\x10" + frame + (FILES / "bare.mp3").read_bytes()
    begun = time.process_time()
    read(data)
    assert time.process_time() - begun < 1


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-16-be", "utf-8"])
@pytest.mark.parametrize("version", [3, 4])
def test_mp3_every_encoding_of_a_label_is_read_and_replaced(encoding, version):
    number = ["latin-1", "utf-16", "utf-16-be", "utf-8"].index(encoding)
    end = b"\0\0" if "16" in encoding else b"\0"
    body = bytes([number]) + "AIGC".encode(encoding) + end + LABEL.bare().decode().encode(encoding)
    size = len(body)
    length = bytes([0, 0, size >> 7, size & 127]) if version == 4 else size.to_bytes(4, "big")
    frame = b"TXXX" + length + b"\0\0" + body
    tag = b"ID3" + bytes([version, 0, 0, 0, 0, len(frame) >> 7, len(frame) & 127]) + frame
    data = tag + (FILES / "bare.mp3").read_bytes()
    assert read(data).labels == (LABEL,)
    assert read(catalogue.of(data).write(data, OTHER)).labels == (OTHER,)


def test_mp3_tags_we_cannot_write_are_refused_by_name():
    bare = (FILES / "bare.mp3").read_bytes()
    old = b"ID3\x02\0\0\0\0\0\x0a" + b"TT2\0\0\x04\0abc" + bare
    with pytest.raises(CarrierError, match=r"ID3v2\.2"):
        catalogue.of(old).write(old, LABEL)
    refused(bare + b"AIGC={}" + b"APETAGEX" + bytes(24), "unsupported")
    refused(b"ID3\x04\0\0\0\0\0\x0a" * 20 + bare, "too_much")


def test_two_tags_in_a_row_are_both_read():
    data = LABELLED["mp3"]
    double = data[: data.index(b"\xff\xfb")] + data
    assert len(read(double).places) == 2
    assert conclude(read(double))[0] is Conclusion.NON_COMPLIANT
    assert read(catalogue.of(double).write(double, OTHER)).labels == (OTHER,)


def test_wav_oddities():
    refused(b"RF64" + wav()[4:], "unsupported")
    refused(wav()[:4] + b"\xff" * 4 + wav()[8:], "unsupported")
    refused(wav(foreign=b"LIST\x0c\0\0\0INFOAIGC\0\0\0\0"), "unsupported")
    refused(wav(foreign=b"abcd\xff\xff\xff\x7f"), "truncated")
    refused(wav(foreign=b"abcd\0\0\0\0" * 70_000), "too_much")
    behind = LABELLED["wav"].replace(b"AIGC", b"JUNK", 1) + b"AIGC" + struct.pack("<I", 178)
    assert read(behind).faults


def film(*children: bytes) -> bytes:
    return box(b"ftyp", b"isom\0\0\0\0") + box(b"moov", *children) + box(b"mdat", b"x")


def test_mp4_a_child_without_size_swallows_nothing():
    """A find of the fuzzer: a box "to the end" in front of ours held it after the move."""
    endless = b"\0\0\0\0abcd" + bytes(8)
    refused(film(box(b"udta", endless)), "truncated")


def test_mp4_boxes_without_number_or_end():
    refused(film(box(b"udta", box(b"free") * 3_000)), "too_much")
    refused(film(*[box(b"trak")] * 300), "too_much")
    refused(film(box(b"mvhd"))[:-1], "truncated")
    refused(film() + film(), "broken")
    huge = b"\0\0\0\x01moov" + b"\xff" * 8
    refused(box(b"ftyp", b"isom\0\0\0\0") + huge, "truncated")
    deep = b""
    for _ in range(5_000):
        deep = box(b"trak", deep)
    begun = time.process_time()
    data = film(deep)
    assert read(data).faults or catalogue.of(data).write(data, LABEL)
    assert time.process_time() - begun < 1


def test_mp4_encrypted_and_indexed_in_front_are_refused_by_name():
    protected = film(box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", box(b"sinf"))))))
    with pytest.raises(CarrierError, match="encrypted"):
        catalogue.of(protected).write(protected, LABEL)
    indexed = box(b"ftyp", b"isom\0\0\0\0") + box(b"sidx", bytes(24)) + film()[16:]
    with pytest.raises(CarrierError, match="index"):
        catalogue.of(indexed).write(indexed, LABEL)


def test_mp4_a_table_longer_than_its_box_is_refused():
    table = box(b"stco", bytes(4), b"\0\0\xff\xff", bytes(8))
    data = film(box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", table)))))
    with pytest.raises(CarrierError, match="longer than its box"):
        catalogue.of(data).write(data, LABEL)


def test_mp4_positions_that_no_longer_fit_are_refused():
    old = box(b"moov", box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", box(
        b"stco", bytes(4), b"\0\0\0\x01", b"\xff\xff\xff\xf0"))))))  # fmt: skip
    with pytest.raises(CarrierError, match="4 GiB"):
        mp4_boxes.moved(old, mp4_boxes.Box(b"moov", 0, 8, len(old)), old, 300)


def test_mp4_labels_in_other_places_are_named_and_replaced():
    mean = box(b"mean", bytes(4), b"com.apple.iTunes")
    free = box(b"----", mean, box(b"name", bytes(4), b"AIGC"), box(b"data", bytes(8), LABEL.bare()))
    handler = box(b"hdlr", bytes(8), b"mdirappl", bytes(9))
    data = film(box(b"udta", box(b"meta", bytes(4), handler, box(b"ilst", free))))
    conclusion, _ = conclude(read(data))
    assert (conclusion, read(data).labels) == (Conclusion.NON_COMPLIANT, (LABEL,))
    made = catalogue.of(data).write(data, OTHER)
    assert read(made).labels == (OTHER,)
    assert LABEL.bare() not in made


def test_matroska_without_number_or_end():
    whole = LABELLED["matroska"]
    assert whole[:4] == b"\x1a\x45\xdf\xa3"
    head = element(0x1A45DFA3, b"")
    many = element(0x18538067, b"\xec\x80" * 800_000)
    refused(head + many, "too_much")
    endless = b"\x18\x53\x80\x67\x01" + b"\xff" * 7 + b"\x1f\x43\xb6\x75\x01" + b"\xff" * 7
    refused(head + endless + b"\xe7\x80" * 800_000, "too_much")
    refused(head + element(0x18538067, element(0x1254C367, b"\xec\x80" * 700_000)), "too_much")
    deep = b""
    for _ in range(60):
        deep = element(0x67C8, deep)
    tags = element(0x1254C367, element(0x7373, deep))
    refused(head + element(0x18538067, tags, element(0x1F43B675, b"")), "too_much")
    refused(whole + b"more", "unsupported")
    refused(whole[:-1], "truncated")


def test_matroska_a_label_of_a_track_stands_in_the_wrong_place():
    label = element(0x67C8, element(0x45A3, b"AIGC"), element(0x4487, LABEL.bare()))
    tag = element(0x7373, element(0x63C0, element(0x63C5, b"\x01")), label)
    data = element(0x1A45DFA3) + element(0x18538067, element(0x1254C367, tag), element(0x1F43B675))
    assert conclude(read(data))[0] is Conclusion.NON_COMPLIANT
    assert read(catalogue.of(data).write(data, OTHER)).labels == (OTHER,)


def test_matroska_a_seek_head_without_room_is_refused_by_name():
    seek = element(
        0x114D9B74, element(0x4DBB, element(0x53AB, b"\x15\x49\xa9\x66"), element(0x53AC, b"\x00"))
    )
    data = element(0x1A45DFA3) + element(
        0x18538067, seek, element(0x1549A966), element(0x1F43B675, b"")
    )
    with pytest.raises(CarrierError) as error:
        catalogue.of(data).write(data, LABEL)
    assert error.value.code == "no_room"


def test_ogg_streams_pages_and_checksums():
    whole = (FILES / "tone.opus").read_bytes()
    refused(whole + whole, "unsupported")
    at = whole.index(b"OpusTags") + 12
    refused(whole[:at] + b"\xff" + whole[at + 1 :], "broken")
    page = b"OggS\0\0" + bytes(8) + whole[14:18] + bytes(8) + b"\0"
    page = page[:22] + ogg.checksum(page).to_bytes(4, "little") + page[26:]
    refused(whole + page * 250_000, "too_much")
