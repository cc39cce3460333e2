"""Rows that stand last on a state topic and are not what is held: the late word of a worker taken for dead.

Kafka does not fence a plain producer. A worker that froze in mid-send says what it had when it wakes, behind
what its successor said. Readers keep the newest row, but a compacted topic keeps the last one of a key: who
starts afterwards would read the old one alone. So the owner of a partition says such a row again (ADR 0024).
"""

from collections import defaultdict
from collections.abc import Mapping


class Late:
    """Keys whose last record on one topic is not the row that is held, by partition. held: from before."""

    def __init__(self, held: Mapping[int, Mapping[str, int]] | None = None) -> None:
        self._keys: defaultdict[int, dict[str, int]] = defaultdict(dict)
        self._keys.update({partition: dict(keys) for partition, keys in (held or {}).items()})

    def noted(self, partition: int, key: str, version: int, *, holds: bool) -> None:
        """A row of this version was read. holds: it is the one that is held now."""
        if holds:
            if partition in self._keys:
                self._keys[partition].pop(key, None)
        else:
            self._keys[partition][key] = version

    def of(self, partition: int) -> Mapping[str, int]:
        """Keys to be said again until they were read again, and the version that stands last."""
        return dict(self._keys.get(partition, {}))

    def every(self) -> Mapping[int, Mapping[str, int]]:
        """All of them, to be kept with the copy they were read into."""
        return {partition: dict(keys) for partition, keys in self._keys.items() if keys}

    def drop(self, partition: int) -> None:
        """Not ours any more."""
        self._keys.pop(partition, None)
