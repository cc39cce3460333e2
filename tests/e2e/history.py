"""What happened, checked from outside: the topics and the ledger of one run, held against each other.

Written apart from the code it checks: it parses with ``json``, hashes by itself and knows none of the duties.
Each check yields one sentence a fault; ``faults`` of a sound run is empty. The run must be at rest.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from e2e import followed

DUTIES = ("identity", "consent", "moderation", "labelling", "retention")
SOURCES = ("generation.events", "operator.events", "timer.events")
GATES = frozenset(
    ("generation.requested", "generation.completed", "generation.segment", "content.published")
)
"""Types of the load whose release carries a pass."""
UNSAID = ("silent", "never read")
"""Actions of entries that say nothing themselves."""


class Record(NamedTuple):
    """One record of a topic."""

    offset: int
    key: bytes | None
    value: bytes


@dataclass
class Source:
    """One partition of a source: what can be read of it, between its log's start and end."""

    begin: int
    end: int
    records: list[Record]


@dataclass
class Entry:
    """One entry: header and content as stored, the hash recomputed from the stored bytes."""

    header: dict[str, Any]
    content: dict[str, Any]
    hash: str

    @property
    def said(self) -> bool:
        """Whether a decision of its own stands in it."""
        return self.header["action"] not in UNSAID

    @property
    def root(self) -> str:
        """Whose decisions answer it: its own, or the first event's for a repeat."""
        return str(self.header.get("repeat_root") or self.header["root"])


@dataclass
class History:
    """One run at rest. Topics by partition; ``objects`` is SHA-256 by name."""

    partitions: int
    sources: dict[tuple[str, int], Source]
    logs: dict[int, list[Entry]]
    decisions: dict[int, list[Record]]
    cases: dict[int, list[Record]]
    standings: dict[int, list[Record]]
    work: dict[int, list[Record]]
    objects: dict[str, str]
    epoch: int = 1
    entry: dict[tuple[int, int], Entry] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Index the entries by place."""
        self.entry = {(log, i): e for log, rows in self.logs.items() for i, e in enumerate(rows)}


def leaf_hash(stored: bytes) -> str:
    """RFC 6962, 2.1, of an entry as stored."""
    return hashlib.sha256(b"\x00" + stored).hexdigest()


def faults(history: History) -> list[str]:
    """Everything that is wrong, a sentence each, under the name of the check."""
    return [f"{check.__name__}: {fault}" for check in CHECKS for fault in check(history)]


def counts(history: History) -> Counter[str]:
    """What the run was made of: entries by action, stubs, decisions sent again, cases, re-entries."""
    found: Counter[str] = Counter()
    for entry in history.entry.values():
        found["entries"] += 1
        found[entry.header["action"]] += 1
        found["stub"] += entry.header["type"] == "record.stubbed"
        found["back"] += bool(entry.header.get("cause"))
        found["slow"] += entry.content["passage"].get("lane") == "slow"
        found["objects"] += bool(entry.said and entry.content["decision"]["objects"])
    copies = sum(map(len, history.decisions.values()))
    found["again"] = copies - sum(entry.said for entry in history.entry.values())
    found["content cases"] = len(followed.content_cases(history))
    return found


def accounted(history: History) -> Iterator[str]:
    """Every source record has exactly one entry, and no entry stands for nothing."""
    held: Counter[str] = Counter()
    for entry in history.entry.values():
        for origin in spanned(entry):
            held[origin] += 1
    sent = {
        f"{history.epoch}/{topic}/{partition}/{record.offset}"
        for (topic, partition), source in history.sources.items()
        for record in source.records
    }
    gone = {
        f"{history.epoch}/{topic}/{partition}/{offset}"
        for (topic, partition), source in history.sources.items()
        for offset in range(source.begin)
    }
    yield from (f"{origin} is lost" for origin in sorted((sent | gone) - held.keys()))
    yield from (f"{origin} is invented" for origin in sorted(held.keys() - sent - gone))
    yield from (f"{o} has {n} entries" for o, n in sorted(held.items()) if n > 1)


def spanned(entry: Entry) -> Iterator[str]:
    """The origins an entry accounts for: one, but for a range nobody read."""
    place, _, offset = entry.header["origin"].rpartition("/")
    for number in range(entry.header.get("offsets", 1)):
        yield f"{place}/{int(offset) + number}"


def dense(history: History) -> Iterator[str]:
    """Indexes run from 0 without a hole; an entry lies in the log of its origin's partition."""
    for (log, index), entry in history.entry.items():
        header = entry.header
        if (header["log"], header["index"]) != (log, index):
            yield f"{log}/{index} says it is {header['log']}/{header['index']}"
        if header["origin"].split("/")[2] != str(log):
            yield f"{log}/{index} is of {header['origin']}"


