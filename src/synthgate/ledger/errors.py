"""What can go wrong in the ledger, as one tree.

LedgerError
├─ Fenced              another owner wrote this index, or took the log over: publish nothing, reopen
├─ StoreFull           no room; nothing was written and nothing changed: wait, then append again
├─ StoreFailed         the store gave an error; whether the segment stands is unknown: reopen
│  └─ StoreAway           a bucket does not answer, or refuses: a declared wait; reopen when it does
├─ LogUnusable         append on a log that met one of the above (not StoreFull): reopen
├─ BadDraft            the caller's draft cannot be an entry; nothing was written
├─ EntryAbsent         no entry has this index yet
│  └─ EntryExpired        its period has passed; its hash stands
├─ SegmentDamaged      a segment file is cut short, changed or missing
├─ EntryDamaged        one entry does not match its leaf hash, or does not decrypt
├─ TilesDamaged        derived hashes are missing or wrong: remove them, they are made again
├─ CheckpointDamaged   a file is not a checkpoint of this log under this key
├─ CheckpointConflict  the log contradicts a checkpoint that was published: alarm, sign nothing
├─ KeyErased           the content's key was destroyed: the entry stands, its content is gone
├─ KeyLost             the content's key file is missing or damaged (not erased)
└─ WrongMasterKey      the master key given did not wrap these keys
"""

from synthgate.step import Waiting


class LedgerError(Exception):
    """The root of this tree."""


class Fenced(LedgerError):
    """Another owner has the log. Publish nothing and open the log again."""


class StoreFull(LedgerError):
    """No room (ENOSPC, EDQUOT). Nothing was written: wait and append the same drafts again."""


class StoreFailed(LedgerError):
    """The store failed and the outcome is unknown. Publish nothing and open the log again."""


class StoreAway(Waiting, StoreFailed):
    """The store is away: waited for, declared. The outcome is unknown: the log is opened again after it."""


class LogUnusable(LedgerError):
    """An earlier append failed, so what this object remembers may be wrong. Open the log again."""


class BadDraft(LedgerError, ValueError):
    """A draft that cannot become an entry: a fault of the caller. Nothing was written."""


class EntryAbsent(LedgerError, LookupError):
    """The log does not reach this index."""


class EntryExpired(EntryAbsent):
    """The entry's period has passed and it was removed; its hash stands, and so do proofs of it."""


class SegmentDamaged(LedgerError):
    """A segment is torn, changed or missing. The sentence names it."""


class EntryDamaged(LedgerError):
    """An entry's bytes are not those that were stored. The sentence names it."""


class TilesDamaged(LedgerError):
    """A Merkle tile is missing or not what the log hashes to. Tiles are derived: make them again."""


class CheckpointDamaged(LedgerError):
    """A file is not a checkpoint of this log, or its signature does not fit. The sentence names it."""


class CheckpointConflict(LedgerError):
    """The log is not the one whose checkpoint was published. Nothing is signed; a person must look."""


class KeyErased(LedgerError):
    """The key was destroyed on purpose. The entry's hash and clear header still stand."""


class KeyLost(LedgerError):
    """The key file is missing, cut or changed: damage, not erasure. Restore it from a copy."""


class WrongMasterKey(LedgerError):
    """The master key is not the one these key files were made with."""
