"""What a clear header must say, and how it must agree with its segment's footer and the log before it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from synthgate.events.origin import Origin
from synthgate.ledger.entry import id_hash_of
from synthgate.ledger.known import KnownEntries
from synthgate.ledger.segment import Footer

_MAC: Final = re.compile(r"([0-9a-f]{64})?")
_TEXT: Final = (str,)
_WHOLE: Final = (int,)
_SCHEMA: Final[Mapping[str, tuple[type, ...]]] = {
    "tenant": _TEXT,
    "source": _TEXT,
    "event_id": _TEXT,
    "type": _TEXT,
    "action": _TEXT,
    "outcomes": (dict,),
    "event_time": _WHOLE,
    "appended_at": _WHOLE,
    "cause": (str, type(None)),
    "produce_id": (str, type(None)),
    "keep_until": _WHOLE,
    "repeat_root": _TEXT,
    "offsets_to": _WHOLE,
}
"""What retention writes beside the log's own fields; a name that is not here is a later version's."""

_OWN: Final = (
    "index", "log", "origin", "root", "revision", "supersedes", "answers", "recorded_at",
)  # fmt: skip
_ABSENT: Final = object()


class EntryCheck:
    """Holds the headers of one log, in order, against footers and what came before."""

    def __init__(self) -> None:
        self._known = KnownEntries(0)
        self._latest: dict[Origin, tuple[int, int]] = {}
        self._shapes: set[tuple[Any, ...]] = set()
        """Names and types of headers that were found to be in order: most are like one before."""

    def faults(self, footer: Footer, row: int, header: bytes) -> list[str]:
        """What is wrong with one header."""
        try:
            fields = orjson.loads(header)
        except orjson.JSONDecodeError:
            return ["the header is not JSON"]
        if not isinstance(fields, dict):
            return ["the header is no object"]
        origin = footer.origin(row)
        own = self._own(footer, row, origin)
        found = []
        if tuple(map(fields.get, _OWN)) != own or "supersedes" not in fields:
            found += [
                f"header.{name} is not {value}, as the segment's footer and the log say"
                for name, value in zip(_OWN, own, strict=True)
                if fields.get(name, _ABSENT) != value
            ]
        if fields.get("offsets", 1) != footer.spans.get(row, 1):
            found.append(f"header.offsets is not {footer.spans.get(row, 1)}, as the footer says")
        if fields.get("kid") not in footer.users:
            found.append("header.kid is no key of this segment")
        shape = (*fields, *map(type, fields.values()))
        if shape not in self._shapes or not _MAC.fullmatch(fields["event_mac"]):
            wrong = list(_misshapen(fields))
            found += wrong
            if not wrong:
                self._shapes.add(shape)
        known = footer.ids.get(row)
        if known is not None and "event_id" in fields:
            parts = (str(fields.get(name)) for name in ("tenant", "source", "event_id"))
            if id_hash_of(*parts) != known:
                found.append("the footer's id hash is not that of the header's id")
        if self._known.logged(origin) is not None:
            found.append(f"origin {origin} is in the log twice")
        return found

    def fold(self, footer: Footer) -> None:
        """The segment is done; what comes next is held against it too."""
        self._known.fold(footer)
        self._latest.clear()

    def holes(self) -> Iterator[tuple[int, str, int, int]]:
        """(epoch, topic, from, to) of offsets between a source's first and last that no entry accounts for."""
        yield from self._known.holes()

    def span(self, epoch: int, topic: str) -> tuple[int, int]:
        """The first offset of a source that an entry accounts for, and one past the last."""
        return self._known.span(epoch, topic)

    def _own(self, footer: Footer, row: int, origin: Origin) -> tuple[Any, ...]:
        """What the log itself wrote into the header: the values of ``_OWN``."""
        revision = footer.revisions[row]
        root = footer.roots.get(row, origin)
        index = footer.first + row
        before = self._latest.get(root) or self._known.latest(root)
        supersedes = None
        if before is None or revision > before[1]:
            self._latest[root] = (index, revision)
            supersedes = None if before is None else before[0]
        text = str(origin)
        return (
            index, footer.log, text, text if root is origin else str(root), revision, supersedes,
            footer.answers.get(row), footer.recorded_at,
        )  # fmt: skip


def _misshapen(fields: Mapping[str, Any]) -> Iterator[str]:
    mac = fields.get("event_mac")
    if not isinstance(mac, str) or not _MAC.fullmatch(mac):
        yield "header.event_mac is no MAC"
    for name, kinds in _SCHEMA.items():
        if name in fields and type(fields[name]) not in kinds:
            yield f"header.{name} is not what an entry says there"
