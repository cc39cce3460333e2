from registries.rows import SUBJECT, a_revocation, put
from synthgate.registries import UNREADABLE, Registries

TOPIC = "facts.revocations"


def test_a_revocation_is_found_by_its_grant() -> None:
    registries = Registries([TOPIC])
    put(registries, TOPIC, a_revocation())
    assert registries.revocations.revoked("acme", SUBJECT, "g-1")
    assert not registries.revocations.revoked("acme", SUBJECT, "g-2")
    assert not registries.revocations.revoked("other", SUBJECT, "g-1")


def test_what_cannot_be_read_counts_as_revoked() -> None:
    registries = Registries([TOPIC])
    registries.apply(TOPIC, 0, 0, f"acme/{SUBJECT}/g-1".encode(), b"?")
    assert registries.revocations.get("acme", SUBJECT, "g-1") is UNREADABLE
    assert registries.revocations.revoked("acme", SUBJECT, "g-1")


def test_the_earlier_wins_a_tie() -> None:
    registries = Registries([TOPIC])
    put(registries, TOPIC, a_revocation(), a_revocation(revoked_at="2025-12-01T00:00:00Z"))
    row = registries.revocations.get("acme", SUBJECT, "g-1")
    assert row == a_revocation(revoked_at="2025-12-01T00:00:00Z")
