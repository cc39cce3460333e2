"""Thousands of deadlines, owners that die and a zombie: one effect each, none early."""

import asyncio
from datetime import datetime
from pathlib import Path

import orjson

from acts_at_hand import a_bus
from cases_at_hand import of_kind, tell
from local_bus import LocalBus
from synthgate.cases.calendar import SHANGHAI, lacking, years
from synthgate.events.decision import CaseRow, Deadline
from synthgate.runtime import metrics
from synthgate.runtime.counting import count
from synthgate.steps.cases_seen import KINDS, CasesSeen

HOUR_MS = 3_600_000
COUNT = 2_000


def planted(bus: LocalBus) -> None:
    """Cases with a deadline each, a second apart, on both partitions."""
    for number in range(COUNT):
        due = bus.now_ms + 1000 * (number + 1)
        row = CaseRow(
            case=f"incident/t/{number}", version=1, kind="incident", state="open", status="found",
            tenant="t", user=None, opened_at=bus.now_ms, due_at=due, cause="c", receipt=None, rules=[],
            deadlines=[Deadline(id="report.sent", due_at=due, rule="INC-4-2", internal=False)],
        )  # fmt: skip
        partition = number % 2
        bus.append("cases", row.case.encode(), row.model_dump_json().encode(), (), partition)


def tick(bus: LocalBus, owner: LocalBus, *, publish: bool) -> None:
    """An owner's tick; one that dies before its outputs are acknowledged publishes nothing."""
    incidents = owner.stages[-1]
    for partition in range(bus.settings.partitions):
        outputs = asyncio.run(incidents.tick(partition, bus.now_ms))
        if publish:
            bus._publish(outputs, partition)


def test_each_deadline_has_one_effect_however_often_its_owner_dies(tmp_path: Path) -> None:
    bus = a_bus(tmp_path)
    planted(bus)
    begun = bus.now_ms
    step = COUNT * 1000 // 10
    for number in range(10):
        bus.now_ms = begun + step * (number + 1)
        bus.start()
        if number % 2:
            tick(bus, bus, publish=False)  # killed before anything was acknowledged
            bus.start()
        tick(bus, bus, publish=True)
        tick(bus, bus, publish=True)
    rows = of_kind(bus, "incident")
    assert len(rows) == COUNT
    for row in rows:
        (reached,) = [noted for noted in row.timeline if noted.type == "deadline.reached"]
        (deadline,) = row.deadlines
        assert row.version == 2 and deadline.reached_at == reached.at
        assert 0 <= reached.at - deadline.due_at <= step and reached.detail["late_ms"] >= 0
    written = sum(
        1 for record in bus.records("cases") if (record.key or b"").startswith(b"incident/")
    )
    assert written == 2 * COUNT, "nothing was written twice"


def test_a_zombie_owner_changes_nothing_for_who_owns_the_case(tmp_path: Path) -> None:
    bus = a_bus(tmp_path)
    tell(bus, "incident.detected", "i1")
    stages = bus.stages
    bus.start()  # the new owner; the old stages go on as if nothing had happened
    zombie = LocalBus(bus.settings)
    zombie.stages = stages
    (row,) = of_kind(bus, "incident")
    bus.now_ms = row.opened_at + 5 * HOUR_MS
    tick(bus, bus, publish=True)
    tick(bus, zombie, publish=True)
    bus.start()
    tick(bus, bus, publish=True)
    (row,) = of_kind(bus, "incident")
    assert [noted.type for noted in row.timeline] == ["deadline.reached"]
    assert row.version == 2


def reached(bus: LocalBus) -> list[tuple[int, int]]:
    """When the incident's deadlines were answered, and how late."""
    (row,) = of_kind(bus, "incident")
    return [
        (noted.at, noted.detail["late_ms"])
        for noted in row.timeline
        if noted.type == "deadline.reached"
    ]


def test_a_clock_that_steps_back_or_ahead_gives_each_deadline_one_effect(tmp_path: Path) -> None:
    bus = a_bus(tmp_path)
    tell(bus, "incident.detected", "i1")
    (row,) = of_kind(bus, "incident")
    due = row.opened_at + 4 * HOUR_MS
    for now in (due - 1, due - HOUR_MS, row.opened_at - 24 * HOUR_MS, due - 1):
        bus.now_ms = now
        tick(bus, bus, publish=True)
        assert reached(bus) == []
    bus.now_ms = due + 90 * 24 * HOUR_MS
    tick(bus, bus, publish=True)
    wanted = [(bus.now_ms, 90 * 24 * HOUR_MS)]
    for now in (due - HOUR_MS, due, due + HOUR_MS):
        bus.now_ms = now
        tick(bus, bus, publish=True)
        bus.start()
        tick(bus, bus, publish=True)
        assert reached(bus) == wanted


