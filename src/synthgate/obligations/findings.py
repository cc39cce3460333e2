"""Findings: what people and machines find, complain of and contest is taken up, in time and by its rule.

Law        DSP Art. 11-14, 21; CSL Art. 49; Incident Measures Art. 4, 7, 8; PIPL Art. 15, 47, 57;
           GenAI Measures Art. 11; Network Data Reg. Art. 10
Rules      DSP-11-1 a rumour is stopped and rebutted     DSP-11-2 and reported
           DSP-11-3 whom it reached is told
           DSP-12-1 the entry for complaints, its procedure and time limits are published
           DSP-12-2 a complaint is taken up              DSP-12-3 an appeal is reviewed by someone else
           DSP-13-1 an app store is shown the filing and the assessment
           DSP-14-4 what was made of a person who takes consent back is deleted
           DSP-21-1 a regulator's request is answered with data
           CSL-49-1 what has spread is stopped and removed
           INC-4-1 an incident is graded                 INC-4-2 a serious one is reported in hours
           INC-7-1 what is unknown is sent later         INC-8-1 and summed up in thirty days
           PIPL-57-1 a leak is remedied and told         NDR-10-1 a grave flaw is reported in 24 hours
           PIPL-47-1 who asks is erased, and only stored while the law keeps it
           GAI-11-1 and answered
Hears      case.events, consents taken back, and decisions on complaints, appeals and requests to be erased
Facts      the type of the finding; whether its level owes a report; whether it may touch the public; whether a
           template of the person may be there; whether a page checked shows what it must
Remembers  nothing: cases do
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Self

from synthgate.events.verdicts import Outcome, Reason, Verdict
from synthgate.law import Law
from synthgate.step import Obligation

_OWED: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "rumour.detected": (("DSP-11-1", "rumour_found"), ("DSP-11-2", "report_owed")),
    "reach.found": (("DSP-11-3", "reach_known"),),
    "spread.found": (("CSL-49-1", "spread_found"),),
    "leak.suspected": (("PIPL-57-1", "leak_suspected"),),
    "complaint.received": (("DSP-12-2", "complaint_open"),),
    "penalty.appealed": (("DSP-12-3", "appeal_open"),),
    "incident.detected": (("INC-4-1", "incident_found"),),
    "regulator.requested": (("DSP-21-1", "data_owed"),),
    "app_store.requested": (("DSP-13-1", "pack_owed"),),
    "erasure.requested": (("PIPL-47-1", "erasure_owed"), ("GAI-11-1", "request_owed")),
}
_REPORTED: Final = (("INC-4-2", "report_owed"), ("INC-7-1", "items_owed"))
"""Owed for an incident that is serious, or might be."""


@dataclass(frozen=True, slots=True)
class FindingFacts:
    """What a finding rests on.

    reported: an incident's level owes a report, or may. public: a flaw touches national security or the public
    interest; None: nobody says, so it may. template: a consent taken back was for a face or voice; None: nobody
    says, so it may have been. shown: the page for complaints shows its entry, procedure and time limits; None:
    another page was checked.
    """

    type: str
    reported: bool = False
    public: bool | None = None
    template: bool | None = None
    shown: bool | None = None

    def row(self) -> dict[str, Any]:
        """As recorded."""
        return {name: getattr(self, name) for name in _FACTS}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Back from the record."""
        return cls(**row)


_FACTS: Final = tuple(field.name for field in fields(FindingFacts))


def decide(event: Any, facts: FindingFacts, law: Law, as_of: int) -> Verdict:
    """Refuse names every rule something is owed under; pass: nothing is. Pure and total.

    The event itself says nothing more than its facts: words stay in the log.
    """
    reasons = tuple(_reasons(facts, law))
    outcome = Outcome.REFUSE if reasons else Outcome.PASS
    return Verdict("incidents", outcome, reasons, facts.row())


def _reasons(facts: FindingFacts, law: Law) -> Iterator[Reason]:
    for rule, code in _OWED.get(facts.type, ()):
        yield from law.fault(rule, code)
    if facts.type == "incident.detected" and facts.reported:
        for rule, code in _REPORTED:
            yield from law.fault(rule, code)
    if facts.type == "incident.closed" and facts.reported:
        yield from law.fault("INC-8-1", "summary_owed")
    if facts.type == "flaw.found" and facts.public is not False:
        yield from law.fault("NDR-10-1", "flaw_found")
    if facts.type == "page.checked" and facts.shown is False:
        yield from law.fault("DSP-12-1", "page_lacking")
    if facts.type == "consent.revoked" and facts.template is not False:
        yield from law.fault("DSP-14-4", "template_owed")


OBLIGATION = Obligation(
    name="incidents",
    articles=(
        "DSP 11", "DSP 12", "DSP 13", "DSP 21", "PIPL 15", "PIPL 47", "CSL 49", "INC 4", "INC 7", "INC 8",
        "PIPL 57", "NDR 10", "GAI 11",
    ),
    rules=(
        "DSP-11-1", "DSP-11-2", "DSP-11-3", "DSP-12-1", "DSP-12-2", "DSP-12-3", "DSP-13-1", "DSP-14-4",
        "DSP-21-1", "CSL-49-1", "INC-4-1", "INC-4-2", "INC-7-1", "INC-8-1", "PIPL-47-1", "PIPL-57-1",
        "NDR-10-1", "GAI-11-1",
    ),
    hears=(*_OWED, "incident.closed", "flaw.found", "page.checked", "consent.revoked"),
    decide=decide,
)  # fmt: skip
