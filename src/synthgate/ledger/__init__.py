"""The log: immutable segments, two logs per partition (``log_ids``).

``Log`` owns a log and appends to it; ``LogReader`` reads one without owning it. Both lie on a
``LocalStore`` or a ``BucketStore`` and a ``KeyRing``. ``Prover`` derives checkpoints and
proofs from it. Errors: ``synthgate.ledger.errors``.
"""

from synthgate.ledger.bucket_store import BucketStore
from synthgate.ledger.entry import Draft, Entry, Receipt
from synthgate.ledger.local_store import LocalStore
from synthgate.ledger.log import Log
from synthgate.ledger.packer import Packer
from synthgate.ledger.prover import CheckpointKey, Prover
from synthgate.ledger.reader import LogReader
from synthgate.ledger.store import SegmentStore
from synthgate.ledger.userkeys import KeyRing

__all__ = [
    "BucketStore", "CheckpointKey", "Draft", "Entry", "KeyRing", "LocalStore", "Log", "LogReader", "Packer",
    "Prover", "Receipt", "SegmentStore",
]  # fmt: skip
