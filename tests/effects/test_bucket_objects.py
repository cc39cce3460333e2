"""What a bucket of objects answers from what it asked ahead."""

from synthgate.bucket import Absent
from synthgate.effects.bucket_objects import BucketObjects


class Held:
    """A bucket in memory."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def create(self, name: str, data: bytes) -> bool:
        return self.objects.setdefault(name, data) == data

    def get(self, name: str) -> bytes:
        if name not in self.objects:
            raise Absent(name)
        return self.objects[name]

    def size(self, name: str) -> int | None:
        return len(self.objects[name]) if name in self.objects else None

    def remove(self, name: str) -> None:
        self.objects.pop(name, None)


def test_what_was_asked_ahead_is_not_answered_after_it_changed() -> None:
    """A stream's end is noted while another batch's questions were asked already."""
    objects = BucketObjects(Held())  # type: ignore[arg-type]
    objects.ahead(read={"0/a.json"}, ask={"0/a.json"})
    assert not objects.exists("0/a.json")
    objects.put_all({"0/a.json": b"{}"})
    assert objects.exists("0/a.json") and objects.get("0/a.json") == b"{}"
    objects.ahead(read={"0/a.json"}, ask={"0/a.json"})
    assert objects.remove("0/a.json")
    assert not objects.exists("0/a.json") and objects.get("0/a.json") is None
