"""What workers say of hostile events, and of faults that quote them: lines of JSON, and nobody in them."""

import asyncio
import io
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from acts_at_hand import a_bus, an_event, verify
from local_bus import LocalBus
from synthgate.cli.scan_places import Place, in_files
from synthgate.ledger.prover import Prover
from synthgate.runtime import logs
from synthgate.steps import judge, retention
from synthgate.steps.consent import ConsentDuty
from synthgate.steps.labelling import LabellingDuty
from synthgate.steps.moderation import ModerationDuty

NAME, WORDS = "张三丰-zhang", "把我的老师画成一只猴子"
NUMBERS = ("13800138000", "11010519491231002X")
MARKERS = (NAME, WORDS, *NUMBERS)
LINE = {"at", "level", "logger", "message", "fault", "origin", "passage"}


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Standard error of a worker that logs JSON, everything of ours at debug."""
    root = logging.getLogger()
    names = (None, "opentelemetry", "mode.loop", "aiokafka.consumer.group_coordinator", *logs.QUIET)
    levels = {name: logging.getLogger(name).level for name in names}
    handlers = root.handlers[:]
    text = io.StringIO()
    monkeypatch.setattr(sys, "stderr", text)
    logs.set_up("debug", form="json")
    yield text
    root.handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def hostile(bus: LocalBus) -> None:
    """A name, words, a phone and an identity number in every place an event has."""
    kinds = ("generation.requested", "generation.completed", "asset.exported", f"t.{NAME}")
    for n, kind in enumerate(kinds * 6):
        marker = MARKERS[n % len(MARKERS)]
        user = "u" if n % 3 else f"{NAME}-{n}"
        event = an_event(bus, f"{marker}-{n}" if n % 4 == 3 else f"e-{n}", kind, user)
        data = event["data"]
        data["content"] = {"prompt": f"{WORDS} {NAME} {NUMBERS[n % 2]}"}
        data[marker] = [{marker: marker}]
        data.setdefault("generation", {})["title"] = NAME
        if n % 5 == 4:
            event[f"x{n}"] = marker
            data["generation"]["medium"] = data["net"] = marker
        bus.send(event)
        bus.append("case.events", f"t/{marker}".encode(), orjson.dumps({marker: marker}), (), n % 2)
        bus.append("generation.events", marker.encode(), b"\xff" + marker.encode(), (), n % 2)


def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part fails on some events, and its error quotes them."""

    def choke(kind: type, method: str, turn: int) -> None:
        healthy = getattr(kind, method)

        def choked(self: Any, first: Any, *rest: Any, **named: Any) -> Any:
            many = first if isinstance(first, list) else [first]
            if not named and any(one.origin.offset % 7 == turn for one in many):
                raise ValueError(f"{many[0].event_bytes!r} {MARKERS}")
            return healthy(self, first, *rest, **named)

        monkeypatch.setattr(kind, method, choked)

    choke(ConsentDuty, "_one", 0)
    choke(ModerationDuty, "_facts", 1)
    choke(LabellingDuty, "carry_out", 2)
    choke(judge.JudgeStep, "_decide", 3)
    choke(retention.RetentionStep, "_take", 4)
    monkeypatch.setattr(judge, "VERDICTS_BYTES_MAX", 3000)

    def build(self: Prover) -> None:
        raise KeyError(MARKERS)

    monkeypatch.setattr(Prover, "build", build)


def test_no_line_holds_anybody(
    tmp_path: Path, said: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = a_bus(tmp_path / "chain")
    verify(bus)
    broken(monkeypatch)
    hostile(bus)
    bus.run()
    asyncio.run(bus._prove())
    decided = {(one.origin, one.decision) for one in bus.decisions()}
    page = tmp_path / "worker.log"
    page.write_text(said.getvalue(), encoding="utf-8")
    rows = [json.loads(line) for line in said.getvalue().splitlines()]
    place = Place("log")
    in_files(page, place)
    assert place.found == []
    for marker in (*MARKERS, NAME.partition("-")[2], NAME[:3], WORDS[:4]):
        assert marker not in said.getvalue()
        assert json.dumps(marker)[1:-1] not in said.getvalue()
    for row in rows:
        assert {"at", "level", "logger", "message"} <= row.keys() <= LINE
        if " on 1/" in row["message"]:
            assert (row["origin"], row["passage"]) in decided
            assert row["passage"] in row["message"]
    spoken = [row["message"].partition(" on ")[0] for row in rows if "passage" in row]
    for told in ("consent: ValueError", "moderation: ValueError", "labelling: ValueError",
                 "retention: ValueError"):  # fmt: skip
        assert told in spoken, spoken
    assert any(one.endswith("verdicts") for one in spoken)
    assert any(row["message"][11:] == "no checkpoint or pack: KeyError" for row in rows)
