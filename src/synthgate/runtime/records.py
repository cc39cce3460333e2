"""Fetched records, read whatever their headers are called.

Kafka takes any bytes for the name of a header; aiokafka 0.14.0 decodes them strictly and fails on the
fetch, for ever: one such record would stop its partition for good. Here the batch that holds it is read once
more with U+FFFD in place of what is no UTF-8, and the door treats the record like any other.

Overridden (held by tests/runtime/test_records.py): ``aiokafka.consumer.fetcher.MemoryRecords``.
"""

from collections.abc import Iterator
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy


class Records:
    """``MemoryRecords`` whose batches read any header name."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._records: Any = MemoryRecords(data)
        self.size_in_bytes = self._records.size_in_bytes
        self.has_next = self._records.has_next

    def next_batch(self) -> "Batch | None":
        """The next batch, or None at the end."""
        batch = self._records.next_batch()
        return None if batch is None else Batch(batch, self._data)


class Batch:
    """One batch; its other members are those of aiokafka's."""

    def __init__(self, batch: Any, data: bytes) -> None:
        self._batch = batch
        self._data = data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        try:
            return iter(list(self._batch))
        except UnicodeDecodeError:
            return iter(list(self._again()))
        except CorruptRecordException as error:  # what aiokafka without its extension makes of it
            if not isinstance(error.__cause__, UnicodeDecodeError):
                raise
            return iter(list(self._again()))

    def _again(self) -> Iterator[Any]:
        records = _MemoryRecordsPy(self._data)
        while records.has_next():
            start = records._pos - len(records._next_slice or b"")  # noqa: SLF001
            end = records._pos  # noqa: SLF001
            batch = records.next_batch()
            if batch is not None and batch.base_offset == self._batch.base_offset:
                return iter(_AnyName(self._data[start:end]))
        raise AssertionError("the batch was there a moment ago")


class _AnyName(_DefaultRecordBatchPy):  # type: ignore[misc]
    """A batch in plain Python, whose buffer decodes leniently."""

    _buffer: bytearray

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer = _Buffer(self._buffer)


class _Buffer(bytearray):
    def __getitem__(self, index: Any) -> Any:
        part = super().__getitem__(index)
        return _Name(part) if isinstance(index, slice) else part


class _Name(bytearray):
    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        return super().decode(encoding, errors)


def register() -> None:
    """Make every consumer of this process read so."""
    fetcher.MemoryRecords = Records
