"""What the duties of one process share: registries, logs, keys, objects. Opened once, before any stage."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from synthgate.crypto.keys import KeyFolder
from synthgate.effects.objects import Objects
from synthgate.events import topics
from synthgate.events.facts import ROWS
from synthgate.law import LawBook
from synthgate.law import load as load_law
from synthgate.ledger import CheckpointKey, Log, LogReader, Packer, Prover
from synthgate.ledger.log_ids import is_records, records_log
from synthgate.ledger.rings import open_ring
from synthgate.registries import Registries
from synthgate.registries.entries import RocksEntries, Saved
from synthgate.settings import Settings
from synthgate.step import Fresh
from synthgate.steps.accounting import Accounting
from synthgate.steps.cases import Cases
from synthgate.steps.logs import Logs
from synthgate.steps.lookup import Lookup
from synthgate.steps.places import open_objects, open_store
from synthgate.steps.proofs import Proofs
from synthgate.steps.quarantine import Quarantine


@dataclass(slots=True)
class Parts:
    """What the duties of one process share."""

    settings: Settings
    book: LawBook
    keys: KeyFolder
    registries: Registries
    fresh: Fresh
    cases: Cases
    accounting: Accounting
    logs: Logs
    records: Logs
    """The logs of what decisions rested on and what followed."""
    lookup: Lookup
    objects: Objects
    quarantine: Quarantine

    def apply(
        self, topic: str, partition: int, offset: int, key: bytes | None, value: bytes | None
    ) -> None:
        """One record of a copied topic, to whoever keeps that copy."""
        if topic == "cases":
            self.cases.apply(partition, value, key)
        elif topic == "records.door":
            self.accounting.apply(value or b"")
        else:
            self.registries.apply(topic, partition, offset, key, value)

    def reset(self, topic: str) -> None:
        """Forget a copy: partitions of it are gone, and it is read again from its log's start."""
        if topic in ("cases", "records.door"):
            keeper = self.cases if topic == "cases" else self.accounting
            for partition in range(self.settings.partitions):
                keeper.drop(partition)
        else:
            self.registries.reset(topic)

    def saved(self, topic: str) -> Saved | None:
        """What a local store was left with; cases and records.door are in memory always."""
        return None if topic in ("cases", "records.door") else self.registries.saved(topic)

    def save(self, topic: str, positions: Mapping[int, int], at: int) -> None:
        """Keep a copy as it stands."""
        if topic not in ("cases", "records.door"):
            self.registries.save(topic, positions, at)


def parts(
    settings: Settings, fresh: Fresh, duties: Sequence[str], book: LawBook | None = None
) -> Parts:
    """Open what is shared.

    Raises:
        KeyFolderError, WrongMasterKey, LawError: what is missing or wrong, and how to mend it.
    """
    keys = KeyFolder(settings.keys_dir)
    store = open_store(settings)
    ring = open_ring(settings, keys)
    repeat_ms = settings.repeat_window_s * 1000

    # A ring of its own: while one makes keys, whoever asks it for a key waits.
    records_ring = open_ring(settings, keys)

    def own(log_id: int) -> Log:
        keys_of = records_ring if is_records(log_id) else ring
        return Log.open(store, keys_of, log_id, repeat_keep_ms=repeat_ms)

    key = None
    if "retention" in duties:
        key = CheckpointKey(settings.log_name, keys.checkpoint_private, keys.checkpoint_public)

    def prover(log_id: int) -> Prover:
        assert key is not None  # only retention has logs to prove
        return Prover(store, settings.proofs_of(log_id), log_id, key)

    def packer(log_id: int) -> Packer:
        return Packer(store, log_id, snapshot_ms=settings.snapshot_s * 1000)

    return Parts(
        settings=settings,
        book=book or load_law(),
        keys=keys,
        registries=Registries(sorted(copied(settings, duties)), stores(settings)),
        fresh=fresh,
        cases=Cases(settings.data_dir),
        accounting=Accounting(),
        logs=Logs(own, Proofs(prover, packer)),
        records=Logs(own, Proofs(prover, packer), records_log),
        lookup=Lookup(lambda log_id: LogReader(store, ring, log_id)),
        objects=open_objects(settings),
        quarantine=Quarantine(keys.operator_public),
    )


def stores(settings: Settings) -> Callable[[str], RocksEntries[Any]] | None:
    """Opens local stores of registry copies, if they are asked for."""
    if settings.store == "memory":
        return None
    folder = settings.stores_dir
    return lambda topic: RocksEntries(folder / topic, ROWS[topic], settings.epoch)


def copied(settings: Settings, duties: Sequence[str]) -> dict[str, None]:
    """Registry topics these duties keep copies of, each once."""
    left_out = () if settings.consents_copied else ("facts.consents",)
    every = [topic for duty in duties for topic in topics.COPIES[duty]]
    return dict.fromkeys(topic for topic in every if topic not in left_out)
