"""A replay over offsets, a time or what was handed over: just that, and a difference in it is found."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from acts_at_hand import a_bus, an_event, decide, verify
from cli_commands import run
from local_bus import LocalBus
from synthgate.cli.log import provers, signing
from synthgate.ledger import LogReader
from synthgate.ledger.bundle import (
    Proved,
    checkpoint_name,
    decode_bundle,
    encode_bundle,
    entry_name,
)
from synthgate.ledger.rings import open_ring
from synthgate.ledger.stores import open_store
from synthgate.obligations import moderation as judging
from synthgate.steps import evidence, moderation
from synthgate.steps.trace_index import TraceIndex

HEROIN = "买卖海洛因"
MISSED = "missed"
"""The act whose match was missed: planted."""


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> LocalBus:
    """Six acts a minute apart; in the fourth the library is blind to what it should find."""
    bus = a_bus(tmp_path_factory.mktemp("over"), partitions=1)
    bus.recording = True
    bus.start()
    verify(bus)
    gather = moderation.ModerationDuty._facts

    def blind(self: Any, passage: Any, *args: Any) -> Any:
        facts = gather(self, passage, *args)
        missed = passage.event.id == MISSED
        return replace(facts, hits=(), found=0, risks={}) if missed else facts

    with pytest.MonkeyPatch.context() as planted:
        planted.setattr(moderation.ModerationDuty, "_facts", blind)
        for name in ("a", "bad", MISSED, "d"):
            bus.now_ms += 60_000
            words = HEROIN if name in ("bad", MISSED) else "a poem"
            decide(bus, an_event(bus, name, content={"prompt": words}))
    bus.prove()
    return bus


@pytest.fixture
def home(bus: LocalBus) -> list[str]:
    rows = bus.settings.model_dump(mode="json", exclude={"instance", "web_port", "brokers"})
    named = {**rows, "brokers": "127.0.0.1:1"}
    return [part for name, value in named.items() for part in ("--set", f"{name}={value}")]


@pytest.fixture
def report(home: list[str], capsys: Any) -> Any:
    def made(*argv: str) -> tuple[int, dict[str, Any]]:
        code, said, why = run(capsys, *home, "replay", "--json", *argv)
        assert said, why
        return code, json.loads(said)

    return made


def offset_of(bus: LocalBus, name: str) -> int:
    """Where an act lies on its topic."""
    return next(
        record.offset
        for record in bus.records("generation.events")
        if dict(record.headers)["ce_id"] == name.encode()
    )


def origins(bus: LocalBus, first: str, last: str) -> str:
    return f"1/generation.events/0/{offset_of(bus, first)}..{offset_of(bus, last) + 1}"


def moment(bus: LocalBus, back: int) -> str:
    """So many minutes before the last act."""
    at = LogReader(open_store(bus.settings), None, 0).header(offset_of(bus, "d"))["event_time"]
    return datetime.fromtimestamp(at / 1000 - back * 60, UTC).isoformat()


def bundle(
    home: list[str], capsys: Any, path: Path, *asked: str, options: tuple[str, ...] = ("--content",)
) -> list[str]:
    """Made where the log is; what names it elsewhere, where nothing else is."""
    said = ("--out", str(path), "--by", "li", "--reason", "r", *options)
    assert run(capsys, *home, "evidence", *asked, *said)[0] == 0
    return ["--bundle", str(path)]


def other(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Moderation would decide otherwise now on one act: what decision depth is for."""
    from synthgate.steps import replay

    facts, decided = replay._DUTIES["moderation"]

    def changed(event: Any, seen: Any, book: Any, as_of: int) -> Any:
        if event.id == name:
            seen = judging.ModerationFacts.from_row(seen.row() | {"library": 99})
        return decided(event, seen, book, as_of)

    monkeypatch.setitem(replay._DUTIES, "moderation", (facts, changed))  # type: ignore[arg-type]


def test_offsets_are_replayed_and_named(bus: LocalBus, report: Any, tmp_path: Path) -> None:
    code, found = report("--origins", origins(bus, "a", "bad"))
    assert (code, found["entries"], found["equal"], found["different"]) == (0, 2, 10, 0)
    assert found["over"] == {"origins": origins(bus, "a", "bad")}
    page = tmp_path / "page.html"
    report("--origins", origins(bus, "d", "d"), "--html", str(page), "--lang", "en")
    assert origins(bus, "d", "d") in page.read_text("utf-8")


