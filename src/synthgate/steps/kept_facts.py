"""Records of the registry topics for a replay at evidence depth: from the records logs, or from the broker.

What is not there any more is not made up: where a row and what removed it may both be gone, or the log has
not come so far, nobody can say what a registry held.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from synthgate.events.origin import Origin
from synthgate.ledger import KeyRing, LogReader, SegmentStore
from synthgate.ledger.entry import Entry
from synthgate.ledger.errors import KeyErased
from synthgate.ledger.log_ids import is_records
from synthgate.steps.record_entry import ABSENT, Recorded, recorded

LIBRARY: Final = ("control", "facts.features")
_AGREED: Final = ("facts.consents", "facts.revocations")
_RESTS_ON: Final[Mapping[str, tuple[str, ...]]] = {
    "template": ("facts.templates",),
    "standing": ("facts.accounts", "standings"),
    "switches": ("facts.switches",),
    "terms": ("control",),
    **dict.fromkeys(("grants", "grants_used", "refusals"), _AGREED),
    **dict.fromkeys(
        ("library", "hits", "found", "risks", "watched", "against_label", "unapproved"), LIBRARY
    ),
}
"""Topics whose rows a recorded fact was made of; any other fact may rest on all that were read."""


@dataclass(slots=True)
class _Kept:
    """One partition of a registry topic as the broker still has it, in order."""

    offsets: list[int] = field(default_factory=list)
    rows: list[tuple[bytes | None, bytes | None]] = field(default_factory=list)
    end: int = 0
    told: int = 0
    """Up to here every offset is spoken for, be it that it held nothing."""
    lost: int | None = None
    """The first offset of which nobody knows what lay there: erased, or never read."""

    def doubtful(self, position: int) -> bool:
        """Whether a row that stood at ``position`` may have been compacted away for a later one of its key."""
        upto = bisect_left(self.offsets, position)
        if upto == position:
            return False  # every record up to there is here
        before = {key for key, _ in self.rows[:upto]}
        return any(key not in before for key, _ in self.rows[upto:])

    def thinned(self, position: int) -> bool:
        """Whether a row and what removed it may be gone: records on both sides are, or one is lost."""
        if self.lost is not None and self.lost < position:
            return True
        upto = bisect_left(self.offsets, position)
        end = max(self.end, position, self.offsets[-1] + 1 if self.offsets else 0)
        return upto < position and len(self.offsets) - upto < end - position


class Facts:
    """Records of the registry topics, as logged; or as the broker has them now.

    whole: nothing is there beyond what is put, as far as anybody knows. A log may not have come so far yet.
    picked: somebody chose what is put; where an offset is not among it, anything may have stood there.
    epoch: whose offsets these are; None: the topics' as they are now.
    """

    def __init__(
        self, *, whole: bool = True, epoch: int | None = None, picked: bool = False
    ) -> None:
        self._whole = whole
        self._picked = picked
        self.epoch = epoch
        self._kept: dict[tuple[str, int], _Kept] = {}

    def put(
        self, topic: str, partition: int, offset: int, key: bytes | None, value: bytes | None
    ) -> None:
        """Take in one record; those of a partition come in order."""
        kept = self._kept.setdefault((topic, partition), _Kept())
        kept.offsets.append(offset)
        kept.rows.append((key, value))

    def ended(self, topic: str, partition: int, end: int) -> None:
        """The broker's end of a partition: behind its last record some may be gone."""
        self._kept.setdefault((topic, partition), _Kept()).end = end

    def lose(self, topic: str, partition: int, offset: int) -> None:
        """What lay there, and behind it perhaps, nobody can say any more; offsets come in order."""
        kept = self._kept.setdefault((topic, partition), _Kept())
        kept.lost = offset if kept.lost is None else kept.lost

    def told(self, topic: str, partition: int, spans: Iterable[tuple[int, int]]) -> None:
        """Which offsets are spoken for, lowest first."""
        kept = self._kept.setdefault((topic, partition), _Kept())
        for start, end in spans:
            if start > kept.told:
                return
            kept.told = max(kept.told, end)

    def short(self, read: Mapping[str, Sequence[int]]) -> bool:
        """Whether a position lies beyond what is here."""
        return not self._whole and any(
            position > self._kept.get((topic, partition), _Kept()).end
            for topic, partition, position in places(read)
        )

    def lacks(self, read: Mapping[str, Sequence[int]]) -> bool:
        """Whether a row below these positions was not handed over: then nothing follows from the rest."""
        return self._picked and any(
            position > self._kept.get((topic, partition), _Kept()).told
            for topic, partition, position in places(read)
        )

    def thinned(self, read: Mapping[str, Sequence[int]], names: Sequence[str]) -> bool:
        """Whether each of these recorded facts rests on a topic where a row may be gone without a trace."""
        gone = {
            topic
            for topic, partition, position in places(read)
            if self._kept.get((topic, partition), _Kept()).thinned(position)
        }
        return all(gone.intersection(_RESTS_ON.get(name, read)) for name in names)

    def doubtful(self, read: Mapping[str, Sequence[int]]) -> bool:
        """Whether anything that stood at these positions may be gone."""
        return any(
            self._kept.get((topic, partition), _Kept()).doubtful(position)
            for topic, partition, position in places(read)
        )

    def later(self, topic: str, read: Sequence[int], key: bytes) -> Iterator[bytes]:
        """Rows of a key behind these positions."""
        for (name, partition), kept in self._kept.items():
            if name == topic and partition < len(read):
                for at in range(bisect_left(kept.offsets, max(read[partition], 0)), len(kept.rows)):
                    found, value = kept.rows[at]
                    if found == key and value is not None:
                        yield value

    def between(
        self, topic: str, partition: int, start: int, end: int
    ) -> Iterator[tuple[int, bytes | None, bytes | None]]:
        """Records from ``start`` up to, not including, ``end``."""
        kept = self._kept.get((topic, partition), _Kept())
        for at in range(bisect_left(kept.offsets, start), bisect_left(kept.offsets, end)):
            yield kept.offsets[at], *kept.rows[at]


