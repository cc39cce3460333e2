"""Certificates are checked before the first file; what is wrong is said in words an operator can act on."""

import sys
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from effects.provenance.chains import laid, made, signer
from synthgate.effects.provenance import sample_chain
from synthgate.effects.provenance.signer import Signer, _algorithm
from synthgate.settings import Settings, SettingsError


def test_settings_that_name_none_give_none():
    assert Signer.of(Settings()) is None


def test_a_whole_chain_is_taken_and_its_key_is_never_shown(tmp_path):
    found = signer(tmp_path)
    assert found.algorithm == "es256"
    assert "PRIVATE" not in repr(found)


@pytest.mark.parametrize(
    ("drop", "words"),
    [
        (("c2pa_chain",), "belong together"), (("c2pa_key",), "belong together"),
        (("c2pa_chain", "c2pa_key"), "c2pa_roots is set without"),
    ],
)  # fmt: skip
def test_half_of_it_is_refused(drop, words, tmp_path):
    names = {name: path for name, path in laid(tmp_path).items() if name not in drop}
    with pytest.raises(SettingsError, match=words):
        Signer.of(Settings(**names))


def _self_signed() -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = sample_chain._certificate("root", key, "root", key, datetime.now(UTC), depth=None)
    return leaf.public_bytes(serialization.Encoding.PEM), _pem(key)


def _pem(key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _bare() -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    name = sample_chain._name
    bare = (
        x509.CertificateBuilder().subject_name(name("a")).issuer_name(name("b")).public_key(key.public_key())
        .serial_number(1).not_valid_before(now).not_valid_after(now).sign(key, hashes.SHA256())
    )  # fmt: skip
    return bare.public_bytes(serialization.Encoding.PEM), _pem(key)


@pytest.mark.parametrize(
    ("over", "words"),
    [
        (lambda: {"chain": b"nothing"}, "c2pa_chain: no certificates"),
        (lambda: {"roots": b"nothing"}, "c2pa_roots: no certificates"),
        (lambda: {"key": b"nothing"}, "c2pa_key: no private key"),
        (lambda: {"key": made(1)["key.pem"]}, "not the key of the first"),
        (lambda: dict(zip(("chain", "key"), _self_signed(), strict=True)), "signed by itself"),
        (lambda: dict(zip(("chain", "key"), _bare(), strict=True)), "not for signatures"),
    ],
)  # fmt: skip
def test_a_wrong_one_is_named(over, words, tmp_path):
    with pytest.raises(SettingsError, match=words):
        Signer.of(Settings(**laid(tmp_path, **over())))


def test_an_authoritys_certificate_may_not_sign(tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    own = sample_chain._certificate("a", key, "b", key, datetime.now(UTC), depth=0)
    chain = own.public_bytes(serialization.Encoding.PEM)
    with pytest.raises(SettingsError, match="an authority's"):
        Signer.of(Settings(**laid(tmp_path, chain=chain, key=_pem(key))))


def test_a_file_that_is_not_there_is_named(tmp_path):
    names = laid(tmp_path) | {"c2pa_key": str(tmp_path / "none.pem")}
    with pytest.raises(SettingsError, match=r"c2pa_key .*none\.pem: No such file"):
        Signer.of(Settings(**names))


def test_without_the_extra_a_worker_says_so_before_it_starts(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "c2pa", None)
    with pytest.raises(SettingsError, match="c2pa-python is not installed"):
        Signer.of(Settings(**laid(tmp_path)))


def test_keys_and_what_c2pa_calls_them():
    assert _algorithm(ec.generate_private_key(ec.SECP384R1())) == "es384"
    assert _algorithm(ed25519.Ed25519PrivateKey.generate()) == "ed25519"
    assert _algorithm(rsa.generate_private_key(65537, 2048)) == "ps256"
    assert _algorithm(ec.generate_private_key(ec.SECP256K1())) is None
