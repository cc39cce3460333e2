"""The catalogue is what is counted; labels are bounded and nobody is in them; what goes is not shown."""

import math
import re
from pathlib import Path

import orjson
import pytest
from aiohttp import ClientSession
from prometheus_client import Counter, Gauge, Histogram, generate_latest

from acts_at_hand import a_bus, an_event, verify
from every_rule import RULES
from local_bus import LocalBus
from synthgate.effects import sources
from synthgate.runtime import metrics
from synthgate.runtime.counting import count
from synthgate.runtime.labels import LABELS, STUB_CODES, WAITED_FOR
from synthgate.runtime.lanes import late
from synthgate.runtime.metrics import CATALOGUE, REGISTRY
from synthgate.runtime.web import Server
from synthgate.settings import Settings
from synthgate.step import Outputs
from synthgate.steps.cases_seen import KINDS
from synthgate.steps.intake import UNMAPPED

SOURCES = Path(metrics.__file__).parents[1]
TEXT = "".join(path.read_text() for path in sorted(SOURCES.rglob("*.py")))
SERIES_MAX = 1500
"""Of one process with two partitions that has seen everything below."""


def series() -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    return {
        (sample.name, tuple(sorted(sample.labels.items())))
        for family in REGISTRY.collect()
        for sample in family.samples
    }


def hostile(bus: LocalBus, first: int, events: int) -> None:
    """Everyone new, every id new, types, codes and surfaces nobody knows, and bytes that are no event."""
    for n in range(first, first + events):
        user = f"someone-{n}"
        if n % 3 == 0:
            verify(bus, user)
        event = an_event(bus, f"act-{n}", user=user)
        event["data"]["generation"] |= {
            "id": f"made-{n}",
            "medium": f"m-{n}" if n % 5 == 0 else "text",
        }
        if n % 7 == 0:
            event["type"] = f"type.{n}"
        if n % 4 == 0:
            event["data"]["tenant"] = f"firm-{n}"
        bus.send(event)
        bus.append("generation.events", b"t/%d" % n, b"\xff no json %d" % n, (), n % 2)
        bus.append("case.events", b"t/%d" % n, orjson.dumps({"a": f"case-{n}"}), (), n % 2)
        bus.now_ms += 10


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalBus:
    """A bus whose outputs are counted as the engine counts them, and nothing counted before."""
    for metric in vars(metrics).values():
        if isinstance(metric, Counter | Gauge | Histogram) and metric._labelnames:
            metric.clear()
    metrics._HELD.clear()
    bus = a_bus(tmp_path)
    publish = bus._publish
    stage = {"name": ""}

    async def process(one, batch, poison):
        stage["name"] = one.name
        return await LocalBus._process(bus, one, batch, poison)

    def counting(outputs: Outputs, partition: int) -> None:
        publish(outputs, partition)
        count(outputs, stage["name"] or "incidents", partition)

    monkeypatch.setattr(bus, "_process", process)
    monkeypatch.setattr(bus, "_publish", counting)
    return bus


def test_the_catalogue_is_what_is_registered() -> None:
    registered = {
        family.name + ("_total" if family.type == "counter" else ""): (
            family.type,
            family.documentation,
        )
        for family in REGISTRY.collect()
    }
    assert len({row.name for row in CATALOGUE}) == len(CATALOGUE)
    assert {row.name for row in CATALOGUE} == registered.keys()
    for row in CATALOGUE:
        kind, meaning = registered[row.name]
        assert row.kind == kind, row.name
        assert row.meaning == meaning or row.name.startswith("synthgate_process_"), row.name
        assert row.asks.endswith("?") and row.unit, row.name
        assert set(row.labels) <= LABELS.keys(), row.name
    assert LABELS.keys() == {label for row in CATALOGUE for label in row.labels}


def test_closed_sets_are_the_ones_the_code_uses() -> None:
    said = set(re.findall(r'Malformed\(\s*"([a-z_]+)"', TEXT))
    said.add(UNMAPPED)
    said |= set(re.findall(r'\.stub\([^"]*"([a-z_]+)"', TEXT))
    assert said == set(STUB_CODES)
    waits = (
        set(re.findall(r'Waiting\(\s*"([a-z ]+)"', TEXT))
        | {"media", "paused"}
        | {sources.WAITED_FOR}
    )
    assert waits == {what for what in WAITED_FOR if ":" not in what}
    ways = set(
        re.findall(
            r'"((?:after|other|without)_[a-z_]+)"', (SOURCES / "steps/bypasses.py").read_text()
        )
    )
    assert ways == LABELS["way"].values
    assert set(KINDS) <= LABELS["kind"].values
    assert set(RULES) <= LABELS["rule"].values


