"""How far content went, read from the logs: maker, copies and everyone it reached."""

from pathlib import Path
from typing import Any

import pytest

from acts_at_hand import a_bus, an_event, decide, verify
from local_bus import LocalBus
from synthgate.crypto.tokens import user_token
from synthgate.events.decision import Decision
from synthgate.ledger import KeyRing, LocalStore
from synthgate.steps.reach import BATCH, Reach, follow, starts
from synthgate.steps.trace_index import TraceIndex


@pytest.fixture
def bus(tmp_path: Path) -> LocalBus:
    bus = a_bus(tmp_path)
    verify(bus)
    return bus


def generation(name: str) -> dict[str, Any]:
    return {"generation": {"id": name, "medium": "text", "template": "chat", "purpose": "chat"}}


def made(bus: LocalBus, name: str) -> Decision:
    bus.now_ms += 1000
    asked = decide(bus, an_event(bus, f"{name}-ask", **generation(name)))
    bus.now_ms += 1000
    event = an_event(
        bus, f"{name}-made", "generation.completed", **generation(name), content={"text": name}
    )
    event["data"]["pass"] = asked.pass_
    return decide(bus, event)


def then(bus: LocalBus, kind: str, before: Decision, id: str, **data: Any) -> Decision:
    bus.now_ms += 1000
    objects = [one.model_dump() for one in before.objects]
    name = str(before.generation)
    event = an_event(bus, id, kind, **generation(name), content={"objects": objects}, **data)
    event["data"]["pass"] = before.pass_
    return decide(bus, event)


def reach(bus: LocalBus, **about: str) -> Reach:
    keys = bus.parts.keys
    store = LocalStore(bus.settings.ledger_dir)
    ring = KeyRing.open(bus.settings.ledger_dir / "userkeys", keys.master_key)
    index = TraceIndex(bus.settings.trace_path)
    try:
        index.update(store, ring)
        return follow(index, bus.parts.lookup, keys.token_key, starts(index, about))
    finally:
        index.close()


def test_from_a_label_to_the_maker_the_copies_and_everyone_reached(bus: LocalBus) -> None:
    first, other = made(bus, "g"), made(bus, "h")
    assert then(bus, "content.published", first, "pub").action == "release"
    for number in range(3):
        then(bus, "content.delivered", first, f"d{number}", recipient=f"r-{number % 2}")
    then(bus, "content.delivered", other, "dx", recipient="r-9")
    assert first.label is not None
    found = reach(bus, produce_id=first.label["ProduceID"])
    key = bus.parts.keys.token_key
    assert set(found.generators) == {first.user} and set(found.generations) == {"g"}
    assert list(found.copies.values()) == ["content.published"]
    assert set(found.recipients) == {user_token(key, "t", name) for name in ("r-0", "r-1")}
    by_hash = reach(bus, sha256=first.objects[0].sha256)
    assert by_hash.recipients == found.recipients
    assert reach(bus, produce_id="nobody's", sha256="0" * 64) == Reach()


def test_those_told_are_not_told_again_and_a_batch_is_named_by_whom_it_holds() -> None:
    tokens = [f"{number:032x}" for number in range(2 * BATCH + 1)]
    found = Reach(generators={"g": None}, recipients=dict.fromkeys(tokens))
    batches = found.batches()
    assert [len(one["recipients"]) for one in batches] == [BATCH, BATCH, 1]
    assert [one["generators"] for one in batches[:1]] == [["g"]] and "generators" not in batches[1]
    assert found.batches() == batches
    told = frozenset(batches[0]["recipients"])
    again = found.batches(told)
    assert not told & {token for one in again for token in one["recipients"]}
    assert found.batches(frozenset(tokens)) == []
    assert [one["recipients"] for one in Reach().batches()] == [[]]
