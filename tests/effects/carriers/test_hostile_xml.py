"""Hostile XMP and EXIF, in whatever file: named, bounded, nothing expanded; labels found in every form."""

import struct
import time

import pytest

from effects.carriers.builders import (
    LABEL,
    OTHER,
    exif_of,
    jpeg,
    png_with_xmp,
    saved,
)
from effects.carriers.hostile import (
    BARE,
    ELEMENT,
    in_jpeg,
    packet_with,
    read,
    refused,
    segment,
    xmp_segment,
)
from synthgate.effects.carriers import catalogue, exif, xml_spans, xmp
from synthgate.effects.carriers.carrier import CarrierError


def test_both_forms_and_any_prefix_are_read_and_replaced():
    attribute = f'<rdf:Description rdf:about="" xmlns:q="{xmp.NAMESPACE}" q:AIGC="{BARE}" q:x="1"/>'
    for packet in (packet_with(ELEMENT.format(BARE)), packet_with(attribute)):
        data = in_jpeg(xmp_segment(packet))
        assert read(data).labels == (LABEL,)
        made = catalogue.of(data).write(data, OTHER)
        assert read(made).labels == (OTHER,)
        assert b"P-1&quot;" not in made
        assert "外来".encode() in made


@pytest.mark.parametrize(
    "hostile",
    [
        b'<!DOCTYPE r [<!ENTITY a "b">]><r>AIGC &a;</r>',
        b'<!DOCTYPE r SYSTEM "file:///etc/passwd"><r>AIGC</r>',
        b"<r>AIGC", b"<r>AIGC</q>", b"\xff\xfe<\x00r\x00>\x00A\x00I\x00G\x00C\x00",
        b'<?xml version="1.0" encoding="x"?><r>AIGC</r>',
    ],
)  # fmt: skip
def test_entities_and_broken_xml_are_inconclusive(hostile):
    for data in (in_jpeg(xmp_segment(hostile)), png_with_xmp(hostile), saved("WEBP", xmp=hostile)):
        reading = read(data)
        assert reading.faults
        with pytest.raises(CarrierError):
            catalogue.of(data).write(data, LABEL)


def test_a_laughing_packet_costs_nothing():
    lines = "".join(f'<!ENTITY a{at + 1} "{f"&a{at};" * 10}">' for at in range(12))
    refused(
        in_jpeg(xmp_segment(f'<!DOCTYPE r [<!ENTITY a0 "ha">{lines}]><r>AIGC&a12;</r>'.encode())),
        "broken",
    )


def test_depth_and_width_of_xml_are_bounded():
    refused(in_jpeg(xmp_segment(b"<a>" * 9_000 + b"AIGC" + b"</a>" * 9_000)), "too_much")
    refused(png_with_xmp(b"<a>AIGC" + b"<b/>" * 200_000 + b"</a>"), "too_much")
    spaces = b"<a " + b" " * 900_000 + b">AIGC</a>"
    begun = time.process_time()
    read(png_with_xmp(spaces))
    read(
        png_with_xmp(
            b'<a xmlns:T="%b" ' % xmp.NAMESPACE.encode() + b"b" * 900_000 + b'="" T:AIGC=""/>'
        )
    )
    assert time.process_time() - begun < 1


def test_a_label_in_the_user_comment_is_read_and_blanked():
    block = exif_of(LABEL.wrapped())
    for data in (jpeg(exif=block), saved("PNG", exif=block), saved("WEBP", exif=block)):
        assert read(data).labels == (LABEL,)
        made = catalogue.of(data).write(data, OTHER)
        assert read(made).labels == (OTHER,)
        assert LABEL.wrapped() not in made
        assert b"ForeignCamera" in made


@pytest.mark.parametrize(("mark", "order"), [(b"II*\0", "<"), (b"MM\0*", ">")])
def test_utf16_user_comments_are_read(mark, order):
    encoding = "utf-16-le" if order == "<" else "utf-16-be"
    text = b"UNICODE\0" + LABEL.wrapped().decode().encode(encoding)
    first = struct.pack(order + "IHHHIII", 8, 1, 0x8769, 4, 1, 26, 0)
    second = struct.pack(order + "HHHIII", 1, 0x9286, 7, len(text), 44, 0)
    block = b"Exif\0\0" + mark + first + second + text
    assert exif.read(block, "x")[0].label == LABEL
    assert exif.read(exif.blank(block), "x") == []


def test_an_exif_block_that_leads_nowhere_is_inconclusive():
    for block in (b"AIGC", b"II*\0\xff\xff\xff\x7fAIGC"):
        refused(in_jpeg(segment(0xE1, b"Exif\0\0" + block)), "broken")
    refused(in_jpeg(segment(0xE1, b"Exif\0\0MM\0*\0\0\0\x08\xff\xffAIGC")), "too_much")


def test_an_element_of_one_tag_ends_where_its_tag_does():
    xml = b"<a><b x='/'/></a>"
    outer, inner = xml_spans.scan(xml, "it")
    assert xml[inner.start : inner.end] == b"<b x='/'/>"
    assert xml_spans.is_empty(xml, inner)
    assert xml[outer.start : outer.end] == xml
    assert not xml_spans.is_empty(xml, outer)
    (whole,) = xml_spans.scan(b"<a/>\n", "it")
    assert (whole.end, xml_spans.is_empty(b"<a/>\n", whole)) == (4, True)
    (open_one,) = xml_spans.scan(b"<a></a>", "it")
    assert not xml_spans.is_empty(b"<a></a>", open_one)
