"""What a desk writes about cases: to the place where the case lives, and checked before it goes."""

import base64
from typing import Any

import orjson
import pytest

from client.world import World, silent, until_heard
from synthgate.client import EventError

pytestmark = pytest.mark.embedded
ROW = {"case": "appeal/1/generation.events/3/4", "tenant": "acme", "user": "token"}


async def test_an_act_goes_under_the_cases_key_to_its_partition(world: World) -> None:
    decider = await world.decider(silent)
    gate = await world.gate()
    row = ROW | {"key": base64.b64encode(b"acme/u#2").decode()}
    for number, partition in enumerate((2, 0, 1)):
        placed = await gate.casework.act(
            row, partition, "appeal.upheld", by="ann", reason="because", id=f"x{number}"
        )
        heard = await until_heard(decider, number + 1)
        assert (heard.key, heard.partition, placed.partition) == (b"acme/u#2", partition, partition)
        assert orjson.loads(heard.value) == {
            "tenant": "acme", "case": ROW["case"], "act": "appeal.upheld", "by": "ann",
            "reason": "because", "user": {"id": "u"}, "detail": {},
        }  # fmt: skip
        headers = {name: text.decode() for name, text in heard.headers}
        assert (headers["ce_type"], headers["ce_id"]) == ("case.acted", f"x{number}")


async def test_a_case_of_nobodys_is_acted_on_without_a_user(world: World) -> None:
    decider = await world.decider(silent)
    gate = await world.gate()
    row = {
        "case": "order/acme/o",
        "tenant": "acme",
        "user": None,
        "key": base64.b64encode(b"o").decode(),
    }
    await gate.casework.act(row, 1, "order.answered", by="ann")
    heard = await until_heard(decider, 1)
    assert heard.key == b"o" and "user" not in orjson.loads(heard.value)


@pytest.mark.parametrize(
    ("over", "code"),
    [
        ({"by": ""}, "bad_shape"),
        ({"by": "13800138000"}, "plain_identity"),
        ({"by": "a/b"}, "bad_shape"),
    ],
)
async def test_what_would_not_be_admitted_is_not_sent(
    world: World, over: dict[str, Any], code: str
) -> None:
    gate = await world.gate()
    row = ROW | {"key": base64.b64encode(b"acme/u").decode()}
    with pytest.raises(EventError) as caught:
        await gate.casework.act(row, 0, "appeal.taken", **over)
    assert caught.value.code == code
