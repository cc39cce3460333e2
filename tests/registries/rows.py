"""Valid registry rows, with your changes."""

from typing import Any

from synthgate.events.event import Event
from synthgate.events.facts import (
    AccountRow,
    ConsentRow,
    ControlRow,
    FeatureRow,
    RecallRow,
    RevocationRow,
    Row,
    StandingRow,
    SwitchRow,
    TemplateRow,
    key_of,
)
from synthgate.registries import Registries

T0 = "2026-01-01T00:00:00Z"
T0_MS = 1_767_225_600_000
SUBJECT = "subj-0001"
HASH = "a" * 64


def an_account(**over: Any) -> AccountRow:
    row = {
        "version": 1,
        "tenant": "acme",
        "user": "u1",
        "standing": "suspended",
        "reason": "fraud",
        "since": T0,
    }
    return AccountRow(**(row | over))


def a_standing(**over: Any) -> StandingRow:
    row = {
        "version": 1,
        "tenant": "acme",
        "user": "u1",
        "standing": "limited",
        "causes": ["d1"],
        "since": T0,
    }
    return StandingRow(**(row | over))


def a_switch(**over: Any) -> SwitchRow:
    row = {
        "version": 1,
        "tenant": "acme",
        "function": "generation.requested",
        "off": True,
        "order": "o-1",
        "since": T0,
    }
    return SwitchRow(**(row | over))


def a_recall(**over: Any) -> RecallRow:
    row = {
        "version": 1,
        "tenant": "acme",
        "generation": "g1",
        "recalled": True,
        "reason": "order",
        "since": T0,
    }
    return RecallRow(**(row | over))


def a_consent(**over: Any) -> ConsentRow:
    row = {
        "version": 1,
        "tenant": "acme",
        "subject": SUBJECT,
        "grant": "g-1",
        "grantor": "subject",
        "age_band": "adult",
        "biometric": ["style"],
        "purposes": ["parody"],
        "publish": True,
        "separate": True,
        "notice_sha256": HASH,
        "granted_at": T0,
        "channel": "app",
        "proof_ref": "vault/1",
        "necessity_shown": True,
    }
    return ConsentRow(**(row | over))


def a_revocation(**over: Any) -> RevocationRow:
    row = {"version": 1, "tenant": "acme", "subject": SUBJECT, "grant": "g-1", "revoked_at": T0}
    return RevocationRow(**(row | over))


def a_template(**over: Any) -> TemplateRow:
    row = {
        "version": 1,
        "tenant": "acme",
        "template": "t1",
        "media": ["text"],
        "ds_class": "DS1",
        "a17_item": 1,
        "status": "enabled",
    }
    return TemplateRow(**(row | over))


def a_feature(**over: Any) -> FeatureRow:
    row = {
        "version": 1,
        "entry": "f1",
        "kind": "keyword",
        "value": "bad",
        "risk": "A.1a",
        "severity": 80,
        "from_version": 1,
        "criteria": "c1",
        "proposed_by": "p",
        "approved_by": "q",
    }
    return FeatureRow(**(row | over))


def a_control(name: str, body: dict[str, Any], **over: Any) -> ControlRow:
    return ControlRow(**({"version": 1, "name": name, "body": body, "by": "op", "at": T0} | over))


def some_terms(version: str = "v1", **over: Any) -> ControlRow:
    """Terms of acme, in force from T0 on."""
    body = {
        "url": "https://acme.example/terms", "sha256": HASH, "published_at": T0, "notified_at": T0,
        "effective_at": T0,
    }  # fmt: skip
    return a_control(f"terms/acme/{version}", body | over)


def put(registries: Registries, topic: str, *rows: Row, partition: int = 0, at: int = 0) -> None:
    """Apply rows as the topic would hold them, from offset ``at``."""
    for offset, row in enumerate(rows, at):
        registries.apply(
            topic,
            partition,
            offset,
            key_of(topic, row).encode(),
            row.model_dump_json(by_alias=True).encode(),
        )


def a_fact_event(kind: str, at: str = T0, event_id: str = "e1", **data: Any) -> Event:
    """identity.verified, terms.accepted, consent.prompted or account.flagged of acme/u1."""
    per_type: dict[str, dict[str, Any]] = {
        "identity.verified": {
            "method": "mobile",
            "checker": "c",
            "verified_at": at,
            "evidence_ref": "r",
            "age_band": "adult",
        },
        "terms.accepted": {"terms_version": "v1", "duty_notice_shown": True, "accepted_at": at},
        "consent.prompted": {"template": "t1", "prompted_at": at},
    }
    return Event(
        {"id": event_id, "source": "//acme", "type": kind, "time": at},
        {"tenant": "acme", "user": {"id": "u1"}} | per_type.get(kind, {}) | data,
    )
