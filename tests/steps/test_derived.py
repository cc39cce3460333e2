"""Copies without a mark, and what is made of labelled content: which files, which label, what is refused."""

import io

import pytest
from PIL import Image

from acts import a_template, admitted, some_terms
from steps.test_labelling import faults, says
from steps.test_outputs import MEDIA, a_file, brings, chain, home  # noqa: F401 (home is a fixture)
from synthgate.effects.carriers import catalogue, png
from synthgate.effects.label import Label
from synthgate.effects.labelled_file import LabelledFile

KNOWN = {"verified": True, "accepted_at": 1}
OTHER = Label.first("001191440300708461136T1308L", "X-1")


def passed(**known):
    """The verdicts before; identity's says who asks."""
    identity = {"obligation": "identity", "outcome": "pass", "facts": KNOWN | known}
    return (identity, ("consent", "not_applicable"), ("moderation", "pass"))


def asks(content, medium="image"):
    return admitted("export.unlabelled_requested", content, generation={"medium": medium}, id="e-2")


def made_of(parents, *rows, text=None):
    content = {"parents": list(parents), "objects": list(rows)}
    content |= {} if text is None else {"text": text}
    return admitted(
        "content.transformed", content, generation={"medium": "image" if rows else "text"}, id="e-2"
    )


def a_chain(home, *rows):  # noqa: F811
    return chain(home, a_template(media=MEDIA), *rows)


async def released(made, home, *rows):  # noqa: F811
    """Objects and label of a completion."""
    verdict, carried = await made.one(brings(*(rows or (a_file(home),))))
    assert verdict.outcome == "pass"
    return carried["objects"], carried["label"]


async def test_the_copy_is_the_original_under_the_label_of_the_object(home):  # noqa: F811
    made = a_chain(home)
    objects, label = await released(made, home)
    ask = asks({"objects": objects, "originals": [a_file(home)]})
    verdict, carried = await made.one(ask, verdicts=passed(), offset=40)
    assert verdict.outcome == "pass"
    (row,) = carried["objects"]
    found = LabelledFile.read(made.store, row["name"])
    assert (found.label.row(), found.explicit, carried["explicit"]) == (label, None, None)
    with Image.open(io.BytesIO(found.data)) as copy, Image.open(home / "in" / "a.png") as original:
        assert copy.tobytes() == original.tobytes()
    assert row["name"].startswith("3/1-generation.events-3-40-")
    # What was released with its mark stays as it was.
    assert LabelledFile.read(made.store, objects[0]["name"]).explicit is not None


async def test_two_objects_have_their_originals_in_their_order(home):  # noqa: F811
    made = a_chain(home)
    files = [a_file(home), a_file(home, "b.png", (400, 300))]
    objects, _ = await released(made, home, *files)
    verdict, carried = await made.one(
        asks({"objects": objects, "originals": files}), verdicts=passed(), offset=40
    )
    assert (verdict.outcome, len(carried["objects"])) == ("pass", 2)
    verdict, carried = await made.one(
        asks({"objects": objects, "originals": files[::-1]}), verdicts=passed(), offset=41
    )
    assert faults(verdict) == [("DSP-10-2", "original_differs")] * 2
    assert carried is None


async def test_another_file_of_the_folder_is_not_the_original(home):  # noqa: F811
    made = a_chain(home)
    objects, _ = await released(made, home)
    other = a_file(home, "unseen.png", (100, 100))
    for originals in ([other], [a_file(home), other], []):
        ask = asks({"objects": objects, "originals": originals})
        verdict, carried = await made.one(ask, verdicts=passed(), offset=40)
        assert (verdict.outcome, carried) == ("refuse", None)
    lost = asks({"objects": objects, "originals": [a_file(home) | {"name": "gone.png"}]})
    verdict, _ = await made.one(lost, verdicts=passed(), offset=41)
    assert faults(verdict) == [("DSP-16-1", "source_missing")]


async def test_an_object_whose_source_nobody_noted_has_no_original(home):  # noqa: F811
    made = a_chain(home)
    objects, _ = await released(made, home)
    (note,) = (home / "objects").rglob("*.shown.json")
    before = note.read_bytes()
    note.write_bytes(before[: before.rindex(b',"source"')] + b"}")
    assert LabelledFile.read(made.store, objects[0]["name"]).source is None
    ask = asks({"objects": objects, "originals": [a_file(home)]})
    verdict, _ = await made.one(ask, verdicts=passed(), offset=40)
    assert faults(verdict) == [("DSP-10-2", "original_differs")]


@pytest.mark.parametrize(
    ("known", "rows", "fault"),
    [
        ({"verified": False}, (), ("HOUSE-recipient", "recipient_unverified")),
        ({"accepted_at": None}, (), ("LBL-9-1", "duty_clause_not_accepted")),
        ({}, (some_terms(duty_sha256=None),), ("LBL-9-1", "duty_clause_missing")),
        ({}, (some_terms(duty_sha256="none"),), ("LBL-9-1", "duty_clause_missing")),
    ],
)  # fmt: skip
async def test_who_is_not_known_or_has_not_agreed_gets_none(home, known, rows, fault):  # noqa: F811
    made = a_chain(home, *rows)
    objects, _ = await released(made, home)
    ask = asks({"objects": objects, "originals": [a_file(home)]})
    verdict, carried = await made.one(ask, verdicts=passed(**known), offset=40)
    assert (faults(verdict), carried) == ([fault], None)


