from registries.rows import SUBJECT, T0_MS, a_consent, put
from synthgate.registries import Registries

TOPIC = "facts.consents"


def test_grants_of_a_subject_newest_first() -> None:
    registries = Registries([TOPIC])
    old, new = a_consent(), a_consent(grant="g-2", granted_at="2026-02-01T00:00:00Z")
    other = a_consent(subject="subj-0002")
    put(registries, TOPIC, old, new, other)
    assert registries.consents.grants("acme", SUBJECT) == (new, old)
    assert registries.consents.grants("other", SUBJECT) == ()


def test_a_later_version_replaces_and_a_tombstone_erases() -> None:
    registries = Registries([TOPIC])
    narrowed = a_consent(version=2, publish=False)
    put(registries, TOPIC, a_consent(), narrowed)
    assert registries.consents.grants("acme", SUBJECT) == (narrowed,)
    registries.apply(TOPIC, 0, 2, f"acme/{SUBJECT}/g-1".encode(), None)
    assert registries.consents.grants("acme", SUBJECT) == ()
    assert registries.consents._by_subject == {}


def test_the_narrower_wins_a_tie() -> None:
    registries = Registries([TOPIC])
    put(registries, TOPIC, a_consent(publish=False), a_consent())
    assert registries.consents.grants("acme", SUBJECT) == (a_consent(publish=False),)


def test_what_cannot_be_read_gives_nothing() -> None:
    registries = Registries([TOPIC])
    put(registries, TOPIC, a_consent(), a_consent(grant="g-2"))
    registries.apply(TOPIC, 0, 2, f"acme/{SUBJECT}/g-1".encode(), b"{")
    assert registries.consents.grants("acme", SUBJECT) == (a_consent(grant="g-2"),)
    assert registries.unreadable == {TOPIC: 1}


def test_answers_tell_grants_refusals_and_what_was_superseded() -> None:
    """DSP-14-5, DSP-14-6; a refusal supersedes nothing, and stays a refusal on a tie."""
    registries = Registries([TOPIC])
    no = a_consent(grant="no", answer="refused", supersedes=["g-1"])
    new = a_consent(grant="g-2", supersedes=["g-1", "gone"], granted_at="2026-02-01T00:00:00Z")
    put(registries, TOPIC, a_consent(), new, no, a_consent(grant="no"))
    answers = registries.consents.answers("acme", SUBJECT)
    assert answers.given == (new, a_consent())
    assert answers.superseded == {"g-1", "gone"}
    assert answers.refused_at == (T0_MS,)
    assert registries.consents.answers("acme", "subj-0002").given == ()
