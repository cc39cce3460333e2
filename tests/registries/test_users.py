from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registries.rows import HASH, T0_MS, a_fact_event, put
from synthgate.events.facts import UserRow
from synthgate.registries import Registries
from synthgate.registries.users import SAME_KEPT, FactConflict, UserPermits, Users, Verification

TOPIC = "registry.users"


def _time(minute: int) -> str:
    return f"2026-01-01T00:{minute:02}:00Z"


def _users() -> tuple[Registries, Users]:
    registries = Registries([TOPIC])
    return registries, registries.users


def test_what_was_folded_counts_at_once_and_by_event_time() -> None:
    _, users = _users()
    row = users.fold(a_fact_event("identity.verified", _time(5)), HASH)
    assert row is not None
    assert [fact.at for fact in row.facts] == [T0_MS + 300_000]
    assert users.permits("acme", "u1", T0_MS + 299_999) == UserPermits()
    permits = users.permits("acme", "u1", T0_MS + 300_000)
    assert permits.verification == Verification.of(row.facts[0])
    assert permits.age_band == "adult"
    assert users.permits("acme", "u2", T0_MS + 300_000) == UserPermits()
    assert users.permits("other", "u1", T0_MS + 300_000) == UserPermits()


def test_a_verification_ends_when_it_expires() -> None:
    _, users = _users()
    users.fold(a_fact_event("identity.verified", _time(1), "e1", expires_at=_time(9)), HASH)
    assert users.permits("acme", "u1", T0_MS + 9 * 60_000 - 1).verification is not None
    assert not users.permits("acme", "u1", T0_MS + 9 * 60_000 - 1).lapsed
    assert users.permits("acme", "u1", T0_MS + 9 * 60_000) == UserPermits(lapsed=True)


def test_a_fold_is_owed_until_it_comes_back_and_then_no_longer() -> None:
    registries, users = _users()
    event = a_fact_event("consent.prompted")
    first = users.fold(event, HASH)
    assert first is not None
    assert users.fold(event, HASH) == first, "a batch tried again owes the same row"
    put(registries, TOPIC, first)
    assert users.fold(event, HASH) is None
    assert users.permits("acme", "u1", T0_MS).prompts == (("t1", T0_MS),)
    assert users._folded == {}


@pytest.mark.parametrize("echoed", [False, True])
@pytest.mark.parametrize(
    ("again", "other_hash"),
    [
        (a_fact_event("consent.prompted"), "b" * 64),
        (a_fact_event("consent.prompted", _time(7)), HASH),
        (a_fact_event("terms.accepted"), HASH),
    ],
)
def test_other_bytes_under_one_id_are_refused(echoed: bool, again: Any, other_hash: str) -> None:
    registries, users = _users()
    row = users.fold(a_fact_event("consent.prompted"), HASH)
    assert row is not None
    if echoed:
        put(registries, TOPIC, row)
    with pytest.raises(FactConflict):
        users.fold(again, other_hash)


def test_other_events_are_not_folded() -> None:
    _, users = _users()
    assert users.fold(a_fact_event("account.registered"), HASH) is None
    assert users.fold(a_fact_event("account.flagged"), HASH) is not None


def test_erasure_takes_folded_facts_too() -> None:
    registries, users = _users()
    users.fold(a_fact_event("identity.verified"), HASH)
    registries.apply(TOPIC, 0, 9, b"acme/u1", None)
    assert users.permits("acme", "u1", T0_MS) == UserPermits()


def test_an_unreadable_row_permits_nothing() -> None:
    registries, users = _users()
    row = users.fold(a_fact_event("identity.verified"), HASH)
    assert row is not None
    put(registries, TOPIC, row)
    registries.apply(TOPIC, 0, 1, b"acme/u1", b"{")
    assert users.permits("acme", "u1", T0_MS) == UserPermits()


def test_a_row_stays_bounded() -> None:
    _, users = _users()
    for n in range(SAME_KEPT * 3):
        row = users.fold(a_fact_event("consent.prompted", _time(n), f"e{n}"), HASH)
    assert row is not None
    assert len(row.facts) == SAME_KEPT
    assert users.permits("acme", "u1", T0_MS + 3_600_000).prompts == (
        ("t1", T0_MS + (SAME_KEPT * 3 - 1) * 60_000),
    )


EVENTS = st.builds(
    lambda n, kind, minute: a_fact_event(kind, _time(minute), f"{kind}-{n}-{minute}"),
    st.integers(0, 50),
    st.sampled_from(["identity.verified", "terms.accepted", "consent.prompted", "account.flagged"]),
    st.integers(0, 59),
)


