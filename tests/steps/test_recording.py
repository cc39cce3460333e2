"""What decisions rest on, and what followed them, is in the log: each record once, closed, proved."""

import asyncio
import json
import threading
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from acts_at_hand import a_bus, an_event, decide, verify
from cli_commands import run
from local_bus import LocalBus, Stored
from synthgate.cli.erase import erase_token
from synthgate.crypto.tokens import user_token
from synthgate.demo.facts import consent, template
from synthgate.events import topics
from synthgate.events.facts import AccountRow
from synthgate.ledger import Log, LogReader
from synthgate.ledger.entry import Entry
from synthgate.ledger.expiry import DAY_MS
from synthgate.ledger.log_ids import records_log
from synthgate.ledger.reader import read_footer
from synthgate.ledger.rings import open_ring
from synthgate.ledger.stores import open_store
from synthgate.step import Batch
from synthgate.steps.never_read import NEVER_READ
from synthgate.steps.record_entry import ABSENT, RECORDED, Recorded, recorded
from synthgate.steps.recording import RecordsStage
from synthgate.steps.rested_on import rested_on
from synthgate.steps.trace_index import TraceIndex

SECRET = "买卖海洛因"
SUBJECT = "5" * 32


@pytest.fixture
def bus(tmp_path: Path) -> LocalBus:
    """A refusal: a case, a warning, work; and what it rested on."""
    bus = a_bus(tmp_path)
    bus.recording = True
    bus.start()
    verify(bus)
    assert decide(bus, an_event(bus, "bad", content={"prompt": SECRET})).action == "refuse"
    return bus


def options(bus: LocalBus) -> list[str]:
    rows = bus.settings.model_dump(mode="json", exclude={"instance", "web_port"})
    return [part for name, value in rows.items() for part in ("--set", f"{name}={value}")]


def logs(bus: LocalBus) -> list[Log]:
    return [bus.parts.records.get(partition) for partition in range(bus.settings.partitions)]


def held(bus: LocalBus) -> dict[str, Recorded | None]:
    """Every record logged, by origin."""
    found = {}
    for log in logs(bus):
        for entry in log.entries():
            assert entry.header["action"] in (RECORDED, ABSENT)
            assert entry.header["origin"] not in found, "an origin stands twice"
            found[entry.header["origin"]] = recorded(entry.content)
    return found


def on_topics(bus: LocalBus) -> dict[str, Recorded]:
    return {
        f"1/{topic}/{partition}/{one.offset}": Recorded(
            one.timestamp, one.key, one.value, list(one.headers)
        )
        for (topic, partition), records in bus.logs.items()
        if topic in topics.RECORDED
        for one in records
    }


def test_every_record_of_a_logged_topic_stands_in_the_log_as_it_was(bus: LocalBus) -> None:
    assert held(bus) == on_topics(bus)
    kinds = Counter(origin.split("/")[1] for origin in held(bus))
    assert {"facts.templates", "control", "cases", "work", "standings", "records.door"} <= set(
        kinds
    )


def test_what_is_read_again_is_not_logged_again(bus: LocalBus) -> None:
    """As after a crash before the commit, or another owner: the log itself knows."""
    before = held(bus)
    for stage_topic in list(bus.read):
        if stage_topic[0] == topics.RECORDS:
            del bus.read[stage_topic]
    bus.start()
    bus.run()
    assert held(bus) == before


def test_nothing_is_decided_of_it_and_the_log_of_decisions_is_as_without(
    bus: LocalBus, tmp_path: Path
) -> None:
    other = a_bus(tmp_path / "without")
    verify(other)
    decide(other, an_event(other, "bad", content={"prompt": SECRET}))
    assert bus.parts.logs.heads() == other.parts.logs.heads()
    assert len(bus.decisions()) == len(other.decisions())


