"""One version of the feature library, built once and never changed (DSP 10 ¶2).

Every occurrence of an entry is found, overlapping ones too, so that a long mild phrase cannot hide a short
grave word, and through the disguises its list sees through. An allow-list phrase (a medical term that holds a
banned word, say) hides the occurrences that lie wholly inside it, and no other.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from synthgate.events.facts import FeatureRow
from synthgate.library.entries import Entry, gather
from synthgate.library.finding import Finder, Found, Sounds
from synthgate.library.folding import INVISIBLE, fold
from synthgate.library.letters import simplify
from synthgate.library.loosening import Loosened, differences, loose, loosened, plausible
from synthgate.library.reading import Reading, read
from synthgate.library.spans import Candidate, Covers, gapped, is_address

if TYPE_CHECKING:
    from synthgate.library.pictures import PictureBank


AGAINST_LABEL: Final = "DSP-18-2"
"""Legal basis (or criteria) of entries that stand for a request to remove, hide or forge a label."""


class Hit(NamedTuple):
    """One occurrence of an entry: characters ``start:end`` of the original text.

    normalisation: how it stood there: ``exact`` as in the entry; ``folded`` in other letters; ``hidden`` with
    invisible characters inside; else the disguises it was seen through, joined by ``+``
    (``entries.SWITCHES``); ``gapped`` for a phrase, ``pattern``, ``address``.
    share: percent of users it counts for; 0: it is only watched. since: the version the entry came with.
    """

    entry: str
    risk: str
    severity: int
    start: int
    end: int
    normalisation: str
    share: int = 100
    since: int = 0


def in_force(row: FeatureRow, version: int) -> bool:
    """Whether an entry belongs to a library version."""
    return row.from_version <= version and (row.to_version is None or version < row.to_version)


class Library:
    """The entries in force in one version, ready to search."""

    __slots__ = (
        "_allowed", "_entries", "_finder", "_patterns", "_phrases", "_sounding", "_sounds", "_uses", "_words",
        "against_label", "alone", "bank", "unbanked", "unusable", "version",
    )  # fmt: skip

    def __init__(self, version: int, rows: Iterable[FeatureRow]) -> None:
        """Rows of one version. Names in ``unusable`` the entries that cannot match.

        against_label: entries taken in under DSP-18-2. alone: entries of one person alone (DSP 10 ¶2); they
        count for nobody, and what holds one is for a person to judge.

        bank: the known pictures, None if there are none. unbanked: there are, and the extra ``images`` is not.
        """
        rows = tuple(rows)
        words, self.unusable = gather(rows)
        self.alone = frozenset(words.alone)
        self.against_label = frozenset(
            row.entry for row in rows if AGAINST_LABEL in (row.legal_basis, row.criteria)
        )
        self.bank, self.unbanked = _bank_of(rows)
        self.version = version
        self._entries = words.entries
        self._allowed = words.allowed
        self._words = words.strings()
        self._uses = words.uses
        self._phrases = any(entry.parts for entry in words.entries)
        self._sounding = [at for at, _ in words.sounding]
        loosely = any(entry.known - {"traditional"} for entry in words.entries)
        heard = [value for _, value in words.sounding]
        self._finder = Finder(self._words, heard, loosely=loosely)
        self._sounds = Sounds(heard)
        self._patterns = None
        if words.patterns:
            from synthgate.library.patterns import Patterns

            self._patterns = (
                words.patterns,
                Patterns([words.entries[at].base for at in words.patterns]),
            )

    @classmethod
    def build(cls, version: int, rows: Iterable[FeatureRow]) -> Self:
        """Take the entries in force in ``version``; those that cannot match are named, not raised."""
        return cls(version, [row for row in rows if in_force(row, version)])

    def __len__(self) -> int:
        return self.keywords + len(self._allowed)

    @property
    def keywords(self) -> int:
        """Entries that can be found; a library without any finds nothing and reviews nothing."""
        return len(self._entries)

    def search(self, text: str) -> list[Hit]:
        """Every occurrence of every entry that no allow-list phrase covers, in the order of the text."""
        reading = read(text)
        found, spots = self._finder.scan(reading)
        candidates = list(self._plain(reading.text, found)) if found else []
        candidates.extend(self._heard(reading))
        if spots:
            candidates.extend(self._loosened(reading.text, spots))
        if self._patterns is not None:
            at, patterns = self._patterns
            candidates.extend(
                (at[number], start, end, ("pattern",))
                for number, start, end in patterns.scan(reading.text)
            )
        return self._hits(text, reading, found, candidates) if candidates else []

    def _plain(self, text: str, found: list[Found]) -> Iterator[Candidate]:
        """Entries whose own words, or words that stand for them, were found as they are."""
        parts: dict[int, list[tuple[str, int, int]]] = {}
        for number, start, end in found:
            word = self._words[number]
            for use, at in self._uses.get(word, ()):
                entry = self._entries[at]
                if use == "plain":
                    if entry.row.kind == "keyword":
                        yield at, start, end, ()
                    elif is_address(text, start, end, entry):
                        yield at, start, end, ("address",)
                elif use == "dotted":
                    if is_address(text, start, end, entry):
                        yield at, start, end, ("address", "separated")
                elif use == "part":
                    parts.setdefault(at, []).append((word, start, end))
                elif use == "typed":
                    if plausible(text, start, end, ()):
                        yield at, start, end, ("pinyin",)
                else:
                    yield from self._seen_through(text, at, start, end)
        for at, places in parts.items():
            yield from gapped(self._entries[at], at, places)

    def _heard(self, reading: Reading) -> Iterator[Candidate]:
        """Entries that stand there, or sound like what does."""
        for number, start, end in self._sounds.scan(reading.text, letters=reading.latin):
            at, base = self._sounding[number], self._entries[self._sounding[number]].base
            if end - start != len(base):  # heard by its loosened form
                yield from self._seen_through(reading.text, at, start, end)
            else:
                yield at, start, end, () if reading.text[start:end] == base else ("homophone",)

    def _loosened(self, text: str, spots: list[tuple[int, int]]) -> Iterator[Candidate]:
        """Entries that stand in the stretches once disguises are undone."""
        stretches = []
        for start, end in spots:
            piece = text[start:end]
            apart, whole = loose(piece, whole=False), loose(piece)
            stretches.append((start, piece, apart, False))
            if whole != apart:
                stretches.append((start, piece, whole, True))
        # All stretches in one pass; no word holds the line feed between them.
        joined = "\n".join(stretch[2] for stretch in stretches)
        begins: list[int] = []
        at = 0
        for stretch in stretches:
            begins.append(at)
            at += len(stretch[2]) + 1
        views: dict[int, Loosened] = {}

        def place(where: int) -> tuple[int, Loosened]:
            number = bisect_right(begins, where) - 1
            if number not in views:
                views[number] = loosened(stretches[number][1], whole=stretches[number][3])
            return number, views[number]

        for word, start, end in self._finder.again(joined):
            number, view = place(start)
            offset = stretches[number][0]
            begin = begins[number]
            first = offset + view.starts[start - begin]
            last = offset + view.ends[end - begin - 1]
            for use, entry in self._uses.get(self._words[word], ()):
                if use == "typed" and plausible(text, first, last, ("separated",)):
                    yield entry, first, last, ("separated", "pinyin")
                elif use in ("plain", "loose"):
                    yield from self._seen_through(text, entry, first, last)
        for number, start, end in self._sounds.scan(joined):
            which, view = place(start)
            offset = stretches[which][0]
            first = offset + view.starts[start - begins[which]]
            last = offset + view.ends[end - begins[which] - 1]
            yield from self._seen_through(text, self._sounding[number], first, last)

    def _seen_through(self, text: str, at: int, start: int, end: int) -> Iterator[Candidate]:
        """The candidate, if the disguises it needs are plausible there."""
        needed = differences(text[start:end], self._entries[at].base)
        if needed is not None and (not needed or plausible(text, start, end, needed)):
            yield at, start, end, needed

    def _hits(
        self, text: str, reading: Reading, found: list[Found], candidates: list[Candidate]
    ) -> list[Hit]:
        """What is left: seen through by its list, not allowed, each once and by its plainest way."""
        covers = Covers(
            (start, end) for word, start, end in found if self._words[word] in self._allowed
        )
        taken: set[tuple[int, int, int]] = set()
        starts: set[tuple[int, int]] = set()
        ends: set[tuple[int, int]] = set()
        hits = []
        candidates.sort(key=lambda one: len(one[3]))
        for at, start, end, needed in candidates:
            if (at, start, end) in taken or covers.hold(start, end):
                continue
            if needed and ((at, start) in starts or (at, end) in ends):
                continue  # the same word with a letter more
            hit = self._hit(text, reading, at, start, end, needed)
            if hit is not None:
                hits.append(hit)
                taken.add((at, start, end))
                starts.add((at, start))
                ends.add((at, end))
        return sorted(hits, key=lambda hit: (hit.start, hit.end, hit.entry))

    def _hit(
        self, text: str, reading: Reading, at: int, start: int, end: int, needed: tuple[str, ...]
    ) -> Hit | None:
        entry = self._entries[at]
        row = entry.row
        first, last = reading.span(start, end)
        names = list(needed)
        if row.kind == "keyword" and _is_traditional(text[first:last], entry, needed):
            names.insert(0, "traditional")
        if not entry.known.issuperset(name for name in names if name not in _OWN):
            return None
        how = "+".join(names) if names else _how(text[first:last], row.value)
        share = {"on": 100, "shadow": 0}.get(row.state, row.percent)
        if row.entry in self.alone:
            share = 0
        return Hit(
            row.entry, row.risk or "", row.severity, first, last, how, share, row.from_version
        )


def _bank_of(rows: tuple[FeatureRow, ...]) -> "tuple[PictureBank | None, bool]":
    """The bank of these entries, and whether it is wanted and cannot be made."""
    if all(row.kind != "pdq" for row in rows):
        return None, False
    try:
        from synthgate.library.pictures import PictureBank
    except ModuleNotFoundError:
        return None, True
    bank = PictureBank(rows)
    return (bank if len(bank) else None), False


_OWN = frozenset(("address", "gapped", "pattern"))
"""Ways of standing there that are the entry's own kind, and no disguise."""


def _is_traditional(piece: str, entry: Entry, needed: tuple[str, ...]) -> bool:
    """Whether simplified characters alone make the piece the value."""
    value = entry.row.value
    if piece == value or piece.isascii():
        return False
    if simplify(piece) == piece and simplify(value) == value and needed:
        return False
    folded, wanted = fold(piece).text, fold(value).text
    if needed:
        return simplify(folded) != folded
    return wanted not in folded and (simplify(folded), simplify(wanted)) != (folded, wanted)


def _how(found: str, value: str) -> str:
    if found == value:
        return "exact"
    return "hidden" if INVISIBLE.search(found) else "folded"
