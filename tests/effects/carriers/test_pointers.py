"""What points at other places of a file still points at them: SeekHeads, page numbers, tables of samples."""

import struct

import pytest

from effects.carriers.builders import FILES, LABEL, OTHER
from synthgate.effects.carriers import catalogue, matroska, mp4_boxes, ogg, vorbis_comment
from synthgate.effects.carriers.ebml import elements


@pytest.mark.parametrize("name", ["film.mkv", "film.webm"])
def test_a_seek_head_leads_to_what_it_names(name):
    data = (FILES / name).read_bytes()
    for label in (LABEL, OTHER, LABEL):
        data = catalogue.of(data).write(data, label)
        file = matroska._file(data)
        (head,) = [part for part in file.parts if part.kind == matroska._SEEK_HEAD]
        led = set()
        for seek in elements(data, head.body, head.end):
            if seek.kind == matroska._SEEK:
                kind, position = (
                    int.from_bytes(data[one.body : one.end], "big")
                    for one in elements(data, seek.body, seek.end)
                )
                start = file.segment.body + position
                assert kind in {part.kind for part in file.parts if part.start == start}
                led.add(kind)
        assert matroska._TAGS in led


def numbers(data: bytes) -> list[int]:
    return [page.number for page in ogg._pages(data)]


def test_ogg_pages_are_numbered_through_when_the_label_needs_one_more():
    whole = (FILES / "tone.opus").read_bytes()
    pages = ogg._pages(whole)
    tags = vorbis_comment.empty(b"vendor" + b"x" * 64_900)
    laid = ogg._laid([b"OpusTags" + tags], whole[14:18], 1)
    assert len(laid) == 1
    data = whole[: pages[0].end] + laid[0] + whole[pages[2].start :]
    made = catalogue.of(data).write(data, LABEL)
    assert len(numbers(made)) == len(numbers(data)) + 1
    assert numbers(made) == list(range(len(numbers(made))))
    for page in ogg._pages(made):
        assert ogg.checksum(ogg._blank(made, page)) == ogg._stored(made, page)
    packets = [whole[page.body : page.end] for page in pages[2:]]
    assert [made[page.body : page.end] for page in ogg._pages(made)[3:]] == packets
    assert catalogue.of(made).write(made, OTHER) != made


def chunk_heads(data: bytes) -> list[bytes]:
    """The first bytes of every chunk of samples the tables point at."""
    found = []
    moov = mp4_boxes.child(mp4_boxes.boxes(data, 0, len(data), mp4_boxes.TOP_BOXES_MAX), b"moov")
    whole = data[moov.start : moov.end]
    for table in mp4_boxes._within(whole, 8, len(whole), 0):
        if table.kind == b"stco":
            (count,) = struct.unpack_from(">I", whole, table.body + 4)
            for (at,) in struct.iter_unpack(">I", whole[table.body + 8 :][: 4 * count]):
                found.append(data[at : at + 32])
    return found


@pytest.mark.parametrize("name", ["faststart.mp4", "film.mp4", "film.mov", "keyed.mp4", "tone.m4a"])
def test_tables_of_samples_point_at_the_same_samples(name):
    data = (FILES / name).read_bytes()
    made = catalogue.of(data).write(data, LABEL)
    assert chunk_heads(data)
    assert chunk_heads(made) == chunk_heads(data)
