"""The key folder: every secret of an installation, one small file each.

    master.key          wraps the keys of the users' key files in the ledger; after a rotation master-<n>.key
    token.key           turns users into tokens
    identity-<kid>.key  turns phone, document and credit-code numbers into tokens; one or two live, the highest
                        number makes tokens and both are compared with
    pass-<kid>.key      signs passes; several may live, the highest number signs and all verify
    checkpoint.pub/.key Ed25519: signs the checkpoints of the logs; auditors get the public half
    canary.key           vouches for canaries; the door checks it, the canary's own process signs
    operator.pub/.key   X25519: what is sealed to the operator (workers need only the public half)

Files hold hex text. Each is read when first asked for, so a service that only checks passes needs
only pass keys.
"""

import os
import re
import secrets
from functools import cached_property
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from synthgate.crypto.identities import IdentityKeys
from synthgate.crypto.masters import LocalMasters
from synthgate.crypto.passes import PassKeys

KEY_BYTES = 32
_NUMBERED = re.compile(r"(pass|identity|master)-([1-9][0-9]{0,8})\.key")
IDENTITY_KEYS_MAX = 2
MASTER_KEYS_MAX = 2
_FIRST = "put it back; `synthgate keys add-checkpoint` makes one where there never was any"
_MADE_BY_INIT = (
    "master.key", "token.key", "canary.key", "operator.key", "operator.pub",
    "checkpoint.key", "checkpoint.pub",
)  # fmt: skip


class KeyFolderError(Exception):
    """A key is missing, malformed or in the way; the sentence names the file and how to mend it."""


