"""The library in force: a change counts at once, or is built beside the stream; one build for one change."""

import asyncio
import contextlib

import pytest

from acts import TIME_MS, Copies, control
from synthgate.bench.made_up import entries, row
from synthgate.library.library import Library
from synthgate.registries import seals
from synthgate.step import Waiting
from synthgate.steps import active_library
from synthgate.steps.active_library import LOOK_EVERY_MS, ActiveLibrary


def follow(*rows):
    copies = Copies("moderation", *rows)
    return copies, ActiveLibrary(copies.registries)


async def now(copies, active, at_ms=TIME_MS):
    return await active.get(copies.fresh.positions, at_ms)


async def settled(copies, active, version, at_ms=TIME_MS):
    for _ in range(1000):
        library = await now(copies, active, at_ms)
        if library.version == version:
            return library
        await asyncio.sleep(0.01)
    raise AssertionError("never put in place")


async def test_none_activated_or_none_with_an_entry_is_none():
    copies, active = follow(row("a", "甲乙丙"))
    assert await now(copies, active) is None
    copies.add(control("library", version=1))
    assert (await now(copies, active)).version == 1
    assert await now(*follow(control("library", version=1))) is None


async def test_an_activation_nobody_can_read_is_waited_for():
    copies, active = follow(row("a", "甲乙丙"), control("library", version=1))
    copies.registries.apply("control", 0, 99, b"library", b"{")
    with pytest.raises(Waiting):
        await now(copies, active)


async def test_a_small_library_that_nobody_sealed_follows_at_once_and_is_built_once():
    copies, active = follow(row("a", "甲乙丙"), control("library", version=1))
    first = await now(copies, active)
    assert await now(copies, active) is first
    copies.add(row("b", "丁戊己"))
    second = await now(copies, active)
    assert second is not first
    assert second.search("丁戊己")
    # A row of a version to come changes nothing that is in force.
    copies.add(row("c", "庚辛壬", from_version=2))
    assert await now(copies, active) is second


async def test_a_large_library_is_built_beside_the_one_in_force(monkeypatch):
    large = [entry.model_copy(update={"from_version": 2}) for entry in entries(1_500)]
    copies, active = follow(
        row("old", "甲乙丙", to_version=2), *large, control("library", version=1)
    )
    assert (await now(copies, active)).version == 1
    built = []
    build = Library.build
    monkeypatch.setattr(
        active_library.Library,
        "build",
        lambda version, rows: built.append(version) or build(version, rows),
    )
    copies.registries.apply("control", 0, 98, b"library", _activation(2))
    # The stream goes on with what there is, and says so.
    assert (await now(copies, active)).version == 1
    library = await settled(copies, active, 2)
    assert len(library) == 1_500
    # Going back costs no building.
    copies.registries.apply("control", 0, 99, b"library", _activation(1, at=3))
    assert (await now(copies, active)).version == 1
    copies.registries.apply("control", 0, 100, b"library", _activation(2, at=4))
    assert (await now(copies, active)) is library
    assert built == [2]


async def test_a_change_inside_a_large_version_that_nobody_sealed_counts_within_a_second():
    """As an earlier release put it in force; a sealed one does not change."""
    copies, active = follow(*entries(1_500), control("library", version=1))
    first = await now(copies, active)
    copies.add(row("late", "甲乙丙"))
    assert await now(copies, active, TIME_MS + LOOK_EVERY_MS - 1) is first
    at_ms = TIME_MS + LOOK_EVERY_MS
    for _ in range(1000):
        library = await now(copies, active, at_ms)
        if library is not first:
            break
        await asyncio.sleep(0.01)
    assert library.search("甲乙丙")


def _activation(version, at=2):
    return (
        control("library", version=version)
        .model_copy(update={"version": at})
        .model_dump_json()
        .encode()
    )


@pytest.mark.parametrize("over", [{"approved_by": "one"}, {"risk": None}])
async def test_entries_that_do_not_count_are_named_once_in_the_log(caplog, over):
    copies, active = follow(
        row("alone", "甲乙丙", **over),
        row("good", "丁戊己"),
        control("library", version=1),
    )
    for _ in range(3):
        assert all(hit.share == 0 for hit in (await now(copies, active)).search("甲乙丙"))
    (said,) = [record.getMessage() for record in caplog.records]
    assert "alone" in said and "good" not in said and "甲" not in said


UNTIL = "2026-11-20T09:00:00Z"
UNTIL_MS = TIME_MS + 3_600_000


def new_version(**over):
    body = {"version": 2, "before": 1, "counts_from": UNTIL}
    return control("library", **body | over)


