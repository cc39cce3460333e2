"""How a user stands, said: a row for each user whose standing is not, or was not, ok (DSP Art. 10)."""

import base64
from collections.abc import Callable
from typing import Any

from synthgate.cases import penalties
from synthgate.cases.calendar import moment
from synthgate.cases.penalties import Conduct
from synthgate.events.decision import CaseRow
from synthgate.events.facts import STANDING_ORDER, StandingRow
from synthgate.events.facts import Standing as Stands
from synthgate.registries import UNREADABLE, Registries
from synthgate.step import Work
from synthgate.steps.docket import Docket


class Standing:
    """Says standings; ``ladder_at`` gives the ladder of penalties of a time (Unix ms)."""

    def __init__(
        self, docket: Docket, registries: Registries, ladder_at: Callable[[int], Any]
    ) -> None:
        self._docket = docket
        self._registries = registries
        self._ladder_at = ladder_at

    def settle(self, held: CaseRow, work: Work, since: int) -> None:
        """Say how a user stands now, and keep when that changes by itself. since: of what made it change."""
        until = self._now(Conduct.from_row(held.detail), work)[1]
        if held.due_at != until:
            held = held.model_copy(update={"version": held.version + 1, "due_at": until})
        self._docket.put(held, work)
        self.say(held, work, since)

    def moved(self, held: CaseRow, conduct: Conduct, work: Work) -> CaseRow:
        """The user's case with other conduct, and with when the standing changes by itself."""
        changed = {"detail": conduct.row(), "due_at": self._now(conduct, work)[1]}
        return held.model_copy(update=changed)

    def say(self, held: CaseRow, work: Work, since: int) -> None:
        """Say how a user stands now; the case is kept already."""
        conduct = Conduct.from_row(held.detail)
        step = self._now(conduct, work)[0]
        key = base64.b64decode(held.key or "").decode()
        tenant, _, rest = key.partition("/")
        user = rest.split("#", 1)[0]
        before = self._registries.standings.get(tenant, user)
        if before is UNREADABLE:
            return
        ours = {one.cause for one in conduct.violations}
        others = [cause for cause in before.causes if cause not in ours] if before else []
        if before is not None and others:
            # Another key of the same account, or what an earlier release counted: never milder than that.
            step = max(step, before.standing, key=STANDING_ORDER.index)
        live = [one.cause for one in conduct.violations if one.undone_by is None]
        row = StandingRow(
            version=before.version + 1 if before else 1, tenant=tenant, user=user, standing=step,
            causes=[*others, *live], since=moment(since),
        )  # fmt: skip
        if before is not None and (before.standing, before.causes) == (row.standing, row.causes):
            if self._registries.standings.read_back(f"{tenant}/{user}"):
                return
            row = before
        self._say(row, work)

    def _now(self, conduct: Conduct, work: Work) -> tuple[Stands, int | None]:
        return penalties.standing(penalties.penalties(conduct, self._ladder_at), work.now_ms)

    def say_again(self, work: Work) -> None:
        """Standings of this partition behind which another owner's late word stands on the topic."""
        for row in self._registries.standings.overspoken(work.partition):
            self._say(row, work)

    def _say(self, row: StandingRow, work: Work) -> None:
        name, value = f"{row.tenant}/{row.user}".encode(), row.model_dump_json().encode()
        self._registries.apply("standings", work.partition, -1, name, value)
        work.outputs.add("standings", name, value)
