"""Declared waits."""

from synthgate.runtime import metrics
from synthgate.runtime.waits import Waits


def waiting(what: str) -> float:
    value = metrics.REGISTRY.get_sample_value(
        "synthgate_waiting", {"duty": "consent", "what": what}
    )
    return value or 0.0


def test_the_same_wait_keeps_its_beginning() -> None:
    waits = Waits()
    waits.declare("consent", "in/3", "ledger-a")
    (first,) = waits.rows()
    waits.declare("consent", "in/3", "ledger-a")
    assert waits.rows() == [first]
    assert waiting("ledger-a") == 1
    waits.declare("consent", "in/3", "broker-a")
    assert [row["what"] for row in waits.rows()] == ["broker-a"]
    assert (waiting("ledger-a"), waiting("broker-a")) == (0, 1)
    waits.clear("consent", "in/3")
    waits.clear("consent", "in/3")
    assert waits.rows() == []
    assert waiting("broker-a") == 0


def test_each_partition_waits_for_itself() -> None:
    waits = Waits()
    waits.declare("consent", "in/1", "x")
    waits.declare("consent", "in/2", "x")
    assert waits.declared("consent", "in/1")
    waits.clear("consent", "in/1")
    assert not waits.declared("consent", "in/1")
    assert waits.declared("consent", "in/2")
    waits.clear("consent", "in/2")
