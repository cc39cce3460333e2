"""A duty that chokes on one passage refuses that one, sealed, and judges the others."""

from pathlib import Path
from typing import Any

import pytest

from acts_at_hand import a_bus, an_event, codes, verify
from synthgate.events.verdicts import Verdict
from synthgate.steps import consent, labelling, moderation


@pytest.mark.parametrize(
    ("duty", "method"),
    [
        (consent.ConsentDuty, "_one"),
        (moderation.ModerationDuty, "_facts"),
        (labelling.LabellingDuty, "carry_out"),
    ],
)
def test_one_bad_passage_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, duty: type, method: str
) -> None:
    bus = a_bus(tmp_path)
    verify(bus)
    healthy = getattr(duty, method)

    def choke(self: Any, passages: Any, *rest: Any) -> Any:
        many = passages if isinstance(passages, list) else [passages]
        if any(p.event.id == "bad" for p in many if p.event.stub is None):
            raise RuntimeError("a bug")
        return healthy(self, passages, *rest)

    monkeypatch.setattr(duty, method, choke)
    for name in ("good", "bad", "fine"):
        bus.send(an_event(bus, name))
    bus.run()
    assert bus.decision("good").action == bus.decision("fine").action == "release"
    bad = bus.decision("bad")
    assert (bad.action, codes(bad)) == ("refuse", {"bug"})
    assert len(list(bus.records("quarantine"))) == 1
    assert [v.obligation for v in bad.verdicts] == [
        "identity", "consent", "moderation", "labelling", "retention",
    ]  # fmt: skip


def test_a_decide_that_raises_is_a_stub_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = a_bus(tmp_path)
    verify(bus)

    def broken(*_: Any) -> Verdict:
        raise ValueError("a bug")

    step = bus.stages[1].stage._step  # type: ignore[attr-defined]
    row = step._duty.obligation
    monkeypatch.setattr(step._duty, "obligation", type(row)(row.name, (), (), (), broken))
    bus.send(an_event(bus, "bad"))
    bus.run()
    assert codes(bus.decision("bad")) == {"bug"}


def test_what_killed_the_process_goes_on_as_a_stub(tmp_path: Path) -> None:
    for number in range(1, 5):
        bus = a_bus(tmp_path / str(number))
        verify(bus)
        stages, bus.stages = bus.stages, bus.stages[:number]
        bus.send(an_event(bus, "deadly"))
        bus.run()
        bus.stages = stages
        bus.poison = {(stages[number].name, record.offset) for record in bus.unread(stages[number])}
        assert bus.poison
        bus.run()
        assert codes(bus.decision("deadly")) == {"bug"}
