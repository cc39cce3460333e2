"""How many evasions are seen through, and how many harmless sentences are not left alone, at one setting.

``synthgate bench evasions`` prints the table.
"""

import pytest

from synthgate.bench import evasions
from synthgate.bench.evasions import ENTRIES, OVER_REFUSAL_MAX, gather, over_refusal
from synthgate.bench.made_up import PAIRS, TECHNIQUES
from synthgate.library.library import Library

EACH = 300
CORPUS = gather()


@pytest.fixture(scope="module")
def library() -> Library:
    return Library.build(1, [*CORPUS.rows, *CORPUS.allowances])


def recall(library: Library, *names: str) -> float:
    found = evasions.recall(library, CORPUS.rows, names, EACH)
    assert found is not None
    print(f"\nrecall  {'+'.join(names):24} {found:7.1%}  of {EACH}")
    return found


def test_the_library_has_entries_of_all_31_risks_and_sentences_hold_some() -> None:
    assert len(CORPUS.rows) == ENTRIES == len({row.value for row in CORPUS.rows})
    assert len({row.risk for row in CORPUS.rows}) == 31
    assert (len(CORPUS.sentences), len(set(CORPUS.sentences))) == (2_000, 2_000)
    values = [row.value for row in CORPUS.rows[-300:]]
    assert len(CORPUS.holding) == 300
    assert all(value in text for value, text in zip(values, CORPUS.holding, strict=True))


@pytest.mark.parametrize("name", TECHNIQUES)
def test_one_technique(library: Library, name: str) -> None:
    assert recall(library, name) >= 0.95


@pytest.mark.parametrize("names", PAIRS, ids="+".join)
def test_two_techniques_at_once(library: Library, names: tuple[str, str]) -> None:
    assert recall(library, *names) >= 0.9


def test_two_characters_are_seen_through_but_not_heard() -> None:
    """What ADR 0010 leaves out and REVIEWERS.md names: whoever lifts it says so there."""
    found = evasions.recall_of_two(CORPUS, EACH)
    print(f"\nrecall of entries of two ideographs  {found}")
    assert {name for name, share in found.items() if share is None} == {"leet", "wide"}
    heard = {name: share for name, share in found.items() if share is not None}
    by_sound = heard.pop("homophone"), heard.pop("pinyin")
    assert max(by_sound) <= 0.02, "it is heard: ADR 0010 and REVIEWERS.md say it is not"
    assert min(heard.values()) >= 0.8
    assert all(len(row.value) > 2 for row in CORPUS.rows), "they are in the other figures too"


def test_harmless_sentences_are_left_alone(library: Library) -> None:
    """2,000 sentences of public text, 300 of them with an entry inside, 60 of which nobody allowed."""
    found = over_refusal(library, CORPUS)
    accidents = found["refused_accidents"]
    print(f"\nover-refusal {found['over_refusal']:.1%}; of the 1,700 without an entry {accidents}")
    assert found["refused_holding"] == 60
    assert found["refused_allowed"] <= 240 * 0.02  # for another word in them
    assert found["refused"] == 60 + found["refused_allowed"] + accidents
    assert found["over_refusal"] <= OVER_REFUSAL_MAX
    assert accidents <= 1_700 * 0.02
    bare = over_refusal(Library.build(1, CORPUS.rows), CORPUS)
    assert bare["refused"] >= 300  # the allowances make the difference