@given(st.lists(EVENTS, max_size=40), st.data())
def test_rows_of_any_order_unite_to_the_same_permits(
    events: list[Any], data: st.DataObject
) -> None:
    rows: list[UserRow] = []
    for event in events:
        _, users = _users()
        for row in rows[-1:]:
            put_one(users, row, 0)
        folded = users.fold(event, HASH)
        rows += [folded] if folded is not None else []
    seen = set()
    for order in (rows, data.draw(st.permutations(rows)), data.draw(st.permutations(rows + rows))):
        _, users = _users()
        for offset, row in enumerate(order):
            put_one(users, row, offset)
        seen.add(repr(users.held("acme/u1")))
    assert len(seen) == 1


def test_rows_that_disagree_on_an_id_unite_to_what_permits_less() -> None:
    rows = []
    for minute in (3, 8):
        _, users = _users()
        row = users.fold(a_fact_event("identity.verified", _time(minute)), HASH)
        rows += [row] if row is not None else []
    for order in (rows, rows[::-1]):
        _, users = _users()
        for offset, row in enumerate(order):
            put_one(users, row, offset)
        assert users.permits("acme", "u1", T0_MS + 7 * 60_000).verification is None
        assert users.permits("acme", "u1", T0_MS + 8 * 60_000).verification is not None


def put_one(users: Users, row: UserRow, offset: int) -> None:
    users.apply(0, offset, b"acme/u1", row.model_dump_json().encode())


@given(st.lists(EVENTS, max_size=40), st.data())
def test_folding_in_any_order_permits_the_same(events: list[Any], data: st.DataObject) -> None:
    seen = set()
    for order in (events, data.draw(st.permutations(events))):
        _, users = _users()
        for event in order:
            users.fold(event, HASH)
        seen.add(
            tuple(users.permits("acme", "u1", T0_MS + n * 600_000) for n in range(7)).__repr__()
        )
    assert len(seen) == 1


EXPIRING = st.builds(
    lambda minute, ends: a_fact_event(
        "identity.verified", _time(minute), f"x-{minute}-{ends}", expires_at=_time(ends)
    ),
    st.integers(0, 59),
    st.integers(0, 59),
)


@given(
    st.lists(EVENTS | EXPIRING, max_size=6), st.lists(st.integers(-1, 70), min_size=1, max_size=12)
)
def test_permits_asked_for_before_are_those_of_the_moment(
    events: list[Any], minutes: list[int]
) -> None:
    """What was made for one moment answers for another only between the same two changes."""
    _, users = _users()
    row = None
    for event in events:
        row = users.fold(event, HASH) or row
    _, asked = _users()
    if row is not None:
        put_one(asked, row, 0)
    for minute in minutes:
        at = T0_MS + minute * 60_000
        _, fresh = _users()
        if row is not None:
            put_one(fresh, row, 0)
        assert asked.permits("acme", "u1", at) == fresh.permits("acme", "u1", at)


def test_terms_flags_and_network_identities_are_permits_too() -> None:
    """A flag forbids, so it counts whenever it is; what permits counts from its own time on."""
    _, users = _users()
    users.fold(a_fact_event("terms.accepted", _time(1), "t1", terms_sha256="b" * 64), HASH)
    users.fold(a_fact_event("terms.accepted", _time(3), "t2"), HASH)
    users.fold(a_fact_event("account.flagged", _time(9), "f1"), HASH)
    nnid = {"method": "nnid", "guardian": "guardian-1", "level": "L2", "expires_at": _time(7)}
    users.fold(a_fact_event("identity.verified", _time(2), "n1", **nnid), HASH)
    users.fold(a_fact_event("identity.verified", _time(4), "m1"), HASH)
    before, then, later = (users.permits("acme", "u1", T0_MS + n * 60_000) for n in (0, 5, 8))
    assert (before.terms, before.flagged_at) == ((), T0_MS + 540_000)
    assert then.accepted_at("v1", HASH) == T0_MS + 180_000
    assert then.accepted_at("v1", "b" * 64) == T0_MS + 180_000
    assert then.accepted_at("v2", HASH) is None
    assert (then.nnid, later.nnid) == (True, False)
    at_two = users.permits("acme", "u1", T0_MS + 120_000)
    held = at_two.verification
    assert held is not None
    assert (held.guardian, held.level, held.checker, held.evidence_ref) == (
        "guardian-1",
        "L2",
        "c",
        "r",
    )
    assert users.permits("acme", "u1", T0_MS + 60_000).accepted_at("v1", HASH) is None


def test_a_fact_folded_by_an_older_release_is_the_same_fact() -> None:
    registries, users = _users()
    event = a_fact_event("identity.verified")
    row = users.fold(event, HASH)
    assert row is not None
    fewer = dict.fromkeys(("checker", "level", "evidence_ref", "guardian"))
    older = row.model_copy(update={"facts": [row.facts[0].model_copy(update=fewer)]})
    put(registries, TOPIC, older)
    assert users.fold(event, HASH) is None
    assert users._folded == {}
