"""Open holds by partition: how many wait for what, and since when; for the metrics."""

from collections import defaultdict
from collections.abc import Mapping

from synthgate.events.decision import CaseRow


class HoldsSeen:
    """Follows the rows of kind ``hold``."""

    def __init__(self) -> None:
        self._open: dict[int, dict[str, tuple[str, int]]] = defaultdict(dict)

    def noted(self, partition: int, row: CaseRow) -> None:
        """A case as it is now."""
        if row.kind != "hold":
            return
        if row.state == "open":
            kind = str(row.detail.get("hold", "review"))
            since = int(row.detail.get("waits_since", row.opened_at))
            self._open[partition][row.case] = (kind, since)
        else:
            self._open[partition].pop(row.case, None)

    def waiting(self, partition: int, now_ms: int) -> Mapping[str, tuple[int, int]]:
        """By kind (retry, review): how many, and for how long the oldest has waited, ms."""
        found = {"retry": (0, 0), "review": (0, 0)}
        for kind, since in self._open[partition].values():
            count, oldest = found.get(kind, (0, 0))
            found[kind] = (count + 1, max(oldest, now_ms - since))
        return found

    def drop(self, partition: int) -> None:
        """Not ours any more."""
        self._open.pop(partition, None)
