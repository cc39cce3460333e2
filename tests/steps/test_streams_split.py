"""However a text is cut into parts, what the library finds in the whole is never wholly shown.

Over moderation's step, with an app that shows a part only after its release. Entries and disguises are drawn by
chance from the generator of ``synthgate bench evasions``.
"""

import asyncio
from functools import cache

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from acts import BOOK, TIME_MS, Copies, a_template, admitted, control, passage, work
from synthgate.bench.evasions import harmless
from synthgate.bench.made_up import TECHNIQUES, entries, evasions
from synthgate.client import shown_after
from synthgate.library.library import Library
from synthgate.obligations.moderation import decide
from synthgate.steps.moderation import ModerationDuty

ROWS = [row for row in entries(300) if not (row.risk or "").startswith("A.5")]  # quality passes
LIBRARY = Library.build(1, ROWS)
AROUND = harmless()[:200]


@cache
def disguised(name: str) -> list[str]:
    return [text for _, text in evasions(ROWS, (name,), 20)]


@cache
def duty() -> ModerationDuty:
    copies = Copies(
        "moderation", a_template(), *ROWS, control("library", version=1, agreed_by="ops-2")
    )
    return ModerationDuty(copies.registries, copies.fresh)


def released(text: str, shown: str) -> bool:
    content = {"text": text} | ({"shown": shown} if shown else {})
    part = admitted("generation.segment", content, generation={"segment": {"index": 0}})
    gathered = asyncio.run(duty().gather([passage(part)], work()))
    return decide(part, gathered.facts[0], BOOK.at(TIME_MS), TIME_MS).outcome.value == "pass"


def shown_of(parts: list[str]) -> str:
    """What an app has shown when the stream ends, or its first refused part ends it."""
    whole = shown = ""
    for part in parts:
        if not released(part, shown):
            break
        whole += part
        shown = shown_after(shown, part)
    return whole


texts = st.sampled_from(sorted(TECHNIQUES)).flatmap(lambda name: st.sampled_from(disguised(name)))
plain = st.sampled_from([row.value for row in ROWS])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(texts | plain, st.sampled_from(AROUND), st.sampled_from(AROUND), st.data())
def test_what_is_found_in_the_whole_is_never_wholly_shown(
    words: str, before: str, after: str, data: st.DataObject
) -> None:
    whole = before + words + after
    assume(LIBRARY.search(whole))
    cuts = data.draw(st.lists(st.integers(1, len(whole) - 1), max_size=8, unique=True).map(sorted))
    parts = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    shown = shown_of(parts)
    assert whole.startswith(shown)
    assert shown != whole
    assert not LIBRARY.search(shown)


def test_every_cut_in_two_and_every_letter_alone() -> None:
    for row in ROWS[::20]:
        for at in range(1, len(row.value)):
            assert shown_of(["x ", row.value[:at], row.value[at:]]) == "x " + row.value[:at]
        assert shown_of(list(f"x {row.value}!")) == f"x {row.value[:-1]}"
