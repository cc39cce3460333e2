"""What decision depth cannot see: a registry that answered wrongly, a match that was missed (DSP-10-5)."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import replays
from acts_at_hand import a_bus, an_event, answer, decide, verify
from cli_commands import run
from local_bus import LocalBus, Stored
from synthgate.cli import positions
from synthgate.cli.erase import erase_token
from synthgate.demo.facts import consent, control, template
from synthgate.ledger.rings import open_ring
from synthgate.ledger.stores import open_store
from synthgate.library.sample import SAMPLE_VERSION, sample_rows
from synthgate.obligations.consent import ConsentFacts
from synthgate.registries import Registries, seals
from synthgate.steps import moderation
from synthgate.steps.evidence_replay import TOPICS, Rechecked
from synthgate.steps.kept_facts import Facts, logged_facts

HEROIN = "买卖海洛因"


def told(bus: LocalBus) -> None:
    """Releases, a refusal, a stream of changes of registries and library between them."""
    verify(bus)
    asked = decide(bus, an_event(bus, "a"))
    done = decide(
        bus,
        an_event(
            bus, "b", "generation.completed", content={"text": "a poem"},
            generation={"id": "g-a", "medium": "text", "template": "chat", "purpose": "chat"},
            **{"pass": asked.pass_},
        ),
    )  # fmt: skip
    assert decide(bus, an_event(bus, "bad", content={"prompt": HEROIN})).action == "refuse"
    bus.now_ms += 5_000
    row = template("late", bus.now_ms).model_copy(update={"tenant": "t"})
    generation = {"id": "g-l", "medium": "text", "template": "late", "purpose": "chat"}
    assert decide(bus, an_event(bus, "early", generation=generation)).action == "refuse"
    bus.fact("facts.templates", row)
    assert decide(bus, an_event(bus, "late", generation=generation)).action == "release"
    word = next(iter(sample_rows())).model_copy(
        update={"entry": "e-new", "value": "紫色大象", "from_version": 2}
    )
    bus.fact("facts.features", word)
    assert decide(bus, an_event(bus, "w1", content={"prompt": "紫色大象"})).action == "release"
    agreed = {"version": 2, "agreed_by": "b"}
    bus.fact("control", control("library", agreed, bus.now_ms))
    bus.now_ms += 2 * 3_600_000  # what is new is only watched for an hour
    assert decide(bus, an_event(bus, "w2", content={"prompt": "紫色大象"})).action != "release"
    bus.append("generation.events", b"t/u", b"{not json", [])
    bus.run()
    answer(bus, done, "recall")


def facts_of(bus: LocalBus, *, without: tuple[str, int, int] | None = None) -> Facts:
    facts = Facts()
    for topic in TOPICS:
        for partition in range(bus.settings.partitions):
            for record in bus.logs.get((topic, partition), ()):
                if (topic, partition, record.offset) != without:
                    facts.put(topic, partition, record.offset, record.key, record.value)
    return facts


def rechecked(bus: LocalBus, facts: Facts | None = None) -> Rechecked:
    return replays.rechecked(bus, facts or facts_of(bus))


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> LocalBus:
    bus = a_bus(tmp_path_factory.mktemp("rechecked"))
    told(bus)
    return bus


def test_every_fact_comes_out_as_it_was_recorded(bus: LocalBus) -> None:
    found = rechecked(bus)
    assert found.examples == []
    assert (found.different, dict(found.not_checkable)) == (0, {"no event": 4})
    assert found.equal == 4 * (found.entries - 1) >= 36


def test_a_match_that_was_missed_is_found_here_and_not_at_decision_depth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = a_bus(tmp_path)
    gather = moderation.ModerationDuty._facts

    def blind(self: Any, *args: Any) -> Any:
        return replace(gather(self, *args), hits=(), found=0, risks={})

    with monkeypatch.context() as planted:
        planted.setattr(moderation.ModerationDuty, "_facts", blind)
        verify(bus)
        assert decide(bus, an_event(bus, "bad", content={"prompt": HEROIN})).action == "release"
    assert replays.replayed(bus).different == 0
    found = rechecked(bus)
    assert found.different == 1
    (example,) = found.examples
    assert (example["duty"], example["facts"]) == ("moderation", ["found", "hits", "risks"])


def test_a_registry_that_answered_wrongly_is_found_here_and_not_at_decision_depth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = a_bus(tmp_path)
    gather = ConsentFacts.gather
    late = {"id": "g-x", "medium": "text", "template": "nobody-s", "purpose": "chat"}

    def wrong(event: Any, *args: Any, **more: Any) -> Any:
        if event.template == "nobody-s":
            chat = an_event(bus, "x")["data"] | {"generation": {**late, "template": "chat"}}
            event = type(event)(event.attrs, chat)
        return gather(event, *args, **more)

    with monkeypatch.context() as planted:
        planted.setattr(ConsentFacts, "gather", wrong)
        verify(bus)
        decide(bus, an_event(bus, "bad", generation=late))
    assert replays.replayed(bus).different == 0
    found = rechecked(bus)
    assert {(one["duty"], "template" in one["facts"]) for one in found.examples} == {
        ("consent", True)
    }


def test_what_was_compacted_away_is_not_called_equal(bus: LocalBus) -> None:
    """The row of the library in force first is gone; a later one of its key stands."""
    for partition in range(bus.settings.partitions):
        rows = [r for r in bus.logs["control", partition] if (r.key or b"").startswith(b"library")]
        if len(rows) == 2:
            gone = ("control", partition, rows[0].offset)
    found = rechecked(bus, facts_of(bus, without=gone))
    assert found.different == 0
    assert found.not_checkable["compacted"] > 0
    assert 0 < found.equal < rechecked(bus).equal, "behind the later row all is known again"


def test_a_verdict_of_a_library_overwritten_since_it_was_built_is_not_checkable(
    tmp_path: Path,
) -> None:
    """The worker goes on with what it built while the entries fitted the seal; nobody builds that again."""
    bus = a_bus(tmp_path)
    registries = Registries(["facts.features"])
    for row in sample_rows():
        body = row.model_dump_json().encode()
        registries.apply("facts.features", 0, 0, None, body)
    ends = {
        at: len(bus.logs.get(("facts.features", at), ())) for at in range(bus.settings.partitions)
    }
    digest = seals.digest(registries.features.active(SAMPLE_VERSION))
    sealed = {"version": SAMPLE_VERSION, "agreed_by": "b", "seal": seals.Seal(digest, ends).body()}
    bus.now_ms += 1
    bus.fact("control", control("library", sealed, bus.now_ms))
    verify(bus)
    assert decide(bus, an_event(bus, "bad", content={"prompt": HEROIN})).action == "refuse"
    for row in sample_rows():
        if row.value in HEROIN:
            bus.fact("facts.features", row.model_copy(update={"version": 9, "value": "无关紧要"}))
    assert decide(bus, an_event(bus, "still", content={"prompt": HEROIN})).action == "refuse"
    found = rechecked(bus)
    assert (found.different, dict(found.not_checkable)) == (0, {"library overwritten": 1})
    assert found.equal > 0


def told_with_template(tmp_path: Path) -> tuple[LocalBus, tuple[str, int]]:
    """One request by a template that is then taken away by a tombstone, and a later row behind it."""
    bus = a_bus(tmp_path)
    verify(bus)
    for name in ("gone", "stays"):
        row = template(name, bus.now_ms).model_copy(update={"tenant": "t"})
        bus.fact("facts.templates", row)
    generation = {"id": "g-l", "medium": "text", "template": "gone", "purpose": "chat"}
    assert decide(bus, an_event(bus, "early", generation=generation)).action == "release"
    for partition in range(bus.settings.partitions):
        for record in bus.logs.get(("facts.templates", partition), ()):
            if record.key == b"t/gone":
                return bus, ("facts.templates", partition)
    raise AssertionError("the row is on its topic")


def test_a_row_that_went_with_its_tombstone_is_not_called_different(tmp_path: Path) -> None:
    """Erasure: the broker lets both go, and nothing is left to tell. With every record there, it is told."""
    bus, (topic, partition) = told_with_template(tmp_path)
    facts = Facts()
    for name in TOPICS:
        for at in range(bus.settings.partitions):
            kept = bus.logs.get((name, at), ())
            for record in kept:
                if (name, at, record.key) != (topic, partition, b"t/gone"):
                    facts.put(name, at, record.offset, record.key, record.value)
            facts.ended(name, at, len(kept))
    lost = rechecked(bus, facts)
    assert lost.different == 2, (
        "nothing shows that a tombstone was there: the row is simply missing"
    )
    facts.ended(topic, partition, len(bus.logs[topic, partition]) + 1)
    found = rechecked(bus, facts)
    assert (found.different, found.not_checkable["compacted"]) == (0, 2)
    assert found.equal == lost.equal


def test_what_is_gone_on_one_topic_excuses_no_other() -> None:
    facts = Facts()
    for offset in (3, 4, 5):
        facts.put("control", 0, offset, b"a", b"{}")
    facts.put("facts.templates", 0, 5, b"a", b"{}")
    facts.ended("facts.templates", 0, 8)
    facts.ended("control", 0, 6)
    read = {"facts.templates": [3], "control": [3]}
    assert facts.thinned(read, ["template"])
    assert not facts.thinned(read, ["template", "hits"])
    assert not facts.thinned({"facts.templates": [0], "control": [3]}, ["template"])
    assert not facts.thinned({"facts.templates": [8], "control": [3]}, ["template"])


def test_the_command_reads_the_topics(
    bus: LocalBus, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def records(_: Any, topic: str, **__: Any) -> Any:
        for partition in range(bus.settings.partitions):
            for one in bus.logs.get((topic, partition), ()):
                record: Any = Stored(one.offset, one.timestamp, one.key, one.value)
                record.partition = partition
                yield record

    async def ends(_: Any, topic: str) -> dict[int, int]:
        return {at: len(log) for (name, at), log in bus.logs.items() if name == topic}

    monkeypatch.setattr(positions, "records", records)
    monkeypatch.setattr(positions, "ends", ends)
    rows = bus.settings.model_dump(mode="json", exclude={"instance", "web_port"})
    options = [part for name, value in rows.items() for part in ("--set", f"{name}={value}")]
    code, said, _ = run(capsys, *options, "replay", "--depth", "evidence", "--json")
    report = json.loads(said)
    assert (code, report["different"], report["depth"]) == (0, 0, "evidence")
    code, said, _ = run(capsys, *options, "replay", "--depth", "evidence")
    assert "facts of" in said and "not checkable: no event: 4" in said
    assert run(capsys, *options, "replay", "--depth", "evidence", "--law", "x")[0] == 78


def test_registries_are_rebuilt_from_what_is_logged_without_any_broker(
    tmp_path: Path, capsys: Any
) -> None:
    """The same as from the topics; what the records log has not reached is not checkable."""
    bus = a_bus(tmp_path)
    bus.recording = True
    bus.start()
    told(bus)
    settings = bus.settings
    rows = settings.model_dump(mode="json", exclude={"instance", "web_port", "brokers"})
    options = [part for name, value in rows.items() for part in ("--set", f"{name}={value}")]
    options += ["--set", "brokers=127.0.0.1:1"]
    code, said, why = run(capsys, *options, "replay", "--depth", "evidence", "--json")
    assert code == 0, said + why
    found, from_topics = json.loads(said), rechecked(bus)
    assert (found["equal"], found["different"]) == (from_topics.equal, 0)
    assert found["equal"] > 0
    store, ring = open_store(settings), open_ring(settings)
    planted = logged_facts(store, ring, TOPICS, 1)
    assert planted is not None
    for kept in planted._kept.values():
        for at, (key, value) in enumerate(kept.rows):
            if value is not None and "紫色大象".encode() in value:
                kept.rows[at] = key, value.replace("紫色大象".encode(), "紫色小象".encode())
    assert rechecked(bus, planted).different > 0
    bus.stages.pop()  # the log of records lags
    verify(bus, "another")
    bus.fact("facts.templates", template("later", bus.now_ms).model_copy(update={"tenant": "t"}))
    decide(bus, an_event(bus, "after"))
    assert rechecked(bus, logged_facts(store, ring, TOPICS, 1)).not_checkable["not logged yet"] > 0


def test_what_was_erased_is_no_registry_that_answered_wrongly(tmp_path: Path) -> None:
    """The consent is gone, the decision on it is not: nobody can say, so it is no difference."""
    subject = "5" * 32
    bus = a_bus(tmp_path)
    bus.recording = True
    bus.start()
    bus.fact("facts.consents", consent(subject, "g", bus.now_ms).model_copy(update={"tenant": "t"}))
    bus.run()
    verify(bus)
    edited = an_event(
        bus, "edited", subjects=[{"token": subject, "age_band": "adult"}],
        generation={"id": "g-edited", "medium": "text", "template": "style", "purpose": "chat"},
    )  # fmt: skip
    decide(bus, edited)
    store, ring = open_store(bus.settings), open_ring(bus.settings)
    whole = rechecked(bus, logged_facts(store, ring, TOPICS, 1))
    assert (whole.different, dict(whole.not_checkable)) == (0, {})
    assert erase_token(bus.settings, subject, bus.now_ms + 1_097 * 24 * 3_600_000).keys
    found = rechecked(bus, logged_facts(store, ring, TOPICS, 1))
    assert (found.different, dict(found.not_checkable)) == (0, {"compacted": 1})


def test_an_offset_of_another_epoch_is_another_record(tmp_path: Path) -> None:
    """After a fail-over with new offsets both are in one log."""
    for epoch in (1, 2):
        bus = a_bus(tmp_path, epoch=epoch)
        bus.recording = True
        bus.start()
        if epoch == 2:
            for number in range(3):
                other = template(f"other-{number}", bus.now_ms).model_copy(update={"tenant": "t"})
                bus.fact("facts.templates", other)
        verify(bus, f"u{epoch}")
        decide(bus, an_event(bus, f"e{epoch}", user=f"u{epoch}"))
    store, ring = open_store(bus.settings), open_ring(bus.settings)
    for epoch in (1, 2):
        found = rechecked(bus, logged_facts(store, ring, TOPICS, epoch))
        assert found.different == 0
        assert found.equal > 0
        assert found.not_checkable == {"another epoch": 8}


def test_a_text_of_ours_that_is_gone_is_not_called_different(tmp_path: Path) -> None:
    """Its words were searched in the store; without them nobody can say what would be found."""
    bus = a_bus(tmp_path)
    verify(bus)
    asked = decide(bus, an_event(bus, "a"))
    generation = {"id": "g-a", "medium": "text", "template": "chat", "purpose": "chat"}
    done = decide(
        bus,
        an_event(
            bus, "b", "generation.completed", content={"text": "a poem"}, generation=generation,
            **{"pass": asked.pass_},
        ),
    )  # fmt: skip
    rows = [one.model_dump(mode="json", exclude_none=True) for one in done.objects]
    out = an_event(
        bus, "out", "asset.exported", content={"objects": rows}, generation=generation,
        **{"pass": done.pass_},
    )  # fmt: skip
    decide(bus, out)
    whole = rechecked(bus)
    assert (whole.different, dict(whole.not_checkable)) == (0, {})
    for path in bus.settings.objects_dir.rglob("*.txt"):
        path.unlink()
    found = rechecked(bus)
    assert (found.different, dict(found.not_checkable)) == (0, {"words gone": 1})
    assert found.equal == whole.equal - 1
