"""What an owner knows of its log: which origins, answers and ids it holds, and the latest
revisions.

Built from footers alone, in index order, whether the footer was read at opening or just written:
so a reopened log knows exactly what it knew before.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from synthgate.events.origin import Origin
from synthgate.ledger.segment import Footer

_PAGE = 4096
_ABSENT = -1
_REVISION_BITS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownColumns:
    """What the entries before ``end`` say, in the form a snapshot keeps it in.

    ``id_indexes`` and ``ids``: the entries that count for repeats, in order, and 32 bytes for each.
    """

    end: int
    pages: Mapping[tuple[int, str], Mapping[int, "array[int]"]]
    re_entered: Mapping[Origin, tuple[int, int]]
    answered: Mapping[int, int]
    firsts: "array[int]"
    recorded_at: "array[int]"
    id_indexes: "array[int]"
    ids: bytes


class OriginIndex:
    """Offset to one non-negative int, per (epoch, topic): 8 bytes an entry, filled in any order."""

    def __init__(self) -> None:
        self.pages: dict[tuple[int, str], dict[int, array[int]]] = {}

    def take(self, pages: Mapping[tuple[int, str], Mapping[int, "array[int]"]]) -> None:
        """Lay later pages over these."""
        for source, later in pages.items():
            mine = self.pages.setdefault(source, {})
            for number, page in later.items():
                known = mine.setdefault(number, page)
                if known is not page:
                    for place, value in enumerate(page):
                        if value != _ABSENT:
                            known[place] = value

    def put(self, source: tuple[int, str], offset: int, value: int) -> None:
        """Set one offset."""
        pages = self.pages.setdefault(source, {})
        number, place = divmod(offset, _PAGE)
        page = pages.get(number)
        if page is None:
            page = pages[number] = array("q", [_ABSENT]) * _PAGE
        page[place] = value

    def get(self, source: tuple[int, str], offset: int) -> int | None:
        """The value at an offset, None in a hole."""
        page = self.pages.get(source, {}).get(offset // _PAGE)
        value = _ABSENT if page is None else page[offset % _PAGE]
        return None if value == _ABSENT else value

    def missing(self, source: tuple[int, str], start: int, end: int) -> Iterator[int]:
        """The holes from ``start`` up to, not including, ``end``, in order."""
        pages = self.pages.get(source, {})
        offset = start
        while offset < end:
            number, place = divmod(offset, _PAGE)
            page_end = min(end, (number + 1) * _PAGE)
            page = pages.get(number)
            if page is None:
                yield from range(offset, page_end)
                offset = page_end
                continue
            try:
                offset = number * _PAGE + page.index(_ABSENT, place, page_end - number * _PAGE)
            except ValueError:
                offset = page_end
            else:
                yield offset
                offset += 1

    def span(self, source: tuple[int, str]) -> tuple[int, int]:
        """A source's first offset, and one past its last; the same one if it has none."""
        pages = self.pages.get(source)
        if not pages:
            return 0, 0
        low, high = min(pages), max(pages)
        first = next(n for n, value in enumerate(pages[low]) if value != _ABSENT)
        last = next(n for n in reversed(range(_PAGE)) if pages[high][n] != _ABSENT)
        return low * _PAGE + first, high * _PAGE + last + 1

    def runs(self) -> Iterator[tuple[int, str, int, int]]:
        """(epoch, topic, from, to) of the holes between each source's first and last offset."""
        for epoch, topic in self.pages:
            start = end = -1
            for offset in self.missing((epoch, topic), *self.span((epoch, topic))):
                if offset != end:
                    if start >= 0:
                        yield epoch, topic, start, end
                    start = offset
                end = offset + 1
            if start >= 0:
                yield epoch, topic, start, end


