"""Seeded lives of the stage that logs records, ended by kill -9 at a file's step: none lost, none doubled."""

import asyncio
import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

from ledger.builders import MASTER, SIGNING
from ledger.ops import StepOps, at_step, kill_this_process
from local_bus import Stored
from synthgate.crypto.notes import Verifier
from synthgate.law import load
from synthgate.ledger import KeyRing, LocalStore, Log, LogReader, Packer, Prover
from synthgate.ledger.checkpoint import Published
from synthgate.ledger.files import FileOps
from synthgate.ledger.log_ids import records_log
from synthgate.ledger.verify import LogVerifier
from synthgate.step import Batch
from synthgate.steps.logs import Logs
from synthgate.steps.proofs import Proofs
from synthgate.steps.record_entry import ABSENT, recorded
from synthgate.steps.recording import RecordsStage

SEEDS = 50 if os.environ.get("SYNTHGATE_TEST_LONG") else 6
NOW_MS = 1_795_000_000_000
TOPICS = ("facts.accounts", "control", "cases")
STEPS_MAX = 260
BOOK = load()
"""Read once: each life is a process of its own, and forked."""


def on_topics(chance: random.Random) -> dict[str, list[Stored]]:
    """Three topics of which a few offsets hold nothing."""
    return {
        topic: [
            Stored(offset, NOW_MS, b"t/u", f"{topic} {offset}".encode())
            for offset in range(40)
            if chance.random() < 0.9
        ]
        for topic in TOPICS
    }


def a_stage(folder: Path, ops: FileOps) -> RecordsStage:
    store = LocalStore(folder / "ledger", ops)
    ring = KeyRing.open(folder / "userkeys", MASTER, ops)
    proofs = Proofs(
        lambda log: Prover(store, folder / f"proofs/{log}", log, SIGNING, ops),
        lambda log: Packer(store, log),
    )
    logs = Logs(lambda log: Log.open(store, ring, log), proofs, records_log)
    return RecordsStage(1, BOOK, logs, bytes(32), gather_seconds=0)


def live(
    folder: Path, topics: dict[str, list[Stored]], acked: dict[str, int], size: int, ops: FileOps,
    say: Callable[[str], None],
) -> None:  # fmt: skip
    """Read on from what was acknowledged, three topics at once; say what is."""

    async def one(stage: RecordsStage, topic: str) -> None:
        at = acked.get(topic, 0)
        left = [record for record in topics[topic] if record.offset >= at]
        for start in range(0, len(left), size):
            records = left[start : start + size]
            end = records[-1].offset + 1
            await stage.process(Batch(topic, 0, records, at, end), NOW_MS)
            say(f"{topic} {end}")
            at = end

    async def every() -> None:
        stage = a_stage(folder, ops)
        await stage.assigned(frozenset({0}))
        await asyncio.gather(*(one(stage, topic) for topic in TOPICS))

    asyncio.run(every())


def killed(
    folder: Path, topics: dict[str, list[Stored]], acked: dict[str, int], chance: random.Random
) -> bool:
    """A life in a process of its own, whether it was killed; what it said before counts."""
    step, size = chance.randrange(STEPS_MAX), chance.randint(1, 9)
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        code = 1
        try:
            ops = StepOps(before=at_step(step, kill_this_process))
            live(folder, topics, acked, size, ops, lambda line: _say(theirs, line))
            code = 0
        finally:
            os._exit(code)
    os.close(theirs)
    with os.fdopen(ours, encoding="ascii") as said:
        for line in said:
            topic, end = line.split()
            acked[topic] = int(end)
    status = os.waitpid(child, 0)[1]
    died = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert died or os.waitstatus_to_exitcode(status) == 0, "it fell over what another life left"
    return died


def _say(pipe: int, line: str) -> None:
    os.write(pipe, f"{line}\n".encode())


def test_no_record_is_lost_or_doubled_however_often_it_is_killed(tmp_path: Path) -> None:
    deaths = 0
    for seed in range(SEEDS):
        chance, folder = random.Random(seed), tmp_path / str(seed)
        topics, acked = on_topics(chance), dict[str, int]()
        folder.mkdir()
        while any(acked.get(name, 0) <= rows[-1].offset for name, rows in topics.items()):
            deaths += killed(folder, topics, acked, chance)
        live(folder, topics, {}, 20, FileOps(), lambda _: None)  # all of it once more
        log, store = records_log(0), LocalStore(folder / "ledger")
        found: dict[str, bytes | None] = {}
        for entry in LogReader(store, KeyRing.open(folder / "userkeys", MASTER), log).entries():
            if entry.header["action"] == ABSENT:
                continue
            record = recorded(entry.content)
            assert record is not None and entry.header["origin"] not in found
            found[entry.header["origin"]] = record.value
        assert found == {
            f"1/{topic}/0/{row.offset}": row.value for topic, rows in topics.items() for row in rows
        }
        prover = Prover(store, folder / "proofs", log, SIGNING)
        prover.build()
        published = Published(folder / "proofs", Verifier(prover.origin, SIGNING.public))
        assert LogVerifier(store, log, published).run().faults == []
    print(f"{SEEDS} seeds, {deaths} deaths")
    assert deaths >= SEEDS
