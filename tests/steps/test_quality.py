"""A reviewer's no for quality refuses, and is no violation of the law by anybody."""

from pathlib import Path

from acts_at_hand import a_bus, an_event, answer, codes, decide, verify

HELD = {"content": {"prompt": "promise guaranteed returns to investors"}}


def test_a_refusal_for_quality_warns_nobody(tmp_path: Path) -> None:
    bus = a_bus(tmp_path)
    verify(bus)
    held = decide(bus, an_event(bus, "hold", **HELD))
    said = {"outcome": "refuse", "reviewer": "r-1"}
    refused = answer(bus, held, "review", **said, risks=["A.5a"])
    assert refused.action == "refuse" and codes(refused) == {"review_refused"}
    assert list(bus.records("standings")) == []
    other = decide(bus, an_event(bus, "other", **HELD))
    assert "risk_refuse" in codes(answer(bus, other, "review", **said, risks=["A.1h"]))
    assert len(list(bus.records("standings"))) == 1
