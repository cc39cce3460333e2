"""Where media lie, as the settings say: objects in a folder or a bucket, files of a tenant likewise."""

from synthgate.bucket import Bucket
from synthgate.effects.bucket_objects import BucketObjects
from synthgate.effects.objects import LocalObjects, Objects
from synthgate.effects.sources import WAITED_FOR, Sources
from synthgate.settings import Settings


def open_objects(settings: Settings) -> Objects:
    """Raises BucketWrong where the extra is missing or the secret cannot be read; asks nobody."""
    place = settings.place
    if place is None:
        return LocalObjects(settings.objects_dir)
    return BucketObjects(Bucket.open(settings, place.below("objects"), "object store"))


def open_sources(settings: Settings) -> Sources:
    """Raises as ``open_objects``."""
    buckets = {
        tenant: Bucket.open(settings, place, WAITED_FOR)
        for tenant, place in settings.media_buckets.items()
    }
    return Sources({**settings.media_folders, **buckets}, settings.media_bytes_max)


def check_sources(settings: Settings) -> None:
    """Whether each tenant's bucket is there and lets us in. Raises BucketWrong, Waiting."""
    for place in dict.fromkeys(settings.media_buckets.values()):
        Bucket.open(settings, place, WAITED_FOR).check(creates=False)
