"""Every event type, where it arrives, and whether it gates: one for every trigger of the law.

``gates``: the app must wait for a release. ``follows``: the event needs the pass of one of these decisions.
"""

from dataclasses import dataclass

from pydantic import BaseModel

from synthgate.events import case_models, following_models, models
from synthgate.events.event import STUB


@dataclass(frozen=True, slots=True)
class EventType:
    """One row. ``rules``: rule ids it triggers (reference list of 84 obligations)."""

    name: str
    topic: str
    model: type[BaseModel] | None
    rules: tuple[str, ...]
    gates: bool = False
    follows: tuple[str, ...] = ()


_G = "generation.events"
_C = "case.events"
_MADE = ("generation.completed", "generation.segment", "content.transformed")
"""What there is to export, publish or work on."""
_HANDED_OVER = (*_MADE, "asset.exported", "export.unlabelled_requested")
"""What can be delivered: copies made for it besides."""

EVENT_TYPES: tuple[EventType, ...] = (
    EventType("account.registered", _G, models.AccountEvent, ()),
    EventType("account.flagged", _G, models.AccountFlagged, ("DSP-9-6",)),
    EventType(
        "identity.verified", _G, models.IdentityVerified,
        ("DSP-9-3", "DSP-9-4", "DSP-9-5", "MIN-31-1"),
    ),
    EventType("identity.asked", _G, models.IdentityAsked, ("DSP-9-5",)),
    EventType("terms.accepted", _G, models.TermsAccepted, ("DSP-8-1",)),
    EventType("consent.prompted", _G, models.ConsentPrompted, ("DSP-14-1", "DSP-14-6")),
    EventType(
        "generation.requested", _G, models.Requested,
        (
            "DSP-6-1", "DSP-8-1", "DSP-9-2", "DSP-10-1", "DSP-10-3", "DSP-10-8", "DSP-10-9",
            "DSP-14-1", "DSP-14-2", "DSP-14-3", "DSP-18-2", "DSP-10-10", "CSL-23-1", "GAI-11-1",
        ),
        gates=True,
    ),
    EventType(
        "generation.completed", _G, models.Produced,
        (
            "DSP-6-1", "DSP-6-2", "DSP-6-3", "DSP-10-2", "DSP-10-5", "DSP-10-6", "DSP-10-7",
            "DSP-16-1", "DSP-16-2", "DSP-16-3", "DSP-17-1", "DSP-17-2", "DSP-17-3", "DSP-17-4",
            "DSP-17-6", "DSP-17-7", "LBL-8-1", "GB-E-1", "GB-E-2", "GB-E-3", "GB-E-4", "GAI-14-1",
        ),
        gates=True, follows=("generation.requested",),
    ),
    EventType(
        "generation.segment", _G, models.SegmentProduced,
        ("DSP-10-2", "DSP-16-2", "DSP-17-1"),
        gates=True, follows=("generation.requested", "generation.segment"),
    ),
    EventType("scene.started", _G, models.GenerationEvent, ("DSP-17-5",), gates=True,
              follows=("generation.requested",)),
    EventType("asset.exported", _G, models.GenerationEvent, ("LBL-4-7",), gates=True,
              follows=_MADE),
    EventType("export.unlabelled_requested", _G, following_models.UnlabelledRequested, ("LBL-9-1", "LBL-9-2"),
              gates=True, follows=_MADE),
    EventType("content.published", _G, models.GenerationEvent, ("DSP-9-1", "MIN-31-1"),
              gates=True, follows=_MADE),
    EventType("content.delivered", _G, following_models.Delivered, ("DSP-11-3",), follows=_HANDED_OVER),
    EventType("content.ingested", _G, following_models.Ingested,
              ("DSP-18-1", "LBL-6-1", "LBL-6-2", "LBL-6-3", "LBL-6-4"), gates=True),
    EventType("content.transformed", _G, following_models.Transformed, ("DSP-18-1",), gates=True,
              follows=_MADE),
    EventType("label.offered", _G, models.GenerationEvent, ("DSP-17-7",)),
    EventType("label.observed", _G, models.GenerationEvent, ("DSP-18-2",)),
    EventType("declaration.shown", _G, models.AccountEvent, ("LBL-6-4",)),
    EventType("complaint.received", _G, case_models.Complaint, ("DSP-12-2",)),
    EventType("penalty.appealed", _G, case_models.Appealed, ("DSP-12-3",)),
    EventType("erasure.requested", _G, models.AccountEvent, ("PIPL-47-1",)),
    # People's answers and timers come back through the door.
    EventType("passage.reentered", "operator.events", models.Reentered, ("DSP-10-3",)),
    EventType("case.acted", "operator.events", case_models.CaseActed, ("DSP-12-3",)),
    # Findings without a user.
    EventType("rumour.detected", _C, case_models.CaseEvent, ("DSP-11-1", "DSP-11-2", "DSP-11-3")),
    EventType("incident.detected", _C, case_models.CaseEvent, ("INC-4-1", "INC-4-2", "INC-7-1")),
    EventType("incident.closed", _C, case_models.CaseEvent, ("INC-8-1",)),
    EventType("leak.suspected", _C, case_models.CaseEvent, ("PIPL-57-1",)),
    EventType("flaw.found", _C, case_models.CaseEvent, ("NDR-10-1",)),
    EventType("spread.found", _C, case_models.CaseEvent, ("CSL-49-1",)),
    EventType("regulator.requested", _C, case_models.CaseEvent, ("DSP-21-1",)),
    EventType("app_store.requested", _C, case_models.CaseEvent, ("DSP-13-1",)),
    EventType("reach.found", _C, case_models.CaseAnswer, ("DSP-11-3",)),
    EventType("report.receipted", _C, case_models.CaseAnswer, ("DSP-10-6", "DSP-11-2", "INC-4-2")),
    EventType("summary.receipted", _C, case_models.CaseAnswer, ("INC-8-1",)),
    EventType("work.done", _C, case_models.CaseAnswer, ("DSP-11-1", "CSL-49-1")),
    EventType("work.failed", _C, case_models.CaseAnswer, ("DSP-11-1", "CSL-49-1")),
    EventType("service.started", _C, case_models.CaseEvent, ("DSP-19-1",)),
    EventType("service.ended", _C, case_models.CaseEvent, ("DSP-19-3",)),
    EventType("filing.changed", _C, case_models.CaseEvent, ("DSP-19-2",)),
    EventType("feature.released", _C, case_models.CaseEvent, ("DSP-20-1", "PIPL-55-1")),
    EventType("growth.surged", _C, case_models.CaseEvent, ("DSP-20-2",)),
    EventType("page.checked", _C, case_models.CaseEvent, ("DSP-12-1", "DSP-19-4")),
    EventType("policy.reviewed", _C, case_models.CaseEvent, ("DSP-7-1",)),
    EventType("algorithm.reviewed", _C, case_models.CaseEvent, ("DSP-15-1",)),
    EventType("terms.published", _C, case_models.CaseEvent, ("DSP-8-2", "LBL-8-1")),
    EventType("training_data.registered", _C, case_models.CaseEvent, ("DSP-14-7",)),
    EventType("processor.engaged", _C, case_models.CaseEvent, ("NDR-12-1",)),
    # Rows on registry topics: events too, with a model of their own (events/facts.py).
    EventType("consent.granted", "facts.consents", None, ("DSP-14-5", "DSP-14-6")),
    EventType("consent.revoked", "facts.revocations", None, ("DSP-14-4",)),
    EventType("account.restricted", "facts.accounts", None, ("DSP-10-9",)),
    EventType("template.enabled", "facts.templates", None, ("DSP-15-2",)),
    EventType("library.changed", "facts.features", None, ("DSP-10-4",)),
    EventType("news_source.listed", "facts.news_sources", None, ("DSP-6-3",)),
    EventType("function.switched", "facts.switches", None, ("DSP-21-2",)),
    EventType("generation.recalled", "facts.recalls", None, ()),
    # What stands for a record that could not be processed.
    EventType(STUB, "passages.identified", None, ("DSP-10-10",)),
)  # fmt: skip

TYPES: dict[str, EventType] = {row.name: row for row in EVENT_TYPES}

CHAIN_TYPES: tuple[str, ...] = tuple(
    row.name for row in EVENT_TYPES if row.topic == _G or row.name in (STUB, "case.acted")
)
"""Types that pass the six duties."""
