"""What is due on cases: holds come back, deadlines are proposed, work is sent again, penalties end.

All of it is found again after a restart, because it stands in the rows; what is proposed twice counts once.
"""

import base64
from typing import Final

import orjson

from synthgate.cases.calendar import lacking, moment
from synthgate.cases.kinds import MACHINES
from synthgate.cases.machine import due
from synthgate.events.decision import CaseRow, Decision
from synthgate.law import Law
from synthgate.settings import Settings
from synthgate.step import Work
from synthgate.steps.docket import Docket
from synthgate.steps.holds import ended, expiry_notice, hold_case
from synthgate.steps.quarantine import UNKNOWN_TENANT
from synthgate.steps.violations import Violations

REFIRE_MS: Final = 60_000
"""A timer that was sent and not answered is sent again after this, then after twice as long each time."""
REFIRE_MAX_MS: Final = 64 * REFIRE_MS
"""A chain that lags must not be fed the same timers over and over."""


class Due:
    """Time's part in cases."""

    def __init__(self, settings: Settings, docket: Docket, violations: Violations) -> None:
        self._settings = settings
        self._docket = docket
        self._violations = violations
        self._fired: dict[str, int] = {}
        """Holds whose time was sent and not answered, with the version it was sent for; after a restart it is
        sent again, when the chain has had time for what was sent before."""
        self._taken: dict[int, int] = {}
        """When a partition came to us, Unix ms: at its first decision or tick."""

    def hold(self, partitions: frozenset[int]) -> None:
        """Partitions that are ours from now on; one that comes back is new to us."""
        self._taken = {one: at for one, at in self._taken.items() if one in partitions}

    def tick(self, work: Work) -> None:
        """Everything whose time has come on a partition."""
        taken = self._taken.setdefault(work.partition, work.now_ms)
        for row in list(self._docket.cases.due(work.partition, work.now_ms)):
            if row.kind == "hold":
                self._fire(row, taken, work)
            elif row.kind == "work":
                self._docket.again(row, work)
            elif row.kind == "user":
                self._violations.standing.settle(row, work, row.due_at or work.now_ms)
            else:
                for proposed in due(row, work.now_ms):
                    held = self._docket.get(row.case) or row
                    self._docket.advance(MACHINES[row.kind], held, proposed, work)
        cases = self._docket.cases
        work.outputs.deadlines = cases.standing(work.partition, work.now_ms)
        work.outputs.cases = cases.seen.open(work.partition, work.now_ms)
        work.outputs.years_lacking = len(lacking(work.now_ms))

    def holds(self, key: bytes | None, decision: Decision, law: Law, work: Work) -> None:
        """A hold opens a case with a due time; what answers it closes it, or puts off its time."""
        self._taken.setdefault(work.partition, work.now_ms)
        held = self._docket.get(f"hold/{decision.root}")
        text = None if key is None else base64.b64encode(key).decode()
        fired = held is not None and self._fired.get(held.case) == held.version
        row = hold_case(held, decision, text, self._settings, work.now_ms if fired else None)
        if row is not None:
            if row is not held:
                self._fired.pop(row.case, None)
            self._docket.put(row, work)
            work.outputs.holds_closed.extend(ended(held, row))
        notice = expiry_notice(decision, law)
        if notice is not None:
            self._docket.owe(
                [notice], work, decision.tenant or UNKNOWN_TENANT, text, decision.decided_at
            )

    def _fire(self, row: CaseRow, taken: int, work: Work) -> None:
        """One timer record; the door fetches the event by receipt and every duty decides again.

        taken: when the partition came to us. What was due by then may be on its way: a worker that dies again
        and again under its timers must not send all of them anew each time.
        """
        if row.receipt is None or row.due_at is None:
            return
        calm = taken + 2 * self._settings.retry_s * 1000
        if row.due_at <= taken and work.now_ms < calm:
            self._docket.cases.later(work.partition, row.case, calm)
            return
        self._fired[row.case] = row.version
        late = max(REFIRE_MS, min(work.now_ms - row.due_at, REFIRE_MAX_MS))
        self._docket.cases.later(work.partition, row.case, work.now_ms + late)
        data = {
            "tenant": row.tenant,
            "root": row.detail["root"],
            "cause": row.detail["cause"],
            "receipt": row.receipt.model_dump(),
            "evidence": {"case": row.case},
        }
        origin = f"{row.case}/{row.receipt.index}/{row.detail['cause']}"
        headers = [
            ("ce_specversion", b"1.0"),
            ("ce_id", origin.encode()),
            ("ce_source", b"synthgate:incidents"),
            ("ce_type", b"passage.reentered"),
            ("ce_time", moment(work.now_ms).encode()),
        ]
        key = base64.b64decode(row.key) if row.key else None
        work.outputs.add("timer.events", key, orjson.dumps(data), headers)