def test_a_time_is_replayed_and_named(bus: LocalBus, report: Any, tmp_path: Path) -> None:
    asked = f"{moment(bus, 3)}..{moment(bus, 1)}"
    page = tmp_path / "page.html"
    code, found = report("--time", asked, "--html", str(page))
    assert (code, found["entries"], found["over"]) == (0, 2, {"logs": [0], "time": asked})
    assert asked in page.read_text("utf-8").replace("&#x2B;", "+")
    assert report("--time", asked, "--to", "2")[1]["entries"] <= 1


@pytest.mark.parametrize("depth", ["decision", "evidence"])
def test_a_difference_is_found_where_it_lies_and_nowhere_else(
    bus: LocalBus, report: Any, monkeypatch: pytest.MonkeyPatch, depth: str
) -> None:
    """A missed match, which is none at decision depth; there a decision that would be another."""
    if depth == "decision":
        assert report("--origins", origins(bus, "a", "d"))[1]["different"] == 0
        other(monkeypatch, MISSED)
    within = [
        ("--origins", origins(bus, "bad", "d")), ("--time", f"{moment(bus, 1)}..{moment(bus, 0)}"),
        ("--origins", origins(bus, MISSED, MISSED)),
    ]  # fmt: skip
    without = [
        ("--origins", origins(bus, "a", "bad")), ("--origins", origins(bus, "d", "d")),
        ("--time", f"{moment(bus, 3)}..{moment(bus, 1)}"), ("--time", f"{moment(bus, 0)}..{moment(bus, -1)}"),
    ]  # fmt: skip
    for asked in within:
        code, found = report(*asked, "--depth", depth)
        assert (code, found["different"]) == (1, 1), asked
        (example,) = found["examples"]
        assert (example["duty"], example["entry"]) == ("moderation", f"0/{offset_of(bus, MISSED)}")
    for asked in without:
        code, found = report(*asked, "--depth", depth)
        assert (code, found["different"]) == (0, 0), asked
        assert found["equal"] > 0


