"""One batch on its way into a log, and the answers it owes once it stands there."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from synthgate.crypto.passes import PassKeys
from synthgate.events.origin import Origin
from synthgate.events.passage import Passage
from synthgate.events.verdicts import Hold, Verdict
from synthgate.ledger import Draft, Log, Receipt
from synthgate.ledger.entry import id_hash_of
from synthgate.ledger.errors import KeyErased, StoreFull
from synthgate.step import Headers, Waiting, Work
from synthgate.steps.answers import render, unpack
from synthgate.steps.entry import receipt_row
from synthgate.steps.tracing import logged_trace, trace


class Said(NamedTuple):
    """Decision and pass row of an entry, its record key and trace; a silent entry has no decision."""

    body: dict[str, Any] | None
    pass_row: dict[str, Any] | None
    key: bytes | None
    trace: Headers


@dataclass(slots=True)
class Batched:
    """One batch on its way into a log."""

    log: Log
    work: Work
    drafts: list[Draft] = field(default_factory=list)
    owed: list[int] = field(default_factory=list)
    """Entries whose answers go out after the append."""
    origins: dict[Origin, int] = field(default_factory=dict)
    ids: dict[bytes, int] = field(default_factory=dict)
    answered: dict[int, int] = field(default_factory=dict)
    latest: dict[Origin, int] = field(default_factory=dict)
    bodies: dict[int, Said] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)
    """Notes to make of streams whose first part is released."""

    first: int = 0

    def __post_init__(self) -> None:
        self.first = self.log.head

    @property
    def next_index(self) -> int:
        """Index the next draft will get."""
        return self.first + len(self.drafts)

    def draft(self, index: int) -> Draft | None:
        """The draft that has or will have this index; None if it was logged before this batch."""
        return self.drafts[index - self.first] if index >= self.first else None

    def remember(
        self,
        passage: Passage,
        id_hash: bytes | None,
        body: dict[str, Any] | None,
        pass_row: dict[str, Any] | None,
    ) -> None:
        """Make the newest draft visible to the passages behind it in the batch, and owe its answer."""
        index = self.next_index - 1
        self.origins[passage.origin] = index
        self.bodies[index] = Said(body, pass_row, passage.key, trace(passage))
        if id_hash is not None:
            self.ids.setdefault(id_hash, index)
        if body is not None:
            self.latest[passage.root] = index
            if passage.reentry is not None:
                self.answered[passage.reentry.answers] = index
        self.owed.append(index)

    def decided(self, action: str, passage: Passage, labelling: str) -> None:
        """Count a first decision; of a release also labelling's outcome."""
        self.work.outputs.decided.append((action, self.work.now_ms - passage.at))
        if action == "release":
            self.work.outputs.released[labelling] += 1

    async def ahead(self, passages: Sequence[Passage], repeat_ms: int) -> None:
        """Read what is logged of these already, or of the acts they repeat, where that takes a while.

        repeat_ms: how far back an id counts.

        Raises:
            Waiting: the store is away.
        """
        if not self.log.far:
            return
        known = {self.log.logged(passage.origin) for passage in passages}
        known |= {passage.reentry.answers for passage in passages if passage.reentry}
        for event in (one.event for one in passages if one.event.stub is None):
            id_hash = id_hash_of(event.tenant, event.source, event.id)
            known.add(self.log.first_with_id(id_hash, self.work.now_ms - repeat_ms))
        await asyncio.to_thread(self.log.ahead, [one for one in known if one is not None])

    async def append(self) -> Sequence[Receipt]:
        """Write one segment, durable when this returns.

        Raises:
            Waiting: the store is full.
        """
        begun = time.monotonic()
        try:
            receipts = await asyncio.to_thread(self.log.append, self.drafts, self.work.now_ms)
        except StoreFull as error:
            raise Waiting("ledger", str(error)) from error
        self.work.outputs.appends.append((len(receipts), time.monotonic() - begun))
        return receipts

    def held(self, index: int) -> Mapping[str, Any]:
        """The clear header of an entry, logged or about to be."""
        draft = self.draft(index)
        return draft.header if draft is not None else self.log.header(index)


def answer(batch: Batched, receipts: Sequence[Receipt], keys: PassKeys) -> None:
    """Queue every decision owed; a silent entry is answered with the latest decision of its root.

    A decision goes out under its own act's key, whoever repeated the event: incidents reads from the key
    whose act it was. What was erased was answered long ago, and cannot be said again.
    """
    for index in batch.owed:
        try:
            said, receipt = _said(index, batch, receipts)
            if said.body is None:
                latest = batch.log.latest(root_of(index, batch))
                if latest is None:
                    continue
                said, receipt = _said(latest[0], batch, receipts)
        except KeyErased:
            continue
        if said.body is not None:
            value = render(said.body, said.pass_row, receipt, keys)
            batch.work.outputs.add("decisions", said.key, value, said.trace)


def withdrawn(batch: Batched, index: int) -> bool:
    """Whether a release of this log no longer stands: its act's latest decision is another."""
    if batch.log.answered(index) is None and index not in batch.answered:
        return False
    root = Origin.parse(batch.log.header(index)["root"])
    held = batch.log.latest(root)
    latest = batch.latest.get(root, held[0] if held else index)
    return bool(batch.held(latest)["action"] != "release")


def still_waits(passage: Passage, verdict: Verdict, batch: Batched) -> bool:
    """Whether a retry was in vain: what is held for a silent scorer would be held for one again (ADR 0053)."""
    back = passage.reentry
    if back is None or back.cause != "retry" or verdict.hold is not Hold.RETRY:
        return False
    return bool(batch.held(back.answers)["action"] == "hold")


def root_of(index: int, batch: Batched) -> Origin:
    """Whose latest decision answers an entry: the first event's root, for a repeat."""
    header: Mapping[str, Any]
    draft = batch.draft(index)
    if draft is not None:
        header, root = draft.header, draft.root
    else:
        header = batch.log.header(index)
        root = Origin.parse(header["root"])
    repeated = header.get("repeat_root")
    return Origin.parse(repeated) if repeated else root


def _said(index: int, batch: Batched, receipts: Sequence[Receipt]) -> tuple[Said, dict[str, Any]]:
    if index >= batch.first:
        return batch.bodies[index], receipt_row(receipts[index - batch.first])
    entry = batch.log.read(index)
    content = unpack(entry.content)
    trace_of = logged_trace(content.passage)
    return Said(content.decision, content.pass_row, content.key, trace_of), {
        "log": entry.log,
        "index": index,
        "hash": entry.hash,
    }
