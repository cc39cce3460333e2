"""A labelled text in the store: written whole, read back, and every tampering noticed."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synthgate.effects.label import Label, LabelError
from synthgate.effects.labelled_text import LabelledText
from synthgate.effects.objects import LocalObjects
from synthgate.events.origin import Origin

ROOT = Origin(1, "generation.events", 3, 17)
LABEL = Label.first("001191110000600037341L10001", "P-1")


@pytest.fixture
def store(tmp_path):
    return LocalObjects(tmp_path)


def make(text="你好", sentence="AI生成"):
    return LabelledText.make(3, ROOT, text, sentence, LABEL)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None
)
@given(st.text(max_size=100))
def test_what_is_written_is_read_back(store, text):
    made = make(text)
    assert store.put_all(made.files()) == frozenset()
    assert LabelledText.read(store, made.name) == made
    assert made.data.decode() in (text, f"AI生成\n{text}")


def test_a_later_part_of_a_stream_carries_no_sentence(store):
    made = make(sentence=None)
    store.put_all(made.files())
    assert made.data == "你好".encode()
    assert LabelledText.read(store, made.name).explicit is None


def test_the_envelope_wraps_the_seven_fields_and_stays_a_label_itself(store):
    made = make()
    envelope = made.files()[made.name + ".aigc.json"]
    assert Label.read(envelope) == LABEL
    assert list(json.loads(envelope)) == ["AIGC", "object", "explicit"]
    assert json.loads(envelope)["explicit"] == {
        "text": "AI生成",
        "place": "start",
        "start": 0,
        "end": 4,
    }


@pytest.mark.parametrize("missing", ["", ".aigc.json"])
def test_half_of_it_is_nothing(store, missing):
    made = make()
    files = made.files()
    del files[made.name + missing]
    store.put_all(files)
    assert LabelledText.read(store, made.name) is None


def _object(envelope, **over):
    return {**envelope, "object": {**envelope["object"], **over}}


def _explicit(envelope, **over):
    return {**envelope, "explicit": {**envelope["explicit"], **over}}


@pytest.mark.parametrize(
    "tamper",
    [
        lambda e: _object(e, sha256="0" * 64),
        lambda e: _object(e, name="other"),
        lambda e: _object(e, size_bytes=1),
        lambda e: {k: e[k] for k in ("AIGC", "explicit")},
        lambda e: _explicit(e, text="本内容由AI生成"),
        lambda e: _explicit(e, text=5),
        lambda e: _explicit(e, text="你好"),
        lambda e: _explicit(e, start=1),
        lambda e: _explicit(e, end="4"),
        lambda e: _explicit(e, place="end"),
        lambda e: {**e, "explicit": "AI生成"},
        lambda e: {**e, "AIGC": {**e["AIGC"], "Label": 1}},
        lambda e: {**e, "AIGC": None},
        lambda e: [e],
    ],
)
def test_a_tampered_envelope_is_none(store, tamper):
    made = make()
    files = made.files()
    name = made.name + ".aigc.json"
    files[name] = json.dumps(tamper(json.loads(files[name]))).encode()
    store.put_all(files)
    with pytest.raises(LabelError):
        LabelledText.read(store, made.name)


def test_a_changed_text_is_noticed(store, tmp_path):
    made = make()
    store.put_all(made.files())
    (tmp_path / made.name).write_text("你好")
    with pytest.raises(LabelError):
        LabelledText.read(store, made.name)
