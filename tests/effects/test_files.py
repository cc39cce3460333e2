"""Files labelled without a chain: whose label stands, whose is never touched, what is refused and why."""

import pytest

from effects.carriers.builders import GOOD, LABEL, Good, jpeg, of_every_carrier
from synthgate.effects import files
from synthgate.effects.carriers.conclusion import Conclusion
from synthgate.effects.files import Order, Refused
from synthgate.effects.label import Label
from synthgate.effects.labelled_text import LabelledText
from synthgate.effects.objects import SIDECAR_SUFFIX
from synthgate.effects.provider_code import SAMPLE_CODE
from synthgate.events.origin import Origin

OURS = Order(SAMPLE_CODE)
FIELDS_ONLY = Order(SAMPLE_CODE, None)
OTHERS = "001191110102MACQD9K64010000"
each = pytest.mark.parametrize("good", list(of_every_carrier()), ids=lambda good: good.carrier.name)


@each
def test_labelled_then_compliant_and_done_once(good: Good):
    assert files.inspect(good.data, good.name).conclusion is Conclusion.NOT_FOUND
    done = files.label(good.data, good.name, FIELDS_ONLY)
    made = done.files[""]
    assert files.inspect(made, good.name).conclusion is Conclusion.COMPLIANT
    assert done.label == Label.first(SAMPLE_CODE, files.number(SAMPLE_CODE, good.data))
    again = files.label(made, good.name, FIELDS_ONLY)
    assert (again.files, again.label) == ({}, done.label)


@each
def test_the_label_of_others_is_kept_and_only_a_propagator_is_added(good: Good):
    theirs = Label.first(OTHERS, "T-1")
    data = good.carrier.write(good.data, theirs)
    with pytest.raises(Refused, match=r"Art\. 10") as refused:
        files.label(data, good.name, OURS)
    assert refused.value.code == "foreign"
    done = files.label(data, good.name, Order(SAMPLE_CODE, propagate=True))
    (label,) = files.inspect(done.files[""], good.name).reading.labels
    assert (label.label, label.content_producer, label.produce_id) == ("1", OTHERS, "T-1")
    assert label.content_propagator == SAMPLE_CODE
    assert label.propagate_id.startswith("SG1-")
    assert done.explicit is None
    assert files.label(done.files[""], good.name, OURS).files == {}


def test_a_text_that_a_chain_labelled_is_inspected_where_it_lies():
    label = files.label(b"hello", "a.txt", OURS).label
    made = LabelledText.make(3, Origin(1, "generation.events", 3, 16), "hello", "AI生成", label)
    envelope = made.files()[made.name + SIDECAR_SUFFIX]
    folder, _, name = made.name.rpartition("/")
    assert folder == "3"
    assert files.inspect(made.data, name, envelope).conclusion is Conclusion.COMPLIANT
    for other in (b"other", made.data + b"."):
        assert files.inspect(other, name, envelope).conclusion is Conclusion.INCONCLUSIVE
    assert files.inspect(made.data, "b.txt", envelope).conclusion is Conclusion.INCONCLUSIVE


def test_text_has_its_label_beside_it():
    done = files.label("你好\n".encode(), "a.txt", OURS)
    assert done.files[""].decode() == "AI生成\n你好\n"
    envelope = done.files[SIDECAR_SUFFIX]
    found = files.inspect(done.files[""], "a.txt", envelope)
    assert found.conclusion is Conclusion.COMPLIANT
    assert files.inspect(done.files[""], "a.txt").conclusion is Conclusion.NOT_FOUND
    assert files.inspect(b"other", "a.txt", envelope).conclusion is Conclusion.INCONCLUSIVE
    assert files.inspect(b"other", "a.txt", b"{").conclusion is Conclusion.INCONCLUSIVE
    assert files.label(done.files[""], "a.txt", OURS, envelope).files == {}
    with pytest.raises(Refused):
        files.label(b"other", "a.txt", OURS, envelope)
    assert files.renamed(done, "b.txt")[SIDECAR_SUFFIX] != envelope


def test_markdown_gets_a_line_people_see_behind_its_front_matter():
    data = b"---\ntitle: x\n---\n# Head\n"
    made = files.label(data, "a.md", OURS).files[""].decode()
    assert made.startswith("---\ntitle: x\nAIGC:\n")
    assert made.endswith("---\nAI生成\n\n# Head\n")
    assert files.label(made.encode(), "a.md", OURS).files == {}


def test_what_has_no_explicit_label_here_says_what_to_do():
    sheet = next(good for good in GOOD if good.name == "rich.xlsx")
    with pytest.raises(Refused, match="--implicit-only"):
        files.label(sheet.data, sheet.name, OURS)


@pytest.mark.parametrize("sentence", ["AI", "非AI生成"])
@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.jpg"])
def test_words_that_are_no_label_are_refused(sentence, name):
    data = jpeg() if name == "a.jpg" else b"# x\n"
    with pytest.raises(Refused) as refused:
        files.label(data, name, Order(SAMPLE_CODE, sentence))
    assert refused.value.code == "wording"


def test_a_wrong_name_is_noted_when_read_and_refused_when_written():
    found = files.inspect(jpeg(), "a.png")
    assert found.carrier == "jpeg"
    assert "it is jpeg (.jpg, .jpeg) and is named .png" in found.reading.notes
    with pytest.raises(Refused, match=r"named \.png"):
        files.label(jpeg(), "a.png", OURS)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"II*\x00" + bytes(9), "TIFF"), (b"RIFF\x04\x00\x00\x00AVI LIST", "AVI"), (b"FLV\x01", "FLV"),
        (b"\x00\x00\x00\x1cftypavif", "AVIF"), (b"\x00\x00\x00\x1cftypheic", "HEIF"),
        (b"\xd0\xcf\x11\xe0", "old"), (b"PK\x05\x06" + bytes(18), "ZIP"),
        (b"G" + bytes(187) + b"G", "MPEG-TS"), (b"glTF", "GLB"), (b"", "no format"), (b"\x00", "no format"),
    ],
)  # fmt: skip
def test_what_cannot_carry_a_label_is_refused_by_name(data, what):
    with pytest.raises(Refused, match=what):
        files.label(data, "a.bin", OURS)
    found = files.inspect(data, "a.bin")
    assert found.conclusion is Conclusion.INCONCLUSIVE
    assert what in found.reading.faults[0]


def test_two_different_labels_are_for_a_person():
    one = files.label(jpeg(), "a.jpg", FIELDS_ONLY).files[""]
    other = LABEL.wrapped()
    both = one[:2] + b"\xff\xfe" + (len(other) + 2).to_bytes(2, "big") + other + one[2:]
    found = files.inspect(both, "a.jpg")
    assert found.conclusion is Conclusion.NON_COMPLIANT
    with pytest.raises(Refused, match="2 different labels"):
        files.label(both, "a.jpg", OURS)


def test_the_same_label_twice_becomes_one():
    one = files.label(jpeg(), "a.jpg", FIELDS_ONLY)
    copy = one.label.wrapped()
    made = one.files[""]
    both = made[:2] + b"\xff\xfe" + (len(copy) + 2).to_bytes(2, "big") + copy + made[2:]
    assert files.inspect(both, "a.jpg").conclusion is Conclusion.NON_COMPLIANT
    mended = files.label(both, "a.jpg", FIELDS_ONLY).files[""]
    assert files.inspect(mended, "a.jpg").conclusion is Conclusion.COMPLIANT
    assert mended == made
