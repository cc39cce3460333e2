"""Streamed answers: a phrase split over parts is never wholly shown, and a refused part ends the stream."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acts_at_hand import a_bus, an_event, answer, codes, decide, verify
from local_bus import LocalBus
from synthgate import parts
from synthgate.client import shown_after
from synthgate.effects.objects import LocalObjects
from synthgate.events.decision import Decision
from synthgate.events.streams import SHOWN_CHARS, shown_mac
from synthgate.library.sample import sample_rows
from synthgate.steps.partition import partition_of

PHRASES = (
    "海洛因", "出售枪支", "海*洛*因", "hai luo yin", "去除AI标识", "buy heroin", "b-u-y h-e-r-o-i-n",
    "木仓支弹药买卖",
)  # fmt: skip


@pytest.fixture
def bus(tmp_path: Path) -> LocalBus:
    bus = a_bus(tmp_path)
    verify(bus)
    return bus


class App:
    """Shows a part only after its release, as an app should."""

    def __init__(self, bus: LocalBus, id: str) -> None:
        self.bus, self.id = bus, id
        verify(bus, id)  # of one user so many refusals would close the account
        self.passed = decide(bus, an_event(bus, id, user=id)).pass_
        self.whole = ""
        self.index = 0

    def send(self, text: str, **over: Any) -> Decision:
        shown = over.pop("shown", self.whole[-SHOWN_CHARS:])
        content = {"text": text} | ({"shown": shown} if shown else {})
        number = over.pop("index", self.index)
        passed = over.pop("passed", self.passed)
        self.bus.now_ms += 1
        event = an_event(
            self.bus, f"{self.id}-{self.bus.now_ms}", "generation.segment", content=content,
            **{"pass": passed, "user": self.id} | over,
        )  # fmt: skip
        event["data"]["generation"] |= {"id": f"g-{self.id}", "segment": {"index": number}}
        return decide(self.bus, event)

    def show(self, text: str, **over: Any) -> Decision:
        decision = self.send(text, **over)
        if decision.action == "release":
            self.whole += text
            self.index += 1
            self.passed = decision.pass_
        return decision


@pytest.mark.parametrize("phrase", PHRASES)
def test_a_phrase_split_at_any_place_is_never_wholly_shown(bus: LocalBus, phrase: str) -> None:
    for at in range(1, len(phrase)):
        app = App(bus, f"a{at}")
        assert app.show("好的，关于 " + phrase[:at]).action == "release"
        refused = app.show(phrase[at:] + " 的说法")
        assert refused.action == "refuse"
        assert "risk_refuse" in codes(refused)
        assert phrase not in app.whole


def test_a_phrase_in_as_many_parts_as_it_has_letters(bus: LocalBus) -> None:
    app = App(bus, "x")
    actions = [app.show(char).action for char in "讲讲出售枪支"]
    assert actions == ["release"] * 5 + ["refuse"]
    assert app.whole == "讲讲出售枪"


def test_every_keyword_of_the_sample_is_found_across_two_parts(bus: LocalBus) -> None:
    for number, row in enumerate(sample_rows()):
        if row.kind == "keyword" and len(row.value) > 1:
            app = App(bus, f"k{number}")
            half = len(row.value) // 2
            app.show("x " + row.value[:half])
            assert app.show(row.value[half:] + " x").action in ("refuse", "hold"), row.entry


def test_what_was_judged_with_an_earlier_part_is_not_judged_again(bus: LocalBus) -> None:
    """A hold lifted by a person stays lifted for the parts behind it."""
    from synthgate.demo.facts import control

    listed = control("reviewers/t", {"reviewers": ["desk-7"]}, bus.now_ms)
    bus.fact("control", listed)
    app = App(bus, "x")
    held = app.send("promise guaranteed returns to investors")
    assert held.action == "hold"
    lifted = answer(bus, held, "review", outcome="pass", reviewer="desk-7")
    assert lifted.action == "release"
    app.whole, app.index, app.passed = "promise guaranteed returns to investors", 1, lifted.pass_
    assert app.show(", they say").action == "release"


@pytest.mark.parametrize(
    ("over", "code"),
    [
        ({"shown": "从前有"}, "pass_invalid"),
        ({"shown": ""}, "pass_invalid"),
        ({"shown": "从前有座山。\u200b"}, "pass_invalid"),
        ({"index": 2}, "pass_invalid"),
        ({"index": 0}, "pass_invalid"),
        ({"passed": None}, "no_pass"),
        ({"user": "u"}, "pass_invalid"),
    ],
)
def test_a_part_rests_on_the_one_before_and_on_what_that_left_shown(
    bus: LocalBus, over: dict[str, Any], code: str
) -> None:
    app = App(bus, "x")
    first = app.passed
    assert app.show("从前有座山。").action == "release"
    assert code in codes(app.send("山里有座庙。", **over))
    assert "pass_invalid" in codes(app.send("山里有座庙。", passed=first))
    assert app.show("山里有座庙。").action == "release"


def test_a_first_part_has_nothing_before_it(bus: LocalBus) -> None:
    app = App(bus, "x")
    assert "pass_invalid" in codes(app.send("山里有座庙。", shown="从前有座山。"))
    assert app.show("从前有座山。").action == "release"


def test_a_refused_part_ends_the_stream_and_nothing_of_it_goes_out(bus: LocalBus) -> None:
    app = App(bus, "x")
    assert app.show("从前有座山。").action == "release"
    passed = app.passed
    assert app.show("出售枪支").action == "refuse"
    for text in ("山里有座庙。", "出售枪支"):
        again = app.show(text)
        assert again.action == "refuse"
        assert "recalled" in codes(again)
    for kind in (
        "content.published", "asset.exported", "export.unlabelled_requested", "content.transformed",
    ):  # fmt: skip
        event = an_event(bus, f"p-{kind}", kind, "x", content={}, **{"pass": passed})
        event["data"]["generation"] = {"id": "g-x", "medium": "text", "template": "chat"}
        assert "recalled" in codes(decide(bus, event)), kind
    # Other generations go on.
    assert App(bus, "y").show("从前有座山。").action == "release"


def test_what_ends_a_stream_outlives_a_restart(bus: LocalBus) -> None:
    app = App(bus, "x")
    app.show("从前有座山。")
    app.show("出售枪支")
    bus.start()
    assert "recalled" in codes(app.show("山里有座庙。"))


def test_a_refusal_for_another_reason_does_not_end_it(bus: LocalBus) -> None:
    app = App(bus, "x")
    app.show("从前有座山。")
    assert app.send("山里有座庙。", keep_days=1).action == "refuse"
    assert app.show("山里有座庙。").action == "release"


@given(st.lists(st.text(max_size=200), max_size=8))
def test_the_end_of_what_is_shown_is_the_same_step_by_step(parts: list[str]) -> None:
    shown = ""
    for part in parts:
        shown = shown_after(shown, part)
    assert shown == "".join(parts)[-SHOWN_CHARS:]


def test_the_hash_in_a_pass_cannot_be_tried_without_the_key() -> None:
    assert shown_mac(b"a" * 32, "x") != shown_mac(b"b" * 32, "x")
    assert shown_mac(b"a" * 32, "x") != shown_mac(b"a" * 32, "y")
    assert len(shown_mac(b"a" * 32, "\ud800")) == 64


class Far(LocalObjects):
    """Objects that are asked for ahead, as in a bucket; what was answered holds for a while."""

    far = True

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.known: dict[str, bool] = {}
        self.asked: Callable[[Collection[str]], None] = lambda names: None

    def ahead(self, read: Collection[str] = (), ask: Collection[str] = ()) -> None:
        self.known = {name: super(Far, self).exists(name) for name in ask}
        self.asked(ask)

    def exists(self, name: str) -> bool:
        held = self.known.get(name)
        return super().exists(name) if held is None else held


def test_an_end_noted_by_the_other_lane_is_no_older_than_what_was_asked_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two lanes write to one log; one notes the end of a stream where the other has asked for it already."""
    monkeypatch.setattr(parts, "open_objects", lambda settings: Far(settings.objects_dir))
    bus = a_bus(tmp_path)
    verify(bus)
    app = App(bus, "x")
    assert app.show("从前有座山。").action == "release"
    far = bus.parts.objects
    assert isinstance(far, Far)
    lock = bus.parts.logs.lock(partition_of(b"t/x", bus.settings.partitions))
    free: list[bool] = []

    def other_lane(names: Collection[str]) -> None:
        ended = {name: b"{}" for name in names if "/ended-" in name}
        if ended:
            free.append(not lock.locked())
            if free[-1]:
                LocalObjects(bus.settings.objects_dir).put_all(ended)

    far.asked = other_lane
    said = app.show("山里有座庙。")
    assert free and (said.action == "release") is not free[0]
