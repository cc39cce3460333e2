import pytest
from hypothesis import given
from hypothesis import strategies as st

from registries.rows import an_account
from synthgate.events.facts import AccountRow
from synthgate.registries.accounts import Accounts
from synthgate.registries.table import UNREADABLE

Record = tuple[int, bytes | None, bytes | None]  # offset, key, value


def _applied(records: list[Record]) -> Accounts:
    table = Accounts()
    for offset, key, value in records:
        table.apply(0, offset, key, value)
    return table


def _state(table: Accounts) -> object:
    keys = [f"acme/u{n}" for n in range(3)]
    return (
        [table.held(key) for key in keys],
        table.unreadable,
        sorted(key for key, _ in table._entries.items()),
    )


def _bytes(row: AccountRow) -> tuple[bytes, bytes]:
    return f"{row.tenant}/{row.user}".encode(), row.model_dump_json().encode()


def test_highest_version_wins_whatever_the_order() -> None:
    old, new = an_account(version=1), an_account(version=2, standing="ok")
    for pair in ((old, new), (new, old)):
        table = _applied([(n, *_bytes(row)) for n, row in enumerate(pair)])
        assert table.get("acme", "u1") == new


def test_the_stricter_wins_a_tie() -> None:
    mild, stern = an_account(standing="warned"), an_account(standing="closed")
    for pair in ((mild, stern), (stern, mild)):
        table = _applied([(n, *_bytes(row)) for n, row in enumerate(pair)])
        assert table.get("acme", "u1") == stern


def test_a_tombstone_erases_what_stood_before_it_and_nothing_later() -> None:
    key, value = _bytes(an_account())
    assert _applied([(0, key, value), (1, key, None)]).get("acme", "u1") is None
    table = _applied([(0, key, value), (1, key, None), (2, key, value), (1, key, None)])
    assert table.get("acme", "u1") == an_account()


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b'{"v":1}',
        b"1e400",
        an_account(user="u2").model_dump_json().encode(),
        an_account().model_dump_json().replace('"version":1', '"version":1e400').encode(),
        an_account().model_dump_json().replace('"version":1', f'"version":{2**70}').encode(),
        an_account().model_dump_json().replace('"v":1', '"v":2').encode(),
        an_account().model_dump_json().replace(":00Z", "").encode(),
    ],
)
def test_an_unreadable_row_makes_its_key_unreadable_until_mended(broken: bytes) -> None:
    key, value = _bytes(an_account(standing="ok", version=7))
    table = _applied([(0, key, value), (1, key, broken)])
    assert table.get("acme", "u1") is UNREADABLE
    assert table.permitted("acme/u1") is None
    assert table.unreadable == ("acme/u1",)
    assert list(table.rows()) == []
    table.apply(0, 2, *_bytes(an_account(version=6)))
    assert table.get("acme", "u1") is UNREADABLE, "an older row does not mend"
    table.apply(0, 3, key, value)
    assert table.get("acme", "u1") == an_account(standing="ok", version=7)
    assert table.unreadable == ()


def test_another_partition_does_not_mend() -> None:
    key, value = _bytes(an_account())
    table = _applied([(5, key, b"?")])
    table.apply(1, 9, key, value)
    assert table.get("acme", "u1") is UNREADABLE


def test_a_tombstone_mends() -> None:
    key, _ = _bytes(an_account())
    assert _applied([(0, key, b"?"), (1, key, None)]).get("acme", "u1") is None


def test_a_record_without_a_key_goes_by_its_body_or_is_counted() -> None:
    _, value = _bytes(an_account())
    table = _applied([(0, None, value), (1, None, b"?"), (2, None, None)])
    assert table.get("acme", "u1") == an_account()
    assert table.unkeyed == 1


ROWS = st.builds(
    an_account,
    version=st.integers(0, 3),
    user=st.sampled_from(["u0", "u1", "u2"]),
    standing=st.sampled_from(["ok", "warned", "limited", "suspended", "closed"]),
    until=st.sampled_from([None, "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"]),
    restricted=st.lists(st.sampled_from(["a", "b"]), max_size=2),
).map(_bytes)
BROKEN = st.sampled_from([(f"acme/u{n}".encode(), b"?") for n in range(3)])
TOMBSTONES = st.sampled_from([(f"acme/u{n}".encode(), None) for n in range(3)])
ANY_BYTES = st.tuples(st.binary(max_size=8) | st.none(), st.binary(max_size=40) | st.none())


@given(st.lists(ROWS | BROKEN, max_size=12), st.data())
def test_any_order_and_any_repetition_end_in_the_same_table(
    records: list[tuple[bytes, bytes]], data: st.DataObject
) -> None:
    log: list[Record] = [(n, key, value) for n, (key, value) in enumerate(records)]
    again = data.draw(st.lists(st.sampled_from(log), max_size=8)) if log else []
    shuffled = data.draw(st.permutations(log + again))
    assert _state(_applied(shuffled)) == _state(_applied(log))


@given(st.lists(ROWS | BROKEN | TOMBSTONES, max_size=14), st.data())
def test_reading_again_from_any_earlier_point_changes_nothing(
    records: list[tuple[bytes, bytes | None]], data: st.DataObject
) -> None:
    log: list[Record] = [(n, key, value) for n, (key, value) in enumerate(records)]
    read: list[Record] = []
    for _ in range(data.draw(st.integers(0, 3))):
        start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(log))] * 2)))
        read += log[: end if not read else None] if not read else log[start:]
    assert _state(_applied(read + log)) == _state(_applied(log))


@given(st.lists(ANY_BYTES, max_size=10))
def test_no_bytes_can_stop_a_copy(records: list[tuple[bytes | None, bytes | None]]) -> None:
    table = _applied([(n, key, value) for n, (key, value) in enumerate(records)])
    assert list(table.rows()) == []
