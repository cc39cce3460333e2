"""The operator's certificates that manifests are signed with, checked before the first file.

A chain of the C2PA kind: leaf first, no certificate of an authority, for signing claims or documents; its key
beside it. That its authority is trusted by whoever reads is between the operator and the C2PA trust list.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from synthgate.effects.provenance import library
from synthgate.settings import Settings, SettingsError

_CLAIM_SIGNING: Final = ObjectIdentifier("1.3.6.1.4.1.62558.2.1")
_PURPOSES: Final = (ExtendedKeyUsageOID.EMAIL_PROTECTION, _CLAIM_SIGNING)
_CURVES: Final = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
_RSA_BITS_LEAST: Final = 2048


@dataclass(frozen=True, slots=True)
class Signer:
    """chain, key, roots: PEM. algorithm: as C2PA names it. Without roots, only integrity is verified."""

    chain: bytes
    key: bytes = field(repr=False)
    algorithm: str = ""
    roots: bytes = b""

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """The signer of these settings; None if they name none.

        Raises:
            SettingsError: half of it is missing, a file is wrong, or the extra is not installed.
        """
        paths = (settings.c2pa_chain, settings.c2pa_key)
        if not any(paths):
            if settings.c2pa_roots:
                raise SettingsError("c2pa_roots is set without c2pa_chain and c2pa_key")
            return None
        if not all(paths):
            raise SettingsError("c2pa_chain and c2pa_key belong together: one of them is not set")
        if not library.installed():
            raise SettingsError(f"c2pa_chain is set, and {library.ABSENT}")
        chain, key = _read("c2pa_chain", paths[0]), _read("c2pa_key", paths[1])
        roots = _read("c2pa_roots", settings.c2pa_roots) if settings.c2pa_roots else b""
        if roots:
            _certificates("c2pa_roots", roots)
        return cls(chain, key, _checked(_certificates("c2pa_chain", chain)[0], key), roots)


def _read(name: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise SettingsError(f"{name} {path}: {error.strerror}") from None


def _certificates(name: str, pem: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise SettingsError(f"{name}: no certificates in PEM form") from None


def _checked(leaf: x509.Certificate, pem: bytes) -> str:
    """The algorithm of the key, which must be the leaf's, of a leaf that may sign."""
    try:
        key = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError):
        raise SettingsError("c2pa_key: no private key in PEM form, without a password") from None
    if _public(key.public_key()) != _public(leaf.public_key()):
        raise SettingsError("c2pa_key is not the key of the first certificate of c2pa_chain")
    if why := next(_unfit(leaf), None):
        raise SettingsError(f"c2pa_chain: its first certificate {why}")
    algorithm = _algorithm(key)
    if algorithm is None:
        raise SettingsError("c2pa_key: EC on P-256, P-384 or P-521, Ed25519, or RSA of 2,048 bits")
    return algorithm


def _public(key: object) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.DER, form)  # type: ignore[attr-defined, no-any-return]


def _unfit(leaf: x509.Certificate) -> Iterator[str]:
    """Why a certificate may not sign manifests (C2PA 14.5.1)."""
    found = {one.oid: one.value for one in leaf.extensions}
    basic = found.get(x509.BasicConstraints.oid)
    if isinstance(basic, x509.BasicConstraints) and basic.ca:
        yield "is an authority's"
    usage = found.get(x509.KeyUsage.oid)
    if not (isinstance(usage, x509.KeyUsage) and usage.digital_signature):
        yield "is not for signatures"
    purposes = found.get(x509.ExtendedKeyUsage.oid)
    if not (
        isinstance(purposes, x509.ExtendedKeyUsage) and any(one in _PURPOSES for one in purposes)
    ):
        yield "is neither for signing claims nor for protecting e-mail"
    if leaf.issuer == leaf.subject:
        yield "is signed by itself"


def _algorithm(key: PrivateKeyTypes) -> str | None:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return _CURVES.get(key.curve.name)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= _RSA_BITS_LEAST:
        return "ps256"
    return None
