"""A platform's export beside what the registry topics hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from synthgate.cli.positions import records
from synthgate.cli.registry_rows import BadRowError, Kind, read, record
from synthgate.registries import Registries
from synthgate.settings import Settings

NAMED_MAX: Final = 100


@dataclass(slots=True)
class Found:
    """Counts, and the first differences by line of the export or by key here."""

    same: int = 0
    missing: int = 0
    differing: int = 0
    alone: int = 0
    bad: int = 0
    named: list[tuple[str, str]] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        """Whether nothing has to be mended."""
        return not (self.missing or self.differing or self.alone or self.bad)

    def name(self, what: str, where: str) -> None:
        """One difference; beyond the first hundred only counted."""
        if len(self.named) < NAMED_MAX:
            self.named.append((what, where))


async def compare(settings: Settings, path: Path, kind: Kind, tenant: str) -> Found:
    """Read the registry whole, then the export row by row. Versions are not compared, contents are."""
    topic = kind.topic or "registry.users"
    registries = Registries([topic])
    async for one in records(settings, topic, whole=True, follow=False):
        registries.apply(topic, one.partition, one.offset, one.key, one.value)
    found, met = Found(), set[str]()
    for line, row, fault in read(path, kind):
        try:
            if fault:
                raise BadRowError(fault)
            made = record(kind, tenant, row, 0)
        except BadRowError as error:
            found.bad += 1
            found.name("bad", f"line {line}: {error}")
            continue
        key = made.key.decode()
        met.add(key)
        held = registries.tables[topic].permitted(key)
        if held is None:
            found.missing += 1
            found.name("missing", f"line {line}")
        elif _same(kind, held, orjson.loads(made.value)):
            found.same += 1
        else:
            found.differing += 1
            found.name("differs", f"line {line}")
    ours = "" if kind.of_all else f"{tenant}/"
    for key in sorted(key for key, _ in registries.tables[topic].pairs()):
        if key.startswith(ours) and key not in met:
            found.alone += 1
            found.name("alone", key)
    return found


def _same(kind: Kind, held: Any, told: Mapping[str, Any]) -> bool:
    if kind.event is None:
        ours = held.model_dump(mode="json")
        return {**ours, "version": 0} == {**told, "version": 0}
    if kind.event == "terms.accepted":
        wanted = ("terms.accepted", told["terms_version"])
        return any((fact.type, fact.value) == wanted for fact in held.facts)
    wanted_now = (told["method"], told.get("age_band", "unknown"), told.get("guardian"))
    verified = [fact for fact in held.facts if fact.type == kind.event]
    return bool(verified) and (
        verified[-1].value, verified[-1].age_band, verified[-1].guardian
    ) == wanted_now  # fmt: skip
