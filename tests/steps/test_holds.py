"""A hold's whole life: it comes back, waits for one person, expires. Who is second: test_raced_holds.py."""

import asyncio
import itertools
from collections import Counter
from pathlib import Path

import pytest
from aiohttp import web

from acts_at_hand import a_bus, an_event, answer, codes, decide, verify
from local_bus import LocalBus
from reviewers.service import Service, a_service_beside
from synthgate.crypto.keys import KeyFolder
from synthgate.demo.acts import moment
from synthgate.demo.facts import consent
from synthgate.events.decision import CaseRow, Decision, WorkRow
from synthgate.events.facts import AccountRow, RevocationRow
from synthgate.ledger import KeyRing, LocalStore, LogReader
from synthgate.steps.holds import RETRY_STEPS, ended, hold_case
from whole_log import whole_and_replayed

HELD = "写一句稳赚不赔的理财广告"
MINUTE_MS = 60_000


def holds(bus: LocalBus) -> dict[str, CaseRow]:
    rows = [CaseRow.model_validate_json(r.value or b"") for r in bus.records("cases")]
    return {
        row.case: row for row in sorted(rows, key=lambda row: row.version) if row.kind == "hold"
    }


def by_root(bus: LocalBus) -> dict[str, list[Decision]]:
    """Revisions by root; one said again is said in the same words."""
    found: dict[str, list[Decision]] = {}
    for decision in bus.decisions():
        revisions = found.setdefault(decision.root, [])
        if decision.type == "generation.requested" and decision not in revisions:
            revisions.append(decision)
    return {root: revisions for root, revisions in found.items() if revisions}


def entries(bus: LocalBus) -> list[dict]:
    """Clear headers of the whole log."""
    settings = bus.settings
    ring = KeyRing.open(settings.ledger_dir / "userkeys", KeyFolder(settings.keys_dir).master_key)
    store = LocalStore(settings.ledger_dir)
    return [
        reader.read(index).header
        for log in store.logs()
        for reader in [LogReader(store, ring, log)]
        for index in range(reader.find_head())
    ]


def one_bad(body: dict) -> dict:
    """What a scorer says that finds one thing."""
    rows = [
        {"id": item["id"], "scores": {"A.4b": 95} if "诗 140" in item["text"] else {}}
        for item in body["items"]
    ]
    return {"version": "m-1", "items": rows}


def a_roster(folder: Path, service: Service) -> Path:
    """Of one scorer that is asked once."""
    roster = folder / "scorers.toml"
    roster.write_text(
        f'[[scorer]]\nname = "m"\nurl = "{service.url}"\nmedia = ["text"]\ntries = 1\n'
        "per_second = 100000\nbreaker_open_s = 0.001\nkeep_entries = 0\n"
    )
    return roster


@pytest.fixture
def bus(tmp_path: Path) -> LocalBus:
    bus = a_bus(tmp_path)
    verify(bus)
    return bus


def test_a_dead_scorer_holds_everything_and_asks_nobody_until_it_answers_again(
    tmp_path: Path,
) -> None:
    with a_service_beside() as service:
        service.answers = lambda _: web.Response(status=503)
        bus = a_bus(tmp_path / "bus", scorers=str(a_roster(tmp_path, service)))
        verify(bus)
        # Dead for five minutes, while one event comes every twenty seconds.
        sent = 0
        for second in range(0, 300, 20):
            bus.send(an_event(bus, f"e{second}", content={"prompt": f"写一首诗 {second}"}))
            sent += 1
            bus.run()
            bus.tick()
            bus.run()
            bus.now_ms += 20_000
        assert {found[-1].action for found in by_root(bus).values()} == {"hold"}
        assert {row.detail["hold"] for row in holds(bus).values()} == {"retry"}
        tries = [header for header in entries(bus) if header["cause"] == "retry"]
        assert len(tries) > sent, "hardly anything was tried again"
        assert {header["action"] for header in tries} == {"silent"}
        service.answers = one_bad
        for _ in range(23):  # who comes back while the breaker is still open waits once more
            bus.tick()
            bus.run()
            bus.now_ms += MINUTE_MS
        answered = by_root(bus)
        assert len(answered) == sent
        assert all([d.revision for d in found] == [1, 2] for found in answered.values())
        assert {(found[0].action, found[0].hold) for found in answered.values()} == {
            ("hold", "retry")
        }
        ends = Counter(found[1].action for found in answered.values())
        assert ends == {"release": sent - 1, "refuse": 1}
        assert {row.state for row in holds(bus).values()} == {"closed"}
        assert {row.detail["closed_by"] for row in holds(bus).values()} == {"timer"}
        assert all(found[1].supersedes == found[0].receipt.index for found in answered.values())
        first = min((found[0] for found in answered.values()), key=lambda held: held.decided_at)
        tried = [h["recorded_at"] for h in entries(bus) if h["root"] == first.root]
        waits = [round((later - sooner) / 1000) for sooner, later in itertools.pairwise(tried)]
        assert 30 <= waits[0] < 60 <= waits[1] <= 140
        assert waits[2:] and all(580 <= wait <= 660 for wait in waits[2:])
        bus.start()
        before = bus.decisions()
        bus.now_ms += bus.settings.hold_hours * 3_600_000
        bus.tick()
        bus.run()
        assert bus.decisions() == before, "what was answered came back"
        bus.prove()
        asyncio.run(whole_and_replayed(bus.settings))


