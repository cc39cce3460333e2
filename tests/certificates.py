"""Certificates made for a test: an authority, what it signs, and a key for bearer tokens."""

import base64
import datetime
import ipaddress
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from synthgate.broker.guard import AUDIENCE, ISSUER

DAY = datetime.timedelta(days=1)
PLAIN = serialization.NoEncryption()


def _pem(key: Any, encryption: Any = PLAIN) -> bytes:
    return bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


class Authority:
    """Signs certificates; ``file`` is its own."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        self.file = folder / f"{name}.pem"
        made = self._sign(self._name, self._key.public_key(), authority=True)
        self.file.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def _sign(self, name: x509.Name, key: Any, *, authority: bool) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + DAY)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if not authority:
            here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
            builder = builder.add_extension(x509.SubjectAlternativeName([here]), critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def sign(self, name: str, password: bytes | None = None) -> tuple[Path, Path]:
        """Certificate and key files of something on 127.0.0.1."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._sign(_named(name), key.public_key(), authority=False)
        certificate, secret = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        sealed = PLAIN if password is None else serialization.BestAvailableEncryption(password)
        secret.write_bytes(_pem(key, sealed))
        return certificate, secret

    def sign_in_one(self, name: str) -> Path:
        """Key and certificate in one file, as Kafka reads a PEM key store."""
        certificate, key = self.sign(name)
        both = self._folder / f"{name}.both.pem"
        both.write_bytes(key.read_bytes() + certificate.read_bytes())
        return both


@dataclass
class Issuer:
    """Signs bearer tokens (RS256); ``keys`` is its JWKS file."""

    keys: Path

    def __post_init__(self) -> None:
        self._key = rsa.generate_private_key(65537, 2048)
        numbers = self._key.public_key().public_numbers()
        row = {
            "kty": "RSA", "kid": "test", "alg": "RS256", "use": "sig",
            "n": _b64(numbers.n.to_bytes(256, "big")), "e": _b64(numbers.e.to_bytes(3, "big")),
        }  # fmt: skip
        self.keys.write_text(json.dumps({"keys": [row]}))

    def token(self, user: str, seconds: int = 3600) -> str:
        """A token for a user, good for so long."""
        now = int(datetime.datetime.now(datetime.UTC).timestamp())
        claims = {
            "sub": user,
            "aud": AUDIENCE,
            "iss": ISSUER,
            "iat": now,
            "exp": now + seconds,
            "scope": "k",
        }
        head = {"alg": "RS256", "kid": "test"}
        signed = f"{_b64(json.dumps(head).encode())}.{_b64(json.dumps(claims).encode())}"
        mac = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_b64(mac)}"


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
