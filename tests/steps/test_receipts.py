"""Consents that travel signed: checked once, and then only revocations are needed."""

import json
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from acts_at_hand import accept, an_event, codes, decide
from local_bus import LocalBus, local_settings
from registries.rows import a_consent
from synthgate.crypto.receipts import ReceiptKeys, public_jwk, sign_receipt
from synthgate.demo.facts import consent, facts
from synthgate.events.event import Subject
from synthgate.events.facts import ConsentRow, RevocationRow
from synthgate.steps import receipts
from synthgate.steps.receipts import Receipts

PRIVATE = bytes(range(32))
PERSON = "subj-signed-1"
HOUR_MS = 3_600_000


def receipt(row: ConsentRow, *, expires_at: int, tenant: str = "demo") -> str:
    said = row.model_dump(mode="json", exclude_none=True)
    return sign_receipt(PRIVATE, "k1", tenant=tenant, expires_at=expires_at, consent=said)


@pytest.fixture
def bus(tmp_path: Path) -> LocalBus:
    """A site that copies no consents at all."""
    path = tmp_path / "consent-keys.json"
    path.write_text(json.dumps({"keys": [public_jwk(PRIVATE, "k1")]}))
    bus = LocalBus(local_settings(tmp_path, consent_keys=str(path), consents_copied=False))
    assert "facts.consents" not in bus.parts.registries.tables
    for topic, row in facts(bus.now_ms):
        if topic != "facts.consents":
            bus.fact(topic, row)
    accept(bus, tenant="demo")
    bus.send(an_event(bus, "v", "identity.verified", tenant="demo"))
    told = {"template": "style", "prompted_at": "2026-01-01T00:00:00Z"}
    bus.send(an_event(bus, "p", "consent.prompted", tenant="demo", **told))
    bus.run()
    return bus


def ask(bus: LocalBus, name: str, text: str | None, person: str = PERSON) -> dict[str, Any]:
    subject = {"token": person, "age_band": "adult"}
    if text is not None:
        subject["receipt"] = text
    generation = {"id": name, "medium": "text", "template": "style", "purpose": "chat"}
    return an_event(bus, name, tenant="demo", subjects=[subject], generation=generation)


def test_a_receipt_permits_until_it_is_revoked_or_over(bus: LocalBus) -> None:
    row = consent(PERSON, "g-signed", bus.now_ms)
    good = receipt(row, expires_at=bus.now_ms + HOUR_MS)
    assert codes(decide(bus, ask(bus, "none", None))) == {"no_grant"}
    assert decide(bus, ask(bus, "good", good)).action == "release"
    assert codes(decide(bus, ask(bus, "anothers", good, "subj-signed-2"))) == {"receipt_invalid"}
    assert codes(decide(bus, ask(bus, "forged", good[:-4] + "AAAA"))) == {"receipt_invalid"}
    over = receipt(row, expires_at=bus.now_ms - 1000)
    assert codes(decide(bus, ask(bus, "over", over))) == {"grant_expired"}
    bus.fact(
        "facts.revocations",
        RevocationRow(
            version=1, tenant="demo", subject=PERSON, grant="g-signed", revoked_at="2026-01-01T00:00:00Z"
        ),
    )  # fmt: skip
    assert "grant_revoked" in codes(decide(bus, ask(bus, "revoked", good)))


def test_each_receipt_is_checked_once(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [public_jwk(PRIVATE, "k1")]}))
    held = Receipts(ReceiptKeys.load(path))
    text = receipt(a_consent(), expires_at=2_000_000_000_000, tenant="acme")
    with mock.patch.object(receipts, "check_receipt", side_effect=receipts.check_receipt) as check:
        for _ in range(5):
            row = held.grant(text, "acme", "subj-0001")
            assert isinstance(row, ConsentRow)
            assert held.grant("a.b.c", "acme", "subj-0001") == "malformed"
            assert held.grant(text, "other", "subj-0001") == "wrong_audience"
        assert check.call_count == 3
    assert held.grant(text, "acme", "subj-0002") == "wrong_subject"
    assert Receipts(None).grant(text, "acme", "subj-0001") == "unknown_key"
    sooner = a_consent(expires_at="2026-06-01T00:00:00Z")
    kept = held.grant(
        receipt(sooner, expires_at=2_000_000_000_000, tenant="acme"), "acme", "subj-0001"
    )
    assert isinstance(kept, ConsentRow)
    assert kept.expires_at == "2026-06-01T00:00:00Z", "the sooner end counts"
    assert row.expires_at == "2033-05-18T03:33:20+00:00"


def test_of_two_receipts_for_one_person_the_genuine_one_counts_and_the_cache_is_bounded(
    tmp_path: Path,
) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [public_jwk(PRIVATE, "k1")]}))
    held = Receipts(ReceiptKeys.load(path))
    good = receipt(a_consent(), expires_at=2_000_000_000_000, tenant="acme")
    pair = [Subject("subj-0001", "adult", False, text) for text in ("bad", good)]
    for subjects in (pair, pair[::-1], [*pair, Subject("subj-0001", "adult", False)]):
        assert isinstance(held.signed("acme", subjects)["subj-0001"], ConsentRow)
    assert held.signed("acme", [Subject("subj-0001", "adult", False)]) == {}
    with mock.patch.object(receipts, "CACHED_MAX", 3):
        for n in range(9):
            held.grant(f"no-{n}", "acme", "subj-0001")
    assert len(held._known) <= 5


def test_a_claim_that_is_no_row_is_malformed(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [public_jwk(PRIVATE, "k1")]}))
    held = Receipts(ReceiptKeys.load(path))
    for over in ({"separate": False}, {"grant": ""}, {"unknown": 1}):
        said = a_consent().model_dump(mode="json", exclude_none=True) | over
        text = sign_receipt(
            PRIVATE, "k1", tenant="acme", expires_at=2_000_000_000_000, consent=said
        )
        assert held.grant(text, "acme", "subj-0001") == "malformed"