Row = tuple[Mapping[str, Any], bytes | None]
"""Header and content of an entry; None: that is erased, or shut."""


def logged_facts(
    store: SegmentStore, ring: KeyRing, wanted: Sequence[str], epoch: int
) -> Facts | None:
    """What the records logs hold of these topics; None where nothing was logged. Raises LedgerError."""
    return _facts(_entries(store, ring), wanted, Facts(whole=False, epoch=epoch))


def picked_facts(entries: Iterable[Row], wanted: Sequence[str], epoch: int) -> Facts:
    """What somebody handed over of them."""
    facts = Facts(epoch=epoch, picked=True)
    return _facts(entries, wanted, facts) or facts


def _entries(store: SegmentStore, ring: KeyRing) -> Iterator[Row]:
    for log in filter(is_records, store.logs()):
        reader = LogReader(store, ring, log)
        for index, entry in enumerate(reader.each(0, reader.find_head())):
            if isinstance(entry, Entry):
                yield entry.header, entry.content
            elif isinstance(entry, KeyErased):
                yield reader.header(index), None


def _facts(entries: Iterable[Row], wanted: Sequence[str], facts: Facts) -> Facts | None:
    """Put the records of these entries in order; None if there is none."""
    rows: dict[tuple[str, int], dict[int, tuple[int, Recorded | None]]] = {}
    spans: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for header, content in entries:
        origin = Origin.parse(header["origin"])
        if origin.topic not in wanted or origin.epoch != facts.epoch:
            continue
        place = origin.topic, origin.partition
        end = origin.offset + header.get("offsets", 1)
        spans.setdefault(place, []).append((origin.offset, end))
        kept = rows.setdefault(place, {})
        if header["action"] != ABSENT:
            kept[origin.offset] = end, None if content is None else recorded(content)
    for (topic, partition), kept in rows.items():
        for offset in sorted(kept):
            end, record = kept[offset]
            facts.ended(topic, partition, end)
            # A tombstone that names nobody removed who knows what.
            if record is None or (record.key, record.value) == (None, None):
                facts.lose(topic, partition, offset)
            else:
                facts.put(topic, partition, offset, record.key, record.value)
        facts.told(topic, partition, sorted(spans[topic, partition]))
    return facts if rows else None


def places(read: Mapping[str, Sequence[int]]) -> Iterator[tuple[str, int, int]]:
    """Topic, partition and position of every recorded position."""
    for topic, positions in read.items():
        for partition, position in enumerate(positions):
            yield topic, partition, max(position, 0)
