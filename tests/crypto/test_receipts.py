import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgate.crypto.receipts import (
    TEXT_CHARS_MAX,
    ReceiptError,
    ReceiptKeys,
    ReceiptKeysError,
    check_receipt,
    public_jwk,
    sign_receipt,
)

PRIVATE, STRANGER = bytes(range(32)), bytes(range(1, 33))
CONSENT = {"tenant": "acme", "grant": "g-1", "words": "同意"}
EXPIRES = 1_800_000_000_000


def keys_in(folder: Path, *rows: dict[str, Any]) -> ReceiptKeys:
    path = folder / "keys.json"
    path.write_text(json.dumps({"keys": list(rows)}))
    return ReceiptKeys.load(path)


@pytest.fixture
def keys(tmp_path: Path) -> ReceiptKeys:
    only_acme = public_jwk(PRIVATE, "k1") | {"tenants": ["acme"]}
    return keys_in(tmp_path, only_acme, public_jwk(STRANGER, "k2"))


def signed(**over: Any) -> str:
    said = {"tenant": "acme", "expires_at": EXPIRES, "consent": CONSENT} | over
    return sign_receipt(PRIVATE, "k1", **said)


def fault(keys: ReceiptKeys, text: str, tenant: str = "acme") -> str:
    with pytest.raises(ReceiptError) as caught:
        check_receipt(keys, text, tenant)
    return caught.value.code


def part(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_a_genuine_receipt_says_what_was_signed(keys: ReceiptKeys) -> None:
    claims = check_receipt(keys, signed(), "acme")
    assert (claims.consent, claims.expires_at, claims.kid) == (CONSENT, EXPIRES, "k1")
    assert signed() == signed(), "Ed25519 has no chance in it"


def test_what_is_not_for_us_or_not_theirs_to_say(keys: ReceiptKeys) -> None:
    assert fault(keys, signed(), "other") == "unknown_key"
    assert fault(keys, signed(tenant="other")) == "wrong_audience"
    assert fault(keys, signed(consent=CONSENT | {"tenant": "other"})) == "wrong_audience"
    forged = sign_receipt(STRANGER, "k1", tenant="acme", expires_at=EXPIRES, consent=CONSENT)
    assert fault(keys, forged) == "bad_signature"
    anyones = sign_receipt(STRANGER, "k2", tenant="acme", expires_at=EXPIRES, consent=CONSENT)
    assert check_receipt(keys, anyones, "acme").kid == "k2"
    assert fault(keys, signed().replace(".", "..", 1)) == "malformed"


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "kid": "k1", "typ": "consent+jwt"},
        {"alg": "HS256", "kid": "k1", "typ": "consent+jwt"},
        {"alg": "EdDSA", "kid": "k1", "typ": "JWT"},
        {"alg": "EdDSA", "kid": "k1"},
        {"alg": "EdDSA", "kid": 1, "typ": "consent+jwt"},
        {"alg": "EdDSA", "kid": "k1", "typ": "consent+jwt", "crit": ["exp"]},
        {"alg": "EdDSA", "kid": "k1", "typ": "consent+jwt", "jwk": {}},
        b'{"alg":"none","alg":"EdDSA","kid":"k1","typ":"consent+jwt"}',
        b"[]", b"\xff", b"",
    ],
)  # fmt: skip
def test_no_header_but_one_is_obeyed(keys: ReceiptKeys, header: Any) -> None:
    assert fault(keys, ".".join([part(header), *signed().split(".")[1:]])) == "malformed"


@pytest.mark.parametrize(
    "over",
    [
        {"exp": "1"}, {"exp": True}, {"exp": -1}, {"exp": 253_402_300_800}, {"exp": 1.5}, {"consent": []},
        {"aud": None},
    ],
)  # fmt: skip
def test_claims_have_their_shape(keys: ReceiptKeys, over: dict[str, Any]) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    claims = {"aud": "acme", "exp": 1, "consent": CONSENT} | over
    head = signed().split(".")[0]
    body = f"{head}.{part({k: v for k, v in claims.items() if v is not None})}"
    mac = Ed25519PrivateKey.from_private_bytes(PRIVATE).sign(body.encode())
    assert fault(keys, f"{body}.{part(mac)}") == "malformed"


@given(st.data())
def test_no_changed_character_goes_unnoticed(data: st.DataObject) -> None:
    row = public_jwk(PRIVATE, "k1")
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    raw = base64.urlsafe_b64decode(row["x"] + "=")
    keys = ReceiptKeys({"k1": (Ed25519PublicKey.from_public_bytes(raw), None)})
    text = signed()
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda c: c != text[at]))
    with pytest.raises(ReceiptError):
        check_receipt(keys, text[:at] + other + text[at + 1 :], "acme")


@given(st.text(max_size=200) | st.just("a" * (TEXT_CHARS_MAX + 1)))
def test_any_text_is_refused_without_a_crash(text: str) -> None:
    with pytest.raises(ReceiptError):
        check_receipt(ReceiptKeys({}), text, "acme")


@pytest.mark.parametrize(
    "rows",
    [
        [], [{}], [{"kty": "OKP"}], ["x"],
        [{"kty": "OKP", "crv": "X25519", "kid": "k", "x": "AA"}],
        [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": "AA"}],
        [public_jwk(PRIVATE, "k"), public_jwk(STRANGER, "k")],
        [public_jwk(PRIVATE, "k") | {"d": "secret"}],
        [public_jwk(PRIVATE, "k") | {"tenants": "acme"}],
    ],
)  # fmt: skip
def test_a_key_set_that_is_none_is_named(tmp_path: Path, rows: list[Any]) -> None:
    with pytest.raises(ReceiptKeysError, match=r"keys\.json"):
        keys_in(tmp_path, *rows)


def test_a_key_set_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReceiptKeysError, match="No such file"):
        ReceiptKeys.load(tmp_path / "keys.json")