def test_nobody_and_no_words_stand_in_the_clear(bus: LocalBus) -> None:
    store = open_store(bus.settings)
    row = AccountRow(
        version=1, tenant="t", user="u", standing="ok", reason="r-e-a-s-o-n", since="2026-11-01T00:00:00Z"
    )  # fmt: skip
    bus.fact("facts.accounts", row)
    bus.run()
    for log in logs(bus):
        for first in store.firsts(log.log_id):
            data = store.read(log.log_id, first)
            assert SECRET.encode() not in data
            assert b"r-e-a-s-o-n" not in data
            assert b'"t/u"' not in data
    token = user_token(bus.parts.keys.token_key, "t", "u")
    users = Counter(
        user
        for log in logs(bus)
        for first in store.firsts(log.log_id)
        for user in read_footer(store, log.log_id, first).users.values()
    )
    assert users[token] >= 1


def stage(bus: LocalBus) -> RecordsStage:
    found = bus.stages[-1]
    assert isinstance(found, RecordsStage)
    return found


def test_offsets_that_hold_nothing_are_accounted_for(bus: LocalBus) -> None:
    """Compacted away or a marker, or before the first that was read: the log says which."""
    records = [bus.append("guards", b"x", b"{}", (), 0) for _ in range(8)]
    batch = Batch("guards", 0, [records[3], records[7]], 2, 8)
    bus.start()
    asyncio.run(stage(bus).process(batch, bus.now_ms))
    log = bus.parts.records.get(0)
    assert list(log.missing(1, "guards", 0, 8)) == []
    told = [
        (entry.header["action"], entry.header["origin"].rpartition("/")[2], entry.header.get("offsets", 1))
        for entry in log.entries()
        if entry.header["type"] == "guards"
    ]  # fmt: skip
    assert told == [
        (NEVER_READ, "0", 2), (ABSENT, "2", 1), (RECORDED, "3", 1), (ABSENT, "4", 3), (RECORDED, "7", 1),
    ]  # fmt: skip


