from registries.rows import an_account, put
from synthgate.registries import UNREADABLE, Registries

TOPIC = "facts.accounts"


def test_an_account_is_found_by_tenant_and_user() -> None:
    registries = Registries([TOPIC])
    put(registries, TOPIC, an_account())
    assert registries.accounts.get("acme", "u1") == an_account()
    assert registries.accounts.get("acme", "u2") is None
    assert registries.accounts.get("other", "u1") is None


def test_what_cannot_be_read_is_marked() -> None:
    registries = Registries([TOPIC])
    registries.apply(TOPIC, 0, 0, b"acme/u1", b"?")
    assert registries.accounts.get("acme", "u1") is UNREADABLE


def test_longer_and_sterner_win_a_tie() -> None:
    registries = Registries([TOPIC])
    rows = [an_account(until="2026-02-01T00:00:00Z"), an_account(), an_account(standing="limited")]
    put(registries, TOPIC, *rows)
    assert registries.accounts.get("acme", "u1") == an_account()
