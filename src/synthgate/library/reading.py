"""A text as it is searched: folded, in simplified characters, with the way back."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from synthgate.library.folding import Folded, fold, folding_table
from synthgate.library.letters import HAN, simplify, traditional

_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
_LATIN: Final = re.compile("[a-z0-9]")
_REPLACED_ONE_BY_ONE_MAX: Final = 16


@dataclass(frozen=True, slots=True)
class Reading:
    """text: what is searched; folded: where it stood. latin: ASCII letters or digits stand in it."""

    text: str
    folded: Folded | None
    latin: bool

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where ``start:end`` (not empty) of the reading stands in the original."""
        return (start, end) if self.folded is None else self.folded.span(start, end)


@lru_cache(maxsize=1)
def _quick() -> tuple[re.Pattern[str], dict[str, str]]:
    """A class of all that needs a look; what folds to one character, and to which."""
    closer, folds = folding_table()
    hard = re.compile(f"[{closer}]")
    table = {old: simplify(new) for old, new in folds.items()}
    table |= {
        old: new
        for old, new in traditional().items()
        if old not in folds and hard.match(old) is None
    }
    return re.compile(f"[{closer}{''.join(map(re.escape, table))}]"), table


def read(text: str) -> Reading:
    """A text of any content, in linear time."""
    if text.isascii() and _CONTROL.search(text) is None:
        return Reading(text.lower(), None, latin=True)
    if len(text.encode("utf-16-le", "surrogatepass")) != 2 * len(text):
        return _slowly(text)  # beyond the BMP, where a class of characters is slow
    special, table = _quick()
    found = set(special.findall(text))
    if not found <= table.keys():
        return _slowly(text)
    if len(found) > _REPLACED_ONE_BY_ONE_MAX:
        text = text.translate({ord(char): table[char] for char in found})
    else:
        for char in found:
            text = text.replace(char, table[char])
    text = text.casefold()
    return Reading(text, None, _LATIN.search(text) is not None)


def _slowly(text: str) -> Reading:
    folded = fold(text)
    return Reading(simplify(folded.text), folded, latin=True)


@lru_cache(maxsize=1)
def _plain() -> re.Pattern[str]:
    """Of ideographs that read as themselves alone."""
    return re.compile(f"(?:(?![{''.join(traditional())}])[{HAN}])*")


def normal(value: str) -> str:
    """An entry's value as it is searched for."""
    return value if _plain().fullmatch(value) else read(value).text
