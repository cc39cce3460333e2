"""A candidate beside live traffic: what is decided from now on is decided again; nothing else is touched."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from acts_at_hand import a_bus, an_event, decide, verify
from cli_commands import run
from local_bus import LocalBus
from synthgate import law
from synthgate.cli import shadow


@pytest.fixture
def candidate(tmp_path: Path) -> Path:
    """The law without the rule on network fields."""
    folder = tmp_path / "law"
    shutil.copytree(
        Path(law.__file__).parent, folder, ignore=shutil.ignore_patterns("*.py", "__pyc*")
    )
    row = folder / "rows/dsp_2022.toml"
    text = row.read_text("utf-8")
    row.write_text(text.replace('rules = ["DSP-10-10"]', 'rules = ["DSP-10-10-NOT"]'), "utf-8")
    return folder


def bare(bus: LocalBus, name: str) -> None:
    event = an_event(bus, name)
    del event["data"]["net"]
    assert decide(bus, event).action == "refuse"


def two(bus: LocalBus) -> None:
    decide(bus, an_event(bus, "b"))
    bare(bus, "c")


def shadowed(
    bus: LocalBus, capsys: Any, monkeypatch: pytest.MonkeyPatch, meanwhile: list[Callable[[], None]],
    *argv: str,
) -> tuple[int, dict[str, Any], str]:  # fmt: skip
    """The command; each time it waits, the next of these happens, and after the last it is interrupted."""
    left = list(meanwhile)

    def wait(_: float) -> None:
        if not left:
            raise KeyboardInterrupt
        left.pop(0)()

    monkeypatch.setattr(shadow.time, "sleep", wait)
    rows = bus.settings.model_dump(mode="json", exclude={"instance", "web_port"})
    options = [part for name, value in rows.items() for part in ("--set", f"{name}={value}")]
    code, said, why = run(capsys, *options, "replay", "--shadow", "--json", *argv)
    assert said, why
    return code, json.loads(said), why


def test_what_comes_from_now_on_is_decided_again_and_told(
    tmp_path: Path, candidate: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = a_bus(tmp_path / "data")
    verify(bus)
    bare(bus, "before")
    heads = bus.parts.logs.heads()
    code, report, why = shadowed(
        bus, capsys, monkeypatch,
        [lambda: bare(bus, "a"), lambda: None, lambda: two(bus)],
        "--law", str(candidate),
    )  # fmt: skip
    assert (code, report["entries"]) == (1, 3)
    (flip,) = [one for one in report["flips"] if one["rule"] == "DSP-10-10"]
    assert (flip["now"], flip["outcomes"]) == ("no longer given", {"refuse to pass": 2})
    assert "1 entries" in why and "3 entries" in why
    assert sum(bus.parts.logs.heads().values()) == sum(heads.values()) + 3, "nothing was written"


def test_what_came_at_the_last_moment_is_not_left_out(
    tmp_path: Path, candidate: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = a_bus(tmp_path / "data")
    verify(bus)

    def last() -> None:
        bare(bus, "last")
        raise KeyboardInterrupt

    report = shadowed(bus, capsys, monkeypatch, [last], "--law", str(candidate))[1]
    assert (report["entries"], report["different"] > 0) == (1, True)


def test_without_a_candidate_there_is_nothing_to_run(tmp_path: Path, capsys: Any) -> None:
    bus = a_bus(tmp_path / "data")
    verify(bus)
    rows = bus.settings.model_dump(mode="json", exclude={"instance", "web_port"})
    options = [part for name, value in rows.items() for part in ("--set", f"{name}={value}")]
    code, _, why = run(capsys, *options, "replay", "--shadow", "--for", "0")
    assert (code, "--law or --library" in why) == (78, True)
