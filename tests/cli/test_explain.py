"""``synthgate explain``: six verdicts, every reason with its article and force, what to send next."""

import json
from pathlib import Path

import pytest

from cli_commands import Running, run
from local_bus import LocalBus, local_settings
from synthgate.cli import explain, explain_text
from synthgate.cli.explain import Incidents
from synthgate.cli.found import Found, in_ledger
from synthgate.demo.acts import event_of
from synthgate.demo.facts import facts
from synthgate.demo.stories import STORIES
from synthgate.law.reasons import texts

Capture = pytest.CaptureFixture[str]
EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples" / "decisions.v1"
HEARD = Incidents("pass", [], heard=True)


def example(name: str, **over: object) -> dict:
    row: dict = json.loads((EXAMPLES / f"{name}.json").read_bytes())
    return row | over


def screen(
    row: dict, incidents: Incidents = HEARD, language: str = "en", before: list | None = None
) -> str:
    found = [Found(older, 3, 1) for older in before or []]
    return explain_text.screen(row, incidents, [*found, Found(row, 3, 2)], language)


def test_refused_names_everything_at_once_on_one_screen() -> None:
    row = example("refuse", event_id="ev-0006")
    row["reasons"] = [
        {"obligation": "identity", "rule": "DSP-9-2", "article": "DSP 9", "force": "statute",
         "code": "unverified_request", "where": "user"},
        {"obligation": "consent", "rule": "DSP-14-2", "article": "DSP 14 ¶2", "force": "statute",
         "code": "no_grant", "where": "subject:a"},
        {"obligation": "consent", "rule": "DSP-14-2", "article": "DSP 14 ¶2", "force": "statute",
         "code": "no_grant", "where": "subject:b"},
        {"obligation": "identity", "rule": "HOUSE-clock", "article": "house policy",
         "force": "house policy", "code": "clock"},
    ]  # fmt: skip
    said = screen(row)
    assert said.splitlines()[0].startswith("REFUSED  ev-0006  generation.requested")
    for duty in ("identity", "consent", "moderation", "labelling", "retention", "incidents"):
        assert sum(line.startswith(f"  {duty} ") for line in said.splitlines()) == 1
    assert "Why (3):" in said
    assert "at subject:a, subject:b" in said
    assert "DSP-14-2  DSP 14 ¶2  [statute]  no_grant" in said
    assert "[house policy]" in said
    for code in ("unverified_request", "no_grant", "clock"):
        assert texts()[code].en in said
        assert f"next: {texts()[code].mend_en}" in said
    assert len(said.splitlines()) <= 40
    chinese = screen(row, language="zh")
    assert chinese.startswith("拒绝  ev-0006")
    assert texts()["no_grant"].zh in chinese
    assert f"下一步： {texts()['no_grant'].mend_zh}" in chinese
    assert "[法律规章]" in chinese


def test_released_says_what_may_be_served() -> None:
    row = example("release")
    said = screen(row)
    assert "Nothing is missing." in said
    assert f"May be served, nothing else: {row['objects'][0]['name']}" in said
    assert "carries a pass" in said
    assert row["pass"] not in said


def test_hold_observe_and_history() -> None:
    said = screen(example("hold", enforced=False))
    assert said.startswith("HELD")
    assert "hold: a person must judge" in said
    assert "Observe mode" in said
    later = example("release", revision=2)
    assert "Before: revision 1 HELD" in screen(later, before=[example("hold")])


@pytest.mark.parametrize(
    ("heard", "words"),
    [(True, "has heard it"), (False, "has not heard it yet"), (None, "left the topic")],
)
def test_incidents_opens_a_case_and_may_not_have_heard(heard: bool | None, words: str) -> None:
    reasons = [{"rule": "DSP-10-6"}, {"rule": "DSP-10-7"}]
    said = screen(example("refuse"), Incidents("refuse", reasons, heard))
    assert f"opens a case (DSP-10-6, DSP-10-7); {words}" in said


def test_every_word_is_in_both_languages() -> None:
    for name, (english, chinese) in explain_text.WORDS.items():
        assert english.isascii(), name
        assert not chinese.isascii(), name


def test_an_unknown_code_is_shown_as_it_is() -> None:
    row = example("refuse", event_id="ev-0006")
    row["reasons"][0]["code"] = "made_up_code"
    assert "made_up_code" in screen(row)


@pytest.fixture
def mallory(tmp_path: Path) -> LocalBus:
    """A log that holds an illegal prompt's refusal, made by the real stages."""
    bus = LocalBus(local_settings(tmp_path))
    for topic, row in facts(bus.now_ms):
        bus.fact(topic, row)
    story = next(story for story in STORIES if story.user == "mallory")
    for act in story.acts[:3]:
        bus.now_ms += 1000
        event = event_of(story, act, bus.now_ms, None, "t")
        bus.send(event)
        bus.run()
    return bus


def test_what_has_left_the_topic_is_found_in_the_ledger(mallory: LocalBus) -> None:
    said = [json.loads(row.value) for row in mallory.records("decisions")]
    refused = next(row for row in said if row["action"] == "refuse")
    for asked in (refused["event_id"], refused["origin"], refused["decision"]):
        (found,) = in_ledger(mallory.settings, asked)
        assert found.offset is None
        same = {name: value for name, value in refused.items() if name != "pass"}
        assert {name: found.row[name] for name in same if name != "verdicts"} | {
            "verdicts": same["verdicts"]
        } == same
        assert [line["outcome"] for line in found.row["verdicts"]] == [
            line["outcome"] for line in same["verdicts"]
        ]
    assert in_ledger(mallory.settings, "no-such-event") == []


def test_explain_on_a_running_chain(chain: Running, capsys: Capture) -> None:
    event_id = run(capsys, "example", "refused", *chain.options)[1].split()[-1]
    code, said, why = run(capsys, "explain", event_id, *chain.options, "--lang", "en")
    assert (code, why) == (0, "")
    assert said.startswith(f"REFUSED  {event_id}")
    assert "Why (5):" in said
    code, said, _ = run(capsys, "explain", event_id, *chain.options, "--lang", "zh", "--json")
    whole = json.loads(said)
    assert [line["obligation"] for line in whole["verdicts"]][-1] == "incidents"
    assert len(whole["verdicts"]) == 6
    assert all(reason["text"] and reason["next"] for reason in whole["reasons"])


def test_an_event_nobody_decided(chain: Running, capsys: Capture) -> None:
    code, _, why = run(capsys, "explain", "no-such-event", *chain.options)
    assert code == 1
    assert "no decision on no-such-event" in why


async def test_it_waits_for_a_decision_that_is_not_there_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decision = Found(example("refuse"), 3, 2)
    answers = iter([[], [], [decision]])

    async def on_topic(*_: object) -> list[Found]:
        return next(answers)

    monkeypatch.setattr("synthgate.cli.found.on_topic", on_topic)
    monkeypatch.setattr(explain, "LOOK_S", 0)
    assert await explain._found(local_settings(tmp_path), "ev-0006", 60) == [decision]
