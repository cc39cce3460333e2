"""The feature library on its topics: read, sent, and put in force through ``control``."""

import asyncio
from typing import TYPE_CHECKING, Final

from synthgate.cli.errors import CommandError

if TYPE_CHECKING:
    from synthgate.events.facts import FeatureRow
    from synthgate.registries import Registries
    from synthgate.registries.control import Control
    from synthgate.settings import Settings

TOPIC: Final = "facts.features"
_AT_ONCE: Final = 1_000


async def copies(settings: "Settings", *topics: str) -> "Registries":
    """Full copies of registry topics as they are now."""
    from synthgate.cli.positions import records
    from synthgate.registries import Registries

    registries = Registries(topics)
    for topic in topics:
        async for record in records(settings, topic, whole=True, follow=False):
            registries.apply(topic, record.partition, record.offset, record.key, record.value)
    return registries


async def entries(settings: "Settings", version: int | None) -> "list[FeatureRow]":
    """Entries as the workers know them, ordered by id; ``version``: those in force in it.

    Raises:
        CommandError: one cannot be read.
    """
    table = (await copies(settings, TOPIC)).features
    if table.unreadable or table.unkeyed:
        name = next(iter(table.unreadable), "a record without a key")
        raise CommandError(f"{TOPIC}: {name} cannot be read; send the entry again")
    rows = table.rows() if version is None else table.active(version)
    return sorted(rows, key=lambda row: row.entry)


async def send(settings: "Settings", rows: "list[FeatureRow]") -> None:
    """Every row acknowledged. Sending a list again is safe: it changes nothing, and nothing is in force yet.

    Raises:
        GateError: no answer from the broker.
        KafkaError: a row was not acknowledged.
    """
    from synthgate.cli.standing import now_ms
    from synthgate.client import Writer

    version = now_ms()
    async with Writer.from_settings(settings, TOPIC) as writer:
        for at in range(0, len(rows), _AT_ONCE):
            waiting = [
                await writer.write(
                    TOPIC,
                    row.entry.encode(),
                    row.model_copy(update={"version": version}).model_dump_json().encode(),
                )
                for row in rows[at : at + _AT_ONCE]
            ]
            await asyncio.gather(*waiting)


async def put_in_force(
    settings: "Settings", version: int, by: str, and_by: str, *, urgent: bool = False
) -> tuple[int, str | None]:
    """Write the activation; how many entries the version has, and from when what is new counts (None: now).

    Going back to an earlier version counts at once, as does what two people call urgent.

    Raises:
        CommandError: it has none, or one that cannot count, was withdrawn, or an import was not finished; what
            is in force stays.
    """
    from synthgate.cli.standing import now_ms
    from synthgate.client.build import rfc3339
    from synthgate.registries import UNREADABLE

    control = (await copies(settings, "control")).control
    not_withdrawn(control, version)
    half = control.unfinished_import(version)
    if half is not None:
        raise CommandError(
            f"the import of {half} was begun and not finished, so version {version} may lack entries:"
            " run that import again"
        )
    count = await good_entries(settings, version)
    now, held = now_ms(), control.library()
    body: dict[str, object] = {"version": version, "agreed_by": and_by}
    before = None
    if held is not None and held is not UNREADABLE:
        watched = held.before is not None and now < held.counts_from
        before = held.before if watched else held.version
    counts_from = None
    if not urgent and settings.shadow_minutes and before is not None and before < version:
        counts_from = rfc3339(now + settings.shadow_minutes * 60_000)
        body |= {"before": before, "counts_from": counts_from}
    await control_row(settings, "library", body, by, now)
    return count, counts_from


def not_withdrawn(control: "Control", version: int) -> None:
    """A number that was withdrawn never comes back: what rested on it is undone by that number.

    Raises:
        CommandError: it was.
    """
    for one in control.taken_back().rollbacks:
        if one.withdraws(version):
            raise CommandError(
                f"version {version} was withdrawn ({one.id}: {one.reason});"
                " give what is good of it a new number"
            )


async def good_entries(settings: "Settings", version: int) -> int:
    """How many entries a version has.

    Raises:
        CommandError: it has none, or one that cannot count.
    """
    from synthgate.library.files import fault_in

    rows = await entries(settings, version)
    if not any(row.kind not in ("allow", "list") for row in rows):
        raise CommandError(
            f"version {version} holds no entry that can be found: every text would be refused;"
            " import its list first"
        )
    for row in rows:
        fault = fault_in(row)
        if fault is not None:
            raise CommandError(f"version {version}: {row.entry}: {fault}")
    return len(rows)


async def control_row(
    settings: "Settings", name: str, body: dict[str, object], by: str, at: int
) -> None:
    """Write one row of ``control``, acknowledged. at: Unix ms."""
    from synthgate.client import Writer
    from synthgate.client.build import rfc3339
    from synthgate.events.facts import ControlRow

    row = ControlRow(version=at, name=name, body=body, by=by, at=rfc3339(at))
    async with Writer.from_settings(settings, "control") as writer:
        await writer.write_and_wait("control", name.encode(), row.model_dump_json().encode())
