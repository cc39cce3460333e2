# ruff: noqa: E501
"""What we override or reach into, held to the exact source it was written against.

When one of these fails after an upgrade: read the new source, redo the check named in its row, run
tests/runtime/test_faults.py on a real Kafka, then take over the hash it prints.
"""

import hashlib
import inspect
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import AIOKafkaConnection
from aiokafka.consumer.consumer import AIOKafkaConsumer
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.consumer.subscription_state import TopicPartitionState
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.producer.message_accumulator import MessageAccumulator
from aiokafka.producer.producer import AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import _MemoryRecordsPy
from faust.app.base import App
from faust.serializers.schemas import Schema
from faust.streams import Stream
from faust.tables.recovery import Recovery
from faust.transport import consumer as base
from faust.transport.drivers import aiokafka as driver
from mode import threads
from mode.services import Service

PINS = {"faust-streaming": "0.15.3", "mode-streaming": "0.7.1", "aiokafka": "0.14.0"}

OVERRIDDEN: list[tuple[Callable[..., Any], str, str]] = [
    (driver.AIOKafkaConsumerThread._create_worker_consumer, "c2701bfc3e6f", "every argument Faust gives aiokafka is given by member.py too"),
    (driver.AIOKafkaConsumerThread._fetch_records, "39a2c6c79fc1", "still the one place records are fetched; a closed consumer still raises"),
    (driver.AIOKafkaConsumerThread.on_thread_stop, "8dfc004e258b", "stops the queue of calls, then the consumer, and nothing after it"),
    (threads.ServiceThread.__init__, "82979878990c", "two loops are taken from outside; nothing starts a thread here"),
    (threads.ServiceThread.start, "f11841038a03", "what is done beside starting the thread and waiting for it"),
    (threads.ServiceThread.stop, "32d026539c36", "Service.stop, and an end to the thread"),
    (threads.ServiceThread._serve, "67809eae0957", "what the thread does: start, the queue of calls, stop"),
    (threads.ServiceThread._shutdown_thread, "d7377862e734", "what is done when it stops: member.py does it through Service.stop"),
    (threads.ServiceThread._stopped_set, "af9b1ff77812", "tells the loop of the thread that it has stopped; nothing beside"),
    (driver.AIOKafkaConsumerThread.__post_init__, "913dc7c0d957", "what is set up there before ours"),
    (driver.Consumer._new_consumer_thread, "0870ec53dea7", "makes the thread that member.py stands for"),
    (_DefaultRecordBatchPy._maybe_uncompress, "c9d0dc2bed50", "leaves what is read in _buffer (records.py)"),
    (threads.ServiceThread._stop_futures, "a9356c5dd851", "nothing: the thread did it"),
    (threads.QueueServiceThread.call_thread, "479edda75b54", "the one way into the thread"),
    (Service.stop, "e17cd2b6bd01", "on_stop, then futures; waits for no thread without wait_for_shutdown"),
    (driver.AIOKafkaConsumerThread.close, "d22efc59a1df", "closes the client for a consumer that is stopping: ours stops by itself"),
    (base.Consumer.getmany, "4b168d84882a", "generation and flow checks; what is yielded; that nothing else is done per record"),
    (base.Consumer._wait_next_records, "6218e1969a63", "what getmany waited for before fetching: we do it ourselves"),
    (base.Consumer._drain_messages, "44a2500309e8", "reads _read_offset as we set it; a batch is dropped only when flow stops"),
    (base.Consumer.commit, "a354437baaa0", "every commit of Faust still comes through it"),
    (base.Consumer.perform_seek, "0e8c130ff4b0", "still uses what seek_to_committed returns"),
    (base.ThreadDelegateConsumer.seek_to_committed, "f1d483b861b0", "still the only seek after an assignment"),
    (base.Consumer.on_partitions_revoked, "d04b7ae72c6f", "we finish and commit before it; it forgets after"),
    (base.Consumer.on_partitions_assigned, "29ce96596f05", "we check and seek before it; it resumes after"),
    (base.Consumer.verify_event_path, "aead7dc3d8dc", "still only logs"),
    (base.Consumer.on_stop, "45b1d2210ce2", "with stream_wait_empty off it only commits"),
    (driver.Producer._settings_extra, "a4c7bc41b638", "still merged last into the producer's settings"),
    (driver.Producer._settings_default, "9c39987fb719", "still passes batch and request sizes"),
    (driver.Producer._new_producer, "e72355c3430e", "makes the producer the app uses, not yet connected"),
    (AIOKafkaClient.send, "246b277687d7", "every request but for metadata comes through it, over a connection that ready() made"),
    (Schema.compile, "d46eec5ce319", "still makes the decoder the conductor calls"),
]  # fmt: skip