class KeyFolder:
    """Reads keys from ``path``. Raises KeyFolderError, at first use of a key, when it is not there
    or not whole.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def init(cls, path: Path) -> Self:
        """Create a folder (0700) with one fresh key of each kind (0600). Never touches a key that
        exists.
        """
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            there = sorted(path.iterdir())
        except OSError as error:
            raise KeyFolderError(f"cannot make the key folder {path}: {error.strerror}") from error
        for found in there:
            if found.name in _MADE_BY_INIT or _NUMBERED.fullmatch(found.name):
                raise KeyFolderError(
                    f"{found} exists and keys are never overwritten: "
                    f"choose another folder, or move this one away first"
                )
        folder = cls(path)
        private = X25519PrivateKey.generate()
        folder._write("master.key", secrets.token_bytes(KEY_BYTES))
        folder._write("token.key", secrets.token_bytes(KEY_BYTES))
        folder.add_canary_key()
        folder._write("operator.key", private.private_bytes_raw())
        folder._write("operator.pub", private.public_key().public_bytes_raw())
        folder.add_checkpoint_key()
        folder.add_pass_key()
        folder.add_identity_key()
        return folder

    def add_pass_key(self) -> str:
        """Create the next pass key and return its id. It signs from the next reading of the folder
        on.
        """
        return self._add("pass")

    def add_identity_key(self) -> str:
        """Create the next identity key and return its id. Raises KeyFolderError if two live already."""
        kids = sorted(self._kids("identity"), key=int)
        if len(kids) >= IDENTITY_KEYS_MAX:
            raise KeyFolderError(
                f"{len(kids)} identity keys live in {self.path}: once no record bears a token of it,"
                f" move identity-{kids[0]}.key away, then add the next"
            )
        return self._add("identity")

    def add_checkpoint_key(self) -> None:
        """Create the key that signs checkpoints, where an older installation has none."""
        private = Ed25519PrivateKey.generate()
        self._write("checkpoint.key", private.private_bytes_raw())
        self._write("checkpoint.pub", private.public_key().public_bytes_raw())

    def add_canary_key(self) -> None:
        """Make the canary key, for an installation older than canaries. KeyFolderError if it is there."""
        if (self.path / "canary.key").exists():
            raise KeyFolderError(
                f"{self.path / 'canary.key'} exists and keys are never overwritten"
            )
        self._write("canary.key", secrets.token_bytes(KEY_BYTES))

    @cached_property
    def canary_key(self) -> bytes | None:
        """32 bytes that vouch for canaries; None where there is no such file: no canary is believed."""
        return self._read("canary.key") if (self.path / "canary.key").exists() else None

    def add_master_key(self) -> str:
        """Create the next master key and return its file's name. KeyFolderError if two live already."""
        there = self._master_names()
        if len(there) >= MASTER_KEYS_MAX:
            raise KeyFolderError(
                f"{' and '.join(there)} live in {self.path}: `synthgate keys rotate`, then move {there[0]} away"
            )
        name = f"master-{max(map(int, self._kids('master')), default=1) + 1}.key"
        self._write(name, secrets.token_bytes(KEY_BYTES))
        return name

    @cached_property
    def master_keys(self) -> dict[str, bytes]:
        """File name to key: they wrap the keys of the users' key files, the last one from now on."""
        names = self._master_names() or ["master.key"]
        return {name: self._read(name) for name in names}

    @property
    def master_key(self) -> bytes:
        """The master key that wraps from now on."""
        return list(self.master_keys.values())[-1]

    @cached_property
    def masters(self) -> LocalMasters:
        """All master keys here."""
        return LocalMasters(list(self.master_keys.values()))

    @property
    def has_master(self) -> bool:
        """Whether a master key lies here at all; with a KMS none need."""
        return bool(self._master_names())

    def _master_names(self) -> list[str]:
        first = ["master.key"] if (self.path / "master.key").exists() else []
        return first + [f"master-{kid}.key" for kid in sorted(self._kids("master"), key=int)]

    @cached_property
    def token_key(self) -> bytes:
        """32 bytes under which users become tokens."""
        return self._read("token.key")

    @cached_property
    def pass_keys(self) -> PassKeys:
        """All pass keys; the highest id signs."""
        keys = self._numbered("pass", _mend(self.path))
        return PassKeys(signing=max(keys, key=int), keys=keys)

    @cached_property
    def identity_keys(self) -> IdentityKeys:
        """The identity keys; the highest id makes tokens."""
        keys = self._numbered("identity", "`synthgate keys add-identity` makes one")
        return IdentityKeys(making=max(keys, key=int), keys=keys)

    @cached_property
    def checkpoint_private(self) -> bytes:
        """The raw Ed25519 private key that signs checkpoints: for who owns the logs."""
        return self._read("checkpoint.key", _FIRST)

    @cached_property
    def checkpoint_public(self) -> bytes:
        """The raw Ed25519 public key that checkpoints are checked with."""
        return self._read("checkpoint.pub", _FIRST)

    @cached_property
    def operator_public(self) -> bytes:
        """The raw X25519 public key that quarantined bytes are sealed to."""
        return self._read("operator.pub")

    @cached_property
    def operator_private(self) -> bytes:
        """The raw X25519 private key: for the operator's own tools; workers run without it."""
        return self._read("operator.key")

    def _add(self, kind: str) -> str:
        kid = str(max((int(kid) for kid in self._kids(kind)), default=0) + 1)
        self._write(f"{kind}-{kid}.key", secrets.token_bytes(KEY_BYTES))
        return kid

    def _numbered(self, kind: str, mend: str) -> dict[str, bytes]:
        kids = self._kids(kind)
        if not kids:
            raise KeyFolderError(f"no {kind}-<number>.key in {self.path}: {mend}")
        return {kid: self._read(f"{kind}-{kid}.key") for kid in kids}

    def _kids(self, kind: str) -> list[str]:
        try:
            names = [found.name for found in self.path.iterdir()]
        except OSError as error:
            raise KeyFolderError(
                f"cannot read the key folder {self.path} ({error.strerror}): {_mend(self.path)}"
            ) from error
        found = [match for name in names if (match := _NUMBERED.fullmatch(name))]
        return [match[2] for match in found if match[1] == kind]

    def _read(self, name: str, mend: str | None = None) -> bytes:
        path = self.path / name
        try:
            text = path.read_text("ascii").strip()
        except FileNotFoundError as error:
            raise KeyFolderError(f"no key file {path}: {mend or _mend(self.path)}") from error
        except (OSError, UnicodeDecodeError) as error:
            raise KeyFolderError(f"cannot read the key file {path}: {error}") from error
        if re.fullmatch(r"[0-9a-f]{64}", text) is None:
            raise KeyFolderError(
                f"{path} does not hold one key of {KEY_BYTES} bytes in lower-case hex: "
                f"put back the file as it was made (a new key cannot open what the old one closed)"
            )
        return bytes.fromhex(text)

    def _write(self, name: str, key: bytes) -> None:
        """A key file, whole or not there: a torn one would be taken for a key that was lost."""
        path = self.path / name
        part = self.path / f"{secrets.token_hex(8)}.tmp"
        try:
            fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(fd, "w", encoding="ascii") as file:
                    file.write(key.hex() + "\n")
                    file.flush()
                    os.fsync(file.fileno())
                os.link(part, path)
            finally:
                part.unlink()
            folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise KeyFolderError(f"cannot create the key file {path}: {error.strerror}") from error


def _mend(path: Path) -> str:
    return f"put back the installation's keys, or make a first set in {path}: `synthgate keys init`"
