"""Every trigger of the 84 testable obligations has an event type, where it belongs."""

import pytest

from synthgate.events.event import STUB
from synthgate.events.topics import BY_NAME, Kind
from synthgate.events.types import CHAIN_TYPES, EVENT_TYPES, TYPES

REQUESTED, COMPLETED = "generation.requested", "generation.completed"

# Rule id to the event that triggers it, from the list of testable obligations. A duty that is due on a
# schedule or all the time hangs on the event that shows it was done.
TRIGGERS: dict[str, str] = {
    "DSP-6-1": COMPLETED, "DSP-6-2": COMPLETED, "DSP-6-3": COMPLETED,
    "DSP-7-1": "policy.reviewed",
    "DSP-8-1": REQUESTED, "DSP-8-2": "terms.published",
    "DSP-9-1": "content.published", "DSP-9-2": REQUESTED,
    "DSP-9-3": "identity.verified", "DSP-9-4": "identity.verified", "DSP-9-5": "identity.verified",
    "DSP-9-6": "account.flagged",
    "DSP-10-1": REQUESTED, "DSP-10-2": COMPLETED, "DSP-10-3": "passage.reentered",
    "DSP-10-4": "library.changed", "DSP-10-5": COMPLETED, "DSP-10-6": COMPLETED,
    "DSP-10-7": COMPLETED, "DSP-10-8": REQUESTED, "DSP-10-9": REQUESTED, "DSP-10-10": REQUESTED,
    "DSP-11-1": "rumour.detected", "DSP-11-2": "rumour.detected", "DSP-11-3": "rumour.detected",
    "DSP-12-1": "page.checked", "DSP-12-2": "complaint.received", "DSP-12-3": "penalty.appealed",
    "DSP-13-1": "app_store.requested",
    "DSP-14-1": REQUESTED, "DSP-14-2": REQUESTED, "DSP-14-3": REQUESTED,
    "DSP-14-4": "consent.revoked", "DSP-14-5": "consent.granted", "DSP-14-6": "consent.granted",
    "DSP-14-7": "training_data.registered",
    "DSP-15-1": "algorithm.reviewed", "DSP-15-2": "template.enabled",
    "DSP-16-1": COMPLETED, "DSP-16-2": COMPLETED, "DSP-16-3": COMPLETED,
    "DSP-17-1": COMPLETED, "DSP-17-2": COMPLETED, "DSP-17-3": COMPLETED, "DSP-17-4": COMPLETED,
    "DSP-17-5": "scene.started", "DSP-17-6": COMPLETED, "DSP-17-7": "label.offered",
    "DSP-18-1": "content.transformed", "DSP-18-2": "label.observed",
    "DSP-19-1": "service.started", "DSP-19-2": "filing.changed", "DSP-19-3": "service.ended",
    "DSP-19-4": "page.checked",
    "DSP-20-1": "feature.released", "DSP-20-2": "growth.surged",
    "DSP-21-1": "regulator.requested", "DSP-21-2": "function.switched",
    "LBL-4-7": "asset.exported",
    "LBL-6-1": "content.ingested", "LBL-6-2": "content.ingested", "LBL-6-3": "content.ingested",
    "LBL-6-4": "declaration.shown", "LBL-8-1": "terms.published",
    "LBL-9-1": "export.unlabelled_requested", "LBL-9-2": "export.unlabelled_requested",
    "GB-E-1": COMPLETED, "GB-E-2": COMPLETED, "GB-E-3": COMPLETED, "GB-E-4": COMPLETED,
    "PIPL-55-1": "feature.released", "PIPL-47-1": "erasure.requested",
    "PIPL-57-1": "leak.suspected", "MIN-31-1": "content.published",
    "CSL-23-1": REQUESTED, "CSL-49-1": "spread.found",
    "INC-4-1": "incident.detected", "INC-4-2": "incident.detected",
    "INC-7-1": "incident.detected", "INC-8-1": "incident.closed",
    "NDR-10-1": "flaw.found", "NDR-12-1": "processor.engaged",
    "GAI-14-1": COMPLETED, "GAI-11-1": REQUESTED,
}  # fmt: skip


def test_there_are_84_rules() -> None:
    assert len(TRIGGERS) == 84
    assert {rule for row in EVENT_TYPES for rule in row.rules} == set(TRIGGERS)


@pytest.mark.parametrize("rule", TRIGGERS)
def test_trigger_of_a_rule_is_a_type_that_names_it(rule: str) -> None:
    assert rule in TYPES[TRIGGERS[rule]].rules


def test_names_are_unique_and_past_tense_is_dotted() -> None:
    assert len(TYPES) == len(EVENT_TYPES)
    for name in TYPES:
        subject, _, happened = name.partition(".")
        assert subject
        assert happened
        assert name == name.lower()


def test_every_type_arrives_on_a_topic_of_the_table() -> None:
    for row in EVENT_TYPES:
        kind = BY_NAME[row.topic].kind
        if row.model is not None:
            assert kind is Kind.SOURCE, row.name
        else:
            assert kind is (Kind.CHAIN if row.name == STUB else Kind.FACT), row.name


def test_what_follows_a_decision_follows_one_that_gates() -> None:
    for row in EVENT_TYPES:
        for name in row.follows:
            assert TYPES[name].gates, f"{row.name} follows {name}, which gives no pass"
            assert name in CHAIN_TYPES


def test_the_four_gates_of_a_generation() -> None:
    for name in (REQUESTED, COMPLETED, "asset.exported", "content.published"):
        assert TYPES[name].gates
    assert TYPES[COMPLETED].follows == (REQUESTED,)
    assert not TYPES[REQUESTED].follows


def test_segments_regimes_and_answer_by_are_there() -> None:
    model = TYPES["generation.segment"].model
    assert model is not None
    fields = set(model.model_fields)
    assert {"tenant", "regimes", "answer_by", "generation"} <= fields
    assert "segment" in model.model_fields["generation"].annotation.model_fields
    assert "content.delivered" in CHAIN_TYPES
    assert STUB in CHAIN_TYPES
