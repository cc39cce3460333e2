"""Where the log lies, as the settings say: a folder, or a bucket."""

from synthgate.bucket import Bucket
from synthgate.ledger.bucket_store import BucketStore
from synthgate.ledger.local_store import LocalStore
from synthgate.ledger.store import SegmentStore
from synthgate.settings import Settings

WAITED_FOR = "ledger"


def open_store(settings: Settings) -> SegmentStore:
    """Raises BucketWrong where the extra is missing or the secret cannot be read; asks nobody."""
    place = settings.place
    if place is None:
        return LocalStore(settings.ledger_dir)
    return BucketStore(Bucket.open(settings, place.below("ledger"), WAITED_FOR))


def check_store(settings: Settings) -> None:
    """Before anything is written: whether the bucket is there, lets us in and creates a name once.

    Raises BucketWrong, Waiting.
    """
    if settings.place is not None:
        Bucket.open(settings, settings.place, WAITED_FOR).check(creates=True)


def called(settings: Settings) -> str:
    """What a person would call it."""
    return str(settings.place.below("ledger") if settings.place else settings.ledger_dir)
