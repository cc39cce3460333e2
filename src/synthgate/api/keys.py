"""Bearer keys: hashed, of one tenant, for named sources and acts, ending on a day.

One JSON file, replaced whole; every replica reads it again when it has changed, so a key taken back is refused
by the next request. A key is 256 random bits: its SHA-256 cannot be turned round, and no slow hash is needed.
"""

import fcntl
import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from synthgate.ledger.files import FileOps

SCOPES: Final = ("events", "decisions", "complaints", "labels")
"""What a key may be for: sending events, reading decisions, handing in complaints, checking labels."""
RATE_DEFAULT: Final = 50.0
DAY_MS: Final = 86_400_000
_FORM: Final = re.compile(r"sgk_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")


class KeyFileError(Exception):
    """The file of keys is damaged or cannot be read: nobody is let in until it is mended."""


@dataclass(frozen=True, slots=True)
class Key:
    """Whom a key lets in. sources: CloudEvents sources it speaks for. rate: events a second, per replica.

    expires_at, revoked_at: Unix ms.
    """

    id: str
    tenant: str
    sources: tuple[str, ...]
    scopes: frozenset[str]
    sha256: str
    made_at: int
    expires_at: int
    rate: float
    by: str
    revoked_at: int | None = None

    def row(self) -> dict[str, Any]:
        """As it stands in the file, and as it is listed: the secret is in neither."""
        return {
            "id": self.id, "tenant": self.tenant, "sources": list(self.sources),
            "scopes": sorted(self.scopes), "sha256": self.sha256, "made_at": self.made_at,
            "expires_at": self.expires_at, "rate": self.rate, "by": self.by,
            "revoked_at": self.revoked_at,
        }  # fmt: skip

    @classmethod
    def of(cls, row: dict[str, Any]) -> "Key":
        """Read a row. ValueError, KeyError, TypeError: it is none."""
        scopes = frozenset(row["scopes"])
        if not scopes <= set(SCOPES) or not row["sources"] or not row["tenant"]:
            raise ValueError("scopes, sources or tenant")
        revoked_at = row["revoked_at"]
        return cls(
            str(row["id"]), str(row["tenant"]), tuple(map(str, row["sources"])), scopes,
            str(row["sha256"]), int(row["made_at"]), int(row["expires_at"]), float(row["rate"]),
            str(row["by"]), None if revoked_at is None else int(revoked_at),
        )  # fmt: skip


class KeyFile:
    """The keys of an installation. Every method may raise KeyFileError."""

    def __init__(self, path: Path, ops: FileOps | None = None) -> None:
        self.path = path
        self._ops = ops or FileOps()
        self._seen: tuple[int, int, int] | None = None
        self._keys: dict[str, Key] = {}

    def all(self) -> dict[str, Key]:
        """Every key by its id, those that let nobody in among them; read anew if the file has changed."""
        try:
            about = self.path.stat()
        except FileNotFoundError:
            self._seen, self._keys = None, {}
            return {}
        except OSError as error:
            raise KeyFileError(f"{self.path}: {error.strerror}") from None
        seen = (about.st_mtime_ns, about.st_size, about.st_ino)
        if seen != self._seen:
            self._keys = self._read()
            self._seen = seen
        return self._keys

    def holder(self, presented: str, now_ms: int) -> Key | None:
        """Whom this bearer token lets in now, if anybody."""
        form = _FORM.fullmatch(presented)
        key = None if form is None else self.all().get(form[1])
        told = hashlib.sha256(presented.encode()).hexdigest()
        # Compared also where there is no such key, so that an id cannot be found by the time it takes.
        same = hmac.compare_digest(told, key.sha256 if key is not None else "0" * 64)
        if key is None or not same or key.revoked_at is not None or key.expires_at <= now_ms:
            return None
        return key

    def make(
        self,
        *,
        tenant: str,
        sources: Sequence[str],
        scopes: Iterable[str],
        days: int,
        by: str,
        now_ms: int,
        rate: float = RATE_DEFAULT,
    ) -> tuple[Key, str]:
        """A new key, durably in the file, and the secret, which is nowhere but in what this returns."""
        id_ = secrets.token_hex(6)
        secret = f"sgk_{id_}_{secrets.token_urlsafe(32)}"
        key = Key(
            id_, tenant, tuple(sources), frozenset(scopes), hashlib.sha256(secret.encode()).hexdigest(),
            now_ms, now_ms + days * DAY_MS, rate, by,
        )  # fmt: skip
        with self._alone():
            self._replace([*self.all().values(), key])
        return key, secret

    def revoke(self, id_: str, now_ms: int) -> Key:
        """Take a key back. KeyError: there is none of this id."""
        with self._alone():
            keys = dict(self.all())
            row = keys[id_].row()
            keys[id_] = Key.of({**row, "revoked_at": row["revoked_at"] or now_ms})
            self._replace(keys.values())
        return keys[id_]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One change at a time on this machine: else who makes a key could bring a revoked one back."""
        try:
            self._ops.make_folder(self.path.parent)
            fd = os.open(
                self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
        except OSError as error:
            raise KeyFileError(f"{self.path}: {error.strerror}") from None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def _read(self) -> dict[str, Key]:
        try:
            rows = [Key.of(row) for row in json.loads(self.path.read_bytes())]
        except OSError as error:
            raise KeyFileError(f"{self.path}: {error.strerror}") from None
        except (ValueError, TypeError, KeyError, AttributeError):
            raise KeyFileError(
                f"{self.path} is no list of keys: mend it; nobody is let in"
            ) from None
        return {key.id: key for key in rows}

    def _replace(self, keys: Iterable[Key]) -> None:
        data = json.dumps([key.row() for key in keys], ensure_ascii=False, indent=1).encode()
        temporary = self.path.with_suffix(f".{secrets.token_hex(4)}.tmp")
        try:
            self._ops.write_whole(temporary, data)
            self._ops.rename(temporary, self.path)
            self._ops.sync_folder(self.path.parent)
        except OSError as error:
            raise KeyFileError(f"{self.path}: {error.strerror}") from None
        finally:
            temporary.unlink(missing_ok=True)
