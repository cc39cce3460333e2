"""A header name that is no UTF-8 stops nobody."""

import pytest
from aiokafka.consumer import fetcher
from aiokafka.record import memory_records
from aiokafka.record.default_records import (
    DefaultRecordBatchBuilder,
    _DefaultRecordBatchBuilderPy,
    _DefaultRecordBatchPy,
)
from aiokafka.structs import TopicPartition

from synthgate.runtime import records


class Bytes(str):
    """A name that goes over the wire as bytes nobody can read."""

    def encode(self, *_args, **_more):
        return b"ce_\xff\xfe"


def batch(name, compression=0, builder=_DefaultRecordBatchBuilderPy):
    made = builder(2, compression, 0, -1, -1, 0, 1_000_000)
    for offset, headers in enumerate(([], [(name, b"1"), ("ce_id", None)], [("ce_id", b"x")])):
        made.append(offset, 5, b"key", b"value %d" % offset, headers)
    return bytes(made.build())


@pytest.fixture(params=["extension", "plain"], autouse=True)
def parser(request, monkeypatch):
    """As aiokafka is installed here, and as it is where its extension could not be built."""
    if request.param == "plain":
        monkeypatch.setattr(records, "MemoryRecords", records._MemoryRecordsPy)
        monkeypatch.setattr(memory_records, "DefaultRecordBatch", _DefaultRecordBatchPy)


def read(data, start=0):
    records.register()
    found = fetcher.PartitionRecords(
        TopicPartition("t", 0), fetcher.MemoryRecords(data), [], start, None, None, True, 1
    )
    return list(found), found.next_fetch_offset


@pytest.mark.parametrize("compression", [0, 1])
def test_it_is_read_with_marks_in_its_place(compression):
    found, position = read(batch(Bytes("x"), compression))
    assert [record.value for record in found] == [b"value 0", b"value 1", b"value 2"]
    assert found[1].headers == (("ce_\ufffd\ufffd", b"1"), ("ce_id", None))
    assert (found[0].headers, found[2].headers) == ((), (("ce_id", b"x"),))
    assert [record.offset for record in found] == [0, 1, 2] and position == 3
    assert {record.key for record in found} == {b"key"}


def test_other_batches_are_read_as_they_were():
    data = batch("name", builder=DefaultRecordBatchBuilder)
    found, position = read(data)
    assert found[1].headers == (("name", b"1"), ("ce_id", None)) and position == 3
    assert read(data + batch(Bytes("x")), start=2)[1] == 3
