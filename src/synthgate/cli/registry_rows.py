"""Rows of a platform's export, CSV or JSON Lines, as the records an import sends.

A CSV names its columns in the first line; lists are parted by ``|``, an empty cell is a member left out, a cell
that begins with ``{`` or ``[`` is JSON. Both forms know the members of the models by their names, with ``user``
for the platform's id of a person.
"""

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, get_args

import orjson
from pydantic import BaseModel

from synthgate.cli.produce import Line, line_from
from synthgate.client.build import rfc3339
from synthgate.client.errors import EventError
from synthgate.events import models
from synthgate.events.event import time_ms
from synthgate.events.facts import ROWS
from synthgate.events.plain_identity import holds_plain_identity
from synthgate.events.wire import Malformed, admit

SOURCE: Final = "synthgate-import"


class Kind(NamedTuple):
    """What an import makes of a row: an event of a person, or a row of a registry. of_all: no tenant's own."""

    model: type[BaseModel]
    event: str | None = None
    topic: str | None = None
    of_all: bool = False


KINDS: Final[Mapping[str, Kind]] = {
    "users": Kind(models.IdentityVerified, event="identity.verified"),
    "terms": Kind(models.TermsAccepted, event="terms.accepted"),
    "consents": Kind(ROWS["facts.consents"], topic="facts.consents"),
    "templates": Kind(ROWS["facts.templates"], topic="facts.templates"),
    "news-sources": Kind(ROWS["facts.news_sources"], topic="facts.news_sources", of_all=True),
}


class BadRowError(ValueError):
    """What is wrong with a row; never what it holds."""


class Numbered(NamedTuple):
    """One row by the line it begins on (the last one of a CSV row), or what is wrong with it."""

    line: int
    row: dict[str, Any]
    fault: str = ""


def read(path: Path, kind: Kind) -> Iterator[Numbered]:
    """Every row of a file; ``.csv`` is CSV, all else JSON Lines."""
    yield from _csv(path, kind) if path.suffix.lower() == ".csv" else _json_lines(path)


def _json_lines(path: Path) -> Iterator[Numbered]:
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            if not raw.strip():
                continue
            try:
                yield Numbered(number, admit(raw.strip()))
            except Malformed as fault:
                yield Numbered(number, {}, str(fault))


def _csv(path: Path, kind: Kind) -> Iterator[Numbered]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as error:
                yield Numbered(reader.reader.line_num, {}, f"no CSV: {error}")
                continue
            if cells is None:
                return
            try:
                yield Numbered(reader.line_num, _members(cells, kind.model))
            except ValueError as error:
                yield Numbered(reader.line_num, {}, str(error))


def _members(cells: Mapping[Any, Any], model: type[BaseModel]) -> dict[str, Any]:
    if None in cells or None in cells.values():
        raise BadRowError("more or fewer cells than the first line names")
    members = {}
    for name, cell in cells.items():
        if not cell.isprintable() and any("\ud800" <= c <= "\udfff" for c in cell):
            raise BadRowError(f"/{name}: not UTF-8")
        if cell != "":
            members[name] = _value(name, cell, model)
    return members


def _value(name: str, cell: str, model: type[BaseModel]) -> Any:
    field = model.model_fields.get(name)
    kinds = () if field is None else tuple(_kinds(field.annotation))
    if cell[0] in "{[" and (dict in kinds or list in kinds):
        try:
            return json.loads(cell)
        except ValueError:
            raise BadRowError(f"/{name}: no JSON") from None
    if list in kinds:
        return cell.split("|")
    if bool in kinds:
        if cell.lower() not in ("true", "false"):
            raise BadRowError(f"/{name}: true or false")
        return cell.lower() == "true"
    if int in kinds:
        if not cell.lstrip("-").isdecimal():
            raise BadRowError(f"/{name}: a whole number")
        return int(cell)
    return cell


def _kinds(annotation: Any) -> Iterator[type]:
    """list, dict (an object), bool, int or str: what a member may be."""
    origin = getattr(annotation, "__origin__", annotation)
    if origin is list:
        yield list
    elif isinstance(origin, type):
        yield dict if issubclass(origin, BaseModel) else origin
    elif isinstance(origin, type(None)):
        return
    for part in get_args(annotation):
        if origin is not list:
            yield from _kinds(type(part) if isinstance(part, str | int) else part)


def record(kind: Kind, tenant: str, row: Mapping[str, Any], now_ms: int) -> Line:
    """The record a row becomes; the same row says the same, whenever it is sent. tenant: ``""`` if of all.

    Raises:
        BadRowError: what the door or the registry would refuse.
    """
    if kind.event is None:
        owner = {} if kind.of_all else {"tenant": tenant}
        data = {**owner, "version": _version(row, now_ms), **row}
        made: dict[str, Any] = {"topic": kind.topic, "data": data}
    else:
        told = orjson.dumps(row, option=orjson.OPT_SORT_KEYS)
        digest = hashlib.sha256(told).hexdigest()[:24]
        members = {name: value for name, value in row.items() if name != "user"}
        made = {
            "type": kind.event, "id": f"import-{digest}-{now_ms}", "source": SOURCE, "time": rfc3339(now_ms),
            "data": {**members, "tenant": tenant, "user": {"id": row.get("user")}},
        }  # fmt: skip
    if kind.event is None and not kind.of_all and made["data"]["tenant"] != tenant:
        raise BadRowError("/tenant: not the tenant of this import")
    try:
        line = line_from(made)
    except EventError as error:
        raise BadRowError(str(error)) from None
    except ValueError as error:
        raise BadRowError(str(error)) from None
    if holds_plain_identity(f"{line.key.decode()} {line.value.decode()}"):
        raise BadRowError("a plain phone, identity, card or credit-code number: send tokens")
    return line


def _version(row: Mapping[str, Any], now_ms: int) -> int:
    """Of a consent without one: when it was given, so that an import repeated changes nothing."""
    try:
        return time_ms(row["granted_at"])
    except (KeyError, TypeError, ValueError):
        return now_ms
