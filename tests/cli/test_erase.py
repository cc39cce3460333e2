"""Erasure: after the floor, not under a hold, everywhere, and every proof stands."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from acts_at_hand import a_bus, accept, an_event, decide
from cli_commands import run
from local_bus import LocalBus
from synthgate.cli.erase import erase_user
from synthgate.crypto.tokens import user_token
from synthgate.events.decision import Decision
from synthgate.ledger import KeyRing, LocalStore, LogReader
from synthgate.ledger.errors import KeyErased
from synthgate.ledger.expiry import DAY_MS
from synthgate.steps.answers import unpack

MARKER = "QUNSHAN-7F3A"
FLOOR_MS = 184 * DAY_MS


@pytest.fixture
def bus(tmp_path: Path) -> LocalBus:
    """Two people who wrote the like; what one of them wrote bears a marker."""
    bus = a_bus(tmp_path)
    vouch(bus, f"u-{MARKER}", "v-1")
    vouch(bus, "other", "v-2")
    return bus


def vouch(bus: LocalBus, user: str, id: str) -> None:
    """Ids are the platform's, stand in the clear, and name nobody."""
    accept(bus, user)
    bus.send(an_event(bus, id, "identity.verified", user))
    bus.run()
    bus.now_ms += 10


def write(bus: LocalBus, user: str, text: str, id: str) -> Decision:
    asked = decide(bus, an_event(bus, f"{id}-q", user=user, content={"prompt": text}))
    done = decide(
        bus,
        an_event(
            bus, id, "generation.completed", user, content={"text": f"a poem on {text}"},
            generation={"id": f"g-{id}-q", "medium": "text", "template": "chat", "purpose": "chat"},
            **{"pass": asked.pass_},
        ),
    )  # fmt: skip
    assert done.action == "release", done.reasons
    return done


def options(bus: LocalBus) -> list[str]:
    rows = bus.settings.model_dump(mode="json", exclude={"instance", "web_port"})
    return [part for name, value in rows.items() for part in ("--set", f"{name}={value}")]


def everything_said(bus: LocalBus) -> bytes:
    """All that anybody with every key could read: files as they are, and content decrypted."""
    settings = bus.settings
    found = [path.read_bytes() for path in settings.data_dir.rglob("*") if path.is_file()]
    store = LocalStore(settings.ledger_dir)
    ring = KeyRing.open(settings.ledger_dir / "userkeys", bus.parts.keys.master_key)
    for log in store.logs():
        reader = LogReader(store, ring, log)
        for index in range(reader.find_head()):
            try:
                found.append(reader.read(index).content)
            except KeyErased:
                found.append(reader.stored(index))
    return b"\n".join(found)


def test_after_the_floor_a_planted_marker_is_nowhere_and_every_proof_stands(
    bus: LocalBus, capsys: Any
) -> None:
    mine = write(bus, f"u-{MARKER}", MARKER, "a")
    theirs = write(bus, "other", "a river", "b")
    settings = bus.settings
    assert run(capsys, *options(bus), "log", "build")[0] == 0
    assert run(capsys, *options(bus), "trace", "--user", f"t/u-{MARKER}")[0] == 0
    token = user_token(bus.parts.keys.token_key, "t", f"u-{MARKER}")
    assert MARKER.encode() in everything_said(bus)
    assert token.encode() in settings.trace_path.read_bytes()

    for before_ms in (bus.now_ms, bus.now_ms + FLOOR_MS - DAY_MS):
        _, kept = erase_user(settings, "t", f"u-{MARKER}", before_ms)
        assert (kept.keys, kept.objects, kept.kept_entries) == ([], 0, 3)
        assert kept.pending_until is not None
        assert before_ms < kept.pending_until <= bus.now_ms + FLOOR_MS
    assert MARKER.encode() in everything_said(bus)

    late = bus.now_ms + FLOOR_MS + DAY_MS
    _, done = erase_user(settings, "t", f"u-{MARKER}", late)
    assert (done.entries, done.objects, done.kept_entries, done.pending_until) == (3, 1, 0, None)
    assert MARKER.encode() not in everything_said(bus)
    for path in settings.data_dir.glob("trace.sqlite3*"):
        assert token.encode() not in path.read_bytes()
    left = [str(path) for path in settings.objects_dir.rglob("*")]
    assert not [path for path in left if mine.objects[0].name in path]
    assert (settings.objects_dir / theirs.objects[0].name).exists()

    assert run(capsys, *options(bus), "verify")[0] == 0
    assert mine.label
    code, said, _ = run(
        capsys, *options(bus), "trace", "--produce-id", mine.label["ProduceID"], "--json"
    )
    (row,) = json.loads(said)["entries"]
    assert (code, row["erased"], row["receipt"]["hash"]) == (0, True, mine.receipt.hash)
    assert row["proof"]["path"]

    reader = LogReader(
        LocalStore(settings.ledger_dir),
        KeyRing.open(settings.ledger_dir / "userkeys", bus.parts.keys.master_key),
        theirs.receipt.log,
    )
    assert unpack(reader.read(theirs.receipt.index).content).decision
    _, again = erase_user(settings, "t", f"u-{MARKER}", late)
    assert (again.keys, again.entries, again.pending_until) == ([], 0, None)


