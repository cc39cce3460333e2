"""Letters that stand for others: traditional characters, same sounds, parts of characters, digits.

Every table is data beside this file or a line here; nothing is guessed while searching. A table changes only
with the package, and a verdict names the package that gave it (``by``): a replay knows which was meant.
"""

import re
import tomllib
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

HAN: Final = "\u3400-\u4dbf\u4e00-\u9fff"
"""Ideographs of the BMP, as the inside of a class."""

CLAUSE_MARKS: Final = ",。、!?:;\n"
"""Marks that end a clause (folded): text goes on behind them, so that words on both sides are two words."""

_PICTURES: Final = (range(0x2600, 0x27C0), range(0x1F300, 0x1FB00))
_OVERLAID: Final = (
    range(0x300, 0x345),
    range(0x346, 0x370),
    range(0x1DC0, 0x1E00),
    range(0x20D0, 0x2100),
)
"""Marks drawn over the character before: struck through, it is read all the same."""
SEPARATORS: Final = frozenset(
    CLAUSE_MARKS
    + " \t*·•●○◎★☆◆◇■□▲△▼▽※~-_./\\|#^+=&'\"`“”‘’()[]{}<>《》〈〉「」『』【】—–−‐―→←↑↓丨丶\ufffd"
).union(chr(code) for codes in (*_PICTURES, *_OVERLAID) for code in codes)
"""Characters put between letters; they carry no sound."""
GAP_MAX: Final = 3
"""Separators in a row that still count as put in between."""

LOOKS: Final = {
    "0": "o", "1": "i", "l": "i", "3": "e", "4": "a", "@": "a", "5": "s", "$": "s", "7": "t", "8": "b",
}  # fmt: skip
"""Digits, signs and letters by the one letter they look like; the stroke of a 1 is an i or an l."""


def _table(name: str) -> dict[str, Any]:
    text = files("synthgate.library").joinpath(name).read_text(encoding="utf-8")
    return tomllib.loads(text)


@lru_cache(maxsize=1)
def traditional() -> dict[str, str]:
    """Traditional character to simplified (OpenCC)."""
    table = _table("traditional.toml")
    return dict(zip(table["traditional"], table["simplified"], strict=True))


@lru_cache(maxsize=1)
def _simplifying() -> tuple[re.Pattern[str], dict[int, str]]:
    table = traditional()
    return re.compile(f"[{''.join(table)}]"), {ord(old): new for old, new in table.items()}


def simplify(text: str) -> str:
    """Every traditional character by its simplified one; positions stay."""
    some, table = _simplifying()
    return text if text.isascii() or some.search(text) is None else text.translate(table)


@lru_cache(maxsize=1)
def syllables() -> dict[str, str]:
    """Han character to its commonest syllable, without tone (pypinyin); like-sounding endings are one."""
    return {char: alike(name) for name, chars in _syllables().items() for char in chars}


def _syllables() -> dict[str, str]:
    table: dict[str, str] = _table("pinyin.toml")["syllables"]
    return table


def alike(syllable: str) -> str:
    """A syllable without what many speakers do not tell apart: zh and z, ing and in, eng and en."""
    first = syllable[0]
    rest = syllable[2:] if first in "zcs" and syllable[1:2] == "h" else syllable[1:]
    if rest.endswith(("ing", "eng")):
        rest = rest[:-1]
    return first + rest


@lru_cache(maxsize=1)
def spelling() -> dict[str, str]:
    """Han character to its syllable as it is typed, for entries that are written in pinyin."""
    return {char: name for name, chars in _syllables().items() for char in chars}


@lru_cache(maxsize=1)
def spoken() -> dict[str, str]:
    """Syllable as it is typed to a character that sounds so, in place of the letters."""
    return {name: chars[0] for name, chars in _syllables().items() if len(name) > 1 or name in "ae"}


@lru_cache(maxsize=1)
def splits() -> dict[str, str]:
    """Parts side by side to the character they make up."""
    words = _table("splits.toml")["pairs"].split()
    found: dict[str, str] = {}
    whole = ""
    for word in words:
        if len(word) == 1:
            whole = word
        else:
            found[word] = whole
    return found


@lru_cache(maxsize=1)
def sound_codes() -> dict[int, str]:
    """Han character to one private character for its sound. Text may hold private characters of its own."""
    numbers = {name: at for at, name in enumerate(sorted(set(syllables().values())))}
    return {ord(char): chr(0xE000 + numbers[name]) for char, name in syllables().items()}


@lru_cache(maxsize=1)
def sounds_of() -> dict[int, str]:
    """The same for units of UTF-16: half of a character beyond the BMP is a private character, too."""
    return sound_codes() | {half: chr(half + 0x1000) for half in range(0xD800, 0xE000)}


def is_half(char: str) -> bool:
    """Whether it stands for half of a character in ``sounds_of``."""
    return "\ue800" <= char <= "\uefff"
