from typing import Any

import orjson
import pytest

from client.decider import REASON, decision_row
from client.test_decisions import ROW
from client.world import PATIENCE_S, World
from synthgate.client import Decision, EventError, Events, Generation
from synthgate.events.models import Reentered

pytestmark = pytest.mark.embedded
EVENTS = Events("acme", "//acme/app")


async def test_a_reviewer_turns_a_hold_into_a_release(world: World) -> None:
    first: list[Any] = []

    def judge(record: Any) -> list[Any]:
        if record.topic.endswith("generation.events"):
            first.append(record)
            return [decision_row(record, action="hold", hold="review", reasons=[REASON])]
        model = Reentered.model_validate(orjson.loads(record.value))
        held = first[0]
        assert (record.key, record.partition) == (held.key, held.partition)
        assert (model.cause, model.receipt.index) == ("review", held.offset)
        assert model.evidence["outcome"] == "pass"
        assert model.evidence["reviewer"] == "ann"
        origin = f"1/operator.events/{record.partition}/{record.offset}"
        return [decision_row(held, revision=2, origin=origin)]

    await world.decider(judge)
    gate = await world.gate()
    for number in range(5):
        first.clear()
        event = EVENTS.requested(f"u{number}", Generation("g1", "chat"), prompt="p")
        held = await gate.decide(event, timeout=PATIENCE_S)
        assert held.hold == "review"
        assert isinstance(held, Decision)
        placed = await gate.desk.answer_hold(held, "pass", "ann")
        assert placed.partition == held.partition
        decided = await held.next(timeout=PATIENCE_S)
        assert (decided.released, decided.revision) == (True, 2)


@pytest.mark.parametrize(
    ("over", "key", "code"),
    [
        ({"action": "release"}, b"acme/u", "not_a_hold"),
        ({"action": "hold", "hold": "retry"}, b"acme/u", "not_for_review"),
        ({"action": "hold", "hold": "review"}, None, "no_key"),
        (
            {"action": "hold", "hold": "review", "receipt": {"log": 1, "index": 2, "hash": "x"}},
            b"acme/u",
            "bad_shape",
        ),
    ],
)
async def test_only_a_hold_with_its_key_can_be_answered(
    world: World, over: dict[str, Any], key: bytes | None, code: str
) -> None:
    gate = await world.gate()
    decision = Decision.read(orjson.dumps(ROW | over), key, 2)
    with pytest.raises(EventError) as caught:
        await gate.desk.answer_hold(decision, "pass", "ann")
    assert caught.value.code == code
