"""Looking things up in the log by receipt, without owning it: for the door and for incidents."""

import asyncio
from collections.abc import Callable, Collection

import orjson

from synthgate.events.decision import Decision
from synthgate.events.origin import Origin
from synthgate.events.passage import Passage
from synthgate.ledger import Entry, LogReader
from synthgate.ledger.errors import EntryAbsent, KeyErased, LedgerError
from synthgate.step import Waiting
from synthgate.steps.answers import unpack
from synthgate.steps.door import Answered


class Lookup:
    """Readers by log id."""

    def __init__(self, open_reader: Callable[[int], LogReader]) -> None:
        self._open = open_reader
        self._readers: dict[int, LogReader] = {}

    def far(self, log: int) -> bool:
        """Whether a read takes a while: then ``ahead`` is called first."""
        return self._reader(log).far

    async def ahead(self, log: int, indexes: Collection[int]) -> None:
        """Read what holds these; what is wrong with them is said once they are asked for.

        Raises:
            Waiting: the log cannot be read now.
        """
        if indexes:
            await asyncio.to_thread(_read, self._reader(log), indexes)

    def fetch(self, log: int, index: int) -> Answered:
        """The passage an entry holds, for a re-entry.

        Raises:
            KeyError: there is no such entry, or its content was erased.
            Waiting: the log cannot be read now.
        """
        try:
            entry = self._entry(log, index)
        except (EntryAbsent, KeyErased):
            raise KeyError(f"{log}/{index}") from None
        content = unpack(entry.content)
        if content.decision is None:
            raise KeyError(f"{log}/{index}")
        passage = Passage.parse(content.passage, content.key)
        stub = passage.event.stub
        return Answered(
            hash=entry.hash,
            root=Origin.parse(entry.header["root"]),
            revision=entry.header["revision"],
            passage=passage,
            stub_sha256=stub.sha256 if stub else None,
        )

    def decisions(self, log: int, start: int, end: int) -> list[tuple[bytes | None, Decision]]:
        """Decisions of the entries from ``start`` up to, not including, ``end``, with their keys.

        Raises:
            Waiting: the log cannot be read now, or not that far.
        """
        found = []
        for index in range(start, end):
            try:
                entry = self._entry(log, index)
            except KeyErased:
                continue  # nobody can say any more what it decided
            except EntryAbsent as error:
                raise Waiting("ledger", str(error)) from error
            content = unpack(entry.content)
            if content.decision is None:
                continue
            receipt = {"log": log, "index": index, "hash": entry.hash}
            row = orjson.dumps({**content.decision, "receipt": receipt, "pass": None})
            found.append((content.key, Decision.model_validate_json(row)))
        return found

    def _entry(self, log: int, index: int) -> Entry:
        try:
            return self._reader(log).read(index)
        except (EntryAbsent, KeyErased):
            raise
        except LedgerError as error:
            # Damage, a key file that is missing: no fault of who asks, and for a person to mend.
            raise Waiting("ledger", str(error)) from error

    def _reader(self, log: int) -> LogReader:
        reader = self._readers.get(log)
        if reader is None:
            reader = self._readers[log] = self._open(log)
        return reader


def _read(reader: LogReader, indexes: Collection[int]) -> None:
    try:
        reader.find_head()  # another worker has appended since anybody here looked
        reader.ahead(indexes)
    except Waiting:
        raise
    except LedgerError:
        return
