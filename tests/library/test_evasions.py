"""How many evasions are seen through, and how many harmless sentences are not left alone, at one setting.

Run with ``-s`` to see the table. The figures of the README are these.
"""

import pytest

from made_up import PAIRS, TECHNIQUES, entries, evasions, harmless, harmless_with_entries, row
from synthgate.library.library import Library

ROWS = entries()
PER_TECHNIQUE = 300
ALLOWED_SHARE = 0.8
"""Of the harmless sentences with an entry in them: those whose words somebody put on the allow-list."""
OVER_REFUSAL_MAX = 0.05


@pytest.fixture(scope="module")
def library() -> Library:
    known = harmless_with_entries(ROWS)
    allowed = known[: int(len(known) * ALLOWED_SHARE)]
    rows = [row(f"allow-{at}", words, "allow") for at, (_, words) in enumerate(allowed)]
    return Library.build(1, [*ROWS, *rows])


def recall(library: Library, names: tuple[str, ...]) -> float:
    cases = list(evasions(ROWS, names, PER_TECHNIQUE))
    assert len(cases) == PER_TECHNIQUE
    found = sum(
        any(hit.entry == entry.entry for hit in library.search(text)) for entry, text in cases
    )
    return found / PER_TECHNIQUE


def test_all_31_risks_are_in_the_made_up_library() -> None:
    assert len(ROWS) == 10_000
    assert len({entry.risk for entry in ROWS}) == 31


@pytest.mark.parametrize("name", TECHNIQUES)
def test_one_technique(library: Library, name: str) -> None:
    found = recall(library, (name,))
    print(f"\nrecall  {name:24} {found:7.1%}  of {PER_TECHNIQUE}")
    assert found >= 0.95


@pytest.mark.parametrize("names", PAIRS, ids="+".join)
def test_two_techniques_at_once(library: Library, names: tuple[str, str]) -> None:
    found = recall(library, names)
    print(f"\nrecall  {'+'.join(names):24} {found:7.1%}  of {PER_TECHNIQUE}")
    assert found >= 0.9


def test_harmless_sentences_are_left_alone(library: Library) -> None:
    """2,000 sentences, 300 of them with an entry inside, 60 of which nobody allowed."""
    plain = harmless(1_700)
    inside = [text for text, _ in harmless_with_entries(ROWS)]
    refused = [text for text in [*plain, *inside] if library.search(text)]
    accidents = [text for text in plain if library.search(text)]
    share = len(refused) / 2_000
    print(f"\nover-refusal {share:.1%} of 2,000; of the 1,700 without an entry {len(accidents)}")
    assert share <= OVER_REFUSAL_MAX
    assert len(accidents) <= 17
