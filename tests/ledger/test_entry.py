import orjson

from ledger.builders import a_draft, an_origin
from synthgate.ledger.entry import HEADER_FIELDS, header_json


def written(**changes: object) -> bytes:
    return header_json(
        a_draft(7, **changes),
        log=0,
        index=1,
        supersedes=None,
        kid="k",
        recorded_at_ms=5,
    )


def test_same_draft_same_bytes() -> None:
    assert written() == written()


def test_log_fields_come_first_and_are_all_reserved() -> None:
    names = list(orjson.loads(written(offsets=2, header={"tenant": "acme"})))
    assert names[-1] == "tenant"
    assert set(names[:-1]) == HEADER_FIELDS


def test_root_is_written_out() -> None:
    assert orjson.loads(written())["root"] == "1/generation.events/0/7"
    other = orjson.loads(written(root=an_origin(3)))
    assert (other["origin"], other["root"]) == (
        "1/generation.events/0/7",
        "1/generation.events/0/3",
    )
