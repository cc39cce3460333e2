"""Patterns: regular expressions of a library, by an engine whose time is linear in the text (RE2).

Look-around and back-references do not exist there, which is the price of no text being able to stop the chain.
Patterns meet the text folded and in simplified characters, so they are written in small letters.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

import re2

MEMORY_MAX_BYTES: Final = 8 << 20
"""For one pattern; a greater one is refused."""
FOUND_MAX: Final = 1000
"""Occurrences of one pattern told of one text."""


@lru_cache(maxsize=1)
def _options() -> Any:
    options = re2.Options()
    options.max_mem = MEMORY_MAX_BYTES
    options.log_errors = False
    options.case_sensitive = False
    return options


def fault_in(pattern: str) -> str | None:
    """What is wrong with a pattern; None if it can be used."""
    try:
        compiled = re2.compile(pattern, _options())
    except re2.error as error:
        words = error.args[0] if error.args else "not understood"
        return words.decode(errors="replace") if isinstance(words, bytes) else str(words)
    if compiled.search("") is not None:
        return "it matches the empty text, so it matches every text"
    return None


class Patterns:
    """Many patterns, searched at once."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = [re2.compile(pattern, _options()) for pattern in patterns]
        self._set = re2.Set.SearchSet(_options())
        for pattern in patterns:
            self._set.Add(pattern)
        if patterns:
            self._set.Compile()

    def scan(self, text: str) -> Iterator[tuple[int, int, int]]:
        """(pattern by its number, start, end), not empty."""
        if not self._patterns or not text:
            return
        for number in sorted(self._set.Match(text) or ()):
            for count, match in enumerate(self._patterns[number].finditer(text)):
                if count >= FOUND_MAX:
                    break
                start, end = match.span()
                if end > start:
                    yield number, start, end
