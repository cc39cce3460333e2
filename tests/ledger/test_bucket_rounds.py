"""Seeded rounds on a bucket: no entry lost, none doubled, every checkpoint ever published stays consistent."""

import os
from collections import Counter
from pathlib import Path

import pytest

from buckets import a_place
from ledger import bucket_rounds, rounds
from ledger.rounds import Known
from synthgate import bucket as bucket_module
from synthgate.settings import Settings

LONG = bool(os.environ.get("SYNTHGATE_TEST_LONG"))
ROUNDS = 50 if LONG else 1
PLAYED = rounds.ACTS if LONG else rounds.ACTS[:4]
"""What must have been done: one round alone does not always rebuild."""


@pytest.mark.timeout(1500)
def test_nothing_that_was_told_is_lost_or_doubled(
    tmp_path: Path, bucket_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket_module, "PAUSES_S", (0.001, 0.001))
    counts: Counter[str] = Counter()
    told: list[Known] = []
    for seed in range(ROUNDS):
        own = str(a_place(bucket_settings).below(f"round-{seed}"))
        settings = bucket_settings.model_copy(update={"bucket": own})
        try:
            known = bucket_rounds.play(seed, tmp_path / str(seed), settings)
        except AssertionError as error:
            raise AssertionError(f"round {seed}: {error}") from error
        counts += known.counts
        told.append(known)
    receipts = sum(len(known.receipts) for known in told)
    notes = sum(len(known.notes) for known in told)
    print(
        f"{ROUNDS} rounds: {receipts} receipts, {notes} checkpoints held; {dict(sorted(counts.items()))}"
    )
    assert counts["kill -9"] >= ROUNDS
    assert counts["away"] + counts["answer lost"] >= ROUNDS
    assert counts["zombie fenced"] >= ROUNDS // 2
    assert {act for act in PLAYED if not counts[act]} == set()
    assert receipts > 20 * ROUNDS
