"""Answers kept for a while, by what was judged: the same bytes are not judged twice by the same model."""

from collections import OrderedDict

from synthgate.reviewers.reviewer import Answer, Item

_Key = tuple[str, str | None, str, bool]


class Kept:
    """A bounded, ageing memory of one reviewer's answers. Holds hashes and scores, no content."""

    def __init__(self, entries: int, seconds: float) -> None:
        self._entries = entries
        self._seconds = seconds
        self._held: OrderedDict[_Key, tuple[float, Answer]] = OrderedDict()
        self._version: str | None = None

    def __len__(self) -> int:
        return len(self._held)

    def get(self, item: Item, now: float) -> Answer | None:
        """The answer on the same bytes as the same medium, if it is not too old."""
        held = self._held.get(_key(item))
        if held is None:
            return None
        if now >= held[0]:
            del self._held[_key(item)]
            return None
        self._held.move_to_end(_key(item))
        return held[1]

    def put(self, item: Item, answer: Answer, now: float) -> None:
        """Keep an answer without fault; another version forgets everything of the one before."""
        if answer.fault is not None or not self._entries:
            return
        if answer.version != self._version:
            self._held.clear()
            self._version = answer.version
        self._held[_key(item)] = (now + self._seconds, answer)
        self._held.move_to_end(_key(item))
        while len(self._held) > self._entries:
            self._held.popitem(last=False)


def _key(item: Item) -> _Key:
    # What was said of a name and a hash alone is no answer on the bytes.
    return item.medium, item.media_type, item.sha256, item.data is not None
