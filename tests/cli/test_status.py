"""``synthgate status``: positions and lags add up, holes are named, workers say what they wait for."""

import asyncio
import http.server
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime

import pytest
from aiokafka import TopicPartition

from cli_commands import PATIENCE_S, Running, commit, run, send
from synthgate.broker.embedded import EmbeddedBroker
from synthgate.cases.calendar import SHANGHAI, lacking, missing, years
from synthgate.cli import positions
from synthgate.cli.standing import FUSED_INPUT, Partition, Stand, ask, partitions
from synthgate.cli.status import _calendar, _paused, _remarks, _table
from synthgate.events.decision import DoorRow
from synthgate.events.topics import DUTIES, INPUTS, RECORDED, RECORDS, TOPICS
from synthgate.settings import Settings

Capture = pytest.CaptureFixture[str]


def test_inputs_are_the_tables() -> None:
    assert INPUTS["identity"] == ("generation.events", "operator.events", "timer.events")
    assert INPUTS["moderation"] == ("passages.consented", "passages.consented.slow")
    assert INPUTS["retention"] == ("passages.labelled", "passages.labelled.slow")
    assert INPUTS["incidents"] == ("decisions", "facts.revocations", "case.events")


def test_status_of_a_running_chain(chain: Running, capsys: Capture) -> None:
    assert run(capsys, "example", "chat", *chain.options)[0] == 0
    until = time.monotonic() + PATIENCE_S
    while True:  # A worker may wait for a moment, for a broker that is slow to answer.
        code, said, why = run(capsys, "status", *chain.options, "--worker", chain.web)
        assert (code, why) == (0, "")
        if "ready, waits for nothing" in said:
            break
        assert time.monotonic() < until, said
    table = said.split("\n\n")[0].splitlines()
    assert len(table) == 1 + chain.settings.partitions
    assert table[0].split()[:3] == ["partition", "sources", "end"]
    assert "library: version 1" in said
    assert "topology: separate" in said

    until = time.monotonic() + PATIENCE_S
    while True:  # Other tests' events may still be on the way.
        code, said, _ = run(capsys, "status", *chain.options, "--json")
        whole = json.loads(said)
        lags = [
            stand["lag"]
            for row in whole["partitions"]
            for stands in row["duties"].values()
            for stand in stands
        ]
        if not any(lags) or time.monotonic() > until:
            break
    assert code == 0
    assert not any(lags), whole["partitions"]
    assert whole["calendar"]["years_lacking"] == list(lacking(whole["at"]))
    busy = [row for row in whole["partitions"] if row["sources"]["generation.events"]]
    assert busy
    for row in busy:
        assert row["head"] == sum(row["sources"].values())
        assert row["unaccounted"] is None
        assert set(row["duties"]) == {*DUTIES, RECORDS}


def test_a_chain_nobody_runs(
    embedded: EmbeddedBroker, topic_prefix: str, chain: Running, capsys: Capture, tmp_path
) -> None:
    """Lag, a loss the group would stop at, and an offset the door took and nobody logged."""
    embedded.create_topics({topic_prefix + topic.name: 2 for topic in TOPICS})
    where = [
        *chain.options,
        "--set",
        f"topic_prefix={topic_prefix}",
        "--set",
        f"data_dir={tmp_path}",
    ]
    send(embedded.bootstrap, f"{topic_prefix}generation.events", 1, [b"x"] * 5)
    commit(
        embedded.bootstrap, f"{topic_prefix}synthgate.identity",
        f"{topic_prefix}generation.events", 1, 3,
    )  # fmt: skip
    row = DoorRow(
        epoch=1,
        topic="generation.events",
        partition=1,
        from_offset=0,
        to_offset=3,
        absent=[0],
        at=1000,
    )
    send(embedded.bootstrap, f"{topic_prefix}records.door", 1, [row.model_dump_json().encode()])
    send(embedded.bootstrap, f"{topic_prefix}passages.consented", 0, [b"x"] * 2)

    code, said, why = run(capsys, "status", *where)
    assert (code, why) == (0, "")
    lines = said.splitlines()
    assert "-+2" in lines[1]  # Moderation on partition 0 has never read.
    assert "3+2" in lines[2]
    assert "1/generation.events/1/1, " in lines[2]
    assert "2 passages are on the way" in said
    assert "library: none is active" in said
    assert "waits: not asked" in said


