from registries.rows import a_feature, put
from synthgate.registries import Registries

TOPIC = "facts.features"


def test_entries_by_library_version() -> None:
    registries = Registries([TOPIC])
    first, second = a_feature(entry="b", to_version=3), a_feature(entry="a", from_version=2)
    put(registries, TOPIC, first, second)
    active = [[row.entry for row in registries.features.active(v)] for v in range(5)]
    assert active == [[], ["b"], ["a", "b"], ["a"], ["a"]]


def test_an_unreadable_entry_keeps_a_keyword_and_loses_an_allowance() -> None:
    registries = Registries([TOPIC])
    put(registries, TOPIC, a_feature(entry="k"), a_feature(entry="a", kind="allow"))
    registries.apply(TOPIC, 0, 2, b"k", b"?")
    registries.apply(TOPIC, 0, 3, b"a", b"?")
    assert [row.entry for row in registries.features.active(1)] == ["k"]
    assert registries.features.unreadable == ("a", "k")


def test_the_stricter_wins_a_tie() -> None:
    registries = Registries([TOPIC])
    put(registries, TOPIC, a_feature(), a_feature(kind="allow"), a_feature(to_version=2))
    assert registries.features.active(5) == (a_feature(),)


def test_gaps_in_the_topic_leave_every_entry_that_stands() -> None:
    """Compaction and transactions leave offsets out, and a tombstone takes an entry away."""
    registries = Registries([TOPIC])
    for offset, name in ((0, "a"), (7, "b"), (1_000_000, "c"), (1_000_001, "d")):
        row = a_feature(entry=name)
        registries.apply(TOPIC, 0, offset, name.encode(), row.model_dump_json().encode())
    assert [row.entry for row in registries.features.active(1)] == ["a", "b", "c", "d"]
    registries.apply(TOPIC, 0, 2_000_000, b"c", None)
    assert [row.entry for row in registries.features.active(1)] == ["a", "b", "d"]