def test_a_bundle_is_replayed_where_nothing_else_is(
    bus: LocalBus, home: list[str], capsys: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = bundle(home, capsys, tmp_path / "b.zip", "--user", "t/u")
    key = str(bus.settings.keys_dir / "checkpoint.pub")
    argv = ["--set", f"data_dir={tmp_path / 'away'}", "replay", "--json", *named, "--key", key]
    code, said, why = run(capsys, *argv)
    assert said, why
    found = json.loads(said)
    assert (code, found["entries"], found["equal"], found["not_checkable"]) == (0, 5, 25, {})
    assert found["over"]["made"]["by"] == "li"
    assert len(found["over"]["bundle"]) == 64
    other(monkeypatch, MISSED)
    code, said, _ = run(capsys, *argv)
    assert (code, json.loads(said)["different"]) == (1, 1)
    assert not (tmp_path / "away").exists(), "nothing is written"


def test_what_a_bundle_lacks_is_not_called_equal(
    bus: LocalBus, home: list[str], report: Any, capsys: Any, tmp_path: Path
) -> None:
    """Without content no verdict can be looked at; and what a maker chose of the registries proves nothing."""
    shut = bundle(home, capsys, tmp_path / "shut.zip", "--user", "t/u", options=())
    code, found = report(*shut)
    assert (code, found["equal"]) == (0, 0)
    assert found["not_checkable"] == {"not in the bundle": 5}
    open_ = bundle(home, capsys, tmp_path / "open.zip", "--user", "t/u")
    code, found = report(*open_, "--depth", "evidence")
    assert found["not_checkable"] == {"not in the bundle": 15}
    assert (code, found["equal"], found["different"]) == (0, 5, 0), "what forbids: no row was there"


def whole_bundle(bus: LocalBus, path: Path, *, but: str | None = None) -> list[str]:
    """Every entry of every log, by the library alone: no command hands so much over."""
    store, ring = open_store(bus.settings), open_ring(bus.settings)
    index = TraceIndex(bus.settings.trace_path)
    index.update(store, ring)
    found = [
        one
        for log in store.logs()
        for place in range(LogReader(store, None, log).find_head())
        if (one := index.at(log, place)) is not None
        and LogReader(store, None, log).header(place)["origin"] != but
    ]
    gathered = evidence.gather(found, store, ring, content=True)
    index.close()
    rows, files = [], {"keys.json": json.dumps(gathered.keys).encode()}
    key = signing(bus.settings)
    for log, prover in zip(store.logs(), provers(bus.settings, key), strict=True):
        size = prover.build().size
        files[checkpoint_name(log)] = prover.published.note(size).encode()
        for (at, place), leaf in gathered.hashes.items():
            if at == log:
                steps = [step.hex() for step in prover.inclusion(place, size)]
                rows.append(Proved(log, place, leaf, size, steps, "kept").row())
                files[entry_name(log, place)] = gathered.stored[at, place]
    path.write_bytes(encode_bundle({"entries": rows}, files, key.log_name, key.private))
    return ["--bundle", str(path)]


def test_with_every_fact_handed_over_evidence_depth_finds_what_was_missed(
    bus: LocalBus, report: Any, tmp_path: Path
) -> None:
    code, found = report(*whole_bundle(bus, tmp_path / "all.zip"), "--depth", "evidence")
    assert (code, found["different"], found["not_checkable"]) == (1, 1, {})
    assert found["equal"] == 4 * found["entries"] - 1
    (example,) = found["examples"]
    assert example["facts"] == ["found", "hits", "risks"]
    lacking = whole_bundle(bus, tmp_path / "one.zip", but="1/facts.features/0/3")
    code, found = report(*lacking, "--depth", "evidence")
    assert (code, found["different"], found["equal"]) == (0, 0, 3 * found["entries"])
    assert found["not_checkable"] == {"not in the bundle": found["entries"]}


def test_a_bundle_that_is_not_whole_is_not_replayed(
    bus: LocalBus, home: list[str], capsys: Any, tmp_path: Path
) -> None:
    """Neither one somebody changed, nor one signed over entries that lead to no checkpoint."""
    path = tmp_path / "b.zip"
    named = bundle(home, capsys, path, "--user", "t/u")
    key, whole = signing(bus.settings), path.read_bytes()
    held = decode_bundle(whole, key.public, "b")
    first, second = sorted(name for name in held.files if name.startswith("entries/"))[:2]
    swapped = {first: held.files[second], second: held.files[first]}
    path.write_bytes(
        encode_bundle(held.manifest, {**held.files, **swapped}, key.log_name, key.private)
    )
    code, said, why = run(capsys, *home, "replay", *named)
    assert (code, said, "is not what was logged" in why) == (1, "", True), why
    data = bytearray(whole)
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    code, said, why = run(capsys, *home, "replay", *named)
    assert (code, said) == (1, ""), why
    code, _, why = run(capsys, *home, "replay", "--bundle", str(tmp_path / "none.zip"))
    assert (code, "cannot read" in why) == (78, True)


@pytest.mark.parametrize(
    "argv",
    [
        ("--origins", "1/t/0/3"), ("--origins", "1/t/9/3..4"), ("--time", "yesterday"),
        ("--origins", "1/t/0/3..4", "--log", "0"), ("--origins", "1/t/0/3..4", "--time", "a..b"),
        ("--bundle", "x", "--from", "1"), ("--key", "x"), ("--shadow", "--law", "x", "--time", "a..b"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(
    home: list[str], capsys: Any, argv: tuple[str, ...]
) -> None:
    code, said, why = run(capsys, *home, "replay", *argv)
    assert (code, said) == (78, ""), why


def test_the_report_says_what_it_was_over(bus: LocalBus, home: list[str], capsys: Any) -> None:
    said = run(capsys, *home, "replay", "--from", "1", "--to", "3")[1]
    assert said.splitlines()[0] == "over logs [0], from 1, to 3"
    said = run(capsys, *home, "replay", "--origins", origins(bus, "a", "a"))[1]
    assert said.splitlines()[0] == f"over origins {origins(bus, 'a', 'a')}"
