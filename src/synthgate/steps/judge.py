"""One step for every duty: gather facts for the batch, decide each passage, carry out, record the verdicts."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from synthgate import __version__
from synthgate.events.passage import Passage
from synthgate.events.verdicts import Judged, Outcome, Verdict, record
from synthgate.law import Law, LawBook
from synthgate.registries import Registries
from synthgate.step import Obligation, Waiting, Work
from synthgate.steps.in_force import wait_for_law
from synthgate.steps.quarantine import Quarantine

log = logging.getLogger(__name__)
PRODUCER = f"synthgate {__version__}"
VERDICTS_BYTES_MAX: Final = 524_288
"""All verdicts on one passage: with the largest event, attributes and evidence they fit on a topic."""


@dataclass(slots=True)
class Gathered:
    """Facts for each passage, in order, and how far the registry copies had read."""

    facts: Sequence[Any]
    read: Mapping[str, Sequence[int]] = field(default_factory=dict)
    library: int | None = None


class Duty(Protocol):
    """What differs from duty to duty."""

    obligation: Obligation

    async def gather(self, passages: Sequence[Passage], work: Work) -> Gathered:
        """Facts for every passage. Raises Waiting while a dependency is away."""

    async def carry_out(
        self, passages: Sequence[Passage], verdicts: Sequence[Verdict], work: Work
    ) -> Sequence[tuple[Verdict, Mapping[str, Any] | None]]:
        """Do what the verdicts call for and read it back. A failed read-back turns a pass into a refusal."""


class JudgeStep:
    """A step (see step.Step) around one duty."""

    def __init__(
        self, duty: Duty, book: LawBook, quarantine: Quarantine, registries: Registries
    ) -> None:
        self.name = duty.obligation.name
        self._duty = duty
        self._book = book
        self._quarantine = quarantine
        self._registries = registries

    async def run(self, passages: Sequence[Passage], work: Work) -> None:
        """Adds one verdict to every passage. A passage it chokes on becomes a stub, the others go on.

        Raises:
            Waiting: a dependency is away; nothing was added.
        """
        try:
            await self._run(passages, work)
        except Waiting:
            raise
        except Exception as error:  # noqa: BLE001 - a bug in one passage must not hold up the rest
            log.error("%s: %s on a batch of %s", self.name, type(error).__name__, len(passages))
            for passage in passages:
                if passage.verdict(self.name) is None:
                    await self._alone(passage, work)

    async def _alone(self, passage: Passage, work: Work) -> None:
        """One passage by itself, to find the one that cannot be judged."""
        try:
            await self._run([passage], work)
        except Waiting:
            raise
        except Exception as error:  # noqa: BLE001 - it becomes a stub, and is refused
            log.error("%s: %s on %s", self.name, type(error).__name__, passage)
            verdict = self._bug(passage, self._book.at(passage.as_of), work)
            judged = Judged(self._book.hash, passage.as_of, work.now_ms, PRODUCER)
            self._add(passage, record(verdict, judged), work)

    async def _run(self, passages: Sequence[Passage], work: Work) -> None:
        gathered = await self._duty.gather(passages, work)
        if gathered.library is not None:
            work.outputs.library = gathered.library
        wait_for_law(self._registries, self._book)
        times = [passage.as_of for passage in passages]
        verdicts = [
            self._decide(passage, facts, as_of, work)
            for passage, facts, as_of in zip(passages, gathered.facts, times, strict=True)
        ]
        done = await self._duty.carry_out(passages, verdicts, work)
        rows = []
        for (verdict, carried), as_of in zip(done, times, strict=True):
            judged = Judged(
                law=self._book.hash,
                as_of=as_of,
                gathered_at=work.now_ms,
                by=PRODUCER,
                library=gathered.library,
                read=gathered.read,
            )
            rows.append(record(verdict, judged, carried))
        for passage, row in zip(passages, rows, strict=True):
            self._add(passage, row, work)

    def _add(self, passage: Passage, row: Mapping[str, Any], work: Work) -> None:
        """One verdict; one that cannot travel is given as a bug."""
        before = passage.verdicts_raw
        passage.add_verdict(row)
        if len(passage.verdicts_raw) > VERDICTS_BYTES_MAX:
            log.error("%s: verdicts on %s are too large", self.name, passage)
            passage.forget_verdicts(but=before)
            verdict = self._bug(passage, self._book.at(passage.as_of), work)
            row = record(verdict, Judged(self._book.hash, passage.as_of, work.now_ms, PRODUCER))
            passage.add_verdict(row)
        rules = [reason["rule"] for reason in row["reasons"]]
        work.outputs.judged(self.name, row["outcome"], rules)

    def _decide(self, passage: Passage, facts: Any, as_of: int, work: Work) -> Verdict:
        law = self._book.at(as_of)
        try:
            return self._duty.obligation.decide(passage.event, facts, law, as_of)
        except Exception as error:  # noqa: BLE001 - a bug in one passage must not hold up the rest
            log.error("%s: decide failed on %s: %s", self.name, passage, type(error).__name__)
            return self._bug(passage, law, work)

    def _bug(self, passage: Passage, law: Law, work: Work) -> Verdict:
        """The passage goes on as a stub, refused by this duty; its bytes are sealed away."""
        detail = f"{self.name} could not decide"
        self._quarantine.stub(work, passage, "bug", detail, passage.event_bytes)
        return refused(self.name, law, "HOUSE-bug", "bug")


def refused(obligation: str, law: Law, rule: str, code: str) -> Verdict:
    """A refusal with one reason and no facts."""
    return Verdict(obligation, Outcome.REFUSE, (law.reason(rule, code),))
