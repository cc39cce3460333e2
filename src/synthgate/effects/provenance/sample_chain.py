"""A chain of certificates to try manifests with: made here, trusted by nobody, named so that all see it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ORGANISATION: Final = "SAMPLE - NOT FOR PUBLICATION"
DAYS: Final = 365
_Key = ec.EllipticCurvePrivateKey


def make(now: datetime) -> Mapping[str, bytes]:
    """Files by name: ``roots.pem``, ``chain.pem`` (leaf, then intermediate) and ``key.pem``."""
    root, middle, leaf = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    chain = [
        _certificate("leaf", leaf, "intermediate", middle, now, depth=None),
        _certificate("intermediate", middle, "root", root, now, depth=0),
    ]
    return {
        "roots.pem": _pem(_certificate("root", root, "root", root, now, depth=1)),
        "chain.pem": b"".join(map(_pem, chain)),
        "key.pem": leaf.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    }


def _certificate(
    subject: str, own: _Key, issuer: str, issuer_key: _Key, now: datetime, *, depth: int | None
) -> x509.Certificate:
    """One certificate. depth: authorities that may stand below it; None: it is none itself."""
    authority = depth is not None
    usage = x509.KeyUsage(
        digital_signature=not authority, key_cert_sign=authority, crl_sign=authority,
        content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    public = own.public_key()
    issued_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    made = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=DAYS))
        .add_extension(x509.BasicConstraints(authority, depth), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(issued_by, critical=False)
    )
    if not authority:
        purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        made = made.add_extension(purpose, critical=False)
    return made.sign(issuer_key, hashes.SHA256())


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
