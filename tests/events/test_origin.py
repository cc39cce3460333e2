"""An origin reads back as it was written, and nothing else is read as one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgate.events.origin import Origin
from synthgate.events.topics import SOURCES

NUMBER = st.integers(0, 2**63 - 1)


@given(NUMBER, st.sampled_from(SOURCES), NUMBER, NUMBER)
def test_round_trip(epoch: int, topic: str, partition: int, offset: int) -> None:
    origin = Origin(epoch, topic, partition, offset)
    assert Origin.parse(str(origin)) == origin


def test_text_form() -> None:
    assert str(Origin(1, "generation.events", 3, 17)) == "1/generation.events/3/17"


@pytest.mark.parametrize(
    "text",
    ["", "1/generation.events/3", "1/t/3/17/9", "x/t/3/17", "1//3/17", "1/t/-3/17", "1/t/3/"],
)
def test_anything_else_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="an origin is epoch/topic/partition/offset"):
        Origin.parse(text)


@given(st.text(max_size=40))
def test_parse_is_total_and_exact(text: str) -> None:
    try:
        origin = Origin.parse(text)
    except ValueError:
        return
    assert Origin.parse(str(origin)) == origin
