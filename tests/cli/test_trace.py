"""From a labelled file, a number, a person or a time back to what was decided, with a proof."""

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from acts_at_hand import a_bus, an_event, decide, verify
from cli_commands import run
from local_bus import LocalBus
from synthgate.cli.found import in_ledger
from synthgate.crypto.notes import Verifier, open_note
from synthgate.demo.acts import moment
from synthgate.effects import files
from synthgate.effects.provider_code import SAMPLE_CODE
from synthgate.events.decision import Decision
from synthgate.ledger import LocalStore, Packer, expiry
from synthgate.ledger.expiry import DAY_MS
from synthgate.ledger.merkle import included
from synthgate.settings import Settings
from synthgate.steps.trace_index import TraceIndex

SUBJECT = "5" * 32


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[LocalBus, Decision, Decision]:
    """A prompt that was released and the answer that followed it, under checkpoints."""
    bus = a_bus(tmp_path_factory.mktemp("traced"))
    for user in ("u", "other"):
        verify(bus, user)
    asked = decide(bus, an_event(bus, "a"))
    answered = decide(
        bus,
        an_event(
            bus, "b", "generation.completed", content={"text": "a poem on a river"},
            generation={"id": "g-a", "medium": "text", "template": "chat", "purpose": "chat"},
            **{"pass": asked.pass_},
        ),
    )  # fmt: skip
    decide(
        bus, an_event(bus, "c", user="other", subjects=[{"token": SUBJECT, "age_band": "adult"}])
    )
    assert asked.action == answered.action == "release"
    return bus, asked, answered


@pytest.fixture
def ask(told: tuple[LocalBus, Decision, Decision], capsys: Any) -> Any:
    rows = told[0].settings.model_dump(mode="json", exclude={"instance", "web_port"})
    options = [part for name, value in rows.items() for part in ("--set", f"{name}={value}")]
    assert run(capsys, *options, "log", "build")[0] == 0

    def asked(*argv: str) -> tuple[int, Any]:
        code, said, why = run(capsys, *options, "trace", *argv, "--json")
        return code, json.loads(said) if said else why

    return asked


def places(found: Any) -> list[tuple[int, int]]:
    return [(row["receipt"]["log"], row["receipt"]["index"]) for row in found["entries"]]


def place(decision: Decision) -> tuple[int, int]:
    return decision.receipt.log, decision.receipt.index


def test_from_the_labelled_file_to_entry_verdicts_and_proof(
    told: tuple[LocalBus, Decision, Decision], ask: Any, tmp_path: Path
) -> None:
    bus, asked, answered = told
    (served,) = answered.objects
    path = bus.settings.objects_dir / served.name
    code, found = ask(str(path))
    assert (code, places(found)) == (0, [place(answered)])
    (row,) = found["entries"]
    assert row["receipt"]["hash"] == answered.receipt.hash
    assert [verdict["obligation"] for verdict in row["verdicts"]] == [
        "identity", "consent", "moderation", "labelling", "retention",
    ]  # fmt: skip
    assert row["parent"] == list(place(asked))
    assert "event" not in row
    public = bus.parts.keys.checkpoint_public
    text = open_note(
        row["proof"]["checkpoint"],
        Verifier(f"synthgate.local/{answered.receipt.log:05d}", public),
        "x",
    )
    _, size, root = text.splitlines()

    path_up = [bytes.fromhex(step) for step in row["proof"]["path"]]
    leaf = bytes.fromhex(answered.receipt.hash)
    assert included(leaf, answered.receipt.index, int(size), path_up, base64.b64decode(root))
    # Changed words, but the envelope is still beside them: found by its content number.
    changed = tmp_path / path.name
    changed.write_bytes(path.read_bytes() + b"!")
    assert ask(str(changed))[0] == 1
    shutil.copy(f"{path}.aigc.json", f"{changed}.aigc.json")
    assert places(ask(str(changed))[1]) == [place(answered)]
    assert places(ask(f"{changed}.aigc.json")[1]) == [place(answered)]


