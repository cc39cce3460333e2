"""What an evidence bundle says of log entries: who, what and when, from a label back (DSP 10, 16, 21).

``report_row`` makes a row from an entry alone, so that whoever holds the entry and its key can make it again;
without the key the row says what stands in the clear, and who made the bundle answers for the rest.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from synthgate.law import LawBook
from synthgate.law.reasons import text
from synthgate.ledger import KeyRing, LogReader, SegmentStore
from synthgate.ledger.errors import EntryExpired, KeyErased
from synthgate.ledger.segment import decode_entry
from synthgate.steps.answers import Content, unpack
from synthgate.steps.record_entry import RECORDED, recorded
from synthgate.steps.trace_index import Traced, TraceIndex, passage_of

BYTES_MAX: Final = 256 * 1024 * 1024
"""Of entries in one bundle: it is made and checked in memory."""
LANGUAGES: Final = ("zh", "en")
_CLEAR: Final = (
    "action", "tenant", "source", "event_id", "type", "origin", "root", "revision", "supersedes", "answers",
    "cause", "produce_id", "event_time", "recorded_at", "keep_until", "outcomes",
)  # fmt: skip
_INDEXED: Final = ("action", "tenant", "event_id", "root", "produce_id", "event_time")
"""Members of an expired entry's row: all that the index still knows."""
_OPENED: Final = ("account", "net", "event", "record")
"""Members of a row that only a bundle with content has: account, network fields, words, or a whole record."""