RELIED_ON: list[tuple[Callable[..., Any], str, str]] = [
    (Fetcher._proc_fetch_request, "59bf948fff47", "makes MemoryRecords of what was fetched, by the name in its module (records.py)"),
    (_MemoryRecordsPy._cache_next, "7bb73a2eabca", "_next_slice is the next batch, _pos lies behind it (records.py)"),
    (_MemoryRecordsPy.next_batch, "f1779ecb6d0d", "the batch of the slice before _cache_next (records.py)"),
    (AIOKafkaConnection.send, "5909ea32f4ef", "reads _request_timeout when it is called, before anything is awaited"),
    (GroupCoordinator._send_req, "fa4b12e914ce", "an error marks the coordinator dead"),
    (App._on_partitions_revoked, "d5c895bbe57d", "stops flow, clears the streams, waits for nothing when stream_wait_empty is off"),
    (App._stop_consumer, "55854a5de12c", "the same at the end"),
    (base.Consumer._commit_handler.fun, "4e5da5df0730", "the commit timer; it runs before the consumer has started"),
    (Service._actually_start, "def664241401", "starts a service's timers before its children"),
    (Recovery._resume_streams, "d986a6710c1a", "without tables: resume partitions, seek, resume flow"),
    (Stream.noack, "921a6f5c674d", "a stream whose events Faust does not acknowledge"),
    (Fetcher._fetch_requests_routine, "2a8ec5932644", "an error it does not expect ends it, and is kept in error_future"),
    (Fetcher.close, "1cd24bc1c442", "an end that was asked for leaves no error in error_future"),
    (GroupCoordinator.check_errors, "ba6ca51ad348", "raises what parked the coordination"),
    (GroupCoordinator._push_error_to_user, "743ff515bd7e", "parks the coordination until somebody asks"),
    (GroupCoordinator._on_join_prepare, "4d9524afc0ee", "heartbeats go on while we finish; an error of ours would only be logged"),
    (GroupCoordinator._on_join_complete, "0b0b3d204b40", "no heartbeat while we check the starts"),
    (GroupCoordinator._maybe_leave_group, "016cd88a16e6", "a static member does not leave"),
    (Fetcher.fetched_records, "be4348896b9b", "filters by partition; one partition's error is raised alone"),
    (Fetcher.seek_to, "f0ba6aba6c22", "drops what was fetched before the seek, errors too"),
    (TopicPartitionState.consumed_to, "c7b8f0f99ce9", "position moves past transaction markers"),
    (RangePartitionAssignor.assign, "3d310cce9629", "the same partition of every input goes to the same member"),
    (AIOKafkaConsumer.seek, "a9430f1f3b9a", "synchronous"),
    (AIOKafkaProducer.send_batch, "bf42b0f0c5c0", "one future for the whole batch, failed if the broker refused it"),
    (MessageAccumulator.create_builder, "13dcd0ebf6b9", "we make the same builder with another limit; its codec is _compression_type"),
    (MessageAccumulator.add_batch, "5ed1c5b1367a", "batches of a partition leave in the order given"),
]  # fmt: skip


def digest(function: Callable[..., Any]) -> str:
    return hashlib.sha256(inspect.getsource(function).encode()).hexdigest()[:12]


@pytest.mark.parametrize(("name", "wanted"), PINS.items())
def test_pins(name: str, wanted: str) -> None:
    assert version(name) == wanted


@pytest.mark.parametrize(
    ("function", "wanted", "check"),
    OVERRIDDEN + RELIED_ON,
    ids=lambda value: getattr(value, "__qualname__", ""),
)
def test_source(function: Callable[..., Any], wanted: str, check: str) -> None:
    found = digest(function)
    assert found == wanted, f"{function.__qualname__} is now {found}: check that it is {check}"


def test_what_we_override_has_the_same_parameters() -> None:
    from synthgate.runtime.member import Member
    from synthgate.runtime.records import _AnyName
    from synthgate.runtime.transport import Consumer, Producer

    pairs = [
        (Consumer.getmany, base.Consumer.getmany),
        (Consumer.commit, base.Consumer.commit),
        (Consumer.on_partitions_revoked, base.Consumer.on_partitions_revoked),
        (Consumer.on_partitions_assigned, base.Consumer.on_partitions_assigned),
        (Consumer.seek_to_committed, base.ThreadDelegateConsumer.seek_to_committed),
        (Consumer.verify_event_path, base.Consumer.verify_event_path),
        (Consumer._new_consumer_thread, driver.Consumer._new_consumer_thread),
        (Producer._new_producer, driver.Producer._new_producer),
        (Producer._settings_extra, driver.Producer._settings_extra),
        (_AnyName._maybe_uncompress, _DefaultRecordBatchPy._maybe_uncompress),
        (Member.start, threads.ServiceThread.start),
        (Member.stop, threads.ServiceThread.stop),
        (Member._stopped_set, threads.ServiceThread._stopped_set),
        (Member._stop_futures, threads.ServiceThread._stop_futures),
        (Member.close, driver.AIOKafkaConsumerThread.close),
        (Member.call_thread, threads.QueueServiceThread.call_thread),
        (Member.on_thread_stop, driver.AIOKafkaConsumerThread.on_thread_stop),
        (Member._fetch_records, driver.AIOKafkaConsumerThread._fetch_records),
        (Member._create_worker_consumer, driver.AIOKafkaConsumerThread._create_worker_consumer),
    ]
    for ours, theirs in pairs:
        assert list(inspect.signature(ours).parameters) == list(
            inspect.signature(theirs).parameters
        ), theirs.__qualname__
