"""The produce id: the same record the same number, different records never, nothing to read off it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgate.effects.label import Label
from synthgate.effects.produce_id import produce_id
from synthgate.events.origin import Origin

ROOT = Origin(1, "generation.events", 3, 17)
ACT = (ROOT, "acme", "app", "e-1")


def test_it_is_fixed_for_ever():
    assert produce_id(*ACT) == "SG1-H7GP56AAVSQMCIZLLFRD6VHOAAQ5YHUA"


@pytest.mark.parametrize(
    "other",
    [
        (ROOT._replace(epoch=2), "acme", "app", "e-1"),
        (ROOT._replace(topic="operator.events"), "acme", "app", "e-1"),
        (ROOT._replace(partition=4), "acme", "app", "e-1"),
        (ROOT._replace(offset=18), "acme", "app", "e-1"),
        (ROOT, "acm", "eapp", "e-1"),
        (ROOT, "acme", "app2", "e-1"),
        (ROOT, "acme", "app", "e-2"),
        (ROOT, "acme", 'app","e-1', ""),
    ],
)
def test_every_part_counts(other):
    assert produce_id(*other) != produce_id(*ACT)


NAME = st.text(max_size=20)


@given(st.integers(0, 2**31), st.integers(0, 2**40), NAME, NAME, NAME)
def test_it_always_fits_annex_e_and_hides_its_parts(partition, offset, tenant, source, event_id):
    number = produce_id(ROOT._replace(partition=partition, offset=offset), tenant, source, event_id)
    assert re.fullmatch(r"SG1-[A-Z2-7]{32}", number)
    assert Label.first("x", number).faults() == ()
    if len(event_id) > 8:
        assert event_id not in number
