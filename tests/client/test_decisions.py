from dataclasses import fields
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synthgate.client.decisions import Decision, NotADecisionError, Undecided
from synthgate.events.decision import Decision as Row

OBJECT = {"name": "o.txt", "sha256": "a" * 64, "media_type": "text/plain", "size_bytes": 3}
REASON = {
    "obligation": "consent", "rule": "DSP-14-2", "article": "DSP 14", "force": "statute",
    "code": "no_grant", "where": "subject:t",
}  # fmt: skip
ROW: dict[str, Any] = {
    "v": 1, "decision": "1/generation.events/2/7#1", "root": "1/generation.events/2/7",
    "origin": "1/generation.events/2/7", "tenant": "acme", "user": "t", "source": "s",
    "event_id": "e1", "type": "generation.completed", "event_hash": "b" * 64, "generation": "g1",
    "medium": "text", "revision": 1, "supersedes": None, "action": "release", "reasons": [REASON],
    "verdicts": [], "objects": [OBJECT], "label": None, "regimes": ["CN"], "enforced": True,
    "decided_at": 5, "receipt": {"log": 2, "index": 7, "hash": "c" * 64}, "pass": "a.b",
}  # fmt: skip


def read(**over: Any) -> Decision:
    return Decision.read(orjson.dumps(ROW | over), b"acme/u", 2)


def test_reads_what_the_chain_writes() -> None:
    Row.model_validate(ROW)  # the sample is one
    decision = read()
    assert decision.released
    assert (decision.event_id, decision.generation, decision.revision) == ("e1", "g1", 1)
    assert (decision.pass_text, decision.receipt["index"]) == ("a.b", 7)
    assert decision.objects[0].name == "o.txt"
    assert decision.reasons[0].where == "subject:t"
    assert str(decision.origins[0]) == ROW["root"]


@pytest.mark.parametrize("action", ["refuse", "hold", "recall", "undecided", "Release", ""])
def test_only_a_release_releases(action: str) -> None:
    decision = read(action=action, hold="retry" if action == "hold" else None)
    assert not decision.released
    assert decision.objects == ()
    assert decision.hold == ("retry" if action == "hold" else None)


def test_later_members_do_not_stop_an_app_of_today() -> None:
    decision = read(new={"x": 1}, reasons=[REASON | {"new": 1}], objects=[OBJECT | {"new": 1}])
    assert decision.row["new"] == {"x": 1}


@pytest.mark.parametrize("name", sorted(ROW.keys() - {"pass", "decision", "user", "type", "medium",
    "supersedes", "verdicts", "label", "regimes", "decided_at", "event_hash", "generation"}))  # fmt: skip
def test_a_missing_member_is_no_decision(name: str) -> None:
    row = {key: value for key, value in ROW.items() if key != name}
    with pytest.raises(NotADecisionError):
        Decision.read(orjson.dumps(row), None, 0)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.binary()
    | st.none()
    | st.builds(
        lambda over: orjson.dumps(ROW | over),
        st.dictionaries(
            st.sampled_from(sorted(ROW)),
            st.none() | st.booleans() | st.text() | st.lists(st.integers(-5, 5)),
        ),
    )
)
def test_any_bytes_are_a_decision_that_can_be_asked_or_none(value: bytes | None) -> None:
    try:
        decision = Decision.read(value, None, 0)
    except NotADecisionError:
        return
    for name in ("released", "enforced", "hold", "rank", "reasons", "objects", "origins"):
        getattr(decision, name)
    assert decision.released == (decision.row["action"] == "release")


def test_stricter_counts_on_the_same_revision() -> None:
    order = ["release", "hold", "refuse", "recall", "something new"]
    ranks = [read(action=action).rank for action in order]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == len(ranks)
    assert read(revision=2).rank > ranks[-1]


async def test_undecided_looks_like_a_decision_that_releases_nothing() -> None:
    undecided = Undecided("e1", "g1", "timeout")
    asked = [name for name in vars(Decision) if isinstance(vars(Decision)[name], property)]
    missing = {name for name in asked if not hasattr(undecided, name)}
    assert missing == {"rank", "origins"}
    assert {field.name for field in fields(Undecided)} >= {"released", "action", "cause"}
    assert not undecided.released
    assert await undecided.next(timeout=0) is undecided
    assert not (await read().next(timeout=0)).released
