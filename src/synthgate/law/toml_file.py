"""Reading a law file: TOML in, a strict model out, every error naming file and entry."""

import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError


class LawError(ValueError):
    """The law files are wrong, or were asked something they do not answer; the message says which and what."""


class LawModel(BaseModel):
    """What every law model is: closed and frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


Model = TypeVar("Model", bound=BaseModel)


def read_toml(path: Path) -> dict[str, Any]:
    """The file as a table.

    Raises:
        LawError: unreadable, not UTF-8 or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LawError(f"{path.name}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LawError(f"{path.name}: {error}") from None


def build(model: type[Model], table: object, where: str) -> Model:
    """Validate one table.

    Raises:
        LawError: naming ``where`` and the first wrong or unknown key.
    """
    try:
        return model.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "(whole entry)"
        raise LawError(f"{where}: {key}: {first['msg']}, got {first['input']!r}") from None


def take(table: dict[str, Any], key: str, where: str) -> list[dict[str, Any]]:
    """Remove and return a list of tables; ``table`` keeps the rest.

    Raises:
        LawError: it is not a list of tables.
    """
    rows = table.pop(key, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise LawError(f"{where}: {key} must be written as [[{key}]] tables")
    return rows
