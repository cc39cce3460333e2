"""Seeded rounds: no entry lost, none doubled, every checkpoint ever published stays consistent."""

import os
from collections import Counter
from pathlib import Path

import pytest

from ledger import rounds
from ledger.rounds import Known

ROUNDS = 50 if os.environ.get("SYNTHGATE_TEST_LONG") else 6


@pytest.mark.timeout(900)
def test_nothing_that_was_told_is_lost_or_doubled(tmp_path: Path) -> None:
    counts: Counter[str] = Counter()
    told: list[Known] = []
    for seed in range(ROUNDS):
        try:
            known = rounds.play(seed, tmp_path / str(seed))
        except AssertionError as error:
            raise AssertionError(f"round {seed}: {error}") from error
        counts += known.counts
        told.append(known)
    receipts = sum(len(known.receipts) for known in told)
    notes = sum(len(known.notes) for known in told)
    print(
        f"{ROUNDS} rounds: {receipts} receipts, {notes} checkpoints held; {dict(sorted(counts.items()))}"
    )
    assert counts["kill -9"] >= ROUNDS // 2
    assert counts["power cut"] >= ROUNDS
    assert counts["zombie fenced"] >= ROUNDS // 2
    assert min(counts[act] for act in rounds.ACTS) >= 1
    assert receipts > 20 * ROUNDS
