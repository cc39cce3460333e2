from registries.rows import a_recall, put
from synthgate.registries import Registries

TOPIC = "facts.recalls"


def test_a_recall_stands_until_lifted_by_a_later_version() -> None:
    registries = Registries([TOPIC])
    assert not registries.recalls.recalled("acme", "g1")
    put(registries, TOPIC, a_recall())
    assert registries.recalls.recalled("acme", "g1")
    assert not registries.recalls.recalled("other", "g1")
    put(registries, TOPIC, a_recall(recalled=False), at=1)
    assert registries.recalls.recalled("acme", "g1"), "the stricter wins a tie"
    put(registries, TOPIC, a_recall(version=2, recalled=False), at=2)
    assert not registries.recalls.recalled("acme", "g1")


def test_what_cannot_be_read_counts_as_recalled() -> None:
    registries = Registries([TOPIC])
    registries.apply(TOPIC, 0, 0, b"acme/g1", b"?")
    assert registries.recalls.recalled("acme", "g1")
