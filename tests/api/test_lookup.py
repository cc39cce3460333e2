"""Links, and what a search says that could not be finished."""

import time

import pytest

from client.decider import decision_row
from synthgate.api import lookup
from synthgate.api.lookup import Ambiguous, At, Lookup, NotSearched, Wanted, counting
from synthgate.client import Decision

NOW = 1_795_000_000_000


def decided(**over: object) -> Decision:
    class Record:
        value, key, partition, offset, timestamp = b'{"tenant":"acme"}', b"acme/u", 1, 3, NOW
        topic = "generation.events"
        headers = (("ce_id", b"e"), ("ce_source", b"//a"), ("ce_type", b"t"))

    import orjson

    row = decision_row(Record, **over)
    return Decision.read(orjson.dumps(row), Record.key, Record.partition)


def test_a_link_reads_back_and_nothing_else_does() -> None:
    at = At(11, NOW, "0123abcd")
    assert At.parse(str(at), 12) == at
    for wrong in (
        "12.1795000000000.0123abcd",
        "01.1795000000000.0123abcd",
        "1.x.0123abcd",
        "",
        "1.2.3",
    ):
        with pytest.raises(ValueError, match="none of ours"):
            At.parse(wrong, 12)


def test_which_decision_counts() -> None:
    assert counting([]) is None
    one, two = decided(), decided(revision=2, action="recall")
    assert counting([one, two, one]) is two
    with pytest.raises(Ambiguous):
        counting([one, decided(event_hash="0" * 64)])
    again = decided(**{"pass": "a.newer"})
    assert counting([one, again]) is again
    assert counting([one, decided(type="record.stubbed", action="refuse")]) is not one
    with pytest.raises(Ambiguous):
        counting([decided(revision=2), decided(type="other", action="refuse")])


def test_another_tenant_s_or_source_s_or_bytes_do_not_fit() -> None:
    one = decided()
    told = str(one.row["event_hash"])[:8]
    assert Wanted("acme", "//a", "e", None).fits(one)
    assert Wanted("acme", "//a", "e", At(1, NOW, told)).fits(one)
    other = "00000000" if told != "00000000" else "11111111"
    for wanted in (
        Wanted("other", "//a", "e", None), Wanted("acme", "//b", "e", None),
        Wanted("acme", "//a", "f", None), Wanted("acme", "//a", "e", At(1, NOW, other)),
    ):  # fmt: skip
        assert not wanted.fits(one)


async def test_a_topic_that_cannot_be_read_is_never_not_decided(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lookup, "SEARCH_S_MAX", 0.5)
    made = Lookup(brokers="127.0.0.1:9", topic="decisions", partitions=3, security={})
    begun = time.monotonic()
    with pytest.raises(NotSearched):
        await made.find(Wanted("acme", "//a", "e", None))
    assert time.monotonic() - begun < 30
    await made.close()
