"""Files from elsewhere: released under a name of ours, as what they are, or refused with what is wrong."""

import pytest

from acts import a_contract, a_template, admitted, passage
from steps.test_labelling import CODE, PASSED, faults
from steps.test_outputs import MEDIA, a_file, chain, home  # noqa: F401 (home is a fixture)
from synthgate.effects.carriers import catalogue
from synthgate.effects.label import Label
from synthgate.effects.labelled_text import LabelledText

THEIRS = Label.first("001191440300708461136T1308L", "X-1")
SHOWN = (a_template(media=MEDIA, interface_label=True), a_contract())


def brought(*rows, **over):
    return admitted(
        "content.ingested", {"objects": list(rows)}, generation={"medium": "image"}, **over
    )


def labelled(folder, name="theirs.png"):
    data = (folder / "in" / a_file(folder)["name"]).read_bytes()
    (folder / "in" / name).write_bytes(catalogue.of(data).write(data, THEIRS))
    return a_file(folder, name)


async def test_a_label_is_kept_and_we_are_added(home):  # noqa: F811
    verdict, carried = await chain(home, *SHOWN).one(brought(labelled(home)))
    assert verdict.outcome == "pass"
    (row,) = carried["objects"]
    data = (home / "objects" / row["name"]).read_bytes()
    (found,) = catalogue.of(data).read(data).labels
    assert (found.content_producer, found.produce_id) == (THEIRS.content_producer, "X-1")
    assert found.content_propagator == CODE
    assert carried["label"] == found.row()
    assert carried["explicit"] is None
    assert verdict.facts["outputs"] == [
        {"fault": None, "unshown": None, "found": "1", "signs": False, "kept": None}
    ]


async def test_what_says_nothing_goes_out_as_it_came_without_a_label(home):  # noqa: F811
    plain = a_file(home)
    verdict, carried = await chain(home).one(brought(plain))
    assert verdict.outcome == "pass"
    (row,) = carried["objects"]
    assert row["sha256"] == plain["sha256"]
    assert (home / "objects" / row["name"]).read_bytes() == (home / "in" / "a.png").read_bytes()
    assert carried["label"] is None


async def test_declared_without_a_notice_is_refused_before_it_is_read(home):  # noqa: F811
    verdict, carried = await chain(home).one(brought(a_file(home), declared_ai=True))
    assert (faults(verdict), carried) == ([("LBL-6-2", "notice_missing")], None)
    assert not list((home / "objects").rglob("*.png"))


async def test_what_is_found_in_it_is_decided_on_again(home):  # noqa: F811
    verdict, carried = await chain(home).one(brought(labelled(home)))
    assert (faults(verdict), carried) == ([("LBL-6-1", "notice_missing")], None)


async def test_words_beside_it_are_nobodys_output(home):  # noqa: F811
    made = admitted(
        "content.ingested",
        {"objects": [a_file(home)], "text": "看这只猫"},
        generation={"medium": "image"},
    )
    _, carried = await chain(home).one(made)
    assert len(carried["objects"]) == 1
    assert not list((home / "objects").rglob("*.txt"))


def words(text="春天来了。", label=None, **over):
    """A plain text from elsewhere, with the envelope that came beside it."""
    content = {"text": text}
    if label is not None:
        made = LabelledText("theirs.txt", text.encode(), label, None).files()
        content["envelope"] = made["theirs.txt.aigc.json"].decode()
    return admitted("content.ingested", content | over.pop("content", {}), **over)


def beside(home):  # noqa: F811
    return chain(home, a_template(interface_label=True), a_contract())


async def test_a_text_keeps_its_label_beside_it_and_we_are_added(home):  # noqa: F811
    made = beside(home)
    verdict, carried = await made.one(words(label=THEIRS))
    assert verdict.outcome == "pass"
    (row,) = carried["objects"]
    found = LabelledText.read(made.store, row["name"])
    assert (found.data.decode(), found.explicit) == ("春天来了。", None)
    assert (found.label.produce_id, found.label.content_propagator) == ("X-1", CODE)
    assert carried["label"] == found.label.row()
    assert [one["found"] for one in verdict.facts["outputs"]] == ["1"]


