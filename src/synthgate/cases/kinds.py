"""The machines: what each kind of case can take; what forbids it stands in ``guards``. Data.

content: illegal content was found (DSP 10, GAI 14, CSL 49). appeal: a user contests a penalty (DSP 12).
complaint: anyone complains about content (DSP 12). incident: a network incident (INC). rumour: false
information spreads (DSP 11). order: a regulator asks or orders (DSP 21), or an app store asks
for the filing pack (DSP 13). bypass: something was delivered that no decision let out. deletion: a face or
voice whose consent was taken back (DSP 14, PIPL 15). erasure: a person asks to be forgotten (PIPL 47, GAI 11).
page: a page lacks what it must show (DSP 12, 19). filing: something is filed with an authority or assessed
(DSP 19, 20). upkeep: management systems and reviews that are kept up (DSP 7, 15).
user: what is held against a user (cases/penalties.py reckons it).
"""

from types import MappingProxyType
from typing import Final

from synthgate.cases.guards import (
    another_reviewer,
    answered,
    checked,
    named,
    reasoned,
    receipted,
    reported_first,
    shown,
    stated,
)
from synthgate.cases.machine import ANY, Machine

FOLLOW: Final = frozenset(
    {"case.resumed", "decision.overturned", "penalty.resumed", "penalty.reversed"}
)
"""What follows from a decision or from what two people took back; nobody's word alone makes it so."""

_NOTES: Final = {(ANY, "note.added"): ANY}
_REPORTS: Final = {
    (ANY, "report.approved"): ANY,
    (ANY, "report.handed_over"): ANY,
}
_REPORT_MEETS: Final = MappingProxyType(
    {"report.approved": ("report.draft",), "report.receipted": ("report.draft", "report.sent")}
)

CONTENT: Final = Machine(
    "content", "found",
    {
        **_NOTES, **_REPORTS,
        (ANY, "case.resumed"): ANY,
        ("found", "report.receipted"): "reported",
        ("reported", "report.receipted"): "reported",
        ("found", "case.closed"): "closed",
        ("reported", "case.closed"): "closed",
        ("found", "decision.overturned"): "overturned",
        ("reported", "decision.overturned"): "overturned",
        ("closed", "decision.overturned"): "overturned",
    },
    frozenset({"closed", "overturned"}),
    _REPORT_MEETS,
    {
        "report.approved": (named,),
        "report.receipted": (named, receipted),
        "case.closed": (named, reported_first),
    },
)  # fmt: skip

APPEAL: Final = Machine(
    "appeal", "received",
    {
        **_NOTES,
        ("received", "appeal.taken"): "in_review",
        ("received", "appeal.upheld"): "upheld",
        ("in_review", "appeal.upheld"): "upheld",
        ("received", "appeal.rejected"): "rejected",
        ("in_review", "appeal.rejected"): "rejected",
    },
    frozenset({"upheld", "rejected", "inadmissible"}),
    {"appeal.upheld": ("decide",), "appeal.rejected": ("decide",)},
    {
        "appeal.taken": (named, another_reviewer),
        "appeal.upheld": (named, reasoned, another_reviewer),
        "appeal.rejected": (named, reasoned, another_reviewer),
    },
)  # fmt: skip

COMPLAINT: Final = Machine(
    "complaint", "received",
    {
        **_NOTES,
        (ANY, "complaint.matched"): ANY,
        ("received", "complaint.taken"): "in_review",
        ("received", "complaint.upheld"): "upheld",
        ("in_review", "complaint.upheld"): "upheld",
        ("received", "complaint.rejected"): "rejected",
        ("in_review", "complaint.rejected"): "rejected",
        ("rejected", "complaint.appealed"): "appealed",
        ("appealed", "complaint.upheld"): "upheld",
        ("appealed", "complaint.rejected"): "refused_again",
    },
    frozenset({"upheld", "rejected", "refused_again"}),
    {"complaint.upheld": ("decide",), "complaint.rejected": ("decide",)},
    {
        "complaint.matched": (named,),
        "complaint.taken": (named,),
        "complaint.upheld": (named, reasoned, another_reviewer),
        "complaint.rejected": (named, reasoned, another_reviewer),
        "complaint.appealed": (reasoned,),
    },
)  # fmt: skip