class KnownEntries:
    """The memory of one log. ``repeat_keep_ms``: how long ids are kept for the repeat window."""

    PAGE = _PAGE

    def __init__(self, repeat_keep_ms: int) -> None:
        self.head = 0
        self._repeat_keep_ms = repeat_keep_ms
        # index << 16 | revision << 1 | whether the entry is its own root
        self._origins = OriginIndex()
        self._re_entered: dict[Origin, tuple[int, int]] = {}
        self._answered: dict[int, int] = {}
        self._firsts = array("q")
        self._recorded_at = array("q")
        self._ids: dict[bytes, int | tuple[int, ...]] = {}  # one index, but for repeats
        self._ids_by_age: deque[tuple[int, int, list[bytes]]] = deque()

    def fold(self, footer: Footer, *, now_ms: int | None = None) -> None:
        """Take in the next segment. ``now_ms`` (its own time by default) says which ids are old."""
        first = footer.first
        for row in range(footer.count):
            index = first + row
            source = footer.sources[footer.source_of[row]]
            offset = footer.offsets[row]
            revision = footer.revisions[row]
            root = footer.roots.get(row)
            if root is None:
                self._origins.put(source, offset, index << 16 | revision << 1 | 1)
            else:
                self._origins.put(source, offset, index << 16 | revision << 1)
                known = self._re_entered.get(root)
                if known is None or revision > known[1]:
                    self._re_entered[root] = (index, revision)
        for row, offsets in footer.spans.items():
            origin = footer.origin(row)
            for offset in range(origin.offset + 1, origin.offset + offsets):
                if self._origins.get(origin[:2], offset) is None:
                    # Accounted for by this entry, but nobody's root.
                    self._origins.put(origin[:2], offset, (first + row) << 16)
        for row, answered in footer.answers.items():
            self._answered.setdefault(answered, first + row)
        self._firsts.append(first)
        self._recorded_at.append(footer.recorded_at)
        self.head = footer.end
        self._fold_ids(footer, footer.recorded_at if now_ms is None else now_ms)

    def columns(self) -> KnownColumns:
        """All but the ids, which a snapshot gathers itself."""
        return KnownColumns(
            end=self.head,
            pages=self._origins.pages,
            re_entered=self._re_entered,
            answered=self._answered,
            firsts=self._firsts,
            recorded_at=self._recorded_at,
            id_indexes=array("q"),
            ids=b"",
        )

    def take(self, later: KnownColumns, *, now_ms: int) -> None:
        """Take in a snapshot that begins where this ends. ``now_ms`` says which ids are old."""
        self._origins.take(later.pages)
        for root, found in later.re_entered.items():
            known = self._re_entered.get(root)
            if known is None or found[1] > known[1]:
                self._re_entered[root] = found
        for answered, index in later.answered.items():
            self._answered.setdefault(answered, index)
        self._firsts.extend(later.firsts)
        self._recorded_at.extend(later.recorded_at)
        self.head = later.end
        ends = [*later.firsts[1:], later.end]
        for first, end, recorded_at in zip(later.firsts, ends, later.recorded_at, strict=True):
            if recorded_at >= now_ms - self._repeat_keep_ms:
                low = bisect_left(later.id_indexes, first)
                high = bisect_left(later.id_indexes, end)
                hashes = [later.ids[at : at + 32] for at in range(low * 32, high * 32, 32)]
                self._take_ids(hashes, later.id_indexes[low:high])
                self._ids_by_age.append((recorded_at, end, hashes))

    def logged(self, origin: Origin) -> int | None:
        """The index of the entry that accounts for this origin."""
        packed = self._origins.get(origin[:2], origin.offset)
        return None if packed is None else packed >> 16

    def answered(self, index: int) -> int | None:
        """The index of the first entry that answers ``index``."""
        return self._answered.get(index)

    def latest(self, root: Origin) -> tuple[int, int] | None:
        """(index, revision) of the root's highest revision; of equal ones the first."""
        found = self._re_entered.get(root)
        packed = self._origins.get(root[:2], root.offset)
        if packed is None or not packed & 1:
            return found
        own = (packed >> 16, packed >> 1 & (1 << _REVISION_BITS) - 1)
        if found is None:
            return own
        return max(own, found, key=lambda entry: (entry[1], -entry[0]))

    def first_with_id(self, id_hash: bytes, not_before_ms: int) -> int | None:
        """The first entry with this id that was recorded at ``not_before_ms`` or later."""
        known = self._ids.get(id_hash, ())
        for index in (known,) if isinstance(known, int) else known:
            if self._recorded_at[bisect_right(self._firsts, index) - 1] >= not_before_ms:
                return index
        return None

    def missing(self, epoch: int, topic: str, start: int, end: int) -> Iterator[int]:
        """Offsets from ``start`` up to, not including, ``end`` that no entry accounts for."""
        return self._origins.missing((epoch, topic), start, end)

    def span(self, epoch: int, topic: str) -> tuple[int, int]:
        """The first offset of a source that an entry accounts for, and one past the last."""
        return self._origins.span((epoch, topic))

    def holes(self) -> Iterator[tuple[int, str, int, int]]:
        """(epoch, topic, from, to) of offsets that no entry accounts for, between first and last seen."""
        return self._origins.runs()

    def _fold_ids(self, footer: Footer, now_ms: int) -> None:
        oldest_ms = now_ms - self._repeat_keep_ms
        if footer.ids and footer.recorded_at >= oldest_ms:
            hashes = list(footer.ids.values())
            self._take_ids(hashes, [footer.first + row for row in footer.ids])
            self._ids_by_age.append((footer.recorded_at, footer.end, hashes))
        while self._ids_by_age and self._ids_by_age[0][0] < oldest_ms:
            _, end, old = self._ids_by_age.popleft()
            for id_hash in old:
                self._forget_id(id_hash, end)

    def _take_ids(self, hashes: Sequence[bytes], indexes: Sequence[int]) -> None:
        ids = self._ids
        fresh = dict(zip(hashes, indexes, strict=True))
        if len(fresh) == len(hashes) and ids.keys().isdisjoint(fresh):
            ids.update(fresh)
            return
        for id_hash, index in zip(hashes, indexes, strict=True):
            known = ids.get(id_hash)
            if known is None:
                ids[id_hash] = index
            else:
                ids[id_hash] = (*((known,) if isinstance(known, int) else known), index)

    def _forget_id(self, id_hash: bytes, end: int) -> None:
        """Forget an id's entries before ``end``."""
        known = self._ids.pop(id_hash, ())
        kept = tuple(i for i in ((known,) if isinstance(known, int) else known) if i >= end)
        if kept:
            self._ids[id_hash] = kept[0] if len(kept) == 1 else kept