@dataclass(slots=True)
class Gathered:
    """Entries as a bundle wants them. keys: key id to hex, only if content was asked for."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    stored: dict[tuple[int, int], bytes] = field(default_factory=dict)
    hashes: dict[tuple[int, int], str] = field(default_factory=dict)
    states: dict[tuple[int, int], str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)


def whole_story(index: TraceIndex, found: Iterable[Traced]) -> list[Traced]:
    """The entries, what they followed, what followed them, and all that was decided on the same acts."""
    left, seen = list(found), {}
    while left:
        one = left.pop()
        if (one.log, one.place) in seen:
            continue
        seen[one.log, one.place] = one
        left += [*index.children(one.log, one.place), *index.revisions(one.root)]
        parent = None if one.parent is None else index.at(*one.parent)
        left += [] if parent is None else [parent]
    return sorted(seen.values(), key=lambda one: (one.event_time, one.log, one.place))


class TooMuch(ValueError):
    """More than one bundle holds."""


def gather(
    found: Sequence[Traced], store: SegmentStore, ring: KeyRing, *, content: bool
) -> Gathered:
    """Read every entry as stored, and say what it is. Raises LedgerError, TooMuch."""
    left = BYTES_MAX
    gathered = Gathered()
    readers: dict[int, LogReader] = {}
    for one in found:
        reader = readers.setdefault(one.log, LogReader(store, ring, one.log))
        place = one.log, one.place
        gathered.hashes[place] = reader.receipt(one.place).hash
        try:
            stored = reader.stored(one.place)
        except EntryExpired:
            gathered.states[place] = "expired"
            gathered.rows.append(_expired(one))
            continue
        left -= len(stored)
        if left < 0:
            raise TooMuch(f"more than {BYTES_MAX} bytes of entries")
        header = json.loads(decode_entry(stored, f"entry {one.log}/{one.place}")[0])
        try:
            opened = reader.read(one.place).content
            gathered.states[place] = "kept"
        except KeyErased:
            opened = None
            gathered.states[place] = "erased"
        gathered.stored[place] = stored
        gathered.rows.append(report_row(header, opened, words=content))
        if content and opened is not None:
            gathered.keys[header["kid"]] = ring.content_key(header["kid"]).hex()
    return gathered


def report_row(header: Mapping[str, Any], content: bytes | None, *, words: bool) -> dict[str, Any]:
    """One entry. ``words``: with account, network fields and the event as received."""
    row: dict[str, Any] = {"log": header["log"], "index": header["index"]}
    row |= {name: header.get(name) for name in _CLEAR}
    if content is None:
        return row | {"verdicts": None}
    if header.get("action") == RECORDED:
        return row | {"verdicts": None} | (_record(content) if words else {})
    opened = unpack(content)
    decision = opened.decision or {}
    label = decision.get("label")
    row |= {
        "user": decision.get("user"), "generation": decision.get("generation"), "label": label,
        "objects": [_object(one) for one in decision.get("objects", ())],
    }  # fmt: skip
    return row | _said(opened, words=words)


def _record(content: bytes) -> dict[str, Any]:
    """A fact, or what followed a decision, as its topic had it."""
    found = recorded(content)
    if found is None:
        return {}
    key, value = (
        None if part is None else part.decode(errors="replace") for part in (found.key, found.value)
    )
    return {"record": {"timestamp": found.timestamp, "key": key, "value": value}}


def _said(opened: Content, *, words: bool) -> dict[str, Any]:
    """What the passage holds: the verdicts, and what it was made with."""
    passage = passage_of(opened)
    if passage is None:
        return {"verdicts": None}
    event = passage.event
    row: dict[str, Any] = {"verdicts": [_verdict(one) for one in passage.verdicts]}
    if event.stub is not None:
        return row
    row |= {
        "medium": event.medium, "template": event.template, "model": event.model,
        "purpose": event.purpose, "subjects": [one.token for one in event.subjects],
    }  # fmt: skip
    if words:
        row |= {
            "account": event.user,
            "net": dict(event.net),
            "event": json.loads(passage.event_bytes),
        }
    return row


def _verdict(row: Mapping[str, Any]) -> dict[str, Any]:
    reasons = [
        {name: reason.get(name) for name in ("rule", "article", "force", "code", "where")}
        for reason in row["reasons"]
    ]
    kept = ("obligation", "outcome", "law", "library", "as_of", "gathered_at", "by")
    return {**{name: row.get(name) for name in kept}, "reasons": reasons}


def _object(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row.get(name) for name in ("name", "sha256", "size_bytes", "media_type")}


def _expired(one: Traced) -> dict[str, Any]:
    """What the index still knows of an entry that is gone."""
    known = {name: getattr(one, name) for name in _INDEXED}
    return {
        "log": one.log, "index": one.place, **dict.fromkeys(_CLEAR), **known, "verdicts": None,
    }  # fmt: skip


def media(gathered: Gathered) -> list[dict[str, str]]:
    """Every object these entries released, by name and hash, each once."""
    found = {
        one["name"]: {"name": one["name"], "sha256": one["sha256"]}
        for row in gathered.rows
        for one in row.get("objects", ())
    }
    return [found[name] for name in sorted(found)]


def report(
    asked: Mapping[str, Any], gathered: Gathered, book: LawBook, made: Mapping[str, Any]
) -> dict[str, Any]:
    """All of it as data: the pages say the very same. made: who made it, why, when, with what version."""
    verdicts = [one for row in gathered.rows for one in row["verdicts"] or ()]
    laws = sorted({one["law"] for one in verdicts})
    actions: dict[str, int] = {}
    for row in gathered.rows:
        actions[row["action"] or "unknown"] = actions.get(row["action"] or "unknown", 0) + 1
    reasons = [reason for one in verdicts for reason in one["reasons"]]
    return {
        "v": 1,
        "asked": dict(asked),
        "made": dict(made),
        "entries": len(gathered.rows),
        "actions": dict(sorted(actions.items())),
        "states": {
            state: list(gathered.states.values()).count(state)
            for state in ("kept", "erased", "expired")
        },
        "laws": laws,
        "libraries": sorted({one["library"] for one in verdicts if one["library"] is not None}),
        "rules": _rules({one["rule"] for one in reasons}, book) if laws == [book.hash] else [],
        "codes": {
            code: {language: text(code, language) for language in LANGUAGES}
            for code in sorted({one["code"] for one in reasons})
        },
        "rows": gathered.rows,
    }


def _rules(named: set[str], book: LawBook) -> list[dict[str, Any]]:
    """The sentences of the rules given as reasons; said only where all verdicts are under this very law."""
    return [
        {
            "rules": sorted(named.intersection(row.rules)), "cites": row.citation, "force": row.force.value,
            "verified": row.verified, "source": row.source, "zh": row.zh, "en": row.en,
        }
        for row in book.rows
        if named.intersection(row.rules)
    ]  # fmt: skip


def disagreements(
    said: Mapping[str, Any], header: Mapping[str, Any], content: bytes | None
) -> list[str]:
    """Members of a report's row that the entry itself does not bear out; words that it leaves out are none."""
    words = any(name in said for name in _OPENED)
    own = report_row(header, content, words=words)
    names = own if content is not None else ("log", "index", *_CLEAR)
    return sorted(name for name in names if said.get(name) != own[name])


def unfounded(said: Mapping[str, Any]) -> list[str]:
    """Members of a report's row that nobody can know of an entry that has expired."""
    known = ("log", "index", *_INDEXED)
    return sorted(name for name, value in said.items() if name not in known and value is not None)
