from hypothesis import given
from hypothesis import strategies as st

from synthgate.crypto.tokens import identity_token, same_token, user_token

KEY = bytes(range(32))
FIELDS = st.tuples(st.text(max_size=8), st.text(max_size=8))


def test_known_tokens_never_change() -> None:
    """Tokens are stored for years: a change here orphans every record of every user."""
    assert user_token(KEY, "acme", "u1") == "c1225a122e32bbbb4f9f829877934c5a"
    assert identity_token(KEY, "acme", "resident-id", "1") == "d52a2395e3b36ccdb3054cea6e0d8b51"


@given(FIELDS, FIELDS)
def test_different_people_have_different_tokens(one: tuple[str, str], two: tuple[str, str]) -> None:
    assert (user_token(KEY, *one) == user_token(KEY, *two)) == (one == two)


def test_fields_do_not_run_together() -> None:
    assert user_token(KEY, "ab", "c") != user_token(KEY, "a", "bc")
    assert user_token(KEY, "acme", "1") != identity_token(KEY, "acme", "", "1")


def test_key_matters() -> None:
    assert user_token(KEY, "acme", "u1") != user_token(bytes(32), "acme", "u1")


def test_lone_surrogate_has_a_token() -> None:
    assert user_token(KEY, "acme", "\ud800") != user_token(KEY, "acme", "?")


def test_same_token() -> None:
    assert same_token("aa", "aa")
    assert not same_token("aa", "ab")
    assert not same_token("aa", "é")
