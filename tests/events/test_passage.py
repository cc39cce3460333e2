"""A passage reads back as it was rendered, and the event's bytes never change on the way."""

import hashlib
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgate.events.origin import Origin
from synthgate.events.passage import FAST, SLOW, Passage, PassageError, Reentry
from synthgate.events.topics import SOURCES

# Text that contains the wire form's own delimiters, as a platform (or an attacker) may send it.
HOSTILE = st.sampled_from(
    [',"verdicts":[', '],"event":', '{"v":1', '"}', '\\"', ',"event":[{}]', "]}", "\u2028"]
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | HOSTILE
LEAF = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT
VALUE = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
OBJECT = st.dictionaries(TEXT, VALUE, max_size=4)
ATTRS = st.dictionaries(TEXT, TEXT, max_size=4)
ORIGIN = st.builds(
    Origin,
    st.integers(1, 9),
    st.sampled_from(SOURCES),
    st.integers(0, 99),
    st.integers(0, 2**60),
)
REENTRY = st.none() | st.builds(
    Reentry,
    ORIGIN,
    st.sampled_from(["review", "retry", "expiry", "appeal", "recall", "redrive"]),
    st.integers(0, 2**50),
    st.integers(2, 9),
    st.dictionaries(st.text("abc", max_size=3), LEAF, max_size=3),
)
HEAD = ("obligation", "outcome", "reasons")


def as_recorded(row: dict[str, Any]) -> dict[str, Any]:
    """Members in the order in which a verdict is written."""
    return {name: row[name] for name in (*HEAD, "facts")}


def plain_facts(row: dict[str, Any]) -> bool:
    """Facts of ours never begin with an obligation of their own: such a row is refused."""
    return b'{"obligation":"' not in orjson.dumps(row["facts"])


VERDICT = (
    st.fixed_dictionaries(
        {
            "obligation": st.sampled_from(["identity", "consent", "moderation"]),
            "outcome": st.sampled_from(["pass", "refuse"]),
            "reasons": st.lists(st.fixed_dictionaries({"code": TEXT, "where": TEXT}), max_size=2),
            "facts": st.dictionaries(
                TEXT | st.sampled_from(["obligation", "facts"]), LEAF, max_size=2
            ),
        }
    )
    .map(as_recorded)
    .filter(plain_facts)
)
# Any bytes of an object: spacing of its own, as received.
EVENT = st.builds(
    lambda value, spaced: orjson.dumps(value, option=orjson.OPT_INDENT_2 if spaced else None),
    OBJECT,
    st.booleans(),
)


def passage(event: bytes, **over: Any) -> Passage:
    fields: dict[str, Any] = {
        "origin": Origin(1, "generation.events", 3, 17),
        "at": 1_795_227_300_120,
        "event_hash": hashlib.sha256(event).hexdigest(),
        "lane": FAST,
        "attrs": {"id": "e1", "type": "generation.requested", "time": "2026-11-21T10:15:00+08:00"},
        "event_bytes": event,
        "key": b"t/u",
    }
    return Passage(**fields | over)


STAMPS = st.fixed_dictionaries(
    {
        "origin": ORIGIN,
        "attrs": ATTRS,
        "reentry": REENTRY,
        "lane": st.sampled_from([FAST, SLOW]),
        "at": st.integers(0, 2**50),
    }
)


@given(EVENT, STAMPS, st.lists(VERDICT, max_size=5))
def test_round_trip(event: bytes, stamps: dict[str, Any], verdicts: list[dict[str, Any]]) -> None:
    sent = passage(event, **stamps)
    for verdict in verdicts:
        sent.add_verdict(verdict)
    value = sent.render()
    got = Passage.parse(value, b"t/u")
    assert got.event_bytes == event
    assert got.verdicts == verdicts == sent.verdicts
    assert {name: getattr(got, name) for name in stamps} == stamps
    assert (got.event_hash, got.key) == (sent.event_hash, sent.key)
    assert got.render() == value


@given(EVENT, st.lists(VERDICT, min_size=1, max_size=4))
def test_verdicts_spliced_at_each_hop_are_as_if_added_at_once(
    event: bytes, verdicts: list[dict[str, Any]]
) -> None:
    at_once = passage(event)
    hopping = passage(event)
    for verdict in verdicts:
        at_once.add_verdict(verdict)
        hopping.add_verdict(verdict)
        assert hopping.verdicts[-1] == verdict  # Seen by the next duty, read or not before.
        hopping = Passage.parse(hopping.render(), b"t/u")
    assert hopping.render() == at_once.render()
    assert orjson.loads(at_once.render())["verdicts"] == verdicts


@given(st.lists(VERDICT, max_size=4, unique_by=lambda row: row["obligation"]))
def test_what_was_said_is_read_without_the_facts(verdicts: list[dict[str, Any]]) -> None:
    sent = passage(b"{}")
    for verdict in verdicts:
        sent.add_verdict(verdict)
    got = Passage.parse(sent.render(), b"t/u")
    assert got.said == [{name: row[name] for name in HEAD} for row in verdicts]
    for row in verdicts:
        assert got.verdict(row["obligation"]) == row
    seen = got.said
    late = {"obligation": "labelling", "outcome": "pass", "reasons": [], "facts": {}}
    got.add_verdict(late)
    assert seen[-1]["obligation"] == "labelling"
    got.forget_verdicts()
    assert (got.said, got.verdicts, got.verdict("labelling")) == ([], [], None)


def test_a_caller_may_name_a_template_as_he_likes() -> None:
    """Names that callers choose stand in facts as members: none may look like a verdict's beginning."""
    sent = passage(b"{}")
    facts = {"prompts": {"obligation": 1_795_227_300_000, "facts": 2}}
    sent.add_verdict({"obligation": "identity", "outcome": "pass", "reasons": [], "facts": facts})
    assert sent.verdict("identity") == Passage.parse(sent.render(), None).verdict("identity")


@given(EVENT)
def test_the_wire_form_is_json_with_the_event_last(event: bytes) -> None:
    value = passage(event).render()
    assert value.endswith(b',"event":' + event + b"}")
    assert orjson.loads(value)["event"] == orjson.loads(event)


def test_parts_of_ours_that_would_hide_a_delimiter_are_refused() -> None:
    with pytest.raises(PassageError):
        passage(b"{}").add_verdict({"obligation": "x", "facts": {"a": [1], "event": 2}})
    with pytest.raises(PassageError):
        passage(b"{}").add_verdict({"obligation": "x", "facts": {"a": {"obligation": "y"}}})
    with pytest.raises(PassageError):
        passage(b"{}").add_verdict({"outcome": "pass", "obligation": "x"})
    with pytest.raises(PassageError):
        passage(b"{}", attrs={"id": "e1", "verdicts": [1]}).render()
    back = Reentry(Origin(1, "t", 0, 0), "review", 1, 2, {"a": 1, "verdicts": [1]})
    with pytest.raises(PassageError):
        passage(b"{}", reentry=back).render()


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"{}",
        b"\xff",
        b'{"v":2,"origin":{"epoch":1,"topic":"t","partition":0,"offset":0,"at":0,"hash":""},'
        b'"lane":"fast","attrs":{},"verdicts":[],"event":{}}',
        b'{"v":1,"origin":{"epoch":1},"lane":"fast","attrs":{},"verdicts":[],"event":{}}',
        b'{"v":1,"origin":null,"lane":"fast","attrs":{},"verdicts":[],"event":{}}',
        b'{"v":1,"verdicts":[],"event":{}',
        b'{"v":1,"verdicts":[]}',
        b"[1,2,3]",
    ],
)
def test_what_is_not_a_passage_is_one_kind_of_error(value: bytes) -> None:
    with pytest.raises(PassageError):
        Passage.parse(value, None)


def test_a_passage_that_came_back_keeps_its_root_and_its_revision() -> None:
    root = Origin(1, "generation.events", 3, 2)
    event = b'{"tenant":"t"}'
    first = passage(event, origin=root)
    assert (first.root, first.revision) == (root, 1)
    assert first.as_of == 1_795_227_300_000  # The event's own time.
    back = passage(event, reentry=Reentry(root, "review", 41, 2, {"outcome": "pass"}))
    assert (back.root, back.revision) == (root, 2)
    assert back.as_of == back.at  # Permits are judged when it came back.


def test_verdict_of_one_duty() -> None:
    some = passage(b"{}")
    some.add_verdict({"obligation": "identity", "outcome": "pass"})
    assert some.verdict("identity") == {"obligation": "identity", "outcome": "pass"}
    assert some.verdict("consent") is None
