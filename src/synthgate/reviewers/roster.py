"""Which services review what: the file that setting ``scorers`` names, read once and checked whole."""

import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from synthgate.events.models import Aspect, Medium, Name
from synthgate.settings import Settings, SettingsError


class Scorer(BaseModel):
    """One service, as configured. Units last.

    url: where batches are sent (see http_scorer). covers: what of a file it looks at; an answer may say less,
    never more. token_env: name of the environment variable with its bearer token. max_bytes: larger files are
    sent by name and hash alone; of these only what an answer itself names counts as looked at.
    """

    model_config = ConfigDict(strict=False, frozen=True, extra="forbid")

    name: Name
    url: str
    media: Annotated[frozenset[Medium], Field(min_length=1)]
    covers: tuple[Aspect, ...] = ()
    token_env: str | None = None
    timeout_s: float = Field(2.0, gt=0, le=10)
    tries: int = Field(2, ge=1, le=5)
    per_second: float = Field(50.0, gt=0)
    at_once: int = Field(4, ge=1, le=64)
    batch_items: int = Field(16, ge=1, le=256)
    max_bytes: int = Field(4_194_304, ge=0)
    keep_entries: int = Field(50_000, ge=0)
    keep_s: float = Field(3600.0, ge=0)
    breaker_failures: int = Field(5, ge=1)
    breaker_open_s: float = Field(5.0, gt=0)

    @model_validator(mode="after")
    def _whole(self) -> "Scorer":
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise ValueError("url must be http(s)://host[:port]/path, without a user")
        if self.token_env is not None and parts.scheme != "https" and not _loopback(parts.hostname):
            raise ValueError("a token is sent over https only")
        if self.media != {"text"} and not self.covers:
            raise ValueError("covers must say what of a file it looks at")
        return self


def roster(settings: Settings) -> tuple[Scorer, ...]:
    """The services of these settings. Raises as ``load_roster``."""
    return load_roster(Path(settings.scorers) if settings.scorers else None)


def scored_media(scorers: Iterable[Scorer]) -> frozenset[str]:
    """Media somebody scores: what has one goes by the slow lane."""
    return frozenset().union(*(scorer.media for scorer in scorers))


def load_roster(path: Path | None, environ: Mapping[str, str] | None = None) -> tuple[Scorer, ...]:
    """The services of a file; none without one.

    Raises:
        SettingsError: unreadable, unknown or wrong, or a token that is not there; it says where.
    """
    if path is None:
        return ()
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"scorers file {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"scorers file {path}: {error}") from None
    listed = rows.pop("scorer", [])
    if rows or not isinstance(listed, list) or not listed:
        raise SettingsError(f"scorers file {path}: it holds [[scorer]] tables and nothing else")
    found = tuple(_scorer(path, number, row) for number, row in enumerate(listed, 1))
    names = [scorer.name for scorer in found]
    for name in names:
        if names.count(name) > 1:
            raise SettingsError(f"scorers file {path}: two scorers are named {name!r}")
    for scorer in found:
        if scorer.token_env is not None and not token_of(scorer, environ):
            raise SettingsError(
                f"scorers file {path}: scorer {scorer.name!r}: environment variable"
                f" {scorer.token_env} is not set"
            )
    return found


def token_of(scorer: Scorer, environ: Mapping[str, str] | None = None) -> str | None:
    """The bearer token of a service, if it needs one."""
    held = os.environ if environ is None else environ
    return None if scorer.token_env is None else held.get(scorer.token_env)


def _scorer(path: Path, number: int, row: object) -> Scorer:
    try:
        return Scorer.model_validate(row)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "it"
        said = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"scorers file {path}: scorer {number}: {where}: {said}") from None


def _loopback(host: str) -> bool:
    return host in ("127.0.0.1", "::1", "localhost")
