"""Generated files get both labels, keep them in the store, and are refused by name where they cannot."""

from pathlib import Path

import orjson
import pytest
from PIL import Image

from synthgate.effects.carriers import catalogue
from synthgate.effects.label import Label, LabelError
from synthgate.effects.labelled_file import (
    LabelledFile,
    Unlabelled,
    mark,
    read_object,
)
from synthgate.effects.objects import NOTE_SUFFIX, LocalObjects, origin_of
from synthgate.events.origin import Origin

FILES = Path(__file__).parent / "carriers" / "files"
CODE = "001191110000600037341L10001"
OTHER = "001191440300708461136T1308L"
LABEL = Label.first(CODE, "SG1-A")
ORIGIN = Origin(1, "generation.events", 3, 17)


def marked(name, medium, data=None, label=LABEL):
    return mark(data or (FILES / name).read_bytes(), name, medium, "AI生成", label)


def code_of(*args, **over):
    with pytest.raises(Unlabelled) as caught:
        marked(*args, **over)
    return caught.value.code


@pytest.fixture
def png(tmp_path):
    path = tmp_path / "a.png"
    Image.new("RGB", (320, 200), "green").save(path)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("name", "medium", "media_type"),
    [
        ("rich.jpg", "image", "image/jpeg"),
        ("plain.wav", "audio", "audio/wav"),
        ("rich.docx", "text", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("rich.docx", "other", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("plain.md", "text", "text/markdown"),
    ],
)  # fmt: skip
def test_a_file_gets_exactly_one_label_and_one_people_perceive(name, medium, media_type):
    made = marked(name, medium)
    assert (made.media_type, made.unshown) == (media_type, None)
    assert made.explicit is not None
    reading = catalogue.of(made.data, name).read(made.data)
    assert reading.labels == (LABEL,)
    assert len(reading.places) == 1


def test_what_has_no_explicit_label_here_says_why_and_still_has_the_other():
    made = marked("rich.xlsx", "text")
    assert (made.explicit, made.unshown) == (None, "label_unplaceable")
    assert catalogue.of(made.data).read(made.data).labels == (LABEL,)


def test_a_picture_too_small_to_be_labelled_says_so(tmp_path):
    Image.new("RGB", (24, 24)).save(tmp_path / "s.png")
    made = marked("s.png", "image", (tmp_path / "s.png").read_bytes())
    assert (made.explicit, made.unshown) == (None, "label_too_small")


def test_our_own_label_gives_way_to_the_new_one_and_nobody_elses_does(png):
    ours = catalogue.of(png).write(png, Label.first(CODE, "SG1-OLD"))
    assert catalogue.of(png).read(marked("a.png", "image", ours).data).labels == (LABEL,)
    theirs = catalogue.of(png).write(png, Label.first(OTHER, "X-1"))
    assert code_of("a.png", "image", theirs) == "label_foreign"
    propagated = Label("1", OTHER, "X-1", "", CODE, "SG1-P", "")
    assert code_of("a.png", "image", catalogue.of(png).write(png, propagated)) == "label_foreign"


def test_what_is_no_label_under_its_name_is_not_written_over(png):
    data = catalogue.of(png).write(png, LABEL).replace(b"SG1-A", b'SG1"A')
    assert data != png
    assert code_of("a.png", "image", data) in ("label_foreign", "file_broken")


@pytest.mark.parametrize(
    ("name", "medium", "data", "code"),
    [
        ("a.png", "audio", None, "file_mismatch"),
        ("a.jpg", "image", None, "file_mismatch"),
        ("a", "image", None, "file_mismatch"),
        ("a.png", "virtual_scene", None, "file_mismatch"),
        ("a.tif", "image", b"II*\x00" + bytes(60), "file_unsupported"),
        ("a.bin", "other", b"\x00" * 99, "file_unsupported"),
        ("a.txt", "text", b"words", "file_unsupported"),
        ("encrypted.pdf", "other", (FILES / "encrypted.pdf").read_bytes(), "file_broken"),
    ],
)
def test_what_is_not_what_it_says_is_refused_by_name(png, name, medium, data, code):
    assert code_of(name, medium, data or png) == code


@pytest.mark.parametrize("cut", [0.2, 0.5, 0.9, 0.99])
def test_a_truncated_file_is_broken(png, cut):
    assert code_of("a.png", "image", png[: int(len(png) * cut)]) == "file_broken"


def test_a_picture_that_cannot_be_decoded_is_broken_even_where_no_badge_is_owed(png):
    at = png.index(b"IDAT")
    spoiled = png[: at + 6] + bytes(8) + png[at + 14 :]
    assert code_of("a.png", "image", spoiled) == "file_broken"


class TestInTheStore:
    @pytest.fixture
    def store(self, tmp_path):
        return LocalObjects(tmp_path / "objects")

    @pytest.fixture
    def made(self, png, store):
        made = LabelledFile.make(3, ORIGIN, marked("a.png", "image", png), LABEL, "5" * 64)
        store.put_all(made.files())
        return made

    def test_it_is_read_back_as_it_was_put(self, store, made):
        assert read_object(store, made.name) == made
        assert made.row()["media_type"] == "image/png"
        assert made.name == f"3/1-generation.events-3-17-{made.row()['sha256']}.png"
        assert origin_of(made.name) == ORIGIN

    def test_without_file_or_note_it_is_not_there(self, store, made):
        store.remove(made.name + NOTE_SUFFIX)
        assert read_object(store, made.name) is None
        assert read_object(store, "3/none.png") is None

    @pytest.mark.parametrize(
        "note",
        [b"", b"{}", b"[]", b'{"object":1,"explicit":2}', b'{"object":{},"explicit":null}', b" " * 9000,
         b'{"object":{},"explicit":null,"more":1}'],
    )  # fmt: skip
    def test_a_note_that_is_none_is_an_error(self, store, made, note):
        store.remove(made.name + NOTE_SUFFIX)
        store.put(made.name + NOTE_SUFFIX, note)
        with pytest.raises(LabelError):
            read_object(store, made.name)

    @pytest.mark.parametrize("data", [b"", b"GIF", b"\x00" * 40])
    def test_bytes_that_carry_no_label_are_an_error(self, store, made, data):
        store.remove(made.name)
        store.put(made.name, data)
        with pytest.raises(LabelError):
            read_object(store, made.name)

    def test_the_same_file_without_its_label_is_an_error(self, store, made, png):
        store.remove(made.name)
        store.put(made.name, png)
        with pytest.raises(LabelError, match="0 labels"):
            read_object(store, made.name)

    def test_the_note_fits(self, made):
        assert orjson.loads(made.files()[made.name + NOTE_SUFFIX])["explicit"]["place"]
