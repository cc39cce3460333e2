"""Another version of the feature library over the stored words: what flips, by rule (DSP-10-1, DSP-10-5)."""

import json
from typing import Any

import pytest

from acts_at_hand import a_bus, an_event, decide, verify
from cli_commands import run
from local_bus import LocalBus, Stored
from synthgate.cli import positions
from synthgate.effects.objects import LocalObjects
from synthgate.events.facts import FeatureRow
from synthgate.law import load
from synthgate.library.sample import SAMPLE_VERSION, sample_rows
from synthgate.steps.answers import unpack
from synthgate.steps.library_replay import LibraryEmpty, OtherLibrary
from synthgate.steps.replay import Replay, Replayed
from synthgate.steps.trace_index import passage_of

HEROIN, ELEPHANT = "买卖海洛因", "紫色大象"
NEXT = SAMPLE_VERSION + 1


def changed() -> list[FeatureRow]:
    """The sample, its next version with one word more and the drugs gone."""
    rows = []
    for row in sample_rows():
        ends = {"to_version": NEXT, "version": row.version + 1}
        rows.append(row.model_copy(update=ends) if row.value in HEROIN else row)
    assert sum(row.to_version == NEXT for row in rows)
    word = next(row for row in rows if row.kind == "keyword" and row.risk == "A.1h")
    new = {"entry": "e-new", "value": ELEPHANT, "from_version": NEXT, "to_version": None}
    return [*rows, word.model_copy(update=new)]


def told(bus: LocalBus) -> None:
    """Two that another version lets through, one that it does not, and an answer that was refused."""
    verify(bus)
    for row in changed():
        bus.fact("facts.features", row)
    assert decide(bus, an_event(bus, "bad", content={"prompt": HEROIN})).action == "refuse"
    asked = decide(bus, an_event(bus, "new", content={"prompt": ELEPHANT}))
    assert asked.action == "release"
    generation = {"id": "g-new", "medium": "text", "template": "chat", "purpose": "chat"}
    for name, text in (("out", HEROIN), ("fine", "a poem"), ("again", ELEPHANT)):
        more: dict[str, Any] = {"pass": asked.pass_}
        decide(
            bus,
            an_event(
                bus, name, "generation.completed", content={"text": text}, generation=generation, **more
            ),
        )  # fmt: skip
    bus.append("generation.events", b"t/u", b"{not json", [])
    bus.run()


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> LocalBus:
    bus = a_bus(tmp_path_factory.mktemp("searched"))
    told(bus)
    return bus


def under(bus: LocalBus, version: int) -> Replayed:
    objects = LocalObjects(bus.settings.objects_dir)
    replay = Replay(load(), library=OtherLibrary(changed(), version, objects))
    for log, head in bus.parts.logs.heads().items():
        replay.run(bus.parts.logs.get(log), 0, head)
    return replay.found


def test_the_version_in_force_flips_nothing(bus: LocalBus) -> None:
    found = under(bus, SAMPLE_VERSION)
    assert (found.different, found.not_checkable, found.flips) == (0, {}, {})
    assert found.equal == found.verdicts > 30


def test_what_another_version_finds_and_does_not_is_told_by_rule(bus: LocalBus) -> None:
    found = under(bus, NEXT)
    assert found.not_checkable == {"not labelled then": 2}, "of the answer that was refused then"
    flips = {key: dict(flip.outcomes) for key, flip in found.flips.items()}
    assert flips.pop(("DSP-6-1", True)) == {("pass", "refuse"): 2}
    assert flips.pop(("DSP-6-1", False)) == {("refuse", "pass"): 2}
    assert set(flips) == {("HOUSE-upstream", True), ("HOUSE-upstream", False)}
    given = found.flips["DSP-6-1", True].examples
    assert [one["duty"] for one in given] == ["moderation"] * 2
    assert given[0]["after"] == ["refuse", "risk_refuse"]
    assert ELEPHANT not in json.dumps(found.row(), ensure_ascii=False)


def test_a_verdict_of_another_law_is_not_laid_at_the_librarys_door(bus: LocalBus) -> None:
    objects = LocalObjects(bus.settings.objects_dir)
    library = OtherLibrary(changed(), NEXT, objects)
    replay = Replay(load().without("DSP-10-10"), library=library)
    for log, head in bus.parts.logs.heads().items():
        replay.run(bus.parts.logs.get(log), 0, head)
    assert replay.found.not_checkable == {"another law": replay.found.verdicts}


def test_files_and_words_that_are_gone_are_never_called_the_same(bus: LocalBus) -> None:
    other = OtherLibrary(changed(), NEXT, LocalObjects(bus.settings.objects_dir))
    for log, head in bus.parts.logs.heads().items():
        for index in range(head):
            passage = passage_of(unpack(bus.parts.logs.get(log).read(index).content))
            assert passage is not None
            row = passage.verdict("moderation")
            assert row is not None
            if not row["facts"]["parts"]:
                continue
            assert not isinstance(other.facts(passage, row), str)
            facts = row["facts"]
            assert other.facts(passage, {**row, "facts": {**facts, "parts": []}}) == "words gone"
            files = [{"number": 0, "medium": "image", "seen": []}]
            assert other.facts(passage, {**row, "facts": {**facts, "files": files}}) == "files"


def test_a_version_without_an_entry_compares_nothing(bus: LocalBus) -> None:
    with pytest.raises(LibraryEmpty):
        OtherLibrary([], 1, LocalObjects(bus.settings.objects_dir))


def test_the_command_reads_the_entries_off_their_topic(
    bus: LocalBus, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def records(_: Any, topic: str, **__: Any) -> Any:
        assert topic in ("control", "facts.features")
        for partition in range(bus.settings.partitions):
            for one in bus.logs.get((topic, partition), ()):
                record: Any = Stored(one.offset, one.timestamp, one.key, one.value)
                record.partition = partition
                yield record

    monkeypatch.setattr(positions, "records", records)
    rows = bus.settings.model_dump(mode="json", exclude={"instance", "web_port"})
    options = [part for name, value in rows.items() for part in ("--set", f"{name}={value}")]
    code, said, why = run(capsys, *options, "replay", "--library", str(NEXT), "--json")
    assert said, why
    report = json.loads(said)
    assert (code, report["candidate_library"], report["different"]) == (1, NEXT, 8)
    same = run(capsys, *options, "replay", "--library", str(SAMPLE_VERSION))
    assert (same[0], "0 different" in same[1]) == (0, True)
    assert run(capsys, *options, "replay", "--library", "0")[0] == 78
    assert run(capsys, *options, "replay", "--library", "1", "--depth", "evidence")[0] == 78
