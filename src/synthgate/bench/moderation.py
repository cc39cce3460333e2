"""``synthgate bench moderation``: the whole text path beside bare matching of the same keywords.

Round by round every searcher reads the same texts, so that all meet the machine in the same moods. Time is this
thread's CPU time. Other searchers are measured if they are installed: ``./deploy/setup peers`` does.
"""

import asyncio
import importlib
import random
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from synthgate.bench import picture_bank
from synthgate.bench.place import place
from synthgate.events.facts import FeatureRow
from synthgate.library.library import Library
from synthgate.runtime.memory import collect_seldom

KEYWORDS: Final = 100_000
QUICK_KEYWORDS: Final = 20_000
CHARACTERS: Final = 500
MARKS: Final = 30
"""Of these characters, so many are punctuation."""
TEXTS: Final = 400
ROUNDS: Final = 5
QUICK_ROUNDS: Final = 2
RATIO_MAX: Final = 2.5
TEXTS_PER_SECOND_MIN: Final = 6_000
BUILD_SECONDS_MAX: Final = 2.0

Search = Callable[[str], object]


def measure(*, quick: bool, folder: Path | None = None) -> dict[str, Any]:
    """Everything that was found, ready for JSON. ``folder``: not used, nothing is written."""
    collect_seldom()  # as a worker does
    chance = random.Random(20_261_126)
    keywords = _keywords(chance, QUICK_KEYWORDS if quick else KEYWORDS)
    texts = [_text(chance) for _ in range(TEXTS)]
    rows = [_row(at, keyword) for at, keyword in enumerate(keywords)]
    begun = time.thread_time()
    library = Library.build(1, rows)
    build_seconds = time.thread_time() - begun
    searches: dict[str, Search] = {"ours": library.search, "bare": _bare(keywords)}
    others = {"pyahocorasick": _pyahocorasick, "flashtext": _flashtext}
    for name, make in others.items():
        made = make(keywords)
        if made is not None:
            searches[name] = made
    costs = _costs(searches, texts, QUICK_ROUNDS if quick else ROUNDS)
    ours, bare = costs["ours"], costs["bare"]
    return {
        "bench": "moderation",
        "quick": quick,
        **place(),
        "keywords": len(keywords),
        "characters": CHARACTERS,
        "texts": len(texts),
        "hits_per_text": round(sum(len(library.search(text)) for text in texts) / len(texts), 2),
        "us_per_text": {name: round(cost, 1) for name, cost in costs.items()},
        "not_installed": [name for name in others if name not in searches],
        "ratio": round(ours / bare, 2),
        "ratio_aim": RATIO_MAX,
        "texts_per_second": round(1e6 / ours),
        "texts_per_second_aim": TEXTS_PER_SECOND_MIN,
        "build_cpu_seconds": round(build_seconds, 2),
        "build_aim": BUILD_SECONDS_MAX,
        **asyncio.run(_while_building(rows, library, texts)),
        "pictures": picture_bank.measure(quick=quick),
    }


def _keywords(chance: random.Random, count: int) -> list[str]:
    """Distinct words of two to six common characters."""
    common = _characters()
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(chance.choices(common, k=chance.choice((2, 3, 3, 4, 4, 4, 5, 6))))] = None
    return list(found)


def _characters() -> list[str]:
    """The 3,755 characters of GB 2312, level 1: what everyday text is written in."""
    raw = (bytes((high, low)) for high in range(0xB0, 0xD8) for low in range(0xA1, 0xFF))
    return [char for one in raw if (char := one.decode("gb2312", "ignore"))]


def _text(chance: random.Random) -> str:
    """Some characters much more often than others, as in any text, and punctuation."""
    common = _characters()
    random.Random(3).shuffle(common)
    weights = [1 / (at + 20) for at in range(len(common))]
    text = chance.choices(common, weights, k=CHARACTERS - MARKS)
    for _ in range(MARKS):
        text.insert(chance.randrange(len(text)), chance.choice("，。、！"))
    return "".join(text)


def _row(at: int, keyword: str) -> FeatureRow:
    return FeatureRow(
        version=1, entry=f"bench-{at}", kind="keyword", value=keyword, risk="A.1h", severity=80,
        from_version=1, criteria="bench", proposed_by="one", approved_by="two",
    )  # fmt: skip


def _bare(keywords: Sequence[str]) -> Search:
    """Every occurrence of every keyword as it is; no disguise, no entry, no allowance."""
    search = AhoCorasick(
        keywords,
        matchkind=MatchKind.Standard,
        store_patterns=False,
        implementation=Implementation.ContiguousNFA,
    )
    return lambda text: search.find_matches_as_indexes(text, overlapping=True)


def _pyahocorasick(keywords: Sequence[str]) -> Search | None:
    module = _installed("ahocorasick")
    if module is None:
        return None
    automaton = module.Automaton()
    for keyword in keywords:
        automaton.add_word(keyword, keyword)
    automaton.make_automaton()
    return lambda text: list(automaton.iter(text))


def _flashtext(keywords: Sequence[str]) -> Search | None:
    module = _installed("flashtext")
    if module is None:
        return None
    processor = module.KeywordProcessor()
    for keyword in keywords:
        processor.add_keyword(keyword)
    search: Search = processor.extract_keywords
    return search


def _installed(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _costs(searches: dict[str, Search], texts: Sequence[str], rounds: int) -> dict[str, float]:
    """CPU microseconds per text: of each round the mean, of the rounds the median."""
    found: dict[str, list[float]] = {name: [] for name in searches}
    for _ in range(rounds):
        for name, search in searches.items():
            begun = time.thread_time()
            for text in texts:
                search(text)
            found[name].append((time.thread_time() - begun) / len(texts) * 1e6)
    return {name: statistics.median(costs) for name, costs in found.items()}


async def _while_building(
    rows: Sequence[FeatureRow], library: Library, texts: Sequence[str]
) -> dict[str, Any]:
    """How long the stream ever waits for its turn while another version is built beside it."""
    longest = 0.0
    searched = 0
    begun = time.perf_counter()
    building = asyncio.create_task(asyncio.to_thread(Library.build, 1, rows))
    while not building.done():
        at = time.perf_counter()
        library.search(texts[searched % len(texts)])
        await asyncio.sleep(0)
        searched += 1
        longest = max(longest, time.perf_counter() - at)
    seconds = time.perf_counter() - begun
    return {
        "rebuild_beside_seconds": round(seconds, 2),
        "searched_meanwhile": searched,
        "longest_pause_ms": round(longest * 1000, 1),
    }