async def test_what_is_new_in_a_version_is_only_watched_for_a_while():
    copies, active = follow(
        row("old", "甲乙丙"),
        row("gone", "丁戊己", to_version=2),
        row("new", "庚辛壬", from_version=2),
        row("let", "甲乙丙丁", "allow", from_version=2),
        new_version(),
    )
    text = "甲乙丙丁，丁戊己，庚辛壬"
    for at_ms, version, shares in (
        (TIME_MS, 1, {"old": 100, "gone": 100, "new": 0}),
        (UNTIL_MS - 1, 1, {"old": 100, "gone": 100, "new": 0}),
        (UNTIL_MS, 2, {"new": 100}),
    ):
        library = await now(copies, active, at_ms)
        assert library.version == version
        assert {hit.entry: hit.share for hit in library.search(text)} == shares


async def test_a_version_on_watch_is_built_once_and_follows_its_entries():
    copies, active = follow(row("old", "甲乙丙"), new_version())
    first = await now(copies, active)
    assert await now(copies, active) is first
    copies.add(row("new", "庚辛壬", from_version=2))
    later = await now(copies, active)
    assert later is not first
    assert [(hit.entry, hit.share) for hit in later.search("庚辛壬甲乙丙")] == [
        ("new", 0), ("old", 100),
    ]  # fmt: skip


async def test_an_entry_switched_off_is_not_even_watched():
    copies, active = follow(
        row("old", "甲乙丙"), row("off", "庚辛壬", from_version=2, state="off"), new_version()
    )
    assert (await now(copies, active)).search("庚辛壬") == []


def sealed(copies, version, **more):
    """Put in force, with a seal on what there is now."""
    features = copies.registries.features
    found = seals.seal(features, features.active(version))
    at = copies.fresh.positions["control"][0] + 1
    row_ = control("library", version=version, seal=found.body(), **more)
    copies.add(row_.model_copy(update={"version": at}))
    return found


@pytest.mark.parametrize("count", [1, 1_500])
async def test_what_is_sent_for_a_sealed_version_does_not_count_in_it(count):
    copies, active = follow(*entries(count))
    sealed(copies, 1)
    library = await now(copies, active)
    copies.add(row("late", "甲乙丙"), row("let", "甲乙丙丁", "allow"))
    for at_ms in (TIME_MS, TIME_MS + 10 * LOOK_EVERY_MS):
        assert await now(copies, active, at_ms) is library
    new = await now(copies, ActiveLibrary(copies.registries))
    assert (len(new), new.search("甲乙丙")) == (count, [])


@pytest.mark.parametrize("count", [1, 1_500])
async def test_a_sealed_version_with_an_entry_overwritten_is_waited_for_until_it_is_mended(count):
    rows = entries(count)
    copies, active = follow(*rows)
    sealed(copies, 1)
    library = await now(copies, active)
    copies.add(rows[0].model_copy(update={"value": "甲乙丙", "version": 2}))
    assert await now(copies, active) is library, "built while it was whole"
    late = ActiveLibrary(copies.registries)
    for _ in range(2):
        with pytest.raises(Waiting, match="overwritten or erased"):
            await now(copies, late)
    copies.add(rows[0].model_copy(update={"version": 3}))
    for _ in range(1000):
        with contextlib.suppress(Waiting):
            assert len(await now(copies, late)) == count
            return
        await asyncio.sleep(0.01)
    raise AssertionError("never mended")


async def test_one_waits_for_the_new_version_and_not_with_the_old_one():
    copies, active = follow(row("old", "甲乙丙"), row("new", "丁戊己", from_version=2))
    sealed(copies, 1)
    assert (await now(copies, active)).version == 1
    sealed(copies, 2)
    copies.registries.apply("facts.features", 0, 50, b"new/2", None)
    with pytest.raises(Waiting):
        await now(copies, active)
    sealed(copies, 1)
    assert (await now(copies, active)).version == 1


async def test_a_change_of_an_entry_is_watched_beside_what_it_was():
    copies, active = follow(
        row("same", "甲乙丙", severity=60), row("moved", "丁戊己"), row("label", "癸子丑"),
        row("same", "甲乙丙", severity=90, from_version=2),
        row("moved", "庚辛壬", from_version=2),
        row("label", "寅卯辰", legal_basis="DSP-18-2", from_version=2),
    )  # fmt: skip
    before = seals.seal(copies.registries.features, copies.registries.features.active(1)).body()
    sealed(copies, 2, before=1, counts_from=UNTIL, sealed_before=before)
    hits = (await now(copies, active)).search("甲乙丙，丁戊己，庚辛壬，癸子丑，寅卯辰")
    assert [(hit.entry, hit.share, hit.severity, hit.since) for hit in hits] == [
        ("same", 100, 60, 1), ("moved", 100, 80, 1), ("moved", 0, 80, 2), ("label", 100, 80, 1),
    ]  # fmt: skip
    assert (await now(copies, active)).against_label == frozenset()
    later = (await now(copies, active, UNTIL_MS)).search("甲乙丙，丁戊己，庚辛壬")
    assert [(hit.entry, hit.share, hit.severity) for hit in later] == [
        ("same", 100, 90), ("moved", 100, 80),
    ]  # fmt: skip
