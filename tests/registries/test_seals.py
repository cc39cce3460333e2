"""What a library version finds stays what it was, whatever is sent for later ones, or for it once sealed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registries.rows import a_control, a_feature, put
from synthgate.events.facts import FeatureRow
from synthgate.library.library import Library
from synthgate.registries import Registries, seals
from synthgate.registries.withdrawals import Rollback

TOPIC = "facts.features"
LAST = 3
"""The version that is sealed."""
TEXT = "甲乙丙，丁戊己，庚辛壬，癸子丑"

_entries = st.sampled_from(("a", "b", "c", "d"))


def _rows(*versions: int) -> st.SearchStrategy[FeatureRow]:
    return st.builds(
        lambda ends, kind, **over: a_feature(
            **over, kind=kind, risk="A.1a" if kind == "keyword" else None,
            to_version=None if ends is None else over["from_version"] + ends,
        ),
        ends=st.none() | st.integers(1, 3),
        kind=st.sampled_from(("keyword", "keyword", "allow")),
        entry=_entries,
        value=st.sampled_from(TEXT.split("，")),
        state=st.sampled_from(("on", "on", "off", "shadow")),
        severity=st.sampled_from((60, 90)),
        from_version=st.integers(*versions),
        version=st.integers(1, 9),
    )  # fmt: skip


EARLY = st.lists(_rows(1, LAST), max_size=8)
LATER = st.lists(_rows(LAST + 1, LAST + 3), max_size=8)
LATE = st.lists(_rows(1, LAST), max_size=4)
BEHIND = 100
"""The first offset of what is sent once it is sealed."""


def _sealed(registries: Registries, version: int = LAST) -> seals.Seal:
    found = seals.seal(registries.features, registries.features.active(version))
    name = f"{seals.PREFIX}{version}"
    put(registries, "control", a_control(name, found.body()))
    return found


def _finds(registries: Registries, version: int = LAST) -> list[Any] | None:
    rows = seals.entries(registries.control, registries.features, version)
    return None if rows is None else Library.build(version, rows).search(TEXT)


@given(EARLY, LATER, st.data())
def test_what_a_version_finds_is_changed_by_no_import_for_a_later_one(
    early: list[FeatureRow], later: list[FeatureRow], data: st.DataObject
) -> None:
    """Sealed or not, and in whatever order they are read."""
    registries = Registries((TOPIC, "control"))
    put(registries, TOPIC, *early)
    before = [_finds(registries, version) for version in range(1, LAST + 1)]
    if data.draw(st.booleans()):
        _sealed(registries)
    put(registries, TOPIC, *later, at=BEHIND)
    assert [_finds(registries, version) for version in range(1, LAST + 1)] == before
    again = Registries((TOPIC, "control"))
    put(again, TOPIC, *data.draw(st.permutations([*early, *later])))
    assert [_finds(again, version) for version in range(1, LAST + 1)] == before


@given(EARLY, LATER, LATE)
def test_what_is_sent_for_a_sealed_version_does_not_change_it(
    early: list[FeatureRow], later: list[FeatureRow], late: list[FeatureRow]
) -> None:
    """It finds the same; or, where a row of its own was overwritten, nobody calls it that version any more."""
    registries = Registries((TOPIC, "control"))
    put(registries, TOPIC, *early)
    before = _finds(registries)
    _sealed(registries)
    put(registries, TOPIC, *later, *late, at=BEHIND)
    there = {(row.entry, row.from_version) for row in early}
    if any((row.entry, row.from_version) in there for row in late):
        assert _finds(registries) in (before, None)
    else:
        assert _finds(registries) == before


def test_what_is_sent_again_as_it_was_changes_nothing() -> None:
    registries = Registries((TOPIC, "control"))
    rows = [a_feature(), a_feature(entry="f2")]
    put(registries, TOPIC, *rows)
    _sealed(registries)
    put(registries, TOPIC, *(row.model_copy(update={"version": 5}) for row in rows), at=BEHIND)
    assert _finds(registries) is not None


def test_an_entry_gone_is_seen() -> None:
    registries = Registries((TOPIC, "control"))
    put(registries, TOPIC, a_feature(), a_feature(entry="f2"))
    _sealed(registries)
    registries.apply(TOPIC, 0, 10, b"f2/1", None)
    assert _finds(registries) is None


def test_an_allowance_nobody_can_read_any_more_still_counts_where_it_was_sealed() -> None:
    registries = Registries((TOPIC, "control"))
    put(registries, TOPIC, a_feature(value="坏"), a_feature(entry="ok", kind="allow"))
    _sealed(registries)
    registries.apply(TOPIC, 0, 10, b"ok/1", b"?")
    rows = seals.entries(registries.control, registries.features, LAST)
    assert rows is not None and [row.entry for row in rows] == ["f1", "ok"]
    assert [row.entry for row in registries.features.active(LAST)] == ["f1"]


def test_of_an_entrys_rows_the_last_counts_and_what_was_withdrawn_is_in_no_later_version() -> None:
    registries = Registries((TOPIC, "control"))
    first, second = a_feature(), a_feature(from_version=2, severity=90, to_version=4)
    put(registries, TOPIC, first, second)
    active = registries.features.active
    assert [active(version) for version in range(1, 5)] == [(first,), (second,), (second,), ()]
    back = [Rollback(3, 1, 0, "ann", "x")]
    assert [active(version, back) for version in range(1, 5)] == [
        (first,), (second,), (second,), (first,),
    ]  # fmt: skip
    assert registries.features.latest() == (second,)


def test_a_row_of_an_earlier_release_stands_beside_those_of_later_versions() -> None:
    registries = Registries((TOPIC, "control"))
    old, new = a_feature(), a_feature(from_version=2, severity=90)
    registries.apply(TOPIC, 0, 0, b"f1", old.model_dump_json().encode())
    put(registries, TOPIC, new)
    assert registries.features.unreadable == ()
    assert [registries.features.active(version) for version in (1, 2)] == [(old,), (new,)]
    assert registries.features.exactly("f1", 1) == old
    registries.apply(TOPIC, 0, 1, b"f1", None)
    assert registries.features.active(1) == ()


def test_a_row_under_another_entrys_or_versions_key_is_not_read() -> None:
    registries = Registries((TOPIC, "control"))
    for key in (b"f2", b"f1/2", b"f2/1"):
        registries.apply(TOPIC, 0, 0, key, a_feature().model_dump_json().encode())
    assert registries.features.unreadable == ("f1/2", "f2", "f2/1")
    assert registries.features.active(2) == ()


@pytest.mark.parametrize(
    "body",
    [{}, {"sha256": "a" * 64}, {"sha256": "a", "ends": {}}, {"sha256": "a" * 64, "ends": [1]},
     {"sha256": "a" * 64, "ends": {"x": 1}}, {"sha256": "a" * 64, "ends": {"0": True}}],
)  # fmt: skip
def test_a_seal_that_cannot_be_read_is_none_and_its_activation_is_waited_for(body: Any) -> None:
    registries = Registries((TOPIC, "control"))
    put(
        registries,
        "control",
        a_control("seal/1", body),
        a_control("library", {"version": 1, "seal": body}),
    )
    assert registries.control.unreadable == ("library", "seal/1")
    assert registries.control.seal(1) is None
    assert seals.read(body) is None
