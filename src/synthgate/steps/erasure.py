"""Erasure: a person's content keys are destroyed, and what lies outside the log with it (PIPL 47).

The law keeps logs for six months against any request (CSL 23(3), LBL 9), consents for three years (PIPL 56); so
a key goes once every entry under it is past its period, and a legal hold keeps it. The three years of cases and
sanctions are our own choice: a request reaches them after six months, like the acts (ADR 0061). Hashes, headers
and proofs stand. In this order: objects, index, keys; a run that was cut short finds the rest by the keys that
are left.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from synthgate.effects.objects import BESIDE, Objects
from synthgate.ledger import KeyRing, LogReader, SegmentStore
from synthgate.ledger.errors import EntryExpired, KeyErased
from synthgate.ledger.expiry import Hold, floor_end, period_end
from synthgate.ledger.reader import read_footer
from synthgate.ledger.segment import decode_entry, decode_segment
from synthgate.steps.answers import unpack
from synthgate.steps.record_entry import OF_OUR_OWN, RECORDED
from synthgate.steps.trace_index import TraceIndex


class Held(NamedTuple):
    """One entry of the person."""

    log: int
    place: int
    keep_until: int


@dataclass(slots=True)
class Erased:
    """What was done. ``pending_until``: when the last of what the law keeps may go, ms; None if nothing is."""

    keys: list[str] = field(default_factory=list)
    objects: int = 0
    entries: int = 0
    kept_entries: int = 0
    pending_until: int | None = None
    held_by: list[str] = field(default_factory=list)


def erase(
    token: str,
    now_ms: int,
    *,
    store: SegmentStore,
    ring: KeyRing,
    objects: Objects,
    index: TraceIndex,
    holds: Sequence[Hold],
    floor_days: int,
) -> Erased:
    """Erase a person (by token) as far as the law lets it. Raises LedgerError."""
    done = Erased()
    due: dict[str, list[Held]] = {}
    for kid, entries in _entries(token, store, floor_days).items():
        if _gone(kid, ring):
            continue
        until = max(entry.keep_until for entry in entries)
        logs = {entry.log for entry in entries}
        by = [hold.name for hold in holds if any(hold.covers(log, [token]) for log in logs)]
        if by:
            done.held_by = sorted({*done.held_by, *by})
            done.kept_entries += len(entries)
        elif now_ms <= until:
            done.pending_until = max(done.pending_until or 0, until)
            done.kept_entries += len(entries)
        else:
            due[kid] = entries
    for kid, entries in due.items():
        for name in _objects(entries, store, ring):
            done.objects += objects.remove(name)
            for suffix in BESIDE:
                objects.remove(name + suffix)
        done.entries += len(entries)
        done.keys.append(kid)
    if not done.kept_entries:
        index.forget(token)
    ring.forget(token)
    for kid in due:
        ring.erase(kid)
    return done


def _entries(token: str, store: SegmentStore, floor_days: int) -> dict[str, list[Held]]:
    """Every entry of the person that is there, by the key that closes it."""
    found: dict[str, list[Held]] = {}
    for log in store.logs():
        for first in store.firsts(log):
            kids = {
                kid for kid, user in read_footer(store, log, first).users.items() if user == token
            }
            if not kids:
                continue
            where = store.where(log, first)
            for entry in decode_segment(store.read(log, first), where)[1]:
                header = orjson.loads(decode_entry(entry, where)[0])
                if header["kid"] in kids:
                    held = Held(log, header["index"], _until(header, floor_days))
                    found.setdefault(header["kid"], []).append(held)
    return found


def _until(header: dict[str, Any], floor_days: int) -> int:
    """Until when the law keeps it; a longer period that nobody but we chose does not count."""
    ours = header.get("action") == RECORDED and header.get("type") in OF_OUR_OWN
    return floor_end(header, floor_days) if ours else period_end(header, floor_days)


def _gone(kid: str, ring: KeyRing) -> bool:
    try:
        ring.cipher(kid)
    except KeyErased:
        return True
    return False


def _objects(entries: Sequence[Held], store: SegmentStore, ring: KeyRing) -> list[str]:
    """Names of the labelled objects these entries released."""
    names: list[str] = []
    for held in entries:
        try:
            content = unpack(LogReader(store, ring, held.log).read(held.place).content)
        except (KeyErased, EntryExpired):
            continue
        names += (row["name"] for row in (content.decision or {}).get("objects", ()))
    return names
