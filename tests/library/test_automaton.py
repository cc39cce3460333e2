"""Both engines find every occurrence, the same and in the same order; none of it twice or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgate.library.automaton import of_bytes, of_text

PIECES = st.lists(st.sampled_from([b"a", b"b", b"ab", b"\0", b"\xff\xd8"]), min_size=1, max_size=4)
WORDS = st.lists(PIECES.map(b"".join), max_size=8)
TEXTS = st.lists(st.sampled_from([b"a", b"b", b"\0", b"\xff", b"\xd8"]), max_size=24).map(b"".join)


def counted(words: list[bytes], text: bytes) -> list[tuple[int, int, int]]:
    """By looking at every place: by end, of one end the longest first."""
    found = [
        (at, at + len(word), number)
        for number, word in enumerate(words)
        for at in range(len(text))
        if text.startswith(word, at)
    ]
    return sorted(found, key=lambda one: (one[1], one[0], one[2]))


@pytest.mark.parametrize("quick", [True, False])
@given(WORDS, TEXTS)
def test_every_occurrence_is_found_whichever_engine_is_there(
    quick: bool, words: list[bytes], text: bytes
) -> None:
    wanted = counted(words, text)
    assert of_bytes(words, quick=quick)(text) == wanted
    # As many characters as bytes, of one, two and three bytes of UTF-8.
    told = [word.decode("latin-1").replace("b", "中") for word in words]
    assert of_text(told, quick=quick)(text.decode("latin-1").replace("b", "中")) == wanted
