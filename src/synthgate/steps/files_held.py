"""Files an event names whose bytes we can have: looked up among known pictures, lent to the scorers.

What was labelled lies in our store; what a model has just made, in its tenant's folder, without a badge yet.
"""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from synthgate.effects.objects import Objects
from synthgate.effects.sources import SourceError, Sources
from synthgate.library.library import Hit

if TYPE_CHECKING:
    from synthgate.library.pictures import PictureBank

FILE_BYTES_MAX: Final = 16_777_216
"""A file that says it is larger is not read here."""
BATCH_BYTES_MAX: Final = 67_108_864
"""Bytes of one batch that are lent to scorers; what is beyond is told them by name and hash."""

At = tuple[int, int]
"""Number of the passage in the batch, number of the object in the event."""


class Wanted(NamedTuple):
    """A file as its event names it. tenant: whose folder it lies in; None if it lies in our store."""

    row: Mapping[str, Any]
    tenant: str | None = None


class Looked(NamedTuple):
    """data: by place, bytes we hold. hits: known pictures near. banked: what was looked up."""

    data: Mapping[At, bytes]
    hits: Mapping[At, Sequence[Hit]]
    banked: frozenset[At]


def look(
    wanted: Mapping[At, Wanted],
    objects: Objects,
    sources: Sources,
    bank: "PictureBank | None",
    *,
    lend: bool,
) -> Looked:
    """Read each file once; blocking: run it in a thread. lend: whether the bytes are wanted too.

    Raises:
        Waiting: the store or a folder cannot be read.
    """
    data: dict[At, bytes] = {}
    hits: dict[At, Sequence[Hit]] = {}
    banked: set[At] = set()
    lent = 0
    for at, file in wanted.items():
        if file.row["size_bytes"] > FILE_BYTES_MAX:
            continue
        held = _held(file, objects, sources)
        if held is None:
            continue
        if bank is not None:
            found = _known(held, bank)
            if found is not None:
                banked.add(at)
                hits[at] = found
        lent += len(held)
        if lend and lent <= BATCH_BYTES_MAX:
            data[at] = held
    return Looked(data, hits, frozenset(banked))


def _held(file: Wanted, objects: Objects, sources: Sources) -> bytes | None:
    """The bytes, which hash to what was named; None if we do not have them: labelling will say why."""
    if file.tenant is not None:
        with suppress(SourceError):
            return sources.read(file.tenant, file.row)
    held = objects.get(file.row["name"])
    if held is None or hashlib.sha256(held).hexdigest() != file.row["sha256"]:
        return None
    return held


def _known(data: bytes, bank: "PictureBank") -> list[Hit] | None:
    """Entries near a picture; None if it cannot be hashed, which says nothing for it."""
    from synthgate.library.pictures import PictureError, hashes_of

    try:
        near = bank.look_up(hashes_of(data))
    except PictureError:
        return None
    return [
        Hit(hit.entry, hit.risk, hit.severity, 0, 0, f"pdq+{hit.flip}", hit.share, hit.since)
        for hit in near
    ]
