"""Real Kafka: a grant, the decision on it, a case and its work are in the logs, once, under checkpoints.

A worker is killed in the middle: what was in work is read again, and stands in the log once all the same.
"""

import asyncio
import json
import time
from collections.abc import Callable, Iterator

import pytest

from e2e.load import DRUGS
from e2e.records_logged import entries, on_topics
from live_chain import RunningChain
from synthgate.client import Decision, Gate, Generation
from synthgate.crypto.keys import KeyFolder
from synthgate.crypto.notes import Verifier
from synthgate.demo.acts import NET, SOURCE, TENANT, TERMS
from synthgate.demo.facts import consent, facts
from synthgate.events.facts import key_of
from synthgate.ledger.checkpoint import Published, origin_of
from synthgate.ledger.log_ids import is_records
from synthgate.ledger.stores import open_store
from synthgate.ledger.verify import LogVerifier
from synthgate.settings import Settings
from synthgate.steps.record_entry import Recorded

UNTIL_SECONDS = 120.0
PERSON, USER = "subj-recorded-1", "u-recorded"


def logged(settings: Settings) -> dict[str, Recorded]:
    """Records by origin, of all records logs."""
    found: dict[str, Recorded | None] = {}
    for origin, record in entries(settings):
        assert origin not in found, f"{origin} stands twice"
        found[origin] = record
    return {origin: record for origin, record in found.items() if record is not None}


def until(done: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + UNTIL_SECONDS
    while not done():
        assert time.monotonic() < end, what
        time.sleep(0.5)


def proofs(settings: Settings) -> Iterator[tuple[int, list[str], int, int]]:
    """Of each records log: faults, entries, and how many are under a checkpoint."""
    store = open_store(settings)
    public = KeyFolder(settings.keys_dir).checkpoint_public
    for log in filter(is_records, store.logs()):
        verifier = Verifier(origin_of(settings.log_name, log), public)
        found = LogVerifier(store, log, Published(settings.proofs_of(log), verifier)).run()
        yield log, [str(fault) for fault in found.faults], found.entries, found.proved


async def asked(gate: Gate, name: str, prompt: str, person: str | None = None) -> Decision:
    template = "chat" if person is None else "style"
    subjects = [] if person is None else [{"token": person, "age_band": "adult"}]
    event = gate.events.requested(
        USER, Generation(name, template, purpose="chat"), prompt=prompt, subjects=subjects,
        net=dict(NET),
    )  # fmt: skip
    answer = await gate.decide(event, UNTIL_SECONDS)
    assert isinstance(answer, Decision)
    return answer


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_grant_decision_case_and_work_are_in_the_logs_once(chain: RunningChain) -> None:
    settings = chain.settings
    now_ms = time.time_ns() // 1_000_000
    grant = consent(PERSON, "g", now_ms)
    async with Gate.from_settings(settings, tenant=TENANT, source=SOURCE) as gate:
        for topic, row in facts(now_ms):
            await gate.facts.write(topic, **row.model_dump())
        events = gate.events
        await gate.tell(events.terms_accepted(USER, terms_version=TERMS, duty_notice_shown=True))
        await gate.tell(events.consent_prompted(USER, template="style"))
        vouched = events.identity_verified(
            USER, method="mobile", checker="c", evidence_ref="vault/1", age_band="adult"
        )
        await gate.tell(vouched)
        await gate.facts.write("facts.consents", **grant.model_dump())
        rested = await asked(gate, "g-recorded", "写一首关于春天的诗", PERSON)
        assert rested.action == "release", rested.reasons
        await asyncio.to_thread(chain.kill_worker)
        await asyncio.to_thread(chain.restart_worker)
        assert (await asked(gate, "g-recorded-bad", DRUGS)).action == "refuse"

    def whole() -> bool:
        there = on_topics(settings)
        held = {origin: (row.key, row.value or b"") for origin, row in logged(settings).items()}
        return bool(there) and held == there

    until(whole, "a logged topic holds what the log does not")
    by_topic: dict[str, list[Recorded]] = {}
    for origin, record in logged(settings).items():
        by_topic.setdefault(origin.split("/")[1], []).append(record)
    keys = [row.key for row in by_topic["facts.consents"]]
    assert keys.count(key_of("facts.consents", grant).encode()) == 1
    cases = [json.loads(row.value or b"") for row in by_topic["cases"]]
    work = [json.loads(row.value or b"") for row in by_topic["work"]]
    assert {one["case"] for one in work} <= {one["case"] for one in cases}
    assert work
    until(
        lambda: all(proved == entries for _, _, entries, proved in proofs(settings)),
        "entries are under no checkpoint",
    )
    assert [faults for _, faults, _, _ in proofs(settings) if faults] == []
