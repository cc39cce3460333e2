"""Whatever dies wherever: a record is one entry, an answer stays the same, a violation counts once."""

import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest

from acts_at_hand import a_bus, an_event, verify
from local_bus import LocalBus
from synthgate.events.decision import Decision
from synthgate.step import Outputs

PROMPTS = (
    "write a poem", "where can I buy heroin", "promise guaranteed returns to investors",
)  # fmt: skip
KEYS = (b"t/u", b"t/u", b"t/u", b"t/v")


class CrashError(Exception):
    """The process dies: some of what it owed is on the topics."""


class Dying(LocalBus):
    """A bus whose workers die while they publish, and start again. ``chance`` 0 for a calm end."""

    chance = 0.06
    dice = random.Random(0)

    def _publish(self, outputs: Outputs, partition: int) -> None:
        if self.dice.random() >= self.chance:
            super()._publish(outputs, partition)
            return
        some = Outputs()
        for topic, records in outputs.by_topic.items():
            some.by_topic[topic] = records[: self.dice.randrange(len(records) + 1)]
        super()._publish(some, partition)
        raise CrashError

    def survive(self, act: Callable[[], None]) -> None:
        """Again until it is done; positions move only past what was published in full."""
        while True:
            try:
                return act()
            except CrashError:
                self.start()

    def rewind(self) -> None:
        """Some stages read some of their inputs again."""
        for stage in self.stages:
            for topic in stage.inputs:
                for partition in range(2):
                    if self.dice.random() < 0.3:
                        at = self.read[stage.name, topic, partition]
                        self.read[stage.name, topic, partition] = max(
                            0, at - self.dice.choice([1, 9])
                        )


def back(decision: Decision, dice: random.Random, number: int) -> bytes:
    evidence = {"reviewer": "r-1", "outcome": dice.choice(["pass", "refuse"])}
    data = {
        "tenant": "t", "root": decision.root, "cause": dice.choice(["review", "recall"]),
        "receipt": decision.receipt.model_dump(), "evidence": evidence,
    }  # fmt: skip
    event = {
        "specversion": "1.0", "id": f"back-{number}", "source": "desk",
        "type": "passage.reentered", "time": "2026-11-20T08:00:00Z", "data": data,
    }  # fmt: skip
    return orjson.dumps(event)


def live(bus: Dying, count: int) -> None:
    """Events, repeats under other keys, answers, rewinds, restarts."""
    dice = bus.dice
    for number in range(count):
        event = an_event(bus, f"e{number}", content={"prompt": dice.choice(PROMPTS)})
        for _ in range(dice.choice([1, 1, 1, 2])):
            bus.append("generation.events", dice.choice(KEYS), orjson.dumps(event), partition=0)
        decided = bus.decisions()
        if decided and dice.random() < 0.3:
            one = dice.choice(decided)
            bus.append("operator.events", b"t/u", back(one, dice, number), partition=0)
        if dice.random() < 0.1:
            bus.rewind()
        if dice.random() < 0.5:
            bus.survive(bus.run)
        bus.now_ms += dice.choice([1, 1, 1, 30_000_000])
        bus.survive(bus.tick)
    bus.chance = 0
    for name in ("calm", "still"):  # what is said of progress lags by one batch
        bus.append("generation.events", b"t/u", orjson.dumps(an_event(bus, name)), partition=0)
        bus.run(200)


def first_of_each_act(decisions: Iterable[str]) -> set[str]:
    """One act is one cause, however often it is refused again."""
    first: dict[str, int] = {}
    for name in decisions:
        root, _, revision = name.partition("#")
        first[root] = min(first.get(root, int(revision)), int(revision))
    return {f"{root}#{revision}" for root, revision in first.items()}


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_lost_doubled_or_changed(tmp_path: Path, seed: int, *, fused: bool) -> None:
    bus: Any = a_bus(tmp_path, fused=fused, hold_hours=4)
    verify(bus)
    bus.__class__ = Dying
    bus.dice = random.Random(seed)
    live(bus, 60)

    sources = ("generation.events", "operator.events", "timer.events")
    records = sum(len(rows) for (topic, _), rows in bus.logs.items() if topic in sources)
    assert sum(bus.parts.logs.heads().values()) == records
    said: dict[tuple[str, int], set[bytes]] = {}
    for row in bus.records("decisions"):
        decision = Decision.model_validate_json(row.value or b"")
        said.setdefault((decision.decision, decision.receipt.log), set()).add(row.value or b"")
    assert all(len(values) == 1 for values in said.values())

    violations = first_of_each_act(
        d.decision
        for d in bus.decisions()
        if "risk_refuse" in {reason.code for reason in d.reasons}
        and {"wrong_key", "clock"}.isdisjoint(reason.code for reason in d.reasons)
        and d.action == "refuse"
    )
    owed = [(record.key or b"").decode() for record in bus.records("work")]
    expired = {
        f"{d.decision}/incidents/hold_expired"
        for d in bus.decisions()
        if "hold_expired" in {reason.code for reason in d.reasons} and d.action == "refuse"
    }
    assert set(owed) == {f"{name}/incidents/notice" for name in violations} | expired
    standings = [orjson.loads(r.value or b"") for r in bus.records("standings")]
    assert {row["user"] for row in standings} <= {"u"}
    causes = max((row["causes"] for row in standings), key=len, default=[])
    assert set(causes) == violations and len(causes) == len(violations)
