"""Entries of a library version as they are searched for: which words stand for which entry, and how."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

from synthgate.events.facts import FeatureRow
from synthgate.library.letters import HAN, spelling
from synthgate.library.loosening import loose, split_in
from synthgate.library.reading import normal

SWITCHES: Final = ("traditional", "separated", "split", "pinyin", "homophone", "leet", "repeated")
"""Disguises that are seen through, unless the list an entry belongs to names others. See ``loosening``."""
PART_MARK: Final = "…"
"""Between the parts of a phrase with gaps."""
_DOUBLED: Final = re.compile(r"(.)\1")
_IDEOGRAPHS: Final = re.compile(f"[{HAN}]+")
_SOUNDS_MIN: Final = 3
"""Ideographs an entry needs to be heard in others: of two, too many words sound alike."""
_TYPED_MIN: Final = 7
"""Letters an entry in pinyin needs: shorter ones are English words."""
_SCHEME: Final = re.compile(r"^[a-z][a-z0-9+.-]*://(?:www\.)?")
_DOTS: Final = ("[.]", "(.)", " . ", "[dot]", " dot ", "。")
"""How a dot is written by those who hide an address."""

Use = Literal["plain", "loose", "typed", "part", "dotted"]


@dataclass(slots=True)
class Entry:
    """One entry in force. base: its value as searched for; known: disguises seen through for it."""

    row: FeatureRow
    base: str
    known: frozenset[str]
    parts: tuple[str, ...] = ()


@dataclass(slots=True)
class Words:
    """Distinct words, each with the entries it stands for; values to be listened for; who is allowed.

    alone: entries that one person took in and nobody else approved.
    """

    entries: list[Entry] = field(default_factory=list)
    uses: dict[str, list[tuple[Use, int]]] = field(default_factory=dict)
    sounding: list[tuple[int, str]] = field(default_factory=list)
    allowed: set[str] = field(default_factory=set)
    patterns: list[int] = field(default_factory=list)
    alone: set[str] = field(default_factory=set)

    def use(self, word: str, how: Use, entry: int) -> None:
        """A word stands for an entry in one way."""
        held = self.uses.get(word)
        if held is None:
            self.uses[word] = [(how, entry)]
        elif (how, entry) not in held:
            held.append((how, entry))

    def strings(self) -> list[str]:
        """All words, allowed phrases too, in the order of the entries."""
        return [*self.uses, *sorted(self.allowed - self.uses.keys())]


def gather(rows: Iterable[FeatureRow]) -> tuple[Words, tuple[str, ...]]:
    """Words of all entries, and the entries that cannot match: nothing visible, no risk, one's allowance."""
    rows = sorted(rows, key=lambda row: row.entry)
    lists = {row.entry: switches(row.value) for row in rows if row.kind == "list"}
    words = Words()
    unusable: list[str] = []
    everything = frozenset(SWITCHES)
    for row in rows:
        if row.kind == "list" or row.state == "off":
            continue
        if row.kind == "allow":
            base = normal(row.value)
            if base and two_people(row):
                words.allowed.add(base)
            else:
                unusable.append(row.entry)
            continue
        add = _KINDS.get(row.kind)
        known = lists.get(row.list, everything)
        if add is None:
            continue  # a picture's hash: another engine's
        if row.risk is None or not add(words, row, known):
            unusable.append(row.entry)
        elif not two_people(row):
            words.alone.add(row.entry)
    return words, tuple(unusable)


def two_people(row: FeatureRow) -> bool:
    """Whether somebody else approved what one person proposed."""
    return row.proposed_by != row.approved_by


def switches(value: str) -> frozenset[str]:
    """Disguises a list sees through, by name; what is none of them says nothing."""
    return frozenset(re.split(r"[\s,]+", value)) & frozenset(SWITCHES)


def _keyword(words: Words, row: FeatureRow, known: frozenset[str]) -> bool:
    base = normal(row.value)
    if not base:
        return False
    at = len(words.entries)
    words.entries.append(Entry(row, base, known))
    heard = bool(known - {"traditional"}) and _disguised(words, at, base, known)
    if not heard:
        words.use(base, "plain", at)
    return True


def _disguised(words: Words, at: int, base: str, known: frozenset[str]) -> bool:
    """Words and sounds that stand for a value; whether it is listened for, and so found as itself, too."""
    said = [*map(spelling().get, base)]
    ideographs = _IDEOGRAPHS.fullmatch(base) is not None
    if not ideographs or len(set(base)) < len(base) or split_in(base):
        word = loose(base)
        if word != base and len(word) > 1:
            words.use(word, "loose", at)
            if sum(char in spelling() for char in word) >= _SOUNDS_MIN:
                words.sounding.append((at, word))
    typed = [one for one in said if one is not None]
    if len(typed) < _SOUNDS_MIN:
        return False
    listened = "homophone" in known or "pinyin" in known
    if listened:
        words.sounding.append((at, base))
    if "pinyin" in known and len(typed) == len(base):
        joined = "".join(typed)
        if len(joined) >= _TYPED_MIN:
            words.use(joined, "typed", at)
            words.use(" ".join(typed), "typed", at)
            if "l" in joined or _DOUBLED.search(joined) is not None:
                words.use(loose(joined), "typed", at)
    return listened and ideographs


def _phrase(words: Words, row: FeatureRow, known: frozenset[str]) -> bool:
    parts = tuple(normal(part) for part in row.value.split(PART_MARK))
    if len(parts) < 2 or not all(parts):
        return False
    at = len(words.entries)
    words.entries.append(Entry(row, normal(row.value), known, parts))
    for part in dict.fromkeys(parts):
        words.use(part, "part", at)
    return True


def address(value: str) -> str:
    """A domain or an address without scheme, as searched for; ``""`` if it is none."""
    base = _SCHEME.sub("", normal(value)).rstrip("/")
    return base if "." in base.strip(".") and not any(char.isspace() for char in base) else ""


def _address(words: Words, row: FeatureRow, known: frozenset[str]) -> bool:
    base = address(row.value)
    if not base:
        return False
    at = len(words.entries)
    words.entries.append(Entry(row, base, known))
    words.use(base, "plain", at)
    if "separated" in known:
        for dot in _DOTS:
            words.use(base.replace(".", dot), "dotted", at)
    return True


def _regex(words: Words, row: FeatureRow, known: frozenset[str]) -> bool:
    from synthgate.library.patterns import fault_in

    if fault_in(row.value) is not None:
        return False
    words.patterns.append(len(words.entries))
    words.entries.append(Entry(row, row.value, known))
    return True


_KINDS: Final[dict[str, Callable[[Words, FeatureRow, frozenset[str]], bool]]] = {
    "keyword": _keyword,
    "phrase": _phrase,
    "regex": _regex,
    "domain": _address,
    "url": _address,
}
