from hypothesis import given
from hypothesis import strategies as st

from synthgate.ledger.known import OriginIndex

SOURCE = (1, "generation.events")
OFFSETS = st.integers(0, 3 * 4_096)


@given(st.dictionaries(OFFSETS, st.integers(0, 2**62)), OFFSETS, OFFSETS)
def test_origin_index_is_a_sparse_array(values: dict[int, int], start: int, end: int) -> None:
    index = OriginIndex()
    for offset, value in values.items():
        index.put(SOURCE, offset, value)
    assert {n: v for n in range(3 * 4_096 + 1) if (v := index.get(SOURCE, n)) is not None} == values
    assert list(index.missing(SOURCE, start, end)) == [
        n for n in range(start, end) if n not in values
    ]
    assert index.get((2, "generation.events"), start) is None


def test_far_offsets_cost_one_page() -> None:
    index = OriginIndex()
    index.put(SOURCE, 10**15, 7)
    assert index.get(SOURCE, 10**15) == 7
    assert next(index.missing(SOURCE, 10**15, 10**15 + 9)) == 10**15 + 1
    assert sum(len(page) for page in index.pages[SOURCE].values()) == 4_096