INCIDENT: Final = Machine(
    "incident", "found",
    {
        **_NOTES, **_REPORTS,
        ("found", "incident.graded"): "found",
        ("reported", "incident.graded"): "reported",
        ("found", "report.receipted"): "reported",
        ("reported", "report.receipted"): "reported",
        ("found", "incident.closed"): "handled",
        ("reported", "incident.closed"): "handled",
        ("handled", "report.receipted"): "handled",
        ("handled", "summary.receipted"): "summarised",
        ("handled", "case.closed"): "closed",
    },
    frozenset({"summarised", "closed"}),
    {**_REPORT_MEETS, "summary.receipted": ("summary",)},
    {
        "report.approved": (named,),
        "report.receipted": (named, receipted),
        "summary.receipted": (named, receipted),
        "case.closed": (named, reported_first),
    },
)  # fmt: skip

RUMOUR: Final = Machine(
    "rumour", "detected",
    {
        **_NOTES, **_REPORTS,
        ("detected", "report.receipted"): "reported",
        ("reported", "report.receipted"): "reported",
        ("reported", "rumour.dispelled"): "dispelled",
        ("detected", "rumour.unfounded"): "unfounded",
        ("reported", "rumour.unfounded"): "unfounded",
    },
    frozenset({"dispelled", "unfounded"}),
    _REPORT_MEETS,
    {
        "report.approved": (named,),
        "report.receipted": (named, receipted),
        "rumour.dispelled": (reported_first,),
        "rumour.unfounded": (named, reasoned),
    },
)  # fmt: skip

ORDER: Final = Machine(
    "order", "received",
    {
        **_NOTES,
        ("received", "order.carried_out"): "carried_out",
        ("carried_out", "order.answered"): "answered",
        ("received", "order.answered"): "answered",
    },
    frozenset({"answered"}),
    {"order.carried_out": ("carry_out",), "order.answered": ("carry_out", "answer")},
    {"order.carried_out": (named,), "order.answered": (named,)},
)  # fmt: skip

BYPASS: Final = Machine(
    "bypass", "found",
    {**_NOTES, ("found", "case.closed"): "closed"},
    frozenset({"closed"}),
    guards={"case.closed": (named, reasoned)},
)  # fmt: skip

DELETION: Final = Machine(
    "deletion", "owed",
    {**_NOTES, ("owed", "deletion.proved"): "deleted"},
    frozenset({"deleted"}),
    {"deletion.proved": ("delete",)},
    {"deletion.proved": (answered,)},
)  # fmt: skip

ERASURE: Final = Machine(
    "erasure", "asked",
    {**_NOTES, ("asked", "erasure.proved"): "erased"},
    frozenset({"erased"}),
    {"erasure.proved": ("erase",)},
    {"erasure.proved": (named, shown)},
)  # fmt: skip

PAGE: Final = Machine(
    "page", "lacking",
    {
        **_NOTES,
        ("lacking", "page.mended"): "mended",
        ("mended", "page.lacking"): "lacking",
    },
    frozenset({"mended"}),
    {"page.mended": ("mend",)},
    {"page.mended": (checked,), "page.lacking": (checked,)},
)  # fmt: skip

FILING: Final = Machine(
    "filing", "owed",
    {
        **_NOTES,
        (ANY, "filing.owed"): "owed",
        ("owed", "report.receipted"): "filed",
        ("owed", "case.closed"): "closed",
    },
    frozenset({"filed", "closed"}),
    {"report.receipted": ("file",)},
    {
        "filing.owed": (stated,),
        "report.receipted": (named, receipted),
        "case.closed": (named, reasoned),
    },
)  # fmt: skip

UPKEEP: Final = Machine(
    "upkeep", "lacking",
    {
        **_NOTES,
        (ANY, "upkeep.lacking"): "lacking",
        (ANY, "upkeep.kept"): "kept",
        (ANY, "upkeep.ended"): "ended",
    },
    frozenset({"ended"}),
    guards=dict.fromkeys(("upkeep.lacking", "upkeep.kept", "upkeep.ended"), (stated,)),
    lasting=True,
)  # fmt: skip

USER: Final = Machine("user", "counted", {**_NOTES, ("counted", "penalty.lifted"): "counted",
    ("counted", "penalty.reversed"): "counted", ("counted", "penalty.resumed"): "counted"}, frozenset(),
    guards={"penalty.lifted": (named, reasoned)})  # fmt: skip

MACHINES: Final[dict[str, Machine]] = {
    machine.kind: machine
    for machine in (
        CONTENT,
        APPEAL,
        COMPLAINT,
        INCIDENT,
        RUMOUR,
        ORDER,
        BYPASS,
        DELETION,
        ERASURE,
        PAGE,
        FILING,
        UPKEEP,
        USER,
    )
}
