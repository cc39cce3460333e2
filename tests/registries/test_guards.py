"""Surges by subject, whichever partition saw them; what two people took back."""

import pytest

from registries.rows import put
from synthgate.demo.facts import control
from synthgate.events.facts import GuardRow
from synthgate.registries import Registries
from synthgate.registries.withdrawals import Rollback

T0_MS = 1_795_000_000_000
AGREED = {"agreed_by": "b", "reason": "why"}


def seen(partition: int, since: int, version: int = 1) -> GuardRow:
    return GuardRow(
        version=version, partition=partition, subject="entry/e/1", since=since, users=50, usual=1
    )


def since(registries: Registries) -> list[int]:
    return sorted(row.since for row in registries.guards.seen("entry/e/1"))


def test_the_last_surge_each_partition_saw_counts() -> None:
    registries = Registries(["guards"])
    assert since(registries) == []
    put(registries, "guards", seen(0, 10))
    put(registries, "guards", seen(3, 30), partition=3)
    put(registries, "guards", seen(3, 20, version=0), partition=3, at=1)
    assert since(registries) == [10, 30]
    registries.apply("guards", 3, 9, b"3/entry/e/1", None)
    assert since(registries) == [10]
    registries.apply("guards", 0, 9, b"0/entry/e/1", b"{")
    assert since(registries) == []


def test_rollbacks_and_guards_let_go_are_read_in_order() -> None:
    registries = Registries(["control"])
    put(registries, "control", control("rollback/9", {"to": 8, **AGREED}, T0_MS + 5))
    put(registries, "control", control("rollback/7", {"to": 4, **AGREED}, T0_MS))
    put(registries, "control", control("guard/entry/e/1", {"let_go": True, **AGREED}, T0_MS))
    back = registries.control.taken_back()
    assert back.rollbacks == (
        Rollback(7, 4, T0_MS, "demo", "why"), Rollback(9, 8, T0_MS + 5, "demo", "why"),
    )  # fmt: skip
    assert back.let_go == {"entry/e/1": T0_MS}
    assert [back.rollbacks[0].withdraws(version) for version in (4, 5, 7, 8)] == [
        False, True, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("rollback/7", {"to": 7, **AGREED}),
        ("rollback/7", {"to": 0, **AGREED}),
        ("rollback/7", {"to": True, **AGREED}),
        ("rollback/x", {"to": 4, **AGREED}),
        ("rollback/7", {"to": 4, "agreed_by": "demo", "reason": "why"}),
        ("rollback/7", {"to": 4, "agreed_by": "b"}),
        ("guard/entry/e", {"let_go": False, **AGREED}),
        ("guard/entry/e", {"let_go": True, "reason": "why"}),
    ],
)
def test_what_one_person_alone_says_or_nobody_can_read_takes_nothing_back(
    name: str, body: dict[str, object]
) -> None:
    registries = Registries(["control"])
    put(registries, "control", control(name, body, T0_MS))
    assert registries.control.taken_back() == ((), {})