def test_what_was_written_lately_keeps_its_key_and_what_was_long_ago_does_not(
    bus: LocalBus,
) -> None:
    write(bus, f"u-{MARKER}", MARKER, "a")
    bus.start()  # another owner session, another key
    bus.now_ms += FLOOR_MS + 2 * DAY_MS
    vouch(bus, f"u-{MARKER}", "v-3")
    write(bus, f"u-{MARKER}", "a lake", "c")
    _, done = erase_user(bus.settings, "t", f"u-{MARKER}", bus.now_ms)
    assert (done.entries, done.kept_entries) == (3, 3)
    said = everything_said(bus)
    assert b"a poem on a lake" in said
    assert f"a poem on {MARKER}".encode() not in said


def test_a_hold_keeps_it_until_it_is_released(bus: LocalBus, capsys: Any) -> None:
    write(bus, f"u-{MARKER}", MARKER, "a")
    hold = (*options(bus), "hold")
    who = f"t/u-{MARKER}"
    placed = ["place", "case-9", "--user", who, "--by", "court", "--reason", "ordered"]
    assert run(capsys, *hold, *placed)[0] == 0
    assert run(capsys, *hold, *placed)[0] == 78
    assert "case-9" in run(capsys, *hold, "list")[1]
    late = bus.now_ms + 2 * FLOOR_MS
    _, held = erase_user(bus.settings, "t", f"u-{MARKER}", late)
    assert (held.keys, held.held_by) == ([], ["case-9"])
    assert MARKER.encode() in everything_said(bus)
    code, said, _ = run(capsys, *options(bus), "erase", who)
    assert (code, "a legal hold keeps the rest: case-9" in said) == (1, True)
    assert erase_user(bus.settings, "t", "other", late)[1].held_by == []
    assert run(capsys, *hold, "release", "case-9")[0] == 0
    assert run(capsys, *hold, "release", "case-9")[0] == 78
    assert erase_user(bus.settings, "t", f"u-{MARKER}", late)[1].entries == 3


def test_a_file_of_holds_that_cannot_be_read_holds_everything(bus: LocalBus, capsys: Any) -> None:
    write(bus, f"u-{MARKER}", MARKER, "a")
    bus.settings.holds_path.write_text('[{"name": "x"}]')
    for command in (["erase", f"t/u-{MARKER}"], ["log", "expire"]):
        code, _, said = run(capsys, *options(bus), *command)
        assert (code, "nothing goes" in said) == (1, True)


def test_the_command_says_what_the_law_keeps_and_until_when(bus: LocalBus, capsys: Any) -> None:
    bus.now_ms = time.time_ns() // 1_000_000
    write(bus, "other", "a river", "b")
    code, said, _ = run(capsys, *options(bus), "erase", "t/other", "--json")
    row = json.loads(said)
    assert (code, row["entries"]) == (75, 0)
    assert row["pending_until"] > bus.now_ms + FLOOR_MS - DAY_MS
    assert json.loads((bus.settings.data_dir / "erasures.jsonl").read_text()) == row
    assert "t/other" not in said
    assert run(capsys, *options(bus), "erase", "other")[0] == 78
    code, said, _ = run(capsys, *options(bus), "log", "expire", "--dry-run")
    assert code == 0