def test_a_file_that_was_changed_is_found_by_the_label_inside_it(
    told: tuple[LocalBus, Decision, Decision], ask: Any, tmp_path: Path
) -> None:
    bus, _, answered = told
    picture = Path(__file__).parents[1] / "effects/carriers/files/exif.png"
    done = files.label(picture.read_bytes(), picture.name, files.Order(SAMPLE_CODE))
    path = tmp_path / "found.png"
    path.write_bytes(done.files[""])
    assert ask(str(path))[0] == 1
    index = TraceIndex(bus.settings.trace_path)
    index._db.execute(
        "UPDATE entry SET produce_id = ? WHERE log = ? AND idx = ?",
        (done.label.produce_id, *place(answered)),
    )
    index.close()
    assert places(ask(str(path))[1]) == [place(answered)]
    for old in bus.settings.data_dir.glob("trace.sqlite3*"):
        old.unlink()


def test_by_number_person_edited_person_and_time(
    told: tuple[LocalBus, Decision, Decision], ask: Any
) -> None:
    bus, asked, answered = told
    assert answered.label
    found = ask("--produce-id", answered.label["ProduceID"], "--content")[1]
    assert places(found) == [place(answered)]
    assert found["entries"][0]["event"]["content"]["text"] == "a poem on a river"
    mine = places(ask("--user", "t/u")[1])
    assert {place(asked), place(answered)} < set(mine)
    assert len(mine) == 3
    assert len(ask("--subject", SUBJECT)[1]["entries"]) == 1
    day = f"{moment(bus.now_ms - 86_400_000)}..{moment(bus.now_ms + 1)}"
    assert len(ask("--time", day)[1]["entries"]) == 5
    assert ask("--time", f"{moment(0)}..{moment(9)}")[0] == 1
    children = next(row for row in ask("--user", "t/u")[1]["entries"] if row["children"])
    assert children["receipt"]["index"] == asked.receipt.index
    assert children["children"] == [list(place(answered))]


def test_what_was_not_asked_properly(ask: Any) -> None:
    for argv in (("--user", "u"), ("--time", "now"), ("--time", "now..then")):
        code, why = ask(*argv)
        assert (code, why.count("\n")) == (78, 1)


def test_the_index_is_made_again_when_it_is_gone_or_of_another_log(
    told: tuple[LocalBus, Decision, Decision], ask: Any
) -> None:
    settings = told[0].settings
    before = ask("--user", "t/u")[1]
    for path in settings.data_dir.glob("trace.sqlite3*"):
        path.unlink()
    assert ask("--user", "t/u")[1] == before
    index = TraceIndex(settings.trace_path)
    index._db.execute("UPDATE done SET hash = 'x'")
    index._db.execute("DELETE FROM entry")
    index.close()
    assert ask("--user", "t/u")[1] == before


def test_a_tile_that_is_wrong_gives_no_proof(
    told: tuple[LocalBus, Decision, Decision], ask: Any
) -> None:
    folder = told[0].settings.proofs_of(told[2].receipt.log)
    for path in folder.glob("tile/0/000.p/*"):
        data = bytearray(path.read_bytes())
        data[0] ^= 1
        path.write_bytes(data)
    code, why = ask("--user", "t/u")
    assert (code, "is not under its checkpoint" in why) == (1, True)


def test_what_has_expired_is_still_found_and_proved(
    told: tuple[LocalBus, Decision, Decision], capsys: Any, tmp_path: Path
) -> None:
    bus, asked, answered = told
    home = ["--set", f"data_dir={tmp_path / 'data'}"]
    shutil.copytree(bus.settings.data_dir, tmp_path / "data")
    shutil.rmtree(tmp_path / "data/proofs")  # another test leaves a wrong tile behind
    for command in (["log", "build"], ["trace", "--user", "t/u"]):
        assert run(capsys, *home, *command)[0] == 0
    store = LocalStore(tmp_path / "data/ledger")
    late = bus.now_ms + 400 * DAY_MS
    for log in store.logs():
        Packer(store, log).run(late)
        for pack in expiry.packs(store, log, ()):
            assert expiry.expire(store, pack, late, pack.end)
    code, said, _ = run(capsys, *home, "trace", "--user", "t/u", "--json")
    rows = json.loads(said)["entries"]
    assert (code, len(rows)) == (0, 3)
    assert all(row["expired"] and row["proof"]["path"] is not None for row in rows)
    assert answered.receipt.hash in [row["receipt"]["hash"] for row in rows]
    assert run(capsys, *home, "verify")[0] == 0
    assert run(capsys, *home, "trace", "--user", "t/u")[0] == 0
    assert in_ledger(Settings(data_dir=tmp_path / "data"), str(asked.event_id)) == []
    code, said, _ = run(capsys, *home, "replay", "--json")
    report = json.loads(said)
    assert (code, report["not_checkable"]) == (0, {"expired": report["entries"]})
