"""What must be true of the logs of any chain that ran: signed within seconds, whole, decided alike again."""

import asyncio

from synthgate.crypto.keys import KeyFolder
from synthgate.crypto.notes import Verifier
from synthgate.law import load
from synthgate.ledger import KeyRing, LocalStore, LogReader
from synthgate.ledger.checkpoint import Published, origin_of
from synthgate.ledger.log_ids import is_records
from synthgate.ledger.verify import LogVerifier
from synthgate.settings import Settings
from synthgate.steps.replay import Replay

PROVED_WITHIN_S = 90.0
"""Five seconds where there is nothing else to do; a machine may have much."""


async def whole_and_replayed(settings: Settings) -> None:
    """Call it when nothing is on its way any more."""
    keys = KeyFolder(settings.keys_dir)
    store = LocalStore(settings.ledger_dir)
    ring = KeyRing.open(settings.ledger_dir / "userkeys", keys.master_key)
    replay = Replay(load())
    assert store.logs()
    for log in store.logs():
        verifier = Verifier(origin_of(settings.log_name, log), keys.checkpoint_public)
        published = Published(settings.proofs_of(log), verifier)
        reader = LogReader(store, ring, log)
        head = reader.find_head()
        await _proved(published, head)
        found = LogVerifier(store, log, published).run()
        assert found.faults == []
        if is_records(log):
            continue  # it grows when all is decided, a moment later
        assert found.proved == found.entries == head
        replay.run(reader, 0, head)
    assert replay.found.different == 0, replay.found.examples
    assert set(replay.found.not_checkable) <= {"never read", "stub bug", "stub origin_conflict"}
    assert replay.found.equal > 0


async def _proved(published: Published, head: int) -> None:
    size = 0
    for _ in range(int(PROVED_WITHIN_S * 10)):
        newest = published.newest()
        size = 0 if newest is None else newest.size
        if size >= head:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(
        f"{published.folder}: proved up to {size}, not {head}, in {PROVED_WITHIN_S} s"
    )