def test_lost_records_are_named() -> None:
    partition = Partition(0, {"generation.events": 9})
    partition.duties = {duty: [] for duty in DUTIES}
    partition.duties["identity"] = [Stand("generation.events", 2, 5, 9)]
    assert " LOST" in list(_table([partition], 0))[1]
    assert any(
        "3 records of generation.events/0 were deleted unread" in line
        for line in _remarks([partition], 0)
    )


class _Group:
    """A consumer of a group that has read three of eight records everywhere, but for one topic."""

    def __init__(self, group: str) -> None:
        self.group = group

    async def beginning_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {place: 4 if place.topic == "x.work" else 0 for place in places}

    async def end_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, 8)

    async def committed(self, place: TopicPartition) -> int | None:
        unread = self.group == "x.synthgate.records" and place.topic == "x.cases"
        return None if unread or place.topic == "x.passages.labelled.slow" else 3


def test_what_logs_facts_is_shown_beside_the_duties(monkeypatch: pytest.MonkeyPatch) -> None:
    @asynccontextmanager
    async def reader(_: Settings, group: str) -> AsyncIterator[_Group]:
        yield _Group(group)

    monkeypatch.setattr(positions, "reader", reader)
    found = asyncio.run(partitions(Settings(topic_prefix="x.", partitions=2)))
    assert [stand.topic for stand in found[1].duties[RECORDS]] == list(RECORDED)
    assert found[1].sources == dict.fromkeys(INPUTS["identity"], 8)
    assert FUSED_INPUT not in {stand.topic for stand in found[1].duties["identity"]}
    table = list(_table(found, 0))
    assert "incidents  records  " in table[0]
    behind = 5 * (len(RECORDED) - 1) + 8  # eight of the topic that was never read
    assert f"  {3 * (len(RECORDED) - 1)}+{behind} LOST" in table[1]
    (remark,) = [line for line in _remarks(found[:1], 0) if line.startswith("records:")]
    assert remark.startswith("records: 1 records of work/0 were deleted unread; Kafka's own")


def test_fused_is_seen_by_what_identitys_group_reads() -> None:
    partition = Partition(0)
    partition.duties = {duty: [] for duty in DUTIES}
    assert "topology: separate (identity's group says so)" in list(_remarks([partition], 0))
    partition.duties["identity"] = [Stand(FUSED_INPUT, 0, 0, 0)]
    assert "topology: fused (identity's group says so)" in list(_remarks([partition], 0))


def test_pauses_are_named_together() -> None:
    row = {"duty": "consent", "by": "ops-1", "reason": "disk", "at": "1970-01-01T00:00:10Z"}
    said = list(_paused([{**row, "partition": 3}, {**row, "partition": 1}], 70_000))
    assert said == [
        "paused: consent on partition 1, 3, by ops-1 (disk), 60 s; `synthgate resume consent`"
    ]


@contextmanager
def worker(status: int, body: bytes) -> Iterator[str]:
    """A /readyz that says this."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_worker_that_waits_says_for_what() -> None:
    from synthgate.cli.status import _waits

    waits = [
        {
            "duty": "consent",
            "where": "passages.identified/3",
            "what": "registry:facts.consents",
            "since": 10.0,
        }
    ]
    with worker(503, json.dumps({"ready": False, "waits": waits}).encode()) as url:
        said = list(_waits([ask(url)], 70_000))
    assert said[0].endswith("not ready, waits:")
    assert said[1] == "  consent passages.identified/3 waits for registry:facts.consents, 60 s"


def test_a_worker_that_is_none() -> None:
    with worker(200, b"<html>") as url:
        assert "fault" in ask(url)
    assert "fault" in ask("http://127.0.0.1:1")
    assert "fault" in ask("nonsense")


def test_a_year_without_holidays_is_named() -> None:
    autumn = [datetime(max(years()), month, 20, tzinfo=SHANGHAI) for month in (9, 11)]
    before, after = (list(_calendar(missing(round(at.timestamp() * 1000)))) for at in autumn)
    assert before == []
    assert len(after) == 1
    assert f"holidays of {max(years()) + 1} are not known" in after[0]
    assert "newer chinesecalendar" in after[0]