def test_who_is_cancelled_stays_until_it_is_written(
    bus: LocalBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Partitions go while a segment is written: its log may be another's next, so nobody leaves before."""
    begun, may_end = threading.Event(), threading.Event()
    write = Log.append

    def slow(log: Log, *given: Any) -> Any:
        begun.set()
        assert may_end.wait(30)
        return write(log, *given)

    records = [bus.append("guards", b"x", b"{}", (), 0) for _ in range(2)]
    batch = Batch("guards", 0, records, 0, 2)
    bus.start()
    monkeypatch.setattr(Log, "append", slow)

    async def left() -> bool:
        lane = asyncio.create_task(stage(bus).process(batch, bus.now_ms))
        await asyncio.to_thread(begun.wait, 30)
        lane.cancel()
        await asyncio.sleep(0.05)
        stayed = not lane.done()
        may_end.set()
        await asyncio.wait([lane])
        assert lane.cancelled()
        return stayed

    head = bus.parts.records.get(0).head
    assert asyncio.run(left())
    assert bus.parts.records.get(0).head == head + 2
    asyncio.run(stage(bus).process(batch, bus.now_ms))
    assert bus.parts.records.get(0).head == head + 2


def test_other_bytes_under_an_origin_are_logged_beside(bus: LocalBus) -> None:
    """A topic made anew under one epoch: what it holds now is not taken for what it held."""
    (first, *_) = bus.logs["control", 0] or [bus.append("control", b"x", b"{}", (), 0)]
    bus.run()
    first.value = b'{"other": true}'
    del bus.read[topics.RECORDS, "control", 0]
    bus.start()
    bus.run()
    marked = [origin for origin in held(bus) if "~" in origin]
    assert len(marked) == 1
    bus.start()
    del bus.read[topics.RECORDS, "control", 0]
    bus.run()
    assert [origin for origin in held(bus) if "~" in origin] == marked


def test_a_tombstone_leaves_no_new_trace_of_whom_it_erases(bus: LocalBus) -> None:
    one = bus.append("standings", b"t/u", None)
    bus.run()
    origin = next(
        origin for origin in held(bus)
        if origin.startswith("1/standings/") and origin.endswith(f"/{one.offset}")
    )  # fmt: skip
    assert held(bus)[origin] == Recorded(one.timestamp, None, None, [])


def test_the_log_is_verified_with_the_others_and_a_hole_is_a_fault(
    bus: LocalBus, capsys: Any
) -> None:
    bus.append("control", b"x", b"{}", (), 0)
    bus.run()
    bus.prove()
    code, said, why = run(capsys, *options(bus), "verify")
    assert code == 0, said + why
    assert str(records_log(0)) in said
    log = bus.parts.records.get(0)
    end = bus.ends("control")[0]
    bus.append("control", b"x", b"{}", (), 0)
    late = bus.append("control", b"y", b"{}", (), 0)
    recorder = stage(bus)
    recorder._begun.add(("control", 0))  # an owner that forgets what it did not read
    asyncio.run(
        recorder.process(Batch("control", 0, [late], late.offset, late.offset + 1), bus.now_ms)
    )
    bus.prove()
    assert log.lowest_missing(1, "control", 0, late.offset) == end
    code, said, _ = run(capsys, *options(bus), "verify")
    assert (code, f"1/control/0/{end}" in said) == (1, True)


def test_periods_are_those_of_the_policy(bus: LocalBus) -> None:
    """PIPL 56: three years for consents; cases and sanctions by our choice; what the door took as the acts."""
    kinds = set()
    for log in logs(bus):
        for entry in log.entries():
            if entry.header["action"] == RECORDED:
                kinds.add(kind := entry.header["type"])
                days = (entry.header["keep_until"] - entry.header["recorded_at"]) // DAY_MS
                assert days == (184 if kind == "records.door" else 1096), kind
    assert {"standings", "cases", "work", "records.door", "facts.templates"} <= kinds


def test_a_request_reaches_cases_and_sanctions_when_it_reaches_the_acts(bus: LocalBus) -> None:
    """Three years are ours there, and six months the law's: PIPL 47 is stronger. Packs wait for three years."""
    token = user_token(bus.parts.keys.token_key, "t", "u")
    early = erase_token(bus.settings, token, bus.now_ms + 183 * DAY_MS)
    assert (early.entries, early.keys) == (0, [])
    held = erase_token(bus.settings, token, bus.now_ms + 185 * DAY_MS)
    assert (held.kept_entries, held.pending_until) == (0, None)
    kinds = Counter(
        header["type"]
        for log in logs(bus)
        for reader in [LogReader(open_store(bus.settings), open_ring(bus.settings), log.log_id)]
        for index, found in enumerate(reader.each(0, log.head))
        for header in [reader.header(index)]
        if not isinstance(found, Entry)
    )
    assert set(kinds) == {"standings", "cases", "work"}


def test_replay_decides_nothing_on_it(bus: LocalBus, capsys: Any) -> None:
    code, said, why = run(capsys, *options(bus), "replay", "--json")
    assert code == 0, why
    assert json.loads(said)["entries"] == sum(bus.parts.logs.heads().values())


def test_erasure_reaches_what_is_logged_of_a_person_and_proofs_stand(
    bus: LocalBus, capsys: Any
) -> None:
    """PIPL 47: their cases by user, their consents by subject, each after its own period."""
    bus.fact("facts.consents", consent(SUBJECT, "g-words", bus.now_ms))
    bus.run()
    bus.prove()
    token = user_token(bus.parts.keys.token_key, "t", "u")
    mine = {origin for origin, person in persons(bus).items() if person == token}
    assert {origin.split("/")[1] for origin in mine} >= {"cases", "standings", "work"}
    late = bus.now_ms + 185 * DAY_MS
    assert erase_token(bus.settings, SUBJECT, late).pending_until is not None
    assert erase_token(bus.settings, token, late).keys
    assert erase_token(bus.settings, SUBJECT, bus.now_ms + 1_097 * DAY_MS).entries == 1
    store, ring = open_store(bus.settings), open_ring(bus.settings)
    for log in logs(bus):
        for found in LogReader(store, ring, log.log_id).each(0, log.head):
            if isinstance(found, Entry):
                assert SECRET.encode() not in found.content
                assert b"g-words" not in found.content
    assert run(capsys, *options(bus), "verify")[0] == 0


def test_a_hold_on_an_edited_person_keeps_what_is_logged_of_them_until_it_ends(
    bus: LocalBus, capsys: Any
) -> None:
    bus.fact("facts.consents", consent(SUBJECT, "g-1", bus.now_ms))
    bus.run()
    hold = (*options(bus), "hold")
    told = ("--by", "court", "--reason", "ordered")
    late = bus.now_ms + 1_097 * DAY_MS
    for wrong in ("t/u", ""):
        assert run(capsys, *hold, "place", "case-9", "--subject", wrong, *told)[0] == 78
    other = run(capsys, *hold, "place", "case-8", "--subject", "6" * 32, *told)
    assert other[0] == 0, other
    assert run(capsys, *hold, "place", "case-9", "--subject", SUBJECT, *told)[0] == 0
    assert f"case-9  person {SUBJECT[:12]}" in run(capsys, *hold, "list")[1]
    kept = erase_token(bus.settings, SUBJECT, late)
    assert (kept.keys, kept.entries, kept.held_by) == ([], 0, ["case-9"])
    code, said, _ = run(capsys, *options(bus), "erase", "--subject", SUBJECT)
    assert (code, "a legal hold keeps the rest: case-9" in said) == (1, True)
    assert b"g-1" in b"".join(one.value or b"" for one in held(bus).values() if one)
    assert run(capsys, *hold, "release", "case-9")[0] == 0
    done = erase_token(bus.settings, SUBJECT, late)
    assert (done.entries, done.held_by) == (1, [])


def test_the_command_erases_an_edited_person(bus: LocalBus, capsys: Any) -> None:
    bus.fact("facts.consents", consent(SUBJECT, "g", bus.now_ms))
    bus.run()
    code, said, why = run(capsys, *options(bus), "erase", "--subject", SUBJECT, "--json")
    assert (code, json.loads(said)["kept_entries"]) == (75, 1), why


def persons(bus: LocalBus) -> dict[str, str]:
    """Whose key closes each record, by origin."""
    store = open_store(bus.settings)
    return {
        header["origin"]: reader.person(index, header["kid"])
        for log in logs(bus)
        for reader in [LogReader(store, None, log.log_id)]
        for index in range(log.head)
        for header in [reader.header(index)]
    }


def test_trace_names_the_records_about_a_person(bus: LocalBus, capsys: Any) -> None:
    bus.fact("facts.consents", consent(SUBJECT, "g", bus.now_ms))
    bus.run()
    bus.prove()
    for asked, topic in (("--user", "standings"), ("--subject", "facts.consents")):
        who = "t/u" if asked == "--user" else SUBJECT
        code, said, why = run(capsys, *options(bus), "trace", asked, who, "--json")
        assert code == 0, why
        rows = [row for row in json.loads(said)["entries"] if row["header"]["type"] == topic]
        assert rows
        assert all(row["proof"] is not None for row in rows)


def test_evidence_takes_along_what_a_decision_rested_on(
    bus: LocalBus, tmp_path: Path, capsys: Any
) -> None:
    """The consent, the template, the library and the law in force then; not what came later."""
    bus.fact("facts.consents", consent(SUBJECT, "g", bus.now_ms).model_copy(update={"tenant": "t"}))
    bus.run()
    verify(bus, "v")
    asked = an_event(
        bus, "edited", user="v", subjects=[{"token": SUBJECT, "age_band": "adult"}],
        generation={"id": "g-edited", "medium": "text", "template": "style", "purpose": "chat"},
    )  # fmt: skip
    decided = decide(bus, asked)
    later = consent(SUBJECT, "later", bus.now_ms).model_copy(update={"tenant": "t"})
    bus.fact("facts.consents", later)
    bus.run()
    bus.prove()
    index = TraceIndex(bus.settings.trace_path)
    store, ring = open_store(bus.settings), open_ring(bus.settings)
    index.update(store, ring)
    (entry,) = (one for one in [index.at(decided.receipt.log, decided.receipt.index)] if one)
    found = rested_on(index, [entry], store, ring)
    index.close()
    rows = [recorded(LogReader(store, ring, one.log).read(one.place).content) for one in found]
    keys = {row.key for row in rows if row is not None}
    assert f"t/{SUBJECT}/g".encode() in keys
    assert {b"t/style", b"library"} <= keys
    assert f"t/{SUBJECT}/later".encode() not in keys
    out = tmp_path / "bundle.zip"
    more = ["--out", str(out), "--by", "li", "--reason", "r", "--content", "--pdf"]
    code, said, why = run(capsys, *options(bus), "evidence", "--subject", SUBJECT, *more)
    assert code == 0, said + why
    key = str(bus.settings.keys_dir / "checkpoint.pub")
    code, said, why = run(capsys, *options(bus), "verify", str(out), "--key", key)
    assert code == 0, said + why
    assert "whole" in said
    report = json.loads(zipfile.ZipFile(out).read("report.json"))
    logged = [row["record"]["key"] for row in report["rows"] if "record" in row]
    assert sorted(logged) == [f"t/{SUBJECT}/g", f"t/{SUBJECT}/later"]


def test_a_decision_rested_on_nothing_of_a_later_epoch(tmp_path: Path) -> None:
    """After a fail-over with new offsets an offset of before means another record."""
    decided = []
    for epoch in (1, 2):
        bus = a_bus(tmp_path, epoch=epoch)
        bus.recording = True
        bus.start()
        # Positions of epoch 1 lie above the offsets of epoch 2, where the template was written again.
        for name in map(str, range(40)) if epoch == 1 else ["chat"] * 5:
            row = template(name, bus.now_ms).model_copy(update={"tenant": "t"})
            bus.fact("facts.templates", row)
        verify(bus, f"u{epoch}")
        decided.append(decide(bus, an_event(bus, f"e{epoch}", user=f"u{epoch}")))
    index = TraceIndex(bus.settings.trace_path)
    store, ring = open_store(bus.settings), open_ring(bus.settings)
    index.update(store, ring)
    for epoch, one in enumerate(decided, 1):
        entry = index.at(one.receipt.log, one.receipt.index)
        assert entry is not None
        rows = rested_on(index, [entry], store, ring)
        assert {row.root.partition("/")[0] for row in rows} == {str(epoch)}
        assert {row.root.split("/")[1] for row in rows} >= {"control", "facts.templates"}
    index.close()


@pytest.mark.parametrize(
    ("topic", "key", "value"),
    [
        ("case.events", b"c", b'{"tenant": 5, "user": "13800138000", "key": 7, "case": ["x"]}'),
        ("case.events", None, b"\xff[[[[not json"),
        ("cases", b"\xff", b"[]"),
        ("facts.consents", b"t/11010519491231002X/g", b"{}"),
        ("facts.consents", b"\xff/\xfe", b""),
        ("facts.accounts", None, b"{}"),
        ("control", b"terms/11010519491231002X", b"\x00"),
        ("case.events", b"c", b'{"tenant": "13800138000"}'),
        ("facts.consents", b"11010519491231002X/t/g", b"{}"),
        ("cases", b"c", b'{"user": "13800138000"}'),
        ("work", b"w", b'{"case": null}'),
        ("work", b"w", b'{"key": "a", "user": ["13800138000"]}'),
        ("cases", b"c", b'{"key": 7}'),
        ("cases", b"c", '{"key": "\u4e00"}'.encode()),
    ],
)
def test_whatever_lies_on_a_topic_is_logged_and_names_nobody_in_the_clear(
    bus: LocalBus, topic: str, key: bytes | None, value: bytes
) -> None:
    one = bus.logs[topic, 0]
    bus.stages = bus.stages[-1:]  # what the duties make of it is tested elsewhere
    record = Stored(len(one), bus.now_ms, key, value, [("h", b"\xff")])
    one.append(record)
    bus.run()
    found = held(bus)[f"1/{topic}/0/{record.offset}"]
    assert found == Recorded(record.timestamp, key, value, [("h", b"\xff")])
    store = open_store(bus.settings)
    data = store.read(records_log(0), store.firsts(records_log(0))[-1])
    for plain in (b"13800138000", b"11010519491231002X"):
        assert plain not in data
