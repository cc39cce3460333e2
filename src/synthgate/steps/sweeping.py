"""Objects nobody will ever cite are removed: those whose origin is logged, and whose entry does not name them.

A passage labelled twice (a restart, a lane tried again) may leave two objects, for not every encoder makes the
same bytes again; a passage refused at the append, or known as a repeat, leaves one. Age says nothing: a passage
may wait for days. What is logged is said for ever: retention rebuilds a decision from its entry, so an object
of a logged origin that the entry does not name is named by nothing, whenever it was written.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass

from synthgate.effects.objects import BESIDE, Objects, origin_of
from synthgate.events.origin import Origin
from synthgate.ledger import KeyRing, LogReader, SegmentStore
from synthgate.ledger.errors import EntryExpired, KeyErased
from synthgate.ledger.log_ids import decided
from synthgate.ledger.reader import read_footer
from synthgate.steps.answers import unpack


@dataclass(slots=True)
class Swept:
    """What was found. objects: removed (or to be, on a dry run); cited, unlogged: left where they are."""

    objects: int = 0
    bytes: int = 0
    cited: int = 0
    unlogged: int = 0


def sweep(objects: Objects, store: SegmentStore, ring: KeyRing, *, dry_run: bool = False) -> Swept:
    """Remove what no entry names, in all logs. Safe beside running workers, and to be cut short.

    Raises:
        LedgerError: an entry cannot be read; nothing of its log is removed.
        Waiting: the object store is away.
    """
    done = Swept()
    for log in decided(store.logs()):
        lying: defaultdict[Origin, list[tuple[str, int]]] = defaultdict(list)
        for name, size in objects.names(log):
            origin = origin_of(name)
            if origin is not None:
                lying[origin].append((name, size))
        if lying:
            _sweep(log, lying, objects, _Log(store, ring, log), done, dry_run=dry_run)
    return done


def _sweep(
    log: int,
    lying: Mapping[Origin, list[tuple[str, int]]],
    objects: Objects,
    entries: "_Log",
    done: Swept,
    *,
    dry_run: bool,
) -> None:
    logged, cited = entries.named(lying.keys())
    for origin, names in lying.items():
        for name, size in names:
            if origin not in logged:
                done.unlogged += 1
            elif name in cited or _of(name) in cited:
                done.cited += 1
            elif dry_run or objects.remove(name):
                done.objects += 1
                done.bytes += size


def _of(name: str) -> str:
    """The object a note or an envelope lies beside; itself if it is none."""
    for suffix in BESIDE:
        if name.endswith(suffix):
            return name.removesuffix(suffix)
    return name


class _Log:
    """What the entries of one log name."""

    def __init__(self, store: SegmentStore, ring: KeyRing, log: int) -> None:
        self._store = store
        self._log = log
        self._reader = LogReader(store, ring, log)

    def named(self, origins: Set[Origin]) -> tuple[set[Origin], set[str]]:
        """Those of these origins that are logged, and every object named by an entry of theirs.

        An entry whose act began at one of them counts too: objects were once named after the first origin
        of an act.
        """
        logged: set[Origin] = set()
        cited: set[str] = set()
        for first in self._store.firsts(self._log):
            footer = read_footer(self._store, self._log, first)
            for row in range(footer.count):
                own, root = footer.origin(row), footer.roots.get(row)
                if own in origins or root in origins:
                    names = self._names(footer.first + row)
                    if names is None:
                        origins = origins - {own, root}
                        continue
                    cited.update(names)
                    logged.update({own} & origins)
        return logged & origins, cited

    def _names(self, index: int) -> Iterator[str] | tuple[()] | None:
        """Objects an entry names; none once its key is gone, for they went with it; None if nobody can say."""
        try:
            content = unpack(self._reader.read(index).content)
        except KeyErased:
            return ()
        except EntryExpired:
            return None
        return (row["name"] for row in (content.decision or {}).get("objects", ()))
