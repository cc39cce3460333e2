"""The checker can fail: each planted fault is found, under the name of the check that should find it."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from acts_at_hand import a_bus, an_event, answer, decide, verify
from e2e.history import SOURCES, Entry, History, Record, Source, faults
from e2e.recorder import entries, objects, readers
from local_bus import LocalBus
from synthgate.effects.provider_code import SAMPLE_CODE
from synthgate.events.topics import BY_NAME
from synthgate.ledger import Log
from synthgate.step import Outputs
from synthgate.steps.partition import partition_of

ILLEGAL = {"content": {"prompt": "where can I buy heroin"}}
HELD = {"content": {"prompt": "promise guaranteed returns to investors"}}
HERE = partition_of(b"t/u", 2)


def a_load(bus: LocalBus) -> None:
    """A bit of everything, all of one user and so in one log."""
    verify(bus)
    asked = decide(bus, an_event(bus, "ask"))
    generation = {"id": "g-ask", "medium": "text", "template": "chat", "purpose": "chat"}
    text = {"content": {"text": "spring"}, "generation": generation, "pass": asked.pass_}
    decide(bus, an_event(bus, "made", "generation.completed", **text))
    decide(bus, an_event(bus, "bad", **ILLEGAL))
    bus.now_ms += 1000
    decide(bus, an_event(bus, "worse", **ILLEGAL))
    held = decide(bus, an_event(bus, "held", **HELD))
    answer(bus, held, "review", reviewer="r-1", outcome="pass")
    decide(bus, an_event(bus, "twice"))
    again = bus.logs["generation.events", HERE][-1]
    bus.append("generation.events", again.key, again.value, again.headers, HERE)
    bus.append("generation.events", b"t/u", b"no json", (), HERE)
    bus.run()


def taken(bus: LocalBus) -> History:
    """The history of a bus at rest."""

    def rows(topic: str) -> dict[int, list[Record]]:
        assert topic in BY_NAME
        return {
            p: [Record(r.offset, r.key, r.value or b"") for r in bus.logs.get((topic, p), ())]
            for p in range(bus.settings.partitions)
        }

    sources = {
        (name, p): Source(0, len(records), records)
        for name in SOURCES
        for p, records in rows(name).items()
    }
    logs = {log: list(entries(reader)) for log, reader in readers(bus.settings).items()}
    return History(
        bus.settings.partitions, sources, logs, rows("decisions"), rows("cases"),
        rows("standings"), rows("work"), objects(bus.settings),
    )  # fmt: skip


def named(history: History) -> set[str]:
    """The checks that found something."""
    return {fault.partition(":")[0] for fault in faults(history)}


@pytest.fixture
def bus(tmp_path: Path) -> LocalBus:
    return a_bus(tmp_path)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> History:
    bus = a_bus(tmp_path_factory.mktemp("sound"), provider_code=SAMPLE_CODE)
    a_load(bus)
    return taken(bus)


def test_a_sound_run_has_no_fault(sound: History) -> None:
    assert faults(sound) == []
    actions = {entry.header["action"] for entry in sound.entry.values()}
    assert actions == {"release", "refuse", "hold", "silent"}


class AckFirst(LocalBus):
    """Acknowledges before it publishes, and dies in between, once, in the stage named."""

    victim = ""

    async def _step(self, stage: Any, topic: str, partition: int) -> bool:
        publish = self._publish
        if stage.name == self.victim and self.logs.get((topic, partition)):
            self.victim = ""

            def die(outputs: Outputs, partition: int) -> None:
                del outputs, partition

            self._publish = die  # type: ignore[method-assign]
        try:
            return await super()._step(stage, topic, partition)
        finally:
            self._publish = publish  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("victim", "found"),
    [
        ("identity", "accounted"),
        ("labelling", "accounted"),
        ("retention", "decided"),
        ("incidents", "progress"),
    ],
)
def test_acknowledged_before_published(bus: LocalBus, victim: str, found: str) -> None:
    verify(bus)
    bus.__class__ = AckFirst
    bus.victim = victim  # type: ignore[attr-defined]
    bus.send(an_event(bus, "bad", **ILLEGAL))
    bus.run()
    bus.start()
    bus.run()
    assert found in named(taken(bus))


def test_a_repeat_appended_twice(bus: LocalBus, monkeypatch: pytest.MonkeyPatch) -> None:
    a_load(bus)
    monkeypatch.setattr(Log, "logged", lambda *_: None)
    bus.start()
    bus.read["retention", "passages.labelled", HERE] = 0
    bus.run()
    assert {"accounted", "once"} <= named(taken(bus))


def test_a_record_dropped_between_two_duties(bus: LocalBus) -> None:
    verify(bus)
    bus.send(an_event(bus, "lost"))
    bus.send(an_event(bus, "kept"))
    stages, bus.stages = bus.stages, bus.stages[:1]
    bus.run()
    del bus.logs["passages.identified", HERE][-2]
    bus.stages = stages
    bus.run()
    assert named(taken(bus)) == {"accounted"}


def _decision(history: History, **over: Any) -> None:
    """The first decision once more, changed."""
    first = history.decisions[HERE][0]
    value = json.dumps(json.loads(first.value) | over).encode()
    history.decisions[HERE].append(Record(999, first.key, value))


def _entry(history: History, action: str) -> Entry:
    return next(e for e in history.entry.values() if e.header["action"] == action)


def _swap(history: History) -> None:
    rows = history.logs[HERE]
    rows[0], rows[1] = rows[1], rows[0]
    for index, entry in enumerate(rows):
        entry.header["index"] = index
        history.entry[HERE, index] = entry


def _last(history: History, topic: str, prefix: str = "") -> dict[str, Any]:
    rows = [json.loads(r.value) for records in getattr(history, topic).values() for r in records]
    found = [row for row in rows if str(row.get("case", "")).startswith(prefix)]
    return found[-1]


def _add(history: History, topic: str, row: dict[str, Any], key: str) -> None:
    getattr(history, topic)[HERE].append(Record(999, key.encode(), json.dumps(row).encode()))


def _case_under_another_name(history: History) -> None:
    row = _last(history, "cases", "content/")
    _add(history, "cases", row | {"case": "content/x"}, "content/x")


def _open_again(history: History) -> None:
    row = _last(history, "cases", "hold/")
    _add(history, "cases", row | {"state": "open"}, row["case"])


def _tried_in_vain(history: History, revision: int = 0) -> None:
    row = _last(history, "cases", "hold/")
    detail = row["detail"] | {"revision": row["detail"]["revision"] + revision}
    _add(history, "cases", row | {"version": row["version"] + 1, "detail": detail}, row["case"])


def _counted_twice(history: History) -> None:
    row = _last(history, "standings")
    causes = [*row["causes"], row["causes"][0]]
    _add(history, "standings", row | {"causes": causes, "version": len(causes)}, "t/u")


def _said_late(history: History) -> None:
    row = _last(history, "standings")
    _add(history, "standings", row | {"causes": [], "version": 0}, f"{row['tenant']}/{row['user']}")


def _said_twice(history: History) -> None:
    row = _last(history, "standings")
    _add(
        history, "standings", row | {"since": row["since"] + "x"}, f"{row['tenant']}/{row['user']}"
    )


def _behind(history: History) -> None:
    row = {"case": f"_answered/{HERE}", "version": 99, "kind": "event", "detail": {"index": 1}}
    _add(history, "cases", row, str(row["case"]))


def _answered_twice(history: History) -> None:
    for entry in history.entry.values():
        entry.header.update(cause="review", answers=1)


def _verdicts(history: History) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = _entry(history, "release").content["passage"]["verdicts"]
    return rows


def _source(history: History) -> Source:
    return history.sources["generation.events", HERE]


PLANTS: dict[str, tuple[str, Callable[[History], Any]]] = {
    "a different copy": ("decided", lambda h: _decision(h, decided_at=1)),
    "a copy with another pass": ("decided", lambda h: _decision(h, **{"pass": "x.y"})),
    "a receipt of nothing": ("decided", lambda h: _decision(h, receipt={"log": 0, "index": 99, "hash": ""})),
    "a decision that was not sent": ("decided", lambda h: h.decisions[HERE].pop(0)),
    "a stored entry that changed": ("decided", lambda h: setattr(_entry(h, "release"), "hash", "0" * 64)),
    "a source record lost": ("accounted", lambda h: _source(h).records.append(Record(99, b"k", b""))),
    "an entry of no record": ("accounted", lambda h: _source(h).records.pop(0)),
    "deleted and not admitted": ("accounted", lambda h: setattr(h.sources["timer.events", 0], "begin", 3)),
    "an index out of place": ("dense", lambda h: _entry(h, "hold").header.update(index=77)),
    "an answer given twice": ("once", _answered_twice),
    "a release on four verdicts": ("released", lambda h: _verdicts(h).pop(2)),
    "a release against a verdict": ("released", lambda h: _verdicts(h)[1].update(outcome="refuse")),
    "an object that is gone": ("released", lambda h: h.objects.clear()),
    "an object with other bytes": ("released", lambda h: h.objects.update(dict.fromkeys(h.objects, "0"))),
    "out of order": ("ordered", _swap),
    "a case too many": ("cases", _case_under_another_name),
    "no cases": ("cases", lambda h: h.cases[HERE].clear()),
    "a closed hold that opens": ("holds", _open_again),
    "a hold closed on another revision": ("holds", lambda h: _tried_in_vain(h, 1)),
    "a violation counted twice": ("standings", _counted_twice),
    "an old standing said last": ("standings", _said_late),
    "a standing said in two ways": ("standings", _said_twice),
    "a violation not counted": ("standings", lambda h: h.standings[HERE].pop()),
    "nobody told": ("notices", lambda h: h.work[HERE].pop()),
    "two notices": ("notices", lambda h: _add(h, "work", _last(h, "work") | {"text": {}}, "n")),
    "not answered to the end": ("progress", _behind),
}  # fmt: skip


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_fault_is_found(plant: str, sound: History) -> None:
    check, spoil = PLANTS[plant]
    spoiled = copy.deepcopy(sound)
    spoil(spoiled)
    assert check in named(spoiled)


def test_a_try_in_vain_is_no_fault(sound: History) -> None:
    tried = copy.deepcopy(sound)
    _tried_in_vain(tried)
    assert not named(tried)
