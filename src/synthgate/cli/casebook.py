"""Cases as the commands see them: read from the topic, acted on through it, and what came of an act."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from synthgate.cli.errors import CommandError

if TYPE_CHECKING:
    from synthgate.client import Casework
    from synthgate.events.decision import CaseRow
    from synthgate.settings import Settings

ANSWER_S = 20.0
RETRY = 75
"""Exit code: try later."""


@dataclass(frozen=True, slots=True)
class Held:
    """A case as it is now, and where it lives."""

    row: "CaseRow"
    partition: int


@dataclass(slots=True)
class Casebook:
    """Every case by id."""

    cases: dict[str, Held] = field(default_factory=dict)

    def put(self, row: "CaseRow", partition: int) -> None:
        """Keep the newest."""
        held = self.cases.get(row.case)
        if held is None or row.version > held.row.version:
            self.cases[row.case] = Held(row, partition)

    def of(self, *kinds: str) -> Iterator[Held]:
        """Cases of these kinds, the oldest first."""
        held = [one for one in self.cases.values() if one.row.kind in kinds]
        yield from sorted(held, key=lambda one: (one.row.opened_at, one.row.case))

    def works(self, case: str) -> list["CaseRow"]:
        """Work of a case."""
        return [one.row for one in self.of("work") if one.row.cause == case]

    def named(self, name: str) -> Held:
        """A case by its id, or by an end of it that fits one alone.

        Raises:
            CommandError: none, or more than one.
        """
        if name in self.cases:
            return self.cases[name]
        found = [held for case, held in self.cases.items() if case.endswith(name)]
        if len(found) == 1:
            return found[0]
        if not found:
            raise CommandError(f"no case {name}; `synthgate case list` names those there are")
        some = ", ".join(held.row.case for held in found[:3])
        raise CommandError(f"{name} fits {len(found)} cases ({some}, …): write the whole id")


async def read(settings: "Settings") -> Casebook:
    """All cases as they are now."""
    from pydantic import ValidationError

    from synthgate.cli.positions import records
    from synthgate.events.decision import CaseRow

    book = Casebook()
    async for record in records(settings, "cases", whole=True, follow=False):
        if not record.value or record.key is None or record.key.startswith(b"_"):
            continue
        try:
            book.put(CaseRow.model_validate_json(record.value), record.partition)
        except ValidationError:
            continue
    return book


async def act(
    settings: "Settings",
    name: str,
    what: str,
    *,
    by: str,
    reason: str | None,
    detail: dict[str, Any],
) -> tuple["CaseRow", str | None]:
    """Act on a case; the case afterwards, and why it took nothing (None: it did).

    Raises:
        CommandError: no such case; no answer in time.
    """
    held = (await read(settings)).named(name)
    async with casework(settings, held.row.tenant) as said:
        row = held.row.model_dump(mode="json")
        placed = await said.act(row, held.partition, what, by=by, reason=reason, detail=detail)
    origin = f"{settings.epoch}/operator.events/{placed.partition}/{placed.offset}"
    return await _came(settings, held.row.case, f"{origin}#1", f"act/{origin}")


async def answer(
    settings: "Settings", held: Held, what: str, **said: Any
) -> tuple["CaseRow", str | None]:
    """Answer about a case or its work on case.events; as ``act``."""
    from synthgate.client.build import random_id

    given = random_id()
    case = held.row.cause if held.row.kind == "work" else held.row.case
    async with casework(settings, held.row.tenant) as writer:
        await writer.answer(what, case, held.partition, id=given, **said)
    return await _came(settings, held.row.case, f"{SOURCE}/{given}", "")


async def find(
    settings: "Settings", tenant: str, found: str, name: str, detail: dict[str, Any]
) -> "CaseRow":
    """Report a finding on case.events; its case, once it is there.

    Raises:
        CommandError: nothing came of it in time.
    """
    from synthgate.client.build import random_id

    given = random_id()
    async with casework(settings, tenant) as said:
        await said.find(found, name, detail, id=given)
    noted_id = f"{SOURCE}/{given}"
    end = time.monotonic() + ANSWER_S
    while time.monotonic() < end:
        for held in (await read(settings)).cases.values():
            if held.row.cause == noted_id or any(n.id == noted_id for n in held.row.timeline):
                return held.row
        await asyncio.sleep(0.2)
    raise CommandError(_NOTHING, RETRY)


SOURCE = "synthgate:cli"
_NOTHING = (
    "sent, and nothing came of it in time: does incidents run (`synthgate status`)? What was sent is"
    " answered when it does; a record that cannot be is on quarantine"
)


class casework:
    """``async with casework(settings, tenant) as said``: writes about cases of a tenant."""

    def __init__(self, settings: "Settings", tenant: str) -> None:
        from synthgate.client import Writer

        self._writer = Writer.from_settings(settings, "operator.events", "case.events")
        self._tenant = tenant

    async def __aenter__(self) -> "Casework":
        from synthgate.client import Casework

        await self._writer.__aenter__()
        return Casework(self._writer, self._tenant, SOURCE)

    async def __aexit__(self, *_: object) -> None:
        await self._writer.close()


async def _came(
    settings: "Settings", case: str, noted_id: str, lost: str
) -> tuple["CaseRow", str | None]:
    end = time.monotonic() + ANSWER_S
    while time.monotonic() < end:
        book = await read(settings)
        if lost in book.cases:
            return book.cases[lost].row, str(book.cases[lost].row.detail["refused"])
        held = book.cases.get(case)
        for noted in held.row.timeline if held else ():
            if noted.id == noted_id:
                assert held is not None
                return held.row, noted.refused
        await asyncio.sleep(0.2)
    raise CommandError(_NOTHING, RETRY)
