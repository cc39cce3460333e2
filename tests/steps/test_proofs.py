"""Checkpoints beside the hot path: within seconds, one build a log at a time, and loud when none comes."""

import asyncio
import logging
from pathlib import Path

import pytest

from ledger.builders import a_draft, a_log, a_prover, a_store, filled
from synthgate.ledger import Log, Packer, Prover
from synthgate.steps.proofs import BUILD_EVERY_MS, RETRY_MS, Proofs


def building(folder: Path) -> Proofs:
    return Proofs(
        lambda log_id: a_prover(folder, log=log_id), lambda log_id: Packer(a_store(folder), log_id)
    )


async def ticked(proofs: Proofs, log: Log, now_ms: int) -> int:
    """One tick, and the build it may have started."""
    age = proofs.tick(log, now_ms)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await asyncio.wait(others, timeout=30)
    return age


async def test_what_was_appended_is_proved_within_seconds(tmp_path: Path) -> None:
    log = filled(tmp_path, [5])
    proofs = building(tmp_path)
    assert await ticked(proofs, log, 1_000) == 0
    assert a_prover(tmp_path).published.newest().size == 5  # type: ignore[union-attr]
    assert await ticked(proofs, log, 2_000) == 0
    log.append([a_draft(5)], 2_500)
    assert await ticked(proofs, log, 3_000) == 0
    assert a_prover(tmp_path).published.newest().size == 5  # type: ignore[union-attr]
    assert await ticked(proofs, log, 1_000 + BUILD_EVERY_MS) == 1_000
    assert a_prover(tmp_path).published.newest().size == 6  # type: ignore[union-attr]


async def test_each_checkpoint_is_told_once_and_by_a_new_owner_again(tmp_path: Path) -> None:
    log = filled(tmp_path, [5])
    proofs = building(tmp_path)
    assert proofs.untold(0) is None
    await ticked(proofs, log, 1_000)
    told = proofs.untold(0)
    assert told is not None
    newest = a_prover(tmp_path).published
    assert (told.size, told.note) == (5, newest.note(5))
    assert proofs.untold(0) is None
    await ticked(proofs, log, 90_000)
    assert proofs.untold(0) is None, "a build without anything new"
    log.append([a_draft(5)], 2_500)
    await ticked(proofs, log, 180_000)
    assert (proofs.untold(0) or told).size == 6
    after = building(tmp_path)
    await ticked(after, log, 200_000)
    assert (after.untold(0) or told).size == 6, "what was signed before a crash is told after it"


async def test_a_build_that_fails_is_said_once_and_tried_again_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = filled(tmp_path, [5])
    proofs = building(tmp_path)
    (tmp_path / "proofs").write_text("in the way")
    assert await ticked(proofs, log, 1_000) == 0
    assert await ticked(proofs, log, 2_000) == 1_000
    assert await ticked(proofs, log, 9_000) == 8_000
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    (tmp_path / "proofs").unlink()
    assert await ticked(proofs, log, 1_000 + RETRY_MS) == RETRY_MS
    assert await ticked(proofs, log, 40_000) == 0


async def test_a_log_that_was_changed_raises_the_alarm(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    filled(tmp_path, [5])
    a_prover(tmp_path).build()
    (tmp_path / "logs/00000/0000000000000000.seg").unlink()
    log = a_log(tmp_path)
    log.append([a_draft(n) for n in range(7)], 1)
    proofs = building(tmp_path)
    await ticked(proofs, log, 1_000)
    assert [record.levelno for record in caplog.records] == [logging.CRITICAL]
    assert "no checkpoint signed" in caplog.text
    assert await ticked(proofs, log, 61_000) == 60_000


async def test_a_log_that_moved_is_let_go(tmp_path: Path) -> None:
    logs = [filled(tmp_path, [2], log=log_id) for log_id in (0, 1)]
    opened: list[int] = []

    def prover(log_id: int) -> Prover:
        opened.append(log_id)
        return a_prover(tmp_path, log=log_id)

    proofs = Proofs(prover, lambda log_id: Packer(a_store(tmp_path), log_id))
    for log in logs:
        await ticked(proofs, log, 1_000)
    proofs.assigned(frozenset({1}))
    for log in logs:
        await ticked(proofs, log, 2_000)
    assert opened == [0, 1, 0]
