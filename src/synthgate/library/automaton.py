"""Every occurrence of many words, in one pass (Aho-Corasick), by the quickest engine there is.

daachorse, a compact double array, searches several times as quickly as ahocorasick_rs, but is not made for
every machine; without it ahocorasick_rs finds the same, in the same order (ADR 0034).
"""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any, Final

from ahocorasick_rs import AhoCorasick, BytesAhoCorasick, Implementation, MatchKind

QUICK: Final = find_spec("daachorse") is not None
_SMALL: Final = 1 << 17
"""Bytes or characters of all words: up to here the quickest automaton of ahocorasick_rs is small enough."""

Search = Callable[[Any], list[tuple[int, int, int]]]
"""(start, end, number of the word) of every occurrence, by end; of one end the longest first."""


def of_bytes(words: Sequence[bytes], *, quick: bool = QUICK) -> Search:
    """Built once; other threads run meanwhile. quick: by daachorse."""
    if not quick:
        return _slower(BytesAhoCorasick, words)
    from daachorse import MATCH_KIND_STANDARD, DoubleArrayAhoCorasick

    search: Search = DoubleArrayAhoCorasick(list(words), MATCH_KIND_STANDARD).find_overlapping
    return search


def of_text(words: Sequence[str], *, quick: bool = QUICK) -> Search:
    """The same in characters; neither words nor texts hold surrogates."""
    if not quick:
        return _slower(AhoCorasick, words)
    from daachorse import MATCH_KIND_STANDARD, CharwiseDoubleArrayAhoCorasick

    search: Search = CharwiseDoubleArrayAhoCorasick(
        list(words), MATCH_KIND_STANDARD
    ).find_overlapping
    return search


def _slower(kind: Any, words: Sequence[bytes] | Sequence[str]) -> Search:
    small = sum(map(len, words)) < _SMALL
    built = kind(
        words,
        matchkind=MatchKind.Standard,
        implementation=Implementation.DFA if small else Implementation.ContiguousNFA,
    )

    def search(data: bytes | str) -> list[tuple[int, int, int]]:
        return [
            (start, end, word)
            for word, start, end in built.find_matches_as_indexes(data, overlapping=True)
        ]

    return search
