"""Content from elsewhere: read as it is, and given the propagator's fields; nobody's label is written over."""

import io
import sys
from pathlib import Path

import pytest
from PIL import Image

from effects.provenance.chains import signer
from synthgate.demo import media
from synthgate.effects.carriers import catalogue, jpeg, png
from synthgate.effects.label import Label
from synthgate.effects.labelled_file import Unlabelled
from synthgate.effects.provenance import manifest
from synthgate.effects.taken_in import take_in

FILES = Path(__file__).parent / "carriers" / "files"
OURS = Label.first("001191110000600037341L10001", "SG1-A")
THEIRS = Label(
    "1", "001191440300708461136T1308L", "X-1", "R", "001191440300708461136T1308L", "X-1", ""
)
DATA = media.picture(96, 64)
APP11 = 0xEB
"""Where a JPEG holds a manifest."""


def labelled(label, data=DATA):
    return catalogue.of(data).write(data, label)


def with_text(keyword, text):
    end = DATA.rindex(b"IEND") - 4
    return DATA[:end] + png.build_chunk(b"tEXt", keyword + b"\x00" + text) + DATA[end:]


def taken(data, *, declared=False, name="a.png", medium="image"):
    found = take_in(data, name, medium, OURS, declared=declared)
    reading = catalogue.of(found.marked.data, name).read(found.marked.data)
    assert reading.labels == (() if found.label is None else (found.label,))
    assert len(reading.places) == len(reading.labels)
    return found


def test_a_label_keeps_its_producer_and_number_and_has_us_added():
    found = taken(labelled(THEIRS), declared=True)
    assert found.found == "1"
    assert found.label == Label(
        "1", THEIRS.content_producer, "X-1", "R", OURS.content_producer, "SG1-A", ""
    )


@pytest.mark.parametrize("value", ["2", "3"])
def test_what_another_said_of_it_stays_said(value):
    row = THEIRS.row() | {"Label": value}
    assert taken(labelled(Label.of(row))).label.label == value


def test_declared_is_possible_and_traces_are_suspected():
    assert taken(DATA, declared=True).label.label == "2"
    made = with_text(b"parameters", b"Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1")
    found = taken(made)
    assert (found.signs, found.label.label) == (True, "3")
    both = taken(made, declared=True)
    assert (both.signs, both.label.label) == (True, "2")
    assert both.label.is_first_write()


def test_what_says_nothing_is_left_as_it_is():
    found = taken(DATA)
    assert (found.label, found.found, found.signs) == (None, None, False)
    assert found.marked.data == DATA


@pytest.mark.parametrize(
    ("name", "medium"),
    [("film.mp4", "video"), ("film.webm", "video"), ("tone.opus", "audio"), ("tone.mp3", "audio"),
     ("plain.pdf", "other"), ("rich.docx", "other")],
)  # fmt: skip
def test_every_medium_without_touching_what_it_holds(name, medium):
    found = taken((FILES / name).read_bytes(), declared=True, name=name, medium=medium)
    assert found.label.label == "2"


def test_pixels_stay_where_they_are():
    data = (FILES / "rich.jpg").read_bytes()
    made = taken(data, declared=True, name="rich.jpg").marked.data
    before, after = (Image.open(io.BytesIO(each)).tobytes() for each in (data, made))
    assert before == after


def test_a_manifest_that_says_so_is_a_trace_and_one_that_does_not_is_none(tmp_path, monkeypatch):
    data = (FILES / "rich.jpg").read_bytes()
    written = jpeg.CARRIER.write(data, OURS)
    signed = manifest.put(written, jpeg.CARRIER, OURS, signer(tmp_path), data)
    segments = jpeg.taken_apart(signed)[0]
    store = b"".join(signed[one.start : one.end] for one in segments if one.marker == APP11)
    theirs = data[:2] + store + data[2:]
    camera = theirs.replace(b"/trainedAlgorithmicMedia", b"/digitalCaptureOfACamera")
    for _ in ("installed", "absent"):
        found = taken(theirs, name="a.jpg")
        assert (found.signs, found.label.label) == (True, "3")
        assert taken(camera, name="a.jpg").label is None
        monkeypatch.setitem(sys.modules, "c2pa", None)


ALTERED = {
    "a field that breaks Annex E": labelled(THEIRS).replace(b"X-1", b"X 1"),
    "no label under its name": labelled(THEIRS).replace(b"ProduceID", b"ProduceIX"),
}


@pytest.mark.parametrize("what", ALTERED)
def test_a_label_that_was_tampered_with_is_not_mended_by_guessing(what):
    # A PNG's chunk has a checksum: made right again, as who tampers would.
    chunks, _ = png.taken_apart(labelled(THEIRS))
    data = ALTERED[what]
    pieces = (png.build_chunk(one.kind, data[one.body : one.end - 4]) for one in chunks)
    with pytest.raises(Unlabelled, match="label_altered"):
        take_in(b"".join([png.SIGNATURE, *pieces]), "a.png", "image", OURS, declared=False)


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        (DATA[:-40], "a.png", "file_broken"),
        (DATA, "a.jpg", "file_mismatch"),
        (b"II*\x00" + bytes(60), "a.tif", "file_unsupported"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(data, name, code):
    with pytest.raises(Unlabelled, match=code):
        take_in(data, name, "image", OURS, declared=True)
