"""Declared waits: who waits for what since when. Read by /readyz, the metrics and the watchdog."""

import time
from dataclasses import dataclass
from typing import Any

from synthgate.runtime import metrics


@dataclass(frozen=True, slots=True)
class Wait:
    """One declared wait. ``since``: Unix seconds. ``what``: ``registry:facts.consents``, ``ledger``…"""

    duty: str
    where: str
    what: str
    since: float


class Waits:
    """Every wait declared now, by (duty, where)."""

    def __init__(self) -> None:
        self._waits: dict[tuple[str, str], Wait] = {}

    def declare(self, duty: str, where: str, what: str) -> None:
        """Say that ``where`` (``topic/partition``) waits; the same wait keeps its beginning."""
        known = self._waits.get((duty, where))
        if known is None or known.what != what:
            self.clear(duty, where)
            self._waits[duty, where] = Wait(duty, where, what, time.time())
            metrics.WAITING.labels(duty, what).inc()

    def clear(self, duty: str, where: str) -> None:
        """It waits no longer."""
        known = self._waits.pop((duty, where), None)
        if known is not None:
            metrics.WAITING.labels(duty, known.what).dec()

    def declared(self, duty: str, where: str) -> bool:
        """Whether it waits, declared."""
        return (duty, where) in self._waits

    def rows(self) -> list[dict[str, Any]]:
        """Every wait, oldest first, as JSON rows."""
        waits = sorted(self._waits.values(), key=lambda wait: wait.since)
        return [
            {"duty": w.duty, "where": w.where, "what": w.what, "since": round(w.since, 3)}
            for w in waits
        ]
