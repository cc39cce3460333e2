import pytest

from registries.rows import a_switch, put
from synthgate.events.event import Event
from synthgate.registries import UNREADABLE, Registries
from synthgate.registries.switches import functions_of

TOPIC = "facts.switches"


def _off(*rows: dict[str, object]) -> Registries:
    registries = Registries([TOPIC])
    put(registries, TOPIC, *(a_switch(**row) for row in rows))
    return registries


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"tenant": "*"},
        {"function": "*"},
        {"function": "*", "tenant": "*"},
        {"function": "medium:text"},
        {"function": "template:t1"},
    ],
)
def test_off_by_tenant_and_function(row: dict[str, object]) -> None:
    functions = functions_of(_event("generation.requested"))
    off = _off(row).switches.off("acme", functions)
    assert off == ((a_switch(**row).function, a_switch(**row)),)
    assert _off(row | {"off": False}).switches.off("acme", functions) == ()


@pytest.mark.parametrize("row", [{"tenant": "other"}, {"function": "medium:image"}])
def test_others_stay_on(row: dict[str, object]) -> None:
    assert _off(row).switches.off("acme", functions_of(_event("generation.requested"))) == ()


def test_what_cannot_be_read_is_off() -> None:
    registries = _off({"off": False})
    registries.apply(TOPIC, 0, 1, b"acme/generation.requested", b"?")
    assert registries.switches.off("acme", ("generation.requested",)) == (
        ("generation.requested", UNREADABLE),
    )


def test_off_wins_a_tie() -> None:
    registries = _off({"off": True}, {"off": False})
    assert registries.switches.off("acme", ("generation.requested",)) != ()


def test_everything_off_leaves_appeals_complaints_and_erasure() -> None:
    registries = _off({"function": "*"})
    for kind in ("penalty.appealed", "complaint.received", "erasure.requested"):
        assert registries.switches.off("acme", functions_of(_event(kind))) == ()
    for kind in ("account.registered", "generation.completed", "content.published"):
        assert registries.switches.off("acme", functions_of(_event(kind))) != ()


def _event(kind: str) -> Event:
    generation = {"id": "g1", "medium": "text", "template": "t1"}
    return Event({"type": kind}, {"tenant": "acme", "generation": generation})
