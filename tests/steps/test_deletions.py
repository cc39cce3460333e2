"""A consent taken back: what was made of the person is owed to be deleted, once, until that is proved."""

import base64
from pathlib import Path
from typing import Any

import pytest

from acts_at_hand import a_bus
from cases_at_hand import act, done, newest, of_kind, works
from local_bus import LocalBus
from registries.rows import SUBJECT, a_revocation
from synthgate.events.decision import CaseRow
from synthgate.law import load

KEY = f"acme/{SUBJECT}/g-1"
CASE = f"deletion/{KEY}"
WORK = f"{CASE}/incidents/template_deletion.due"
PROOF = {"deleted_at": "2026-11-02T00:00:00Z", "deletion_sha256": "d" * 64}
HOUR_MS = 3_600_000


@pytest.fixture
def bus(tmp_path: Path) -> LocalBus:
    return a_bus(tmp_path)


def revoke(bus: LocalBus, **over: Any) -> None:
    bus.now_ms += 1000
    bus.fact("facts.revocations", a_revocation(**over))
    bus.run()


def the_case(bus: LocalBus) -> CaseRow:
    (row,) = of_kind(bus, "deletion")
    return row


@pytest.mark.parametrize("kinds", [None, ["face"], ["voice", "style"]])
def test_it_is_owed_with_its_article_and_a_clock(bus: LocalBus, kinds: list[str] | None) -> None:
    revoke(bus, biometric=kinds)
    row = the_case(bus)
    assert (row.case, row.status, row.rules) == (CASE, "owed", ["DSP-14-4"])
    (deadline,) = row.deadlines
    assert (deadline.id, deadline.internal) == ("delete", True)
    (work,) = works(bus, "template_deletion.due").values()
    assert (work.id, work.case, work.tenant) == (WORK, CASE, "acme")
    assert (work.rule, work.article, work.force) == ("DSP-14-4", "PIPL 15", "statute")
    assert work.about["subject"] == SUBJECT
    assert work.about.get("kinds") == (kinds and sorted({"face", "voice"}.intersection(kinds)))
    assert "模板" in work.text["zh"]


@pytest.mark.parametrize("kinds", [["style"], []])
def test_a_manner_of_writing_leaves_nothing_to_delete(bus: LocalBus, kinds: list[str]) -> None:
    revoke(bus, biometric=kinds)
    assert of_kind(bus, "deletion") == []
    assert works(bus) == {}


def test_without_the_rule_nothing_is_owed(tmp_path: Path) -> None:
    bus = a_bus(tmp_path)
    bus.book = load().without("DSP-14-4")
    bus.start()
    revoke(bus)
    assert of_kind(bus, "deletion") == []


def test_heard_again_it_is_one_case_and_one_work(bus: LocalBus) -> None:
    revoke(bus)
    first = the_case(bus)
    revoke(bus, version=9)
    bus.read.clear()  # everything is heard once more
    bus.start()
    bus.run()
    assert the_case(bus) == first
    assert list(works(bus)) == [WORK]


def test_the_answer_with_proof_ends_it_and_a_failure_does_not(bus: LocalBus) -> None:
    revoke(bus)
    done(bus, WORK, "work.failed", tenant="acme", by="ann", reason="store away")
    assert the_case(bus).state == "open"
    assert newest(bus)[f"work/{WORK}"].state == "open"
    done(bus, WORK, tenant="acme", by="ann", detail={"sha256": "d" * 64})
    row = the_case(bus)
    assert (row.status, row.state) == ("deleted", "closed")
    assert row.deadlines[0].met_at is not None
    revoke(bus, version=9)
    bus.now_ms += 3 * HOUR_MS
    sent = len(list(bus.records("work")))
    bus.tick()
    assert len(list(bus.records("work"))) == sent, "nothing is owed any more"


def test_nobody_ends_it_by_word_alone(bus: LocalBus) -> None:
    revoke(bus)
    act(bus, the_case(bus), "deletion.proved", by="ann")
    row = the_case(bus)
    assert (row.state, row.status) == ("open", "owed")
    assert "work.done" in (row.timeline[-1].refused or "")
    assert newest(bus)[f"work/{WORK}"].state == "open"


def test_the_row_with_its_proof_ends_case_and_work(bus: LocalBus) -> None:
    revoke(bus)
    for half, value in PROOF.items():
        revoke(bus, version=2, **{half: value})
        assert the_case(bus).state == "open", f"{half} alone proves nothing"
    revoke(bus, version=3, **PROOF)
    row = the_case(bus)
    assert (row.status, row.state, row.timeline[-1].type) == (
        "deleted",
        "closed",
        "deletion.proved",
    )
    assert row.timeline[-1].detail["sha256"] == PROOF["deletion_sha256"]
    assert newest(bus)[f"work/{WORK}"].state == "closed"
    revoke(bus, version=4, **PROOF)
    assert the_case(bus) == row


def test_what_was_proved_before_anybody_heard_of_it_opens_nothing(bus: LocalBus) -> None:
    revoke(bus, **PROOF)
    assert of_kind(bus, "deletion") == []


def test_unanswered_it_is_overdue_and_sent_again(bus: LocalBus) -> None:
    revoke(bus)
    bus.now_ms = (the_case(bus).due_at or 0) + HOUR_MS
    before = len(list(bus.records("work")))
    bus.tick()
    assert len(list(bus.records("work"))) == before + 1
    assert the_case(bus).timeline[-1].type == "deadline.reached"


def test_a_row_nobody_can_read_is_owed_by_its_key_and_an_erased_one_is_not(bus: LocalBus) -> None:
    bus.append("facts.revocations", KEY.encode(), b"{")
    bus.append("facts.revocations", f"{KEY}2".encode(), None)
    bus.run()
    assert the_case(bus).case == CASE
    bus.append("facts.revocations", b"nobody", b"{")
    before = len(list(bus.records("quarantine")))
    bus.run()
    assert len(list(bus.records("quarantine"))) == before + 1
    assert the_case(bus).case == CASE


def test_a_plain_number_in_the_key_stays_out_of_the_case(bus: LocalBus) -> None:
    revoke(bus, grant="13800138000")
    row = the_case(bus)
    assert row.case.startswith("deletion/acme/")
    assert b"13800138000" not in base64.b64decode(row.key or "")
    rows = [*bus.records("cases"), *bus.records("work")]
    assert not any(b"13800138000" in (r.value or b"") + (r.key or b"") for r in rows)
    (work,) = works(bus).values()
    assert set(work.about) == {"key_sha256"}
