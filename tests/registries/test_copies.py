import pytest

from registries.rows import an_account, put
from synthgate.events.facts import ROWS
from synthgate.events.topics import COPIES
from synthgate.registries import Registries


def test_every_registry_topic_has_its_table() -> None:
    registries = Registries(ROWS)
    for topic in ROWS:
        assert registries.tables[topic].topic == topic
    names = ("accounts", "consents", "control", "features", "recalls", "revocations", "standings")
    for name in (*names, "switches", "templates", "users"):
        assert len(getattr(registries, name)) == 0


def test_every_duty_can_have_its_copies() -> None:
    for topics in COPIES.values():
        assert set(Registries(topics).tables) == set(topics)


def test_a_table_that_is_not_copied_is_not_empty_but_absent() -> None:
    registries = Registries(["facts.templates"])
    with pytest.raises(KeyError):
        registries.accounts  # noqa: B018
    with pytest.raises(KeyError):
        registries.standing("acme", "u1", 0)
    with pytest.raises(KeyError):
        registries.apply("facts.accounts", 0, 0, b"acme/u1", None)


def test_a_copy_can_be_built_again() -> None:
    registries = Registries(["facts.accounts"])
    put(registries, "facts.accounts", an_account())
    registries.apply("facts.accounts", 0, 1, b"acme/u2", b"?")
    registries.apply("facts.accounts", 0, 2, None, b"?")
    assert registries.unreadable == {"facts.accounts": 2}
    registries.reset("facts.accounts")
    assert registries.accounts.get("acme", "u1") is None
    assert registries.unreadable == {}