def test_a_gateway_down_for_a_day_loses_nothing_and_hides_nothing(tmp_path: Path) -> None:
    bus = a_bus(tmp_path)
    tell(bus, "incident.detected", "i1")
    (row,) = of_kind(bus, "incident")
    for hour in range(1, 25):
        bus.now_ms = row.opened_at + hour * HOUR_MS
        tick(bus, bus, publish=True)
        outputs = [asyncio.run(bus.stages[-1].tick(p, bus.now_ms)) for p in (0, 1)]
        overdue = sum(one.deadlines[1] for one in outputs if one.deadlines)
        assert overdue == (hour >= 4)
    assert reached(bus) == [(row.opened_at + 4 * HOUR_MS, 0)]
    handed = {"status": "200", "attempts": "1"}
    tell(bus, "report.handed_over", "i1", by="ann", detail=handed)
    (row,) = of_kind(bus, "incident")
    assert (row.status, row.deadlines[0].met_at) == ("found", None)
    tell(bus, "report.receipted", "i1", by="ann", detail={"channel": "12387", "reference": "r"})
    (row,) = of_kind(bus, "incident")
    assert row.status == "reported" and row.deadlines[0].met_at == row.timeline[-1].at


def test_metrics_say_what_waits_and_what_is_overdue(tmp_path: Path) -> None:
    bus = a_bus(tmp_path)
    planted(bus)
    bus.now_ms += 1000 * 100
    bus.start()
    incidents = bus.stages[-1]
    outputs = [asyncio.run(incidents.tick(partition, bus.now_ms)) for partition in (0, 1)]
    waiting, overdue, oldest = zip(*(one.deadlines or (0, 0, 0) for one in outputs), strict=True)
    assert (sum(waiting), sum(overdue), max(oldest)) == (COUNT - 100, 100, 99_000)
    assert {one.years_lacking for one in outputs} == {len(lacking(bus.now_ms))}
    for partition, one in enumerate(outputs):
        bus._publish(one, partition)
    receipt = {"by": "ann", "detail": {"channel": "c", "reference": "r"}}
    event = {
        "specversion": "1.0", "id": "x", "source": "s", "type": "report.receipted",
        "time": "2026-11-22T00:00:00Z", "data": {"tenant": "t", "case": "incident/t/0", **receipt},
    }  # fmt: skip
    bus.append("case.events", b"0", orjson.dumps(event), (), 0)
    bus.run()
    again = asyncio.run(incidents.tick(0, bus.now_ms)).deadlines
    assert again is not None and again[1] == overdue[0] - 1


def test_a_worker_says_so_when_the_coming_years_holidays_are_not_known(tmp_path: Path) -> None:
    bus = a_bus(tmp_path)
    for month, wanted in ((10, 0), (11, 1)):
        november = datetime(max(years()), month, 30, tzinfo=SHANGHAI)
        outputs = asyncio.run(bus.stages[-1].tick(0, round(november.timestamp() * 1000)))
        assert outputs.years_lacking == wanted
        count(outputs, "incidents", 0)
        said = metrics.REGISTRY.get_sample_value("synthgate_calendar_years_lacking")
        assert said == wanted


def test_open_cases_are_counted_by_kind_with_the_age_of_the_oldest() -> None:
    def row(case: str, kind: str, opened_at: int, **over: object) -> CaseRow:
        values = {
            "case": case, "version": 1, "kind": kind, "state": "open", "tenant": "t", "user": None,
            "opened_at": opened_at, "cause": "c", "receipt": None, "rules": [], "detail": {},
        }  # fmt: skip
        return CaseRow.model_validate(values | over)

    seen = CasesSeen()
    seen.noted(0, row("b", "complaint", 2000))
    seen.noted(0, row("a", "complaint", 1000))
    seen.noted(0, row("a", "complaint", 1000, version=2))
    seen.noted(0, row("u", "user", 0))
    seen.noted(1, row("w", "work", 500))
    assert seen.open(0, 5000)["complaint"] == (2, 4000)
    assert seen.open(1, 5000) == dict.fromkeys(KINDS, (0, 0)) | {"work": (1, 4500)}
    assert "user" not in seen.open(0, 5000)
    seen.noted(0, row("a", "complaint", 1000, version=3, state="closed"))
    assert seen.open(0, 5000)["complaint"] == (1, 3000)
    seen.drop(0)
    assert seen.open(0, 5000)["complaint"] == (0, 0)
