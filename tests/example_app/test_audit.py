from typing import Any

import orjson

from client.test_decisions import OBJECT, ROW
from example_app.audit import unfounded
from example_app.file_server import Served
from synthgate.client import Decision

SERVED = Served(at=1, name="o.txt", sha256="a" * 64, generation="g1", log=2, index=7)


def decided(**over: Any) -> Decision:
    return Decision.read(orjson.dumps(ROW | over), b"acme/u", 2)


def test_a_release_that_names_the_bytes_is_a_foundation() -> None:
    assert unfounded([SERVED], [decided()]) == []


def test_everything_else_is_none() -> None:
    receipt = ROW["receipt"]
    for decision in (
        decided(action="refuse"),
        decided(type="generation.requested"),
        decided(objects=[OBJECT | {"sha256": "b" * 64}]),
        decided(objects=[OBJECT | {"name": "p.txt"}]),
        decided(receipt=receipt | {"index": 8}),
    ):
        assert unfounded([SERVED], [decision]) == [SERVED]
    assert unfounded([SERVED], []) == [SERVED]
    recalled = decided(revision=2, action="recall", receipt=receipt | {"index": 9})
    assert unfounded([SERVED], [decided(), recalled]) == [SERVED]
