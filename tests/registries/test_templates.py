from registries.rows import a_template, put
from synthgate.registries import Registries

TOPIC = "facts.templates"


def test_a_template_is_found_enabled_or_not() -> None:
    registries = Registries([TOPIC])
    assert registries.templates.get("acme", "t1") is None
    put(registries, TOPIC, a_template(), a_template(version=2, status="disabled"))
    assert registries.templates.get("acme", "t1") == a_template(version=2, status="disabled")
    assert registries.templates.get("other", "t1") is None


def test_the_stricter_wins_a_tie() -> None:
    registries = Registries([TOPIC])
    strict = a_template(edits_person=["style"])
    put(registries, TOPIC, strict, a_template())
    assert registries.templates.get("acme", "t1") == strict


def test_what_cannot_be_read_is_not_registered() -> None:
    registries = Registries([TOPIC])
    put(registries, TOPIC, a_template())
    registries.apply(TOPIC, 0, 1, b"acme/t1", b"?")
    assert registries.templates.get("acme", "t1") is None
