"""Cases of a mapping: records with what must become of each, run by ``synthgate map test``.

A JSON list. Each has a ``name``, a ``record`` (``value`` and if need be ``key``, ``headers``, ``at``) or a
``decision`` (with ``tenant`` and ``user``), and what it ``gives``: members of the event or reply,
``"ignored"``, or ``{"unmapped": "rule: member"}``. Members that a case does not name are not compared.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from synthgate.mapping.applied import UnmappedError, event, reply
from synthgate.mapping.file import Mapping, MappingError


class Result(NamedTuple):
    """What came of one case; faults: none if it came out as it must."""

    name: str
    faults: tuple[str, ...]


def run(mapping: Mapping, path: Path) -> list[Result]:
    """Every case of a file.

    Raises:
        MappingError: it is no file of cases.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return [Result(str(row["name"]), tuple(_faults(mapping, row))) for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, MappingError):
            raise
        raise MappingError(f"{path}: no list of cases ({type(error).__name__})") from None


def seen(row: dict[str, Any]) -> dict[str, Any]:
    """What expressions see of a case's record."""
    return {"key": None, "headers": {}, "at": 0, **row}


def of_decision(decision: Any, tenant: str | None, user: str | None) -> dict[str, Any]:
    """What expressions of a reply see."""
    return {"decision": decision, "tenant": tenant, "user": user}


def _faults(mapping: Mapping, row: dict[str, Any]) -> Iterator[str]:
    wanted = row["gives"]
    try:
        if "decision" in row:
            made = reply(mapping, of_decision(row["decision"], row.get("tenant"), row.get("user")))
        else:
            made = event(mapping, seen(row["record"]))
    except UnmappedError as error:
        if wanted != {"unmapped": error.at}:
            yield f"unmapped: {error}"
        return
    if made is None:
        if wanted != "ignored":
            yield "ignored"
        return
    if wanted == "ignored" or "unmapped" in wanted:
        yield f"mapped, by {made.rule}"
        return
    yield from _differences(wanted, made.row, "")


def _differences(wanted: Any, found: Any, at: str) -> Iterator[str]:
    """Where what was made is not what must be; the cases' own words are shown, for they are nobody's."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for name, inner in wanted.items():
            if name not in found:
                yield f"{at}/{name}: missing"
            else:
                yield from _differences(inner, found[name], f"{at}/{name}")
    elif wanted != found:
        said, asked = (json.dumps(one, ensure_ascii=False) for one in (found, wanted))
        yield f"{at or '/'}: {said}, not {asked}"
