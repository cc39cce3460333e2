"""Which rules a deciding file covers, and which tests name them.

Read from the duties' own OBLIGATION records, found by name: law lies below the duties and never imports one
to decide anything; this is bookkeeping for people.
"""

import importlib
import pkgutil
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Annotated, Final, Literal, Self, get_args

from pydantic import Field, model_validator

from synthgate.events.types import EVENT_TYPES
from synthgate.law.toml_file import LawModel, build, read_toml

FILE: Final = Path(__file__).parent / "coverage.toml"
ROOT: Final = Path(__file__).parents[3]
"""The repository, when we run from it; the installed package has no tests to look at."""

Area = Literal["identity and consent", "moderation", "labelling", "ledger", "cases", "operations"]
AREAS: Final[tuple[str, ...]] = get_args(Area)
_DUTIES = "synthgate.obligations"


class Plan(LawModel):
    """The 84 obligations by area of work, and where their evidence lies."""

    every_event: Annotated[tuple[str, ...], Field(strict=False)] = ()
    areas: dict[Area, Annotated[tuple[str, ...], Field(min_length=1, strict=False)]]
    evidence: dict[str, str]

    @model_validator(mode="after")
    def _once(self) -> Self:
        listed = [rule for rules in self.areas.values() for rule in rules]
        twice = {rule for rule in listed if listed.count(rule) > 1}
        if twice:
            raise ValueError(f"listed twice: {', '.join(sorted(twice))}")
        for what, rules in (("evidence", self.evidence), ("every_event", self.every_event)):
            unknown = sorted(set(rules) - set(listed))
            if unknown:
                raise ValueError(f"{what} for no obligation: {', '.join(unknown)}")
        return self

    def rules(self) -> tuple[str, ...]:
        """All obligations, in a reader's order."""
        listed = [rule for rules in self.areas.values() for rule in rules]
        return tuple(sorted(listed, key=rule_order))

    def area(self, rule: str) -> str:
        """The area of work an obligation belongs to."""
        return next(area for area, rules in self.areas.items() if rule in rules)


_LAWS = ("DSP", "LBL", "GB", "PIPL", "MIN", "CSL", "INC", "NDR", "GAI")


def rule_order(rule: str) -> tuple[int, list[tuple[int, str]]]:
    """Sort key: the law, then article and number as numbers; house rules last, by name."""
    law, *parts = rule.split("-")
    place = _LAWS.index(law) if law in _LAWS else len(_LAWS)
    return place, [(int(part) if part.isdigit() else 0, part) for part in parts]


@lru_cache(maxsize=4)
def load_plan(path: Path = FILE) -> Plan:
    """The list of obligations.

    Raises:
        LawError: a rule listed twice, an unknown area, evidence for nothing.
    """
    return build(Plan, read_toml(path), path.name)


def deciders() -> dict[str, tuple[str, ...]]:
    """Rule id to the duties whose OBLIGATION claims it; duties that do not exist yet claim nothing.

    Of a duty that is a folder, the file whose RULES say so: ``labelling/taken_in``.
    """
    try:
        package = importlib.import_module(_DUTIES)
    except ModuleNotFoundError as error:
        if error.name != _DUTIES:
            raise
        return {}
    found: dict[str, list[str]] = {}
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{_DUTIES}.{info.name}")
        duty = getattr(module, "OBLIGATION", None)
        files: Mapping[str, list[str]] = _files(module) if info.ispkg else {}
        for rule in () if duty is None else duty.rules:
            found.setdefault(rule, []).extend(files.get(rule, [info.name]))
    return {rule: tuple(sorted(names)) for rule, names in found.items()}


def _files(package: ModuleType) -> dict[str, list[str]]:
    """Rule id to the files of a duty's folder that decide it."""
    folder = package.__name__.rpartition(".")[2]
    names = [info.name for info in pkgutil.iter_modules(package.__path__)]
    modules = {name: importlib.import_module(f"{package.__name__}.{name}") for name in names}
    found: dict[str, list[str]] = {}
    for name, module in modules.items():
        for rule in getattr(module, "RULES", ()):
            found.setdefault(rule, []).append(f"{folder}/{name}")
    return found


def triggers(rule: str) -> tuple[str, ...]:
    """Event types that trigger a rule."""
    return tuple(row.name for row in EVENT_TYPES if rule in row.rules)


def files_naming(rules: Iterable[str], root: Path = ROOT) -> dict[str, tuple[str, ...]]:
    """Rule id to the test files that name it, by path; tests of the law files themselves do not count."""
    wanted = set(rules)
    word = re.compile(r"[A-Z]{2,}(?:-\w+)+")
    found: dict[str, list[str]] = {rule: [] for rule in wanted}
    folder = root / "tests"
    for path in sorted(folder.rglob("test_*.py")) if folder.is_dir() else []:
        if path.relative_to(folder).parts[0] == "law":
            continue
        for rule in wanted & set(word.findall(path.read_text(encoding="utf-8"))):
            found[rule].append(path.relative_to(root).as_posix())
    return {rule: tuple(paths) for rule, paths in found.items()}


def uncovered(in_force: Iterable[str], decided: Mapping[str, object]) -> tuple[str, ...]:
    """Obligations in force that no deciding file claims."""
    listed = set(load_plan().rules())
    return tuple(sorted((r for r in in_force if r in listed and r not in decided), key=rule_order))