def test_labels_stay_in_their_bounds_and_series_do_not_grow_with_people(counted: LocalBus) -> None:
    hostile(counted, 0, 150)
    counted.run()
    counted.tick()
    before = series()
    hostile(counted, 150, 300)
    counted.run()
    counted.tick()
    after = series()
    grown = {(name, labels) for name, labels in after - before if dict(labels).get("le") is None}
    assert grown == set(), "new people, tenants and ids made new series"
    assert len(after) < SERIES_MAX
    assert len(after) > 120
    for _, labels in after:
        for label, value in labels:
            assert label == "le" or LABELS[label].allows(value), (label, value)
    page = generate_latest(REGISTRY).decode()
    for theirs in ("someone-", "firm-", "act-", "made-", "type.", "case-1", "m-5"):
        assert theirs not in page


def test_what_a_batch_came_to_is_counted(counted: LocalBus) -> None:
    def value(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(f"synthgate_{name}", labels) or 0.0

    names = {
        "refused": (
            "rules_cited_total",
            {"duty": "identity", "rule": "DSP-9-2", "outcome": "refuse"},
        ),
        "released": ("releases_total", {"labelling": "not_applicable"}),
        "taken": ("door_offsets_total", {"source": "generation.events", "result": "taken"}),
        "appended": ("log_appended_entries_total", {}),
        "segments": ("log_append_seconds_count", {}),
    }
    before = {key: value(name, **labels) for key, (name, labels) in names.items()}
    verify(counted)
    counted.send(an_event(counted, "known"))
    counted.send(an_event(counted, "stranger", user="nobody"))
    counted.run()
    counted.tick()
    found = {key: value(name, **labels) - before[key] for key, (name, labels) in names.items()}
    segments = found.pop("segments")
    assert found == {"refused": 1, "released": 2, "taken": 3, "appended": 3}
    assert 1 <= segments <= 3
    assert value("library_version") > 0
    heads = [value("log_entries", partition=str(partition)) for partition in (0, 1)]
    assert sum(heads) == 3
    assert value("cases_open", kind="complaint", partition="0") == 0


def test_a_gauge_of_a_partition_goes_with_it() -> None:
    def shown() -> float | None:
        return REGISTRY.get_sample_value("synthgate_log_entries", {"partition": "7"})

    metrics.put(metrics.LOG_ENTRIES, 5, "retention", 7)
    metrics.put(metrics.LOG_ENTRIES, 6, "retention", 7)
    assert shown() == 6
    metrics.forget("incidents")
    assert shown() == 6
    metrics.forget("retention")
    metrics.forget("retention")
    assert shown() is None


async def test_the_page_tells_the_room_on_disk_and_stands_without_the_disk(tmp_path: Path) -> None:
    async def told(folder: Path, *, stores: bool = True) -> tuple[int, float]:
        metrics.DATA_FREE.set(-1)
        server = Server(Settings(brokers="-", data_dir=folder), dict, stores=stores)
        await server.start()
        try:
            async with ClientSession() as session, session.get(f"{server.url}/metrics") as page:
                text, status = await page.text(), page.status
        finally:
            await server.stop()
        (room,) = re.findall(r"^synthgate_data_free_bytes (\S+)$", text, re.MULTILINE)
        return status, float(room)

    status, room = await told(tmp_path)
    assert status == 200 and room > 0
    assert await told(tmp_path / "away") == (200, -1)
    # HTTP and canaries may see another disk than the log's: no number, which no rule compares.
    assert math.isnan((await told(tmp_path, stores=False))[1])


def test_late_is_what_was_appended_more_than_a_second_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    class Row:
        def __init__(self, timestamp: int) -> None:
            self.timestamp = timestamp

    monkeypatch.setattr("time.time", lambda: 100.0)
    rows = [Row(ms) for ms in (97_000, 98_999, 99_000, 99_999)]
    assert late(rows) == 2  # type: ignore[arg-type]
    assert late(rows[2:]) == 0  # type: ignore[arg-type]
