"""Cases as they are now: a view per partition, rebuilt from the ``cases`` topic on assignment.

A row carries its version; the highest wins, so a row sent twice changes nothing. What is due is found without
looking at what is not.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path

from pydantic import ValidationError

from synthgate.events.decision import CaseRow
from synthgate.registries.late import Late
from synthgate.steps.cases_seen import CasesSeen
from synthgate.steps.holds_seen import HoldsSeen
from synthgate.steps.settled import Settled
from synthgate.steps.surges import Surges
from synthgate.steps.times import Times

PROGRESS = "_answered"
"""Case id prefix of the row that says up to which decision incidents has answered, per partition."""


def progress_id(partition: int) -> str:
    """Case id of a partition's progress row."""
    return f"{PROGRESS}/{partition}"


class Cases:
    """One view over all partitions held. folder: where what is settled is kept, out of memory."""

    def __init__(self, folder: Path) -> None:
        self._settled = Settled(folder)
        self._rows: dict[str, CaseRow] = {}
        self._partition: dict[str, int] = {}
        self.holds = HoldsSeen()
        self.surges = Surges()
        self.late = Late()
        self.seen = CasesSeen()
        self._due: dict[int, Times] = defaultdict(Times)
        self._open_work: dict[str, set[str]] = defaultdict(set)
        self._overdue: dict[int, dict[str, int]] = defaultdict(dict)
        self._said: dict[int, dict[str, bytes]] = defaultdict(dict)

    def apply(self, partition: int, value: bytes | None, key: bytes | None = None) -> None:
        """One record of ``cases``: a row of incidents (what is none is ignored), or a tombstone of erasure."""
        case = (key or b"").decode(errors="surrogateescape")
        if value is None:
            self.forget(partition, case)
            return
        if self._said[partition].get(case) == value:
            # What this process sent of the row it holds, come back: most of what an owner reads.
            del self._said[partition][case]
            self.late.noted(partition, case, 0, holds=True)
            return
        try:
            row = CaseRow.model_validate_json(value)
        except ValidationError:
            return
        taken = self.put(partition, row)
        held = row if taken else self.get(row.case) or row
        # Compared as sent too: what was put here may hold a tuple where what was read holds a list.
        holds = held == row or held.model_dump_json().encode() == value
        self.late.noted(partition, row.case, row.version, holds=holds)

    def forget(self, partition: int, case: str) -> None:
        """A tombstone came: the person it was about was erased (``steps/erasure_topics.py``)."""
        row = self.get(case)
        if row is None or self.where(case) != partition:
            return
        self.put(partition, row.model_copy(update={"version": row.version + 1, "state": "closed"}))
        self._settled.take(case)
        self._rows.pop(case, None)
        self._partition.pop(case, None)
        self._overdue[partition].pop(case, None)
        self.late.noted(partition, case, row.version, holds=True)

    def put(self, partition: int, row: CaseRow) -> bool:
        """Keep the row if it is newer than what is held; whether it was."""
        held = self._rows.get(row.case)
        version = self._settled.version(row.case) if held is None else held.version
        if version is not None and row.version <= version:
            return False
        self._said[partition].pop(row.case, None)
        if _is_settled(row) and self._settled.put(partition, row):
            self._rows.pop(row.case, None)
            self._partition.pop(row.case, None)
        else:
            # Also where the disk has no room for it.
            if held is None and version is not None:
                self._settled.take(row.case)
            self._rows[row.case] = row
            self._partition[row.case] = partition
        self.holds.noted(partition, row)
        self.surges.noted(partition, row)
        self.seen.noted(partition, row)
        if row.kind == "work":
            ids = self._open_work[row.cause]
            (ids.add if row.state == "open" else ids.discard)(row.case)
            if not ids:
                del self._open_work[row.cause]
        unmet = [d.due_at for d in row.deadlines if d.reached_at is not None and d.met_at is None]
        if unmet and row.state == "open":
            self._overdue[partition][row.case] = min(unmet)
        elif row.deadlines:
            self._overdue[partition].pop(row.case, None)
        if row.state == "open" and row.due_at is not None:
            self._due[partition].put(row.case, row.due_at)
        else:
            self._due[partition].drop(row.case)
        return True

    def said(self, partition: int, case: str, value: bytes) -> None:
        """The row held now goes to the topic in these bytes: nothing new once they are read."""
        self._said[partition][case] = value

    def get(self, case: str) -> CaseRow | None:
        """The case as it is now."""
        held = self._rows.get(case)
        return self._settled.get(case) if held is None else held

    def resting(
        self, partition: int, after: int | None, besides: Collection[str] = ()
    ) -> Iterator[CaseRow]:
        """Content cases that wait or waited for a guard, or rest on a library after a version; None: on none.

        Of those still in memory every one. besides: ids of cases not asked for.
        """
        for row in self._rows.values():
            if (
                row.kind == "content"
                and self._partition[row.case] == partition
                and row.case not in besides
            ):
                yield row
        yield from self._settled.resting(partition, after, besides)

    def where(self, case: str) -> int | None:
        """The partition a case lives on, if it is held."""
        held = self._partition.get(case)
        return self._settled.where(case) if held is None else held

    def open_work(self, case: str) -> int:
        """Pieces of work of a case that nobody has answered."""
        return len(self._open_work.get(case, ()))

    def open_works(self, case: str) -> list[str]:
        """Case ids of the pieces of work of a case that nobody has answered."""
        return sorted(self._open_work.get(case, ()))

    def answered(self, partition: int) -> int:
        """Index of the last decision answered on a partition; -1 if none."""
        row = self._rows.get(progress_id(partition))
        return -1 if row is None else int(row.detail["index"])

    def due(self, partition: int, now_ms: int) -> Iterator[CaseRow]:
        """Open cases of a partition whose time has come; each once, until ``later`` or a new row."""
        times = self._due[partition]
        while (first := times.first()) is not None and first[0] <= now_ms:
            case = first[1]
            times.drop(case)
            row = self._rows.get(case)
            if (
                row is not None
                and row.state == "open"
                and row.due_at is not None
                and row.due_at <= now_ms
                and self._partition[case] == partition
            ):
                yield row

    def later(self, partition: int, case: str, at_ms: int) -> None:
        """Ask about a case again at a time."""
        self._due[partition].put(case, at_ms)

    def standing(self, partition: int, now_ms: int) -> tuple[int, int, int]:
        """How many wait for a time to come, how many are overdue, and for how long the oldest of these, ms."""
        unmet = self._overdue[partition]
        return len(self._due[partition]), len(unmet), now_ms - min(unmet.values(), default=now_ms)

    def drop(self, partition: int) -> None:
        """Not ours any more."""
        self.holds.drop(partition)
        self.surges.drop(partition)
        self.late.drop(partition)
        self.seen.drop(partition)
        for case in [case for case, at in self._partition.items() if at == partition]:
            row = self._rows.pop(case)
            del self._partition[case]
            if row.kind == "work":
                self._open_work.pop(row.cause, None)
        self._settled.drop(partition)
        self._due.pop(partition, None)
        self._overdue.pop(partition, None)
        self._said.pop(partition, None)


def _is_settled(row: CaseRow) -> bool:
    """Whether nothing more comes of a case by itself. A user's past is asked for with every decision."""
    if row.kind == "user" or row.case.startswith(PROGRESS):
        return False
    return row.state == "closed" or (row.kind == "event" and row.due_at is None)