@pytest.mark.parametrize(
    ("made", "value"),
    [
        (words(declared_ai=True), "2"),
        (words("AI生成\n春天来了。"), "3"),
        (words("春天来了。\n\n (本文由人工智能合成) \n"), "3"),
        (words("AI生成\n春天来了。", declared_ai=True), "2"),
        (words(label=Label.of(THEIRS.row() | {"Label": "3"}), declared_ai=True), "2"),
    ],
)
async def test_a_text_is_what_its_user_or_its_words_say(home, made, value):  # noqa: F811
    verdict, carried = await beside(home).one(made)
    assert (verdict.outcome, carried["label"]["Label"]) == ("pass", value)
    assert carried["label"]["ContentPropagator"] == CODE


@pytest.mark.parametrize(
    "text", ["春天来了。", "关于AI生成的讨论很多。\n没有结论。", "非AI生成\n春天", ""]
)
async def test_a_text_that_says_nothing_goes_out_as_it_came(home, text):  # noqa: F811
    verdict, carried = await chain(home, a_template()).one(words(text))
    assert (verdict.outcome, carried["label"]) == ("pass", None)
    (row,) = carried["objects"]
    assert (home / "objects" / row["name"]).read_text() == text
    assert not list((home / "objects").rglob("*.aigc.json"))


@pytest.mark.parametrize(
    ("made", "fault"),
    [
        (words(label=THEIRS), ("LBL-6-1", "notice_missing")),
        (words(declared_ai=True), ("LBL-6-2", "notice_missing")),
        (words("AI生成\n春天"), ("LBL-6-3", "notice_missing")),
    ],
)
async def test_nobody_would_be_told(home, made, fault):  # noqa: F811
    verdict, carried = await chain(home, a_template()).one(made)
    assert (faults(verdict), carried) == ([fault], None)
    assert verdict.reasons[0].where == "/content/text"
    assert not list((home / "objects").rglob("*.txt"))


@pytest.mark.parametrize(
    "envelope",
    ["", "{}", "[]", "x", '{"AIGC":{}}', '{"AIGC":{"Label":"1"},"object":[]}', "9" * 8_192],
)
async def test_an_envelope_that_is_none_was_tampered_with(home, envelope):  # noqa: F811
    made = words(content={"envelope": envelope})
    verdict, carried = await beside(home).one(made)
    assert (faults(verdict), carried) == ([("DSP-18-1", "label_altered")], None)


async def test_an_envelope_of_another_text_or_with_a_field_changed_is_none(home):  # noqa: F811
    other = words("另一篇", label=THEIRS).content["envelope"]
    wrong = words(label=Label.of(THEIRS.row() | {"Label": "4"})).content["envelope"]
    bare = THEIRS.wrapped().decode()
    for envelope in (other, wrong, bare):
        verdict, _ = await beside(home).one(words(content={"envelope": envelope}))
        assert faults(verdict) == [("DSP-18-1", "label_altered")]


async def test_a_name_that_stands_for_something_else_spoils_its_text_alone(home):  # noqa: F811
    made = chain(home, a_template())
    _, carried = await made.one(words())
    name = carried["objects"][0]["name"]
    (home / "objects" / name).write_bytes(b"forged")
    done = await made.run(
        passage(words(), verdicts=PASSED), passage(words("再见", id="e-2"), 18, PASSED)
    )
    assert [verdict.outcome for verdict, _ in done] == ["refuse", "pass"]


async def test_several_texts_of_a_batch_come_out_each_as_its_own(home):  # noqa: F811
    made = beside(home)
    done = await made.run(
        passage(words("一"), 17, PASSED),
        passage(words("二", declared_ai=True, id="e-2"), 18, PASSED),
    )
    texts = [(home / "objects" / one["objects"][0]["name"]).read_text() for _, one in done]
    assert texts == ["一", "二"]
    assert [one["label"] and one["label"]["Label"] for _, one in done] == [None, "2"]
