"""The seven fields: order, strings, characters, one label, both spellings."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgate.effects.label import FIELDS, Label, LabelError

CODE = "001191110000600037341L10001"
GOOD = (
    '{"Label":"1","ContentProducer":"001191110000600037341L10001","ProduceID":"P-1","ReservedCode1":"",'
    '"ContentPropagator":"001191110000600037341L10001","PropagateID":"P-1","ReservedCode2":""}'
)


def test_a_first_write_is_the_standards_own_example():
    label = Label.first(CODE, "P-1")
    assert label.bare().decode() == GOOD
    assert label.wrapped().decode() == '{"AIGC":' + GOOD + "}"
    assert label.faults() == ()
    assert label.is_first_write()


@pytest.mark.parametrize("text", [GOOD, '{"AIGC":' + GOOD + "}", '{"x":1,"AIGC":' + GOOD + "}"])
def test_bare_and_wrapped_are_both_read(text):
    assert Label.read(text.encode()) == Label.first(CODE, "P-1")


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "null", "{}", '"AIGC"', '{"AIGC":null}', "\ufeff" + GOOD, "[" * 5000, "{" + " " * 9000 + "}",
        GOOD.replace('"1"', "1"), GOOD.replace('"P-1"', "null"), GOOD.replace('"ProduceID":"P-1",', ""),
        GOOD.replace("ProduceID", "ProduceId"), GOOD[:-1] + ',"Label":"1"}', GOOD[:-1] + ',"Timestamp":"1"}',
        GOOD.replace('"P-1"', '{"a":"b"}'), '{"AIGC":' + GOOD + ',"AIGC":' + GOOD + "}",
        GOOD.replace("P-1", "P" * 1025), GOOD.encode().decode("latin1") + "x",
    ],
)  # fmt: skip
def test_what_is_no_label_is_refused(text):
    with pytest.raises(LabelError):
        Label.read(text.encode())


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", ["a b", '"', "\\", "某公司", "\x00", "\x7f", "\n", "é", "\u202e"])
def test_characters_outside_annex_e_are_faults(field, value):
    row = Label.first(CODE, "P-1").row() | {field: value}
    assert Label.of(row).faults() == (field,)


@pytest.mark.parametrize("field", FIELDS)
def test_empty_is_allowed_for_the_reserved_codes_alone(field):
    faults = Label.of(Label.first(CODE, "P-1").row() | {field: ""}).faults()
    assert faults == (() if field.startswith("Reserved") else (field,))


@pytest.mark.parametrize("value", ["0", "4", "11", "AIGC", "true"])
def test_label_values_are_one_to_three(value):
    assert Label.of(Label.first(CODE, "P-1").row() | {"Label": value}).faults() == ("Label",)


@pytest.mark.parametrize("field", ["ContentPropagator", "PropagateID"])
def test_a_first_write_has_equal_producer_and_propagator(field):
    assert not Label.of(Label.first(CODE, "P-1").row() | {field: "other"}).is_first_write()


@given(st.lists(st.text(max_size=20), min_size=7, max_size=7))
def test_what_is_written_is_read_back_and_faults_follow_the_annex(values):
    label = Label(*values)
    assert Label.read(label.bare()) == label
    assert Label.read(label.wrapped()) == label
    assert list(json.loads(label.bare())) == list(FIELDS)
    permitted = re.compile(r"^[\x21\x23-\x5B\x5D-\x7E]*\Z")
    for name, value in label.row().items():
        if not permitted.match(value):
            assert name in label.faults()


@given(st.binary(max_size=300))
def test_any_bytes_are_a_label_or_a_label_error(data):
    with pytest.raises(LabelError):
        Label.read(data)
