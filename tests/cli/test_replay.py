"""The same facts give the same verdicts, byte for byte; another law is told by rule and count."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from acts_at_hand import a_bus, an_event, answer, decide, verify
from cli_commands import Running, run
from local_bus import LocalBus
from synthgate import law
from synthgate.obligations import moderation
from synthgate.steps.replay import Replay


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> LocalBus:
    """Releases, refusals, a hold and its answer, a stub, a repeat."""
    bus = a_bus(tmp_path_factory.mktemp("replayed"))
    verify(bus)
    asked = decide(bus, an_event(bus, "a"))
    done = decide(
        bus,
        an_event(
            bus, "b", "generation.completed", content={"text": "a poem"},
            generation={"id": "g-a", "medium": "text", "template": "chat", "purpose": "chat"},
            **{"pass": asked.pass_},
        ),
    )  # fmt: skip
    assert done.action == "release"
    for number in range(3):
        event = an_event(bus, f"bare-{number}", data=1)
        event["data"].pop("net")
        assert decide(bus, event).action == "refuse"
    assert decide(bus, an_event(bus, "c", user="stranger")).action == "refuse"
    decide(bus, an_event(bus, "a"))
    bus.append("generation.events", b"t/u", b"{not json", [])
    bus.run()
    answer(bus, done, "recall")
    return bus


def replayed(bus: LocalBus, capsys: Any, *argv: str) -> tuple[int, dict[str, Any]]:
    rows = bus.settings.model_dump(mode="json", exclude={"instance", "web_port"})
    options = [part for name, value in rows.items() for part in ("--set", f"{name}={value}")]
    code, said, why = run(capsys, *options, "replay", "--json", *argv)
    assert said, why
    return code, json.loads(said)


def test_everything_that_was_decided_is_decided_again(bus: LocalBus, capsys: Any) -> None:
    code, report = replayed(bus, capsys)
    assert (code, report["different"], report["not_checkable"]) == (0, 0, {})
    assert report["equal"] == report["verdicts"] == 5 * report["entries"]
    assert report["entries"] >= 9
    assert report["laws"] == {law.load().hash: report["verdicts"]}
    part = replayed(bus, capsys, "--log", "0", "--from", "0", "--to", "1")[1]
    assert part["entries"] <= 1


def test_a_decide_that_changed_is_found_and_named(
    bus: LocalBus, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from synthgate.steps import replay

    facts, decided = replay._DUTIES["moderation"]

    def other(event: Any, seen: Any, book: Any, as_of: int) -> Any:
        return decided(
            event, moderation.ModerationFacts.from_row(seen.row() | {"library": 99}), book, as_of
        )

    monkeypatch.setitem(replay._DUTIES, "moderation", (facts, other))  # type: ignore[arg-type]
    code, report = replayed(bus, capsys)
    assert code == 1
    assert report["different"] > 0
    assert {example["duty"] for example in report["examples"]} == {"moderation"}
    assert all("facts" in example["fields"] for example in report["examples"])


def test_a_law_without_a_rule_is_told_by_rule_and_count(
    bus: LocalBus, capsys: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "law"
    shutil.copytree(
        Path(law.__file__).parent, folder, ignore=shutil.ignore_patterns("*.py", "__pyc*")
    )
    row = folder / "rows/dsp_2022.toml"
    changed = row.read_text("utf-8").replace('rules = ["DSP-10-10"]', 'rules = ["DSP-10-10-NOT"]')
    assert changed != row.read_text("utf-8")
    row.write_text(changed, "utf-8")
    code, report = replayed(bus, capsys, "--law", str(folder))
    assert code == 1
    (flip,) = [flip for flip in report["flips"] if flip["rule"] == "DSP-10-10"]
    assert flip["now"] == "no longer given"
    assert flip["verdicts"] == 3
    assert flip["outcomes"] == {"refuse to pass": 3}
    assert {example["duty"] for example in flip["examples"]} == {"identity"}
    assert report["candidate"] != law.load().hash
    page = tmp_path / "replay.html"
    again = replayed(bus, capsys, "--law", str(folder), "--html", str(page), "--lang", "zh")
    assert again[1] == report, "the page is beside the report"
    assert "DSP-10-10" in page.read_text("utf-8") and "重放报告" in page.read_text("utf-8")
    assert [row["rule"] for row in report["rules"]] == [
        flip["rule"] for flip in report["flips"] if flip["rule"] != "DSP-10-10-NOT"
    ]
    same = replayed(bus, capsys, "--law", str(Path(law.__file__).parent))
    assert (same[0], same[1]["different"]) == (0, 0)


def test_another_law_is_not_called_equal(bus: LocalBus) -> None:
    replay = Replay(law.load().without("DSP-10-10"))
    for log, head in bus.parts.logs.heads().items():
        replay.run(bus.parts.logs.get(log), 0, head)
    assert replay.found.equal == replay.found.different == 0
    assert replay.found.not_checkable == {"another law": replay.found.verdicts}


def test_what_is_erased_counts_as_not_checkable(bus: LocalBus, tmp_path: Path, capsys: Any) -> None:
    shutil.copytree(bus.settings.data_dir, tmp_path / "data")
    for path in (tmp_path / "data/ledger/userkeys").glob("*.keys"):
        data = bytearray(path.read_bytes())
        start = data.index(b"\n") + 1
        data[start:] = bytes(len(data) - start)
        path.write_bytes(data)
    code, said, _ = run(capsys, "--set", f"data_dir={tmp_path / 'data'}", "replay", "--json")
    report = json.loads(said)
    assert (code, report["equal"]) == (0, 0)
    assert report["not_checkable"] == {"erased": report["entries"]}


def test_at_evidence_depth_on_a_chain_that_runs(chain: Running, capsys: Any) -> None:
    """Positions recorded by real copies lead to the very facts; nothing the other tests did is told apart."""
    for name in ("chat", "refused"):
        assert run(capsys, "example", name, *chain.options)[0] == 0
    code, said, why = run(capsys, "replay", *chain.options, "--depth", "evidence", "--json")
    assert said, why
    report = json.loads(said)
    assert (code, report["examples"]) == (0, [])
    assert report["equal"] >= 6
