"""The door's account out of the log, and the log held against it: what it took and nobody logged is found."""

import json
from pathlib import Path
from typing import Any

import pytest

from acts_at_hand import a_bus, an_event, decide, verify
from cli_commands import run
from local_bus import LocalBus
from synthgate.ledger import Packer, expiry
from synthgate.ledger.expiry import DAY_MS
from synthgate.ledger.log_ids import records_log
from synthgate.ledger.rings import open_ring
from synthgate.ledger.stores import open_store
from synthgate.steps.door_rows import door_rows
from synthgate.steps.retention import RetentionStep


def options(bus: LocalBus) -> list[str]:
    """Of an installation without any broker."""
    rows = bus.settings.model_dump(mode="json", exclude={"instance", "web_port", "brokers"})
    named = {**rows, "brokers": "127.0.0.1:1"}
    return [part for name, value in named.items() for part in ("--set", f"{name}={value}")]


def a_chain(folder: Path, lost: str | None = None) -> LocalBus:
    """Some acts, one of which retention loses without a word, if it is named."""
    bus = a_bus(folder, partitions=1)
    bus.recording = True
    bus.start()
    take = RetentionStep._take_whole

    def loses(self: Any, passage: Any, *rest: Any) -> None:
        if passage.event.id != lost:
            take(self, passage, *rest)

    with pytest.MonkeyPatch.context() as planted:
        planted.setattr(RetentionStep, "_take_whole", loses)
        verify(bus)
        decide(bus, an_event(bus, "a"))
        for name in ("b", "c"):
            bus.send(an_event(bus, name))
            bus.run()
    bus.prove()
    return bus


def test_what_the_door_wrote_comes_back_as_it_was(tmp_path: Path, capsys: Any) -> None:
    bus = a_chain(tmp_path / "home")
    found = door_rows(open_store(bus.settings), open_ring(bus.settings))
    wrote = [(record.value or b"").decode() for record in bus.records("records.door")]
    assert (found.rows, found.gone) == (wrote, 0)
    assert len(wrote) >= 4
    code, said, why = run(capsys, *options(bus), "log", "door")
    assert (code, said.splitlines()) == (0, wrote), why


def test_a_whole_chain_is_whole_by_the_door_too(tmp_path: Path, capsys: Any) -> None:
    bus = a_chain(tmp_path / "home")
    out = tmp_path / "door.jsonl"
    code, said, why = run(capsys, *options(bus), "log", "door", "--out", str(out))
    assert (code, f"{out}: {len(out.read_text().splitlines())} rows" in said) == (0, True), why
    code, said, why = run(capsys, *options(bus), "verify", "--door", str(out))
    assert (code, "note:" in said) == (0, False), said + why
    code, _, why = run(capsys, *options(bus), "log", "door", "--out", str(out))
    assert (code, "is there already" in why) == (78, True)


def test_what_was_taken_and_never_logged_is_named(tmp_path: Path, capsys: Any) -> None:
    """Hashes, proofs and checkpoints are all right: only the door's account tells."""
    bus = a_chain(tmp_path / "home", lost="b")
    out = tmp_path / "door.jsonl"
    assert run(capsys, *options(bus), "log", "door", "--out", str(out))[0] == 0
    code, said, _ = run(capsys, *options(bus), "verify")
    assert (code, "1 source offsets are in no entry" in said) == (0, True), said
    code, said, _ = run(capsys, *options(bus), "verify", "--door", str(out))
    (fault,) = [line for line in said.splitlines() if "FAULT" in line]
    origin = "1/generation.events/0/2"
    assert (code, f"FAULT origin: {origin}: the door took it" in fault) == (1, True)
    rows = [line for line in out.read_text().splitlines() if json.loads(line)["from_offset"] != 2]
    out.write_text("\n".join(rows))
    code, said, _ = run(capsys, *options(bus), "verify", "--door", str(out))
    assert (code, f"{origin}: no row of the door speaks of it" in said) == (1, True), said


def test_a_tail_that_was_never_logged_is_told(tmp_path: Path, capsys: Any) -> None:
    bus = a_chain(tmp_path / "home", lost="c")
    out = tmp_path / "door.jsonl"
    assert run(capsys, *options(bus), "log", "door", "--out", str(out))[0] == 0
    code, said, _ = run(capsys, *options(bus), "verify", "--door", str(out))
    wanted = "the door took 1 source offsets behind the last entry, from 1/generation.events/0/3"
    assert (code, wanted in said) == (0, True), said


def test_rows_that_have_expired_are_told(tmp_path: Path, capsys: Any) -> None:
    bus = a_chain(tmp_path / "home")
    store, log = open_store(bus.settings), records_log(0)
    late = bus.now_ms + 1_200 * DAY_MS
    Packer(store, log).run(late)
    proved = bus.parts.records.get(0).head
    for pack in expiry.packs(store, log, ()):
        assert expiry.expire(store, pack, late, proved)
    held = door_rows(open_store(bus.settings), open_ring(bus.settings))
    wrote = len(list(bus.records("records.door")))
    assert held.gone > 0
    assert len(held.rows) + held.gone == wrote
    code, said, why = run(capsys, *options(bus), "log", "door")
    assert (code, len(said.splitlines())) == ((0, len(held.rows)) if held.rows else (1, 0)), why


def test_without_any_row_nothing_is_written(tmp_path: Path, capsys: Any) -> None:
    bus = a_bus(tmp_path / "home")
    decide(bus, an_event(bus, "a"))
    out = tmp_path / "door.jsonl"
    code, _, why = run(capsys, *options(bus), "log", "door", "--out", str(out))
    assert (code, "no row of records.door is logged" in why, out.exists()) == (1, True, False)
    out.write_text("\n")
    bus.prove()
    code, _, why = run(capsys, *options(bus), "verify", "--door", str(out))
    assert (code, "no row of records.door in it" in why) == (78, True)
