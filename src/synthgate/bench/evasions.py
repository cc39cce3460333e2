"""``synthgate bench evasions``: evasions seen through, and harmless text refused, at one and the same setting.

The library has 10,000 entries over all 31 risks: 9,700 made up, 300 pieces that chance took out of sentences of
public text, so that there are harmless sentences that hold an entry. Of these 300 somebody allowed four in
five, as ``synthgate library lint --harmless`` proposes; the others are refused, wrongly.

Entries of two ideographs have figures of their own, by the same techniques, in this library with them added:
they are not heard by their sound (ADR 0010), and the other figures know nothing of them.
"""

import random
import re
from collections import Counter
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, NamedTuple

from synthgate.bench.made_up import PAIRS, TECHNIQUES, entries, evasions, of_two, row
from synthgate.events.facts import FeatureRow
from synthgate.law.policy import RISKS
from synthgate.library.library import Library

ENTRIES: Final = 10_000
TAKEN: Final = 300
"""Sentences that hold an entry, and entries they hold."""
ALLOWED: Final = 240
"""Of these: sentences whose words somebody allowed."""
EACH: Final = 300
QUICK_EACH: Final = 60
"""Evasions by each technique and each pair."""
OVER_REFUSAL_MAX: Final = 0.05
_RUN: Final = re.compile("[\u4e00-\u9fff]{6,}")


class Corpus(NamedTuple):
    """Harmless sentences, and the library they are held against.

    holding: sentences with an entry in them, as it stands. allowed: how many of them an allowance covers.
    """

    rows: list[FeatureRow]
    allowances: list[FeatureRow]
    sentences: list[str]
    holding: list[str]


def measure(*, quick: bool, folder: Path | None = None) -> dict[str, Any]:
    """Everything that was found, ready for JSON. ``folder``: not used, nothing is written."""
    corpus = gather()
    library = Library.build(1, [*corpus.rows, *corpus.allowances])
    each = QUICK_EACH if quick else EACH
    return {
        "bench": "evasions",
        "quick": quick,
        "entries": len(corpus.rows),
        "risks": len({entry.risk for entry in corpus.rows}),
        "each": each,
        "recall": {
            "+".join(names): recall(library, corpus.rows, names, each)
            for names in (*((name,) for name in TECHNIQUES), *PAIRS)
        },
        "recall_of_two": recall_of_two(corpus, each),
        **over_refusal(library, corpus),
        "over_refusal_aim": OVER_REFUSAL_MAX,
    }


def recall(
    library: Library, rows: list[FeatureRow], names: tuple[str, ...], each: int
) -> float | None:
    """The share of evasions in which the entry they hide is found; None: fewer than ``each`` can be made."""
    cases = list(evasions(rows, names, each))
    if len(cases) < each:
        return None
    found = sum(
        any(hit.entry == entry.entry for hit in library.search(text)) for entry, text in cases
    )
    return found / each


def recall_of_two(corpus: Corpus, each: int) -> dict[str, float | None]:
    """The same for entries of two ideographs, by technique."""
    rows = of_two()
    library = Library.build(1, [*corpus.rows, *corpus.allowances, *rows])
    return {name: recall(library, rows, (name,), each) for name in TECHNIQUES}


def over_refusal(library: Library, corpus: Corpus) -> dict[str, Any]:
    """Sentences in which something is found: in all, and by what the corpus was made to hold.

    refused_allowed, refused_holding: of those that hold an entry, with an allowance for it and without one. The
    others are told by how they were found: what is left are accidents.
    """
    holding = set(corpus.holding)
    allowed = set(corpus.holding[: len(corpus.allowances)])
    refused = [text for text in corpus.sentences if library.search(text)]
    accidents = Counter(
        hit.normalisation
        for text in refused
        if text not in holding
        for hit in library.search(text)[:1]
    )
    return {
        "sentences": len(corpus.sentences),
        "holding": len(corpus.holding),
        "allowed": len(corpus.allowances),
        "refused": len(refused),
        "refused_allowed": sum(text in allowed for text in refused),
        "refused_holding": sum(text in holding and text not in allowed for text in refused),
        "refused_accidents": sum(accidents.values()),
        "over_refusal": len(refused) / len(corpus.sentences),
        "accidents": dict(accidents),
    }


def gather() -> Corpus:
    """The sentences and the library, the same every time."""
    chance = random.Random(20_261_126)
    sentences = harmless()
    rows = entries(ENTRIES - TAKEN)
    allowances: list[FeatureRow] = []
    holding: list[str] = []
    for text in chance.sample(sentences, len(sentences)):
        taken = _word(text, sentences, chance)
        if taken is None:
            continue
        value, around = taken
        risk = RISKS[len(rows) % len(RISKS)]
        rows.append(row(f"taken-{len(holding):03}", value, risk=risk))
        if len(holding) < ALLOWED:
            allowances.append(row(f"allow-{len(holding):03}", around, "allow"))
        holding.append(text)
        if len(holding) == TAKEN:
            break
    return Corpus(rows, allowances, sentences, holding)


def harmless() -> list[str]:
    """Sentences of public text."""
    text = (files("synthgate.bench") / "harmless_zh.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if not line.startswith("#")]


def _word(text: str, sentences: list[str], chance: random.Random) -> tuple[str, str] | None:
    """Four or five ideographs of a sentence that stand in no other, and these with one more on each side."""
    runs = _RUN.findall(text)
    if not runs:
        return None
    run = chance.choice(runs)
    length = chance.choice((4, 5))
    if len(run) < length + 2:
        return None
    at = chance.randrange(1, len(run) - length)
    value = run[at : at + length]
    if sum(value in other for other in sentences) > 1:
        return None
    return value, run[at - 1 : at + length + 1]
