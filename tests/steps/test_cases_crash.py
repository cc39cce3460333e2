"""The process dies with any part of what a batch owes written; heard again, it ends as if it had not."""

import random
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from acts_at_hand import a_bus, an_event, decide, verify
from cases_at_hand import act, appeal, case, done, newest, of_kind, tell, violate, works
from local_bus import LocalBus
from synthgate.step import Outputs

RECEIPT = {"channel": "12387", "reference": "CN-1"}


class Died(Exception):
    """kill -9, as far as topics can tell."""


class Dying:
    """Kills incidents while it publishes one of its batches: of each topic some beginning is durable."""

    def __init__(self, bus: LocalBus, at: int | None, seed: int) -> None:
        self.batches = 0
        self._bus, self._at, self._chance = bus, at, random.Random(seed)
        self._publish, self._run, self._tick = bus._publish, bus.run, bus.tick
        bus._publish = self.publish  # type: ignore[method-assign]
        bus.run = self.run  # type: ignore[method-assign]
        bus.tick = self.tick  # type: ignore[method-assign]

    def publish(self, outputs: Outputs, partition: int) -> None:
        written = {*outputs.by_topic, *outputs.last}
        if not written & {"cases", "work", "standings"}:
            self._publish(outputs, partition)
            return
        self.batches += 1
        if self.batches != self._at:
            self._publish(outputs, partition)
            return
        for topic, records in outputs.by_topic.items():
            for key, value, headers in records[: self._chance.randrange(len(records) + 1)]:
                self._bus.append(topic, key, value, headers, partition)
        raise Died

    def run(self, rounds: int = 50) -> None:
        try:
            self._run(rounds)
        except Died:
            self._bus.start()
            self._run(rounds)

    def tick(self) -> None:
        try:
            self._tick()
        except Died:
            self._bus.start()
            self._tick()


def scenario(bus: LocalBus) -> None:
    """A bit of everything incidents does."""
    verify(bus)
    for number in range(3):
        last = violate(bus, f"b{number}")
    penalty = works(bus)[f"{last.decision}/incidents/notice"].penalty
    contested = case(bus, f"appeal/{appeal(bus, str(penalty)).root}")
    act(bus, contested, "appeal.upheld")
    bus.now_ms += 1000
    about = {"sha256": "a" * 64, "depicted": True, "ground": "portrait"}
    decide(bus, an_event(bus, "c", "complaint.received", user="victim", complaint="k", about=about))
    (complaint,) = of_kind(bus, "complaint")
    act(bus, complaint, "complaint.matched", detail={"generation": "g-1"})
    act(bus, complaint, "complaint.upheld")
    tell(bus, "incident.detected", "i", id="1")
    tell(bus, "incident.detected", "i", id="2", detail={"measures": {"loss_cny": 5_000_000}})
    tell(bus, "rumour.detected", "r", id="3", detail={"produce_id": "p"})
    tell(bus, "reach.found", "r", id="4", detail={"batch": "a", "recipients": ["ab" * 16]})
    rumour = case(bus, "rumour/t/r")
    where = bus.parts.cases.where(rumour.case)
    tell(bus, "report.receipted", "r", id="5", partition=where, by="ann", detail=RECEIPT)
    for number, name in enumerate(sorted(w for w in works(bus) if w.startswith("rumour/"))):
        done(bus, name, id=f"w{number}")
    bus.now_ms += 26 * 3_600_000
    bus.tick()
    tell(bus, "incident.closed", "i", id="6")


def left(bus: LocalBus) -> dict[str, Any]:
    """What stands in the end, but for how often it was written."""
    rows = {
        name: row.model_dump(exclude={"version", "receipt"})  # seals differ, so do entries' hashes
        for name, row in newest(bus).items()
        if not name.startswith("_")
    }
    for row in rows.values():
        if row["kind"] == "work":
            row["detail"].pop("sent")
    standings = [
        (row.standing, row.causes) for row in [bus.parts.registries.standings.get("t", "u")] if row
    ]
    return {"cases": rows, "standings": standings, "work": sorted(works(bus))}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], int, Path]:
    bus = a_bus(tmp_path_factory.mktemp("whole"))
    dying = Dying(bus, None, 0)
    scenario(bus)
    return left(bus), dying.batches, bus.settings.keys_dir


@pytest.mark.parametrize("seed", range(16))
def test_whatever_was_written_of_a_batch_it_ends_the_same(
    tmp_path: Path, undisturbed: tuple[dict[str, Any], int, Path], seed: int
) -> None:
    wanted, batches, keys = undisturbed
    shutil.copytree(keys, tmp_path / keys.name)
    at = 1 + seed * batches // 16
    bus = a_bus(tmp_path)
    Dying(bus, at, seed)
    scenario(bus)
    found = left(bus)
    assert found["work"] == wanted["work"] and found["standings"] == wanted["standings"]
    assert found["cases"].keys() == wanted["cases"].keys()
    for name, row in wanted["cases"].items():
        assert found["cases"][name] == row, name
    ids = Counter(r.key for r in bus.records("work"))
    assert set(ids) == {name.encode() for name in wanted["work"]}
