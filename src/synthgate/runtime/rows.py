"""What registry copies are copied into."""

from collections.abc import Mapping
from typing import Protocol

from synthgate.registries.entries import Saved


class Rows(Protocol):
    """What is copied into: ``synthgate.registries.Registries``."""

    def apply(
        self, topic: str, partition: int, offset: int, key: bytes | None, value: bytes | None
    ) -> None:
        """Take in one row (logical topic). Called in order within a partition."""

    def reset(self, topic: str) -> None:
        """Forget a topic: it is read again from its log's start."""

    def saved(self, topic: str) -> Saved | None:
        """What a local store holds of a topic, and how far it was read; None if nothing."""

    def save(self, topic: str, positions: Mapping[int, int], at: int) -> None:
        """Keep a topic as it stands, read up to these positions at this time (Unix ms)."""
