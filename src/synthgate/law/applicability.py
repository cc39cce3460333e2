"""Which duty looks at which event: every product of type, role, medium and duty, each with its article."""

from collections.abc import Iterable, Mapping
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import Field

from synthgate.events.models import Medium, Role
from synthgate.events.topics import DUTIES
from synthgate.events.types import CHAIN_TYPES
from synthgate.law.toml_file import LawError, LawModel, build, read_toml, take

ROLES: Final[tuple[str, ...]] = get_args(Role)
MEDIA: Final[tuple[str, ...]] = (*get_args(Medium), "none")
Key = tuple[str, str, str, str]
"""Event type, role, medium, duty."""

Names = Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
_ALL: tuple[str, ...] = ("*",)


class Cell(LawModel):
    """One row: whether the duty looks, and by which article. ``id`` is what not_applicable cites."""

    id: str
    applies: bool
    article: str


class _CellRow(LawModel):
    id: Annotated[str, Field(pattern=r"^[a-z_]+\.[a-z_]+$")]
    duty: Literal["identity", "consent", "moderation", "labelling", "retention", "incidents"]
    types: Names
    roles: Names = _ALL
    media: Names = _ALL
    applies: bool
    article: Annotated[str, Field(min_length=1)]
    why: Annotated[str, Field(min_length=1)]
    binds: str = ""
    """Article that binds another party: what lets roles or media differ."""


def load_cells(path: Path) -> dict[Key, Cell]:
    """Read the file and expand it to the whole product.

    Raises:
        LawError: a wrong row, a product that two rows or none match, a claim that switches a duty off.
    """
    table = read_toml(path)
    rows = take(table, "cell", path.name)
    groups = table.pop("groups", {})
    if table:
        raise LawError(f"{path.name}: unknown key {next(iter(table))}")
    _check_groups(path.name, groups)
    cells: dict[Key, Cell] = {}
    narrowed: set[str] = set()
    seen: set[str] = set()
    for number, entry in enumerate(rows):
        where = f"{path.name}: cell {number + 1} ({entry.get('id', 'no id')})"
        row = build(_CellRow, entry, where)
        if row.id in seen:
            raise LawError(f"{where}: the id is taken")
        seen.add(row.id)
        if row.binds:
            narrowed.add(row.id)
        _fill(cells, row, groups, where)
    _complete(path.name, cells)
    _refuse_escapes(path.name, cells, narrowed)
    return cells


def _fill(
    cells: dict[Key, Cell], row: _CellRow, groups: Mapping[str, list[str]], where: str
) -> None:
    cell = Cell(id=row.id, applies=row.applies, article=row.article)
    types = _expand(row.types, CHAIN_TYPES, groups, f"{where}: types")
    roles = _expand(row.roles, ROLES, {}, f"{where}: roles")
    media = _expand(row.media, MEDIA, {}, f"{where}: media")
    for key in product(types, roles, media, (row.duty,)):
        if key in cells:
            raise LawError(f"{where}: {' x '.join(key)} is already in {cells[key].id}")
        cells[key] = cell


def _expand(
    names: Iterable[str], known: tuple[str, ...], groups: Mapping[str, list[str]], where: str
) -> list[str]:
    found: list[str] = []
    for name in names:
        if name == "*":
            found.extend(known)
        elif name.startswith("@"):
            if name[1:] not in groups:
                raise LawError(f"{where}: no group {name}")
            found.extend(groups[name[1:]])
        elif name in known:
            found.append(name)
        else:
            raise LawError(f"{where}: {name!r} is not known")
    return found


def _check_groups(file: str, groups: Any) -> None:
    if not isinstance(groups, dict):
        raise LawError(f"{file}: groups must be a table of lists")
    for group, names in groups.items():
        if not isinstance(names, list):
            raise LawError(f"{file}: group {group} must be a list of event types")
        for name in names:
            if name not in CHAIN_TYPES:
                raise LawError(f"{file}: group {group}: {name!r} is not an event type of the chain")


def _complete(file: str, cells: Mapping[Key, Cell]) -> None:
    for key in product(CHAIN_TYPES, ROLES, MEDIA, DUTIES):
        if key not in cells:
            raise LawError(f"{file}: no cell for {' x '.join(key)}")


def _refuse_escapes(file: str, cells: Mapping[Key, Cell], narrowed: set[str]) -> None:
    """Role and medium are claims: where they differ in a duty, an article must bind another party."""
    for event_type, duty in product(CHAIN_TYPES, DUTIES):
        found = [cells[event_type, role, medium, duty] for role, medium in product(ROLES, MEDIA)]
        if not any(cell.applies for cell in found):
            continue
        for cell in found:
            if not cell.applies and cell.id not in narrowed:
                raise LawError(
                    f"{file}: {cell.id}: a claim of role or medium would switch {duty} off for"
                    f" {event_type}; name the article that binds another party in `binds`"
                )
