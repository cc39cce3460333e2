"""Findings: what people and machines find, complain of and contest is taken up, in time and by its rule.

Law        DSP Art. 7, 11-15, 19-21; ALG Art. 24, 26; SA Art. 3, 7; CSL Art. 49; Incident Measures
           Art. 4, 7, 8; PIPL Art. 15, 47, 57; GenAI Measures Art. 11; Network Data Reg. Art. 10
Rules      DSP-7-1 eight management systems are kept up
           DSP-11-1 a rumour is stopped and rebutted     DSP-11-2 and reported
           DSP-11-3 whom it reached is told
           DSP-12-1 the entry for complaints, its procedure and time limits are published
           DSP-12-2 a complaint is taken up              DSP-12-3 an appeal is reviewed by someone else
           DSP-13-1 an app store is shown the filing and the assessment
           DSP-14-4 what was made of a person who takes consent back is deleted
           DSP-15-1 an algorithm is reviewed regularly
           DSP-19-1 a service is filed                   DSP-19-2 and what changes of it
           DSP-19-3 and its end                          DSP-19-4 and shows its number
           DSP-20-1 a new function is assessed first     DSP-20-2 and a service that grew or spread harm
           DSP-21-1 a regulator's request is answered with data
           CSL-49-1 what has spread is stopped and removed
           INC-4-1 an incident is graded                 INC-4-2 a serious one is reported in hours
           INC-7-1 what is unknown is sent later         INC-8-1 and summed up in thirty days
           PIPL-57-1 a leak is remedied and told         NDR-10-1 a grave flaw is reported in 24 hours
           PIPL-47-1 who asks is erased, and only stored while the law keeps it
           GAI-11-1 and answered
Hears      case.events, consents taken back, and decisions on complaints, appeals and requests to be erased
Facts      the type of the finding; whether its level owes a report; whether it may touch the public; whether a
           template of the person may be there; whether what must be seen was: on a page, a receipt, a review
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
    "filing.changed": (("DSP-19-2", "filing_owed"),),
}
_PUBLIC: Final[Mapping[str, tuple[str, str]]] = {
    "flaw.found": ("NDR-10-1", "flaw_found"),
    "service.started": ("DSP-19-1", "filing_owed"),
    "service.ended": ("DSP-19-3", "filing_owed"),
    "growth.surged": ("DSP-20-2", "assessment_owed"),
}
"""Owed where the public is concerned, or may be."""
_SHOWN: Final[tuple[tuple[str, str | None, str, str], ...]] = (
    ("page.checked", "complaints", "DSP-12-1", "page_lacking"),
    ("page.checked", "service", "DSP-19-4", "number_lacking"),
    ("service.started", None, "DSP-7-1", "policy_lacking"),
    ("policy.reviewed", None, "DSP-7-1", "policy_lacking"),
    ("service.started", None, "DSP-15-1", "review_lacking"),
    ("algorithm.reviewed", None, "DSP-15-1", "review_lacking"),
)
"""Type, page, rule and code: owed where somebody looked and it was not there."""
_REPORTED: Final = (("INC-4-2", "report_owed"), ("INC-7-1", "items_owed"))
"""Owed for an incident that is serious, or might be."""


@dataclass(frozen=True, slots=True)
class FindingFacts:
    """What a finding rests on.

    reported: an incident's level owes a report, or may. public: a flaw touches national security or the public
    interest; None: nobody says, so it may. template: a consent taken back was for a face or voice; None: nobody
    says, so it may have been. page: which was checked. shown: what must be there was seen: on the page, as the
    receipt of an assessment, as stated of what is kept up; None: nobody looked.
    """

    type: str
    reported: bool = False
    public: bool | None = None
    template: bool | None = None
    shown: bool | None = None
    page: str | None = None

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
    if facts.type in _PUBLIC and facts.public is not False:
        yield from law.fault(*_PUBLIC[facts.type])
    if facts.type == "feature.released" and facts.public is not False and not facts.shown:
        yield from law.fault("DSP-20-1", "assessment_owed")
    for heard, page, rule, code in _SHOWN:
        if facts.shown is False and (facts.type, facts.page) == (heard, page):
            yield from law.fault(rule, code)
    if facts.type == "consent.revoked" and facts.template is not False:
        yield from law.fault("DSP-14-4", "template_owed")


OBLIGATION = Obligation(
    name="incidents",
    articles=(
        "DSP 7", "DSP 11", "DSP 12", "DSP 13", "DSP 15", "DSP 19", "DSP 20", "DSP 21", "PIPL 15",
        "PIPL 47", "CSL 49", "INC 4", "INC 7", "INC 8",
        "PIPL 57", "NDR 10", "GAI 11",
    ),
    rules=(
        "DSP-7-1", "DSP-11-1", "DSP-11-2", "DSP-11-3", "DSP-12-1", "DSP-12-2", "DSP-12-3", "DSP-13-1",
        "DSP-14-4", "DSP-15-1", "DSP-19-1", "DSP-19-2", "DSP-19-3", "DSP-19-4", "DSP-20-1", "DSP-20-2",
        "DSP-21-1", "CSL-49-1", "INC-4-1", "INC-4-2", "INC-7-1", "INC-8-1", "PIPL-47-1", "PIPL-57-1",
        "NDR-10-1", "GAI-11-1",
    ),
    hears=(
        *dict.fromkeys((*_OWED, *_PUBLIC, *(row[0] for row in _SHOWN))),
        "incident.closed", "feature.released", "consent.revoked",
    ),
    decide=decide,
)  # fmt: skip