def test_the_times_of_a_retry_and_the_end_of_it(bus: LocalBus) -> None:
    held = decide(bus, an_event(bus, "x", content={"prompt": HELD}))
    made, now = held.model_copy(update={"hold": "retry"}), held.decided_at
    case = hold_case(None, made, None, bus.settings)
    due = []
    while case is not None and case.due_at is not None:
        due.append((case.due_at - now) // 1000)
        early = hold_case(case, made, None, bus.settings)
        assert early is case, "the decision heard twice is no answer to a retry that was not made"
        if case.detail["cause"] == "expiry":
            break
        now = case.due_at
        later = hold_case(case, made, None, bus.settings, now)
        assert later is not None and later.version == case.version + 1
        case = later
    assert due[:4] == [30, 120, 600, 600]
    assert due[0] * RETRY_STEPS[1] == 120
    assert case is not None
    assert case.due_at == held.decided_at + bus.settings.hold_hours * 3_600_000
    assert hold_case(case, made, None, bus.settings, case.due_at) is case
    assert case.detail["waits_since"] == held.decided_at


def test_a_scorer_that_never_answers_ends_in_a_refusal_with_notice(tmp_path: Path) -> None:
    with a_service_beside() as service:
        service.answers = lambda _: web.Response(status=503)
        bus = a_bus(tmp_path / "bus", scorers=str(a_roster(tmp_path, service)), hold_hours=1)
        verify(bus)
        bus.send(an_event(bus, "x"))
        bus.run()
        for minute in range(61):
            if minute == 20:
                bus.start()  # the next try is found due again
            bus.tick()
            bus.run()
            bus.now_ms += MINUTE_MS
        ((held, refused),) = by_root(bus).values()
        assert (held.action, refused.action, refused.revision) == ("hold", "refuse", 2)
        assert "hold_expired" in codes(refused)
        assert len({r.key for r in bus.records("work")}) == 1
        actions = Counter((h["cause"], h["action"]) for h in entries(bus) if h["root"] == held.root)
        assert actions == {(None, "hold"): 1, ("retry", "silent"): 7, ("expiry", "refuse"): 1}


def test_a_worker_that_dies_again_and_again_does_not_send_all_tries_anew(tmp_path: Path) -> None:
    """Else what it could not carry in time is more at each start, and it never can."""
    with a_service_beside() as service:
        service.answers = lambda _: web.Response(status=503)
        bus = a_bus(tmp_path / "bus", scorers=str(a_roster(tmp_path, service)))
        verify(bus)
        assert decide(bus, an_event(bus, "x")).hold == "retry"
        bus.now_ms += 5 * MINUTE_MS
        for _ in range(3):
            bus.start()
            bus.tick()
            bus.now_ms += MINUTE_MS // 2
            bus.tick()
        for owned in (frozenset(), frozenset({0, 1})):  # gone to another worker, and back
            asyncio.run(bus.stages[-1].assigned(owned))
        bus.now_ms += 2 * MINUTE_MS
        bus.tick()
        assert not list(bus.records("timer.events"))
        bus.now_ms += MINUTE_MS // 2
        bus.tick()
        bus.now_ms += MINUTE_MS // 2
        bus.tick()
        assert len(list(bus.records("timer.events"))) == 1


def test_who_asks_again_and_again_does_not_use_up_the_tries(tmp_path: Path) -> None:
    """The same event sent again is answered with the hold's decision too, but it is no try."""
    with a_service_beside() as service:
        service.answers = lambda _: web.Response(status=503)
        bus = a_bus(tmp_path / "bus", scorers=str(a_roster(tmp_path, service)))
        verify(bus)
        asked = an_event(bus, "x")
        held = decide(bus, asked)
        assert (held.action, held.hold) == ("hold", "retry")
        for _ in range(3):
            bus.send(asked)
            bus.run()  # before time's part of it
            bus.tick()
            bus.run()
            bus.now_ms += MINUTE_MS
        tries = [header for header in entries(bus) if header["cause"] == "retry"]
        assert len(tries) == 1
        (case,) = holds(bus).values()
        assert case.detail["retries"] == 2


def test_a_retry_that_finds_what_forbids_is_answered(tmp_path: Path) -> None:
    """Only what changes nothing is left unsaid."""
    with a_service_beside() as service:
        service.answers = lambda _: web.Response(status=503)
        bus = a_bus(tmp_path / "bus", scorers=str(a_roster(tmp_path, service)))
        verify(bus)
        held = decide(bus, an_event(bus, "x"))
        assert (held.action, held.hold) == ("hold", "retry")
        row = AccountRow(
            version=1,
            tenant="t",
            user="u",
            standing="suspended",
            reason="x",
            since=moment(bus.now_ms),
        )
        bus.fact("facts.accounts", row)
        bus.now_ms += MINUTE_MS
        bus.tick()
        bus.run()
        refused = bus.decision("x")
        assert (refused.action, refused.revision) == ("refuse", 2)
        assert "account_restricted" in codes(refused)


def test_a_retry_that_needs_a_person_becomes_one_task_and_keeps_its_end(bus: LocalBus) -> None:
    held = decide(bus, an_event(bus, "x", content={"prompt": HELD}))
    retried = held.model_copy(update={"hold": "retry"})
    first = hold_case(None, retried, None, bus.settings)
    later = held.model_copy(update={"revision": 2, "decided_at": held.decided_at + 30_000})
    task = hold_case(first, later, None, bus.settings)
    assert task is not None and first is not None
    assert (task.case, task.opened_at) == (first.case, first.opened_at)
    assert task.detail["hold"] == "review"
    assert task.due_at == first.detail["expires_at"]


def test_a_task_says_what_a_desk_sorts_by_and_no_content(bus: LocalBus) -> None:
    decide(bus, an_event(bus, "x", content={"prompt": HELD}))
    (task,) = holds(bus).values()
    assert task.detail["codes"] == ["risk_review"]
    assert task.detail["risks"] == ["A.3e"]
    assert (task.detail["type"], task.detail["medium"]) == ("generation.requested", "text")
    assert "稳赚" not in task.model_dump_json() and '"u"' not in task.model_dump_json()


def test_a_task_left_alone_expires_and_its_user_is_told_once(bus: LocalBus) -> None:
    decide(bus, an_event(bus, "x", content={"prompt": HELD}))
    bus.now_ms += bus.settings.hold_hours * 3_600_000
    bus.tick()
    bus.run()
    expired = bus.decision("x")
    assert "hold_expired" in codes(expired)
    notices = [WorkRow.model_validate_json(r.value or b"") for r in bus.records("work")]
    assert [(row.kind, row.recipient, row.rule) for row in notices] == [
        ("notice.due", expired.user, "HOUSE-hold_expired")
    ]
    assert set(notices[0].text) == {"zh", "en"}
    (task,) = holds(bus).values()
    assert (task.state, task.detail["closed_by"], task.detail["action"]) == (
        "closed", "timer", "refuse",
    )  # fmt: skip
    bus.start()
    bus.read["incidents", "decisions", expired.receipt.log] = 0
    bus.run()
    assert len({r.key for r in bus.records("work")}) == 1


def test_what_waits_and_what_ended_is_told_for_the_metrics(bus: LocalBus) -> None:
    incidents = bus.parts.cases.holds
    held = decide(bus, an_event(bus, "x", content={"prompt": HELD}))
    log = held.receipt.log
    assert incidents.waiting(log, bus.now_ms + 5000) == {"retry": (0, 0), "review": (1, 5000)}
    assert incidents.waiting(1 - log, bus.now_ms)["review"] == (0, 0)
    bus.start()
    assert bus.parts.cases.holds.waiting(log, bus.now_ms)["review"][0] == 1
    open_case = bus.parts.cases.get(f"hold/{held.root}")
    bus.now_ms += 60_000
    answer(bus, held, "review", outcome="pass", reviewer="r-1")
    assert bus.parts.cases.holds.waiting(log, bus.now_ms)["review"] == (0, 0)
    closed = bus.parts.cases.get(f"hold/{held.root}")
    assert closed is not None
    assert ended(open_case, closed) == [("review", "desk", "release", 60_000)]
    assert ended(closed, closed) == ended(None, closed) == ended(open_case, open_case) == []
    bus.parts.cases.drop(log)
    assert bus.parts.cases.holds.waiting(log, bus.now_ms)["review"] == (0, 0)


def test_consent_revoked_while_held_refuses_at_review(tmp_path: Path) -> None:
    bus = a_bus(tmp_path)
    verify(bus)
    person = "tok_person_001"
    grant = consent(person, "g-1", bus.now_ms).model_copy(update={"tenant": "t"})
    bus.fact("facts.consents", grant)
    prompted = {"template": "style", "prompted_at": moment(bus.now_ms)}
    bus.send(an_event(bus, "told", "consent.prompted", **prompted))
    bus.run()
    bus.now_ms += 10
    made = an_event(
        bus, "x", content={"prompt": HELD}, subjects=[{"token": person, "age_band": "adult"}]
    )
    made["data"]["generation"]["template"] = "style"
    held = decide(bus, made)
    assert (held.action, held.hold) == ("hold", "review"), held.reasons
    bus.fact(
        "facts.revocations",
        RevocationRow(
            version=1, tenant="t", subject=person, grant="g-1", revoked_at=moment(bus.now_ms)
        ),
    )
    said = answer(bus, held, "review", outcome="pass", reviewer="r-1")
    assert said.action == "refuse"
    assert "grant_revoked" in codes(said)
