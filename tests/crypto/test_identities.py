import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgate.crypto.identities import (
    SCHEMES,
    IdentityKeys,
    NumberError,
    Scheme,
    is_token_of,
    live_tokens,
    make_token,
    normal,
)

OLD, NEW = bytes(range(32)), bytes(range(1, 33))
KEYS = IdentityKeys("2", {"1": OLD, "2": NEW})
WRITTEN: dict[Scheme, list[str]] = {
    "mobile": ["13800138000", "+86 138-0013-8000", "008613800138000", "86 13800138000",
               "１３８００１３８０００"],
    "id_card": ["11010519491231002X", "110105 19491231 002x"],
    "uscc": ["91110000600037341L", "91110000-600037341l"],
}  # fmt: skip


@pytest.mark.parametrize("scheme", SCHEMES)
def test_one_number_has_one_token_however_it_is_written(scheme: Scheme) -> None:
    tokens = {make_token(KEYS, "acme", scheme, text) for text in WRITTEN[scheme]}
    (token,) = tokens
    assert token.startswith("2.")
    assert normal(scheme, WRITTEN[scheme][0]) not in token


def test_known_tokens_never_change() -> None:
    """Consents and verifications are kept under them for years."""
    keys = IdentityKeys("1", {"1": OLD})
    assert make_token(keys, "acme", "mobile", "13800138000") == "1.ca9e6f17cb8c3708db6c396bd64d461d"


@pytest.mark.parametrize(
    ("scheme", "number"),
    [
        ("mobile", "12800138000"), ("mobile", "1380013800"), ("mobile", "138001380001"), ("mobile", ""),
        ("mobile", "+85213800138000"), ("mobile", "a13800138000"),
        ("id_card", "110105194912310021"), ("id_card", "44052418800101001X"), ("id_card", "13800138000"),
        ("id_card", "110105491231002"), ("id_card", "99010519491231002X"),
        ("uscc", "91110000600037341M"), ("uscc", "91110000600037341I"), ("uscc", "9111"),
        *((scheme, "1" * 65) for scheme in SCHEMES),
    ],
)  # fmt: skip
def test_what_is_no_such_number_is_refused_and_not_repeated(scheme: Scheme, number: str) -> None:
    for call in (
        lambda: make_token(KEYS, "acme", scheme, number),
        lambda: is_token_of(KEYS, "2." + "0" * 32, "acme", scheme, number),
    ):
        with pytest.raises(NumberError) as caught:
            call()
        assert not number or number not in str(caught.value)
        assert caught.value.__cause__ is None


def test_both_live_keys_are_compared_with_and_no_other() -> None:
    new, old = live_tokens(KEYS, "acme", "mobile", "13800138000")
    assert (new, old[:2]) == (make_token(KEYS, "acme", "mobile", "13800138000"), "1.")
    for token in (new, old):
        assert is_token_of(KEYS, token, "acme", "mobile", "+8613800138000") is True
        assert is_token_of(KEYS, token, "acme", "mobile", "13800138001") is False
        assert is_token_of(KEYS, token, "other", "mobile", "13800138000") is False
    assert is_token_of(KEYS, "3" + new[1:], "acme", "mobile", "13800138000") is None
    assert is_token_of(KEYS, "1" + new[1:], "acme", "mobile", "13800138000") is False
    with pytest.raises(NumberError, match="no token"):
        is_token_of(KEYS, new + "0", "acme", "mobile", "13800138000")


def test_no_hash_without_the_key_gives_the_token() -> None:
    digests = {hashlib.new(name, b"13800138000").hexdigest() for name in ("sha256", "sha1", "md5")}
    token = make_token(KEYS, "acme", "mobile", "13800138000").partition(".")[2]
    assert not any(token in digest for digest in digests)


@given(st.integers(0, 10**9 - 1), st.integers(0, 10**9 - 1), st.sampled_from(["acme", "other"]))
def test_different_numbers_and_tenants_have_different_tokens(a: int, b: int, tenant: str) -> None:
    one = make_token(KEYS, "acme", "mobile", f"13{a:09}")
    two = make_token(KEYS, tenant, "mobile", f"13{b:09}")
    assert (one == two) == ((a, "acme") == (b, tenant))


@given(st.sampled_from(SCHEMES), st.text(max_size=80))
def test_any_text_is_a_number_or_refused(scheme: Scheme, text: str) -> None:
    try:
        form = normal(scheme, text)
    except NumberError:
        return
    assert normal(scheme, form) == form
