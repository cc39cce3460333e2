"""Hostile pictures, one by one: each is named for what it is, soon, and none is "without a label"."""

import struct
import time
import zlib

import pytest

from effects.carriers.builders import (
    LABEL,
    OTHER,
    jpeg,
    png,
    png_chunk,
    png_with_xmp,
    saved,
)
from effects.carriers.hostile import (
    BARE,
    ELEMENT,
    LABELLED,
    in_jpeg,
    packet_with,
    read,
    refused,
    segment,
    xmp_segment,
)
from synthgate.effects.carriers import catalogue, gif
from synthgate.effects.carriers.carrier import CarrierError
from synthgate.effects.carriers.conclusion import Conclusion, conclude


def test_a_thousand_segments():
    data = in_jpeg(*[segment(0xE1, b"Exif\0\0" + bytes(30_000))] * 1_000)
    begun = time.process_time()
    assert read(data).faults == ()
    assert read(catalogue.of(data).write(data, LABEL)).labels == (LABEL,)
    assert time.process_time() - begun < 1
    refused(in_jpeg(*[xmp_segment(packet_with(ELEMENT.format(BARE)))] * 1_000), "too_much")
    refused(in_jpeg(*[segment(0xE1, b"Exif\0\0" + bytes(65_000))] * 1_000), "too_much")
    refused(in_jpeg(*[segment(0xFE, b"x")] * 5_000), "too_much")


@pytest.mark.parametrize("count", [2, 3])
def test_the_same_label_twice_is_non_compliant_and_becomes_one(count):
    packet = xmp_segment(packet_with(ELEMENT.format(BARE)))
    data = in_jpeg(*[packet] * count)
    assert conclude(read(data))[0] is Conclusion.NON_COMPLIANT
    assert read(catalogue.of(data).write(data, OTHER)).labels == (OTHER,)


def test_a_label_in_a_comment_stands_in_the_wrong_place_and_is_moved():
    gif = saved("GIF", comment=LABEL.wrapped())
    for data in (
        in_jpeg(segment(0xFE, LABEL.wrapped())),
        png(Comment=LABEL.wrapped().decode()),
        gif,
    ):
        conclusion, findings = conclude(read(data), "TC260-PG-20259A")
        assert conclusion is Conclusion.NON_COMPLIANT
        assert [finding.rule for finding in findings] == [None]
        made = catalogue.of(data).write(data, OTHER)
        assert read(made).labels == (OTHER,)
        assert LABEL.wrapped() not in made


def test_a_continued_packet_with_a_label_is_read_and_refused():
    head = b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 32
    packet = packet_with(ELEMENT.format(BARE))
    parts = [
        segment(0xE1, head + struct.pack(">II", len(packet), at) + packet[at : at + 300])
        for at in range(0, len(packet), 300)
    ]
    data = in_jpeg(*reversed(parts))
    assert read(data).labels == (LABEL,)
    with pytest.raises(CarrierError, match="extended"):
        catalogue.of(data).write(data, OTHER)


def test_a_jpeg_of_several_pictures_is_refused_by_name():
    data = in_jpeg(segment(0xE2, b"MPF\0II*\0")) + jpeg()
    assert any("MPF" in note for note in read(data).notes)
    with pytest.raises(CarrierError, match="MPF"):
        catalogue.of(data).write(data, LABEL)


def test_endless_scans_fill_and_markers_are_bounded():
    whole = jpeg()
    scans = whole.index(b"\xff\xda")
    refused(whole[:scans] + b"\xff\xda\x00\x02" * 200_000 + b"\xff\xd9", "too_much")
    refused(whole[:2] + b"\xff" * 2_000_000, "broken")


def test_bombs_in_text_chunks():
    bomb = zlib.compress(bytes(64 << 20))
    refused(png()[:33] + png_chunk(b"zTXt", b"AIGC\0\0" + bomb) + png()[33:], "too_much")
    refused(
        png()[:33] + png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\x01\0\0\0" + bomb) + png()[33:],
        "too_much",
    )
    many = png_chunk(b"zTXt", b"Raw profile type xmp\0\0" + bomb)
    refused(png()[:33] + many * 500 + png()[33:], "too_much")
    refused(png()[:33] + png_chunk(b"tEXt", b"a\0b") * 2_000 + png()[33:], "too_much")


def test_png_texts_under_the_labels_name_are_read_and_replaced():
    for kind, text in (
        (b"tEXt", b"AIGC\0" + LABEL.bare()),
        (b"zTXt", b"AIGC\0\0" + zlib.compress(LABEL.wrapped())),
        (b"iTXt", b"AIGC\0\0\0\0\0" + LABEL.bare()),
    ):
        data = png()[:33] + png_chunk(kind, text) + png()[33:]
        assert read(data).labels == (LABEL,)
        assert read(catalogue.of(data).write(data, OTHER)).labels == (OTHER,)


def test_a_wrong_checksum_of_a_text_is_inconclusive():
    data = bytearray(png_with_xmp(packet_with(ELEMENT.format(BARE))))
    data[data.index(b"AIGC")] ^= 1
    refused(bytes(data), "broken")


def test_gif_sub_blocks_without_end_are_bounded():
    whole = saved("GIF")
    at = gif.taken_apart(whole)[0][0].start
    refused(whole[:at] + b"\x21\xfe" + b"\x01x" * 2_500_000 + b"\0" + whole[at:], "too_much")
    refused(whole[:at] + b"\x21\xfe\0" * 300_000 + whole[at:], "too_much")


def test_webp_says_what_it_holds():
    data = LABELLED["webp"]
    silent = data[:20] + bytes([data[20] & ~4]) + data[21:]
    conclusion, _ = conclude(read(silent))
    assert conclusion is Conclusion.NON_COMPLIANT
    mended = catalogue.of(silent).write(silent, LABEL)
    assert conclude(read(mended))[0] is Conclusion.COMPLIANT
