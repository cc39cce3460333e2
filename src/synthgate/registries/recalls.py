"""Generations that must not be served any more: ``facts.recalls``, key tenant/generation."""

from typing import Any

from synthgate.events.event import time_ms
from synthgate.events.facts import RecallRow
from synthgate.registries.table import UNREADABLE, Table


class Recalls(Table[RecallRow]):
    """What was recalled."""

    topic = "facts.recalls"

    def recalled(self, tenant: str, generation: str) -> bool:
        """Whether a generation was recalled; a row nobody can read counts as recalled."""
        row = self.held(f"{tenant}/{generation}")
        return row is UNREADABLE or (row is not None and row.recalled)

    def recalled_by(self, tenant: str, generation: str, at_ms: int) -> bool:
        """Whether it was recalled by a time, Unix ms: what had left before that is no breach."""
        row = self.held(f"{tenant}/{generation}")
        if row is None or row is UNREADABLE:
            return False
        return row.recalled and time_ms(row.since) <= at_ms

    def strictness(self, row: RecallRow) -> tuple[Any, ...]:
        """Recalled is stricter."""
        return (row.recalled,)
