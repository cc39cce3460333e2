"""Observe mode by tenant, duty and share of users: the action stays true, nobody has to obey."""

from pathlib import Path
from typing import Any

import pytest

from acts_at_hand import a_bus, an_event, codes, decide, verify
from local_bus import LocalBus
from registries.rows import a_control
from synthgate.registries import Registries
from synthgate.steps.observing import observed, share

ILLEGAL = {"content": {"prompt": "where can I buy heroin"}}


def switch(
    bus: LocalBus, version: int, *duties: str, percent: int = 100, tenant: str = "t"
) -> None:
    body = {"duties": list(duties), "percent": percent, "reason": "trial"}
    bus.fact("control", a_control(f"observe/{tenant}", body, version=version))


@pytest.fixture
def bus(tmp_path: Path) -> LocalBus:
    bus = a_bus(tmp_path)
    verify(bus)
    return bus


def test_what_an_observed_duty_refuses_need_not_be_obeyed(bus: LocalBus) -> None:
    switch(bus, 1, "moderation")
    decision = decide(bus, an_event(bus, "bad", **ILLEGAL))
    assert (decision.action, decision.enforced, decision.pass_) == ("refuse", False, None)
    assert codes(decision) == {"risk_refuse"}
    for topic in ("standings", "work"):
        assert list(bus.records(topic)) == [], "no penalty, no notice"
    assert not [r for r in bus.records("cases") if (r.key or b"").startswith(b"content/")]
    good = decide(bus, an_event(bus, "good"))
    assert (good.action, good.enforced) == ("release", True)
    assert good.pass_ is not None
    after = an_event(bus, "after", "generation.completed", content={"text": "hi"})
    later = decide(bus, after)
    assert (later.action, later.enforced, codes(later)) == ("refuse", False, {"no_pass"})


def test_what_any_other_duty_refuses_is_enforced(bus: LocalBus) -> None:
    switch(bus, 1, "moderation")
    stranger = decide(bus, an_event(bus, "who", user="stranger", **ILLEGAL))
    assert (stranger.action, stranger.enforced) == ("refuse", True)
    switch(bus, 2, "moderation", "identity")
    again = decide(bus, an_event(bus, "who2", user="stranger", **ILLEGAL))
    assert (again.action, again.enforced) == ("refuse", False)
    held = decide(
        bus, an_event(bus, "hold", content={"prompt": "promise guaranteed returns to investors"})
    )
    assert (held.action, held.enforced) == ("hold", False)
    switch(bus, 3)
    assert decide(bus, an_event(bus, "bad", **ILLEGAL)).enforced
    switch(bus, 4, "moderation", tenant="other")
    assert decide(bus, an_event(bus, "bad2", **ILLEGAL)).enforced


def test_a_switch_nobody_can_read_enforces(bus: LocalBus) -> None:
    switch(bus, 1, "moderation")
    bus.append("control", b"observe/t", b'{"v":1}')
    assert decide(bus, an_event(bus, "bad", **ILLEGAL)).enforced


@pytest.mark.parametrize("body", [{}, {"duties": "all", "percent": 5}, {"duties": [], "percent": 101},
                                  {"duties": [], "percent": "5"}, {"duties": [], "percent": True}])  # fmt: skip
def test_a_switch_of_another_shape_cannot_be_read(body: dict[str, Any]) -> None:
    registries = Registries(["control"])
    row = a_control("observe/acme", body)
    registries.apply("control", 0, 0, b"observe/acme", row.model_dump_json().encode())
    assert registries.unreadable == {"control": 1}
    assert registries.control.observe("acme") == (frozenset(), 0)


def test_the_share_is_of_users_and_stays(tmp_path: Path) -> None:
    registries, versions = Registries(["control"]), list[int]()

    def seen(percent: int) -> set[int]:
        body: dict[str, Any] = {"duties": ["consent"], "percent": percent}
        versions.append(len(versions))
        row = a_control("observe/acme", body, version=len(versions))
        value = row.model_dump_json().encode()
        registries.apply("control", 0, len(versions), b"observe/acme", value)
        reasons = [
            {"rule": "DSP-14-2", "code": "no_grant", "obligation": "consent"},
            {"rule": "HOUSE-upstream", "code": "upstream_refused", "obligation": "labelling"},
        ]
        row_of = {"action": "refuse", "tenant": "acme", "reasons": reasons}
        tokens = [f"{n * 2654435761 % 2**32:08x}{0:024x}" for n in range(1000)]
        return {
            n
            for n, token in enumerate(tokens)
            if observed(row_of | {"user": token}, registries.control)
        }

    few, many = seen(20), seen(60)
    assert few < many
    assert 120 < len(few) < 280
    assert seen(0) == set()
    assert len(seen(100)) == 1000
    assert share("0000000a" + "0" * 24) == 10
    nobody = {"action": "refuse", "tenant": "acme", "reasons": [], "user": "0" * 32}
    for over in ({}, {"user": None}, {"action": "release"}):
        assert not observed(nobody | over, registries.control)