def once(history: History) -> Iterator[str]:
    """One event id is decided once, one entry is answered once, one root has each revision once."""
    ids: Counter[Any] = Counter()
    answered: Counter[Any] = Counter()
    revisions: Counter[Any] = Counter()
    for (log, _), entry in history.entry.items():
        header = entry.header
        if not entry.said:
            continue
        revisions[header["root"], header["revision"]] += 1
        codes = {row["code"] for row in entry.content["decision"]["reasons"]}
        if header["cause"]:
            answered[log, header["answers"]] += 1
        elif header["type"] != "record.stubbed" and "repeat_differs" not in codes:
            ids[header["tenant"], header["source"], header["event_id"]] += 1
    for name, counter in (("event", ids), ("entry answered", answered), ("root", revisions)):
        yield from (f"{name} {what} is there {n} times" for what, n in counter.items() if n > 1)


def decided(history: History) -> Iterator[str]:
    """Every entry's decision was sent, with its receipt; every copy is the same, byte for byte."""
    sent: defaultdict[tuple[int, int], set[tuple[bytes | None, bytes]]] = defaultdict(set)
    copies: Counter[str] = Counter()
    named: dict[tuple[str, int], bytes] = {}
    for partition, records in history.decisions.items():
        for record in records:
            row = followed.parse(record.value)
            receipt, name = row["receipt"], (row["decision"], row["revision"])
            copies[row["root"]] += 1
            sent[receipt["log"], receipt["index"]].add((record.key, record.value))
            if named.setdefault(name, record.value) != record.value:
                yield f"{name} was sent in two versions"
            entry = history.entry.get((receipt["log"], receipt["index"]))
            if entry is None or receipt["log"] != partition:
                yield f"{name} on {partition} has a receipt of nothing: {receipt}"
            elif receipt["hash"] != entry.hash:
                yield f"{name} has a receipt that is not of the entry as stored: {receipt}"
    owed = Counter(
        entry.root for entry in history.entry.values() if entry.header["type"] != "range.lost"
    )
    yield from (
        f"{root} is owed {n} answers, was sent {copies[root]}"
        for root, n in owed.items() if copies[root] < n
    )  # fmt: skip
    for place, entry in history.entry.items():
        if entry.said:
            yield from _same(place, entry, sent.get(place, set()), history)
        elif place in sent:
            yield f"{place} says nothing, yet a decision carries its receipt"


def _same(
    place: tuple[int, int], entry: Entry, sent: set[tuple[bytes | None, bytes]], history: History
) -> Iterator[str]:
    """What was sent is what was stored, with receipt and pass, under the key of the record."""
    if len(sent) != 1:
        yield f"the decision of {place} was sent in {len(sent)} versions"
        return
    ((key, value),) = sent
    row = followed.parse(value)
    receipt, signed = row.pop("receipt"), row.pop("pass")
    if row != entry.content["decision"]:
        yield f"the decision sent for {place} is not the one stored"
    if receipt != {"log": place[0], "index": place[1], "hash": entry.hash}:
        yield f"the receipt sent for {place} is {receipt}"
    if (signed is not None) != (row["action"] == "release" and row["type"] in GATES):
        yield f"{place}: a {row['action']} of {row['type']} {'with' if signed else 'without'} a pass"
    epoch, topic, partition, offset = entry.header["origin"].split("/")
    source = history.sources.get((topic, int(partition)))
    keys = [r.key for r in source.records if r.offset == int(offset)] if source else []
    if entry.header["type"] != "record.stubbed" and keys and key != keys[0]:
        yield f"{place} of epoch {epoch} was answered under the key {key!r}, not {keys[0]!r}"


def released(history: History) -> Iterator[str]:
    """No release without five verdicts that let it through and the named objects lying there."""
    for place, entry in history.entry.items():
        if entry.header["action"] != "release":
            continue
        rows = [(row["obligation"], row["outcome"]) for row in entry.content["passage"]["verdicts"]]
        decision = entry.content["decision"]
        if tuple(duty for duty, _ in rows) != DUTIES:
            yield f"{place} was released on {rows}"
        yield from (
            f"{place} was released although {duty} said {outcome}"
            for duty, outcome in rows if outcome not in ("pass", "not_applicable")
        )  # fmt: skip
        if [(v["obligation"], v["outcome"]) for v in decision["verdicts"]] != rows:
            yield f"{place} names other verdicts than it carries"
        for named in decision["objects"]:
            if history.objects.get(named["name"]) != named["sha256"]:
                yield f"{place} names {named['name']}, which is not there as named"


def ordered(history: History) -> Iterator[str]:
    """Per key, topic and lane: entries stand in the order in which the records were sent."""
    last: dict[Any, int] = {}
    for (log, index), entry in history.entry.items():
        passage = entry.content["passage"]
        if "lane" not in passage:
            continue  # never read
        place, _, offset = entry.header["origin"].rpartition("/")
        line = (place, passage["lane"], entry.content["key"])
        if last.get(line, -1) > int(offset):
            yield f"{log}/{index}: offset {offset} of {line} stands after {last[line]}"
        last[line] = int(offset)


CHECKS: tuple[Callable[[History], Iterator[str]], ...] = (
    accounted, dense, once, decided, released, ordered,
    followed.cases, followed.holds, followed.standings, followed.notices, followed.progress,
)  # fmt: skip
