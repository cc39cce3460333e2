"""What holds for every carrier: one label in, the same label out, and nothing else changed."""

import contextlib
import time

import pytest

from effects.carriers.builders import GOOD, LABEL, OTHER, Good, of_every_carrier
from synthgate.effects.carriers import catalogue
from synthgate.effects.carriers.carrier import CarrierError
from synthgate.effects.label import Label

ONE_EACH = list(of_every_carrier())
each_good = pytest.mark.parametrize("good", GOOD, ids=lambda good: good.name)
one_each = pytest.mark.parametrize("good", ONE_EACH, ids=lambda good: good.carrier.name)


def test_every_carrier_has_a_good_file():
    assert {good.carrier.name for good in GOOD} == {one.name for one in catalogue.CARRIERS}
    assert len({one.name for one in catalogue.CARRIERS}) == len(catalogue.CARRIERS)


@each_good
def test_the_name_belongs_to_the_format(good: Good):
    assert good.name.endswith(good.carrier.suffixes)


@each_good
def test_a_good_file_has_no_label_and_no_faults(good: Good):
    reading = good.carrier.read(good.data)
    assert (reading.places, reading.faults) == ((), ())


@each_good
def test_written_once_read_once(good: Good):
    made = good.carrier.write(good.data, LABEL)
    assert catalogue.of(made, good.name) is good.carrier
    reading = good.carrier.read(made)
    assert reading.labels == (LABEL,)
    assert reading.places[0].where.startswith(good.carrier.place)
    for foreign in good.foreign:
        assert foreign in made


@each_good
def test_written_again_it_is_replaced(good: Good):
    first = good.carrier.write(good.data, LABEL)
    second = good.carrier.write(first, OTHER)
    assert good.carrier.read(second).labels == (OTHER,)
    assert b"P-2." in second or good.carrier.name in ("docx", "xlsx", "pptx")
    third = good.carrier.write(second, LABEL)
    assert b"P-2." not in third
    if good.carrier.name != "pdf":  # a PDF keeps its history
        assert third == first
        assert good.carrier.write(first, LABEL) == first
    for foreign in good.foreign:
        assert foreign in third


@each_good
def test_wrapped_and_bare_are_both_read(good: Good):
    for wrapped in (True, False):
        made = good.carrier.write(good.data, LABEL, wrapped=wrapped)
        assert good.carrier.read(made).labels == (LABEL,)
        if good.carrier.name not in ("markdown", "docx", "xlsx", "pptx"):
            assert (b"{&quot;AIGC&quot;" in made or b'{"AIGC"' in made) == wrapped


@one_each
def test_a_label_that_breaks_the_annex_is_not_written(good: Good):
    for bad in (Label.first("某公司", "P-1"), Label.first("", "P-1"), Label.first("a b", "P-1")):
        with pytest.raises(CarrierError, match="Annex E"):
            good.carrier.write(good.data, bad)


@one_each
def test_cut_anywhere_it_is_never_without_a_label_and_never_labelled_wrongly(good: Good):
    labelled = good.carrier.write(good.data, LABEL)
    step = max(1, len(labelled) // 120)
    for length in range(0, len(labelled), step):
        cut = labelled[:length]
        reading = good.carrier.read(cut)
        if good.carrier.name in ("mp3", "markdown"):
            continue  # neither says how long it is
        if cut.rstrip() == good.data.rstrip():
            continue  # a PDF begins with what it was before
        assert reading.faults or reading.labels == (LABEL,), length
        if reading.faults:
            with pytest.raises(CarrierError):
                good.carrier.write(cut, LABEL)


@one_each
def test_random_bytes_never_raise_anything_else(good: Good):
    labelled = bytearray(good.carrier.write(good.data, LABEL))
    for at in range(0, len(labelled), max(1, len(labelled) // 200)):
        damaged = bytes(labelled[:at]) + bytes([labelled[at] ^ 0x5A]) + bytes(labelled[at + 1 :])
        with contextlib.suppress(CarrierError):
            good.carrier.parse(damaged)


@one_each
def test_what_stands_behind_the_end_is_named(good: Good):
    for tail in (b"PK\x03\x04 and more", b'{"AIGC":{}}'):
        reading = good.carrier.read(good.data + tail)
        if good.carrier.name in ("mp3", "flac", "markdown"):
            continue  # their sound or text has no end of its own
        assert reading.faults or any("after the end" in note for note in reading.notes)
        assert b"AIGC" not in tail or reading.faults


@one_each
def test_no_file_costs_more_than_a_second(good: Good):
    hostile = [
        good.data[: len(good.data) // 2] + bytes(1 << 20),
        good.data[:64] + b"\xff" * (1 << 20),
        good.data[:64] + good.data[64:] * (1 + (1 << 20) // len(good.data)),
        good.data[:16] + b" " * (1 << 20),
    ]
    for data in hostile:
        begun = time.process_time()
        good.carrier.read(data)
        assert time.process_time() - begun < 1