async def test_words_without_the_line_are_those_that_were_labelled(home):  # noqa: F811
    made = a_chain(home)
    _, carried = await made.one(says("你好"))
    objects, label = carried["objects"], carried["label"]
    verdict, carried = await made.one(
        asks({"objects": objects, "text": "你好"}, "text"), verdicts=passed(), offset=40
    )
    assert (verdict.outcome, carried["label"], carried["explicit"]) == ("pass", label, None)
    (row,) = carried["objects"]
    assert (home / "objects" / row["name"]).read_text() == "你好"
    for content in ({"objects": objects, "text": "再见"}, {"objects": objects}):
        verdict, carried = await made.one(asks(content, "text"), verdicts=passed(), offset=41)
        assert (verdict.outcome, carried) == ("refuse", None)


async def test_what_lost_its_label_is_given_it_again(home):  # noqa: F811
    made = a_chain(home)
    objects, label = await released(made, home)
    child = a_file(home, "b.jpg", (200, 150))
    verdict, carried = await made.one(made_of(objects, child), offset=40)
    assert (verdict.outcome, carried["label"]) == ("pass", label)
    assert [told["kept"] for told in verdict.facts["outputs"]] == ["missing"]
    data = (home / "objects" / carried["objects"][0]["name"]).read_bytes()
    assert [found.row() for found in catalogue.of(data).read(data).labels] == [label]
    assert carried["explicit"] is not None


def changed(data, old, new):
    """A picture whose label somebody edited; the file is whole."""
    pieces = (
        png.build_chunk(one.kind, data[one.body : one.end - 4].replace(old, new))
        for one in png.taken_apart(data)[0]
    )
    return b"".join([png.SIGNATURE, *pieces])


@pytest.mark.parametrize(
    ("old", "new", "how"),
    [(b"", b"", "kept"), (b"SG1-", b"SG2-", "altered"), (b"ContentProducer", b"C0ntentProducer", "altered")],
)  # fmt: skip
async def test_how_it_carried_its_label_is_said(home, old, new, how):  # noqa: F811
    made = a_chain(home)
    objects, label = await released(made, home)
    data = (home / "in" / "a.png").read_bytes()
    data = catalogue.of(data).write(data, Label.of(label))
    (home / "in" / "c.png").write_bytes(changed(data, old, new) if old else data)
    verdict, carried = await made.one(made_of(objects, a_file(home, "c.png")), offset=40)
    assert (verdict.outcome, faults(verdict), carried["label"]) == ("pass", [], label)
    assert [told["kept"] for told in verdict.facts["outputs"]] == [how]
    data = (home / "objects" / carried["objects"][0]["name"]).read_bytes()
    assert [found.row() for found in catalogue.of(data).read(data).labels] == [label]


async def test_nobody_elses_label_is_written_over(home):  # noqa: F811
    made = a_chain(home)
    objects, _ = await released(made, home)
    data = (home / "in" / "a.png").read_bytes()
    (home / "in" / "d.png").write_bytes(catalogue.of(data).write(data, OTHER))
    verdict, carried = await made.one(made_of(objects, a_file(home, "d.png")), offset=40)
    assert (faults(verdict), carried) == ([("GB-E-2", "label_foreign")], None)


async def test_of_several_parents_the_work_has_a_number_of_its_own(home):  # noqa: F811
    made = a_chain(home)
    one, first = await released(made, home)
    verdict, carried = await made.one(says("你好", id="e-9"), offset=18)
    verdict, carried = await made.one(
        made_of([*one, *carried["objects"]], a_file(home, "b.jpg")), offset=40
    )
    assert verdict.outcome == "pass"
    assert carried["label"]["ProduceID"] != first["ProduceID"]


async def test_words_made_of_words_keep_their_label(home):  # noqa: F811
    made = a_chain(home)
    _, before = await made.one(says("你好"))
    verdict, carried = await made.one(made_of(before["objects"], text="hello"), offset=40)
    assert (verdict.outcome, carried["label"]) == ("pass", before["label"])
    (row,) = carried["objects"]
    assert (home / "objects" / row["name"]).read_text() == "AI生成\nhello"


async def test_a_parent_without_its_label_is_none(home):  # noqa: F811
    made = a_chain(home)
    objects, _ = await released(made, home)
    (home / "objects" / objects[0]["name"]).write_bytes((home / "in" / "a.png").read_bytes())
    verdict, carried = await made.one(made_of(objects, a_file(home, "b.jpg")), offset=40)
    assert (faults(verdict), carried) == ([("DSP-18-1", "label_altered")], None)
    verdict, _ = await made.one(made_of([], a_file(home, "b.jpg")), offset=41)
    assert faults(verdict) == [("DSP-18-1", "parent_missing")]
