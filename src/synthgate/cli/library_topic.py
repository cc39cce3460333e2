"""The feature library on its topics: read, sent, and put in force through ``control``."""

import asyncio
from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from synthgate.cli.errors import CommandError

if TYPE_CHECKING:
    from synthgate.events.facts import FeatureRow
    from synthgate.registries import Registries
    from synthgate.registries.control import Control
    from synthgate.registries.features import Rows
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
    """Entries as the workers know them, ordered by id: those of a version, or the last row of each.

    Raises:
        CommandError: one cannot be read, or the version is no longer what was put in force.
    """
    registries = await copies(settings, "control", TOPIC)
    if version is not None:
        return list(of_version(registries, version))
    _all_readable(registries)
    return list(registries.features.latest())


def of_version(registries: "Registries", version: int) -> "Rows":
    """Entries of a version, by its seal if it has one.

    Raises:
        CommandError: one cannot be read, or the version is no longer what was put in force.
    """
    from synthgate.registries import seals

    _all_readable(registries)
    rows = seals.entries(registries.control, registries.features, version)
    if rows is None:
        last = seals.last_version(registries.control)
        raise CommandError(
            f"version {version} is no longer what was put in force: an entry of it was overwritten or erased;"
            f" what stands now gets a new number: activate version {last + 1}, --urgent"
        )
    return rows


def _all_readable(registries: "Registries") -> None:
    table = registries.features
    if table.unreadable or table.unkeyed:
        name = next(iter(table.unreadable), "a record without a key")
        raise CommandError(f"{TOPIC}: {name} cannot be read; send the entry again")


async def send(
    settings: "Settings", rows: "list[FeatureRow]", unreadable: Collection[str] = ()
) -> None:
    """Every row acknowledged. unreadable: keys to mend; of an earlier release's they may be.

    Raises:
        GateError: no answer from the broker.
        KafkaError: a row was not acknowledged.
    """
    from synthgate.cli.standing import now_ms
    from synthgate.client import Writer
    from synthgate.events.facts import key_of

    version = now_ms()
    async with Writer.from_settings(settings, TOPIC) as writer:
        for at in range(0, len(rows), _AT_ONCE):
            waiting = []
            for row in rows[at : at + _AT_ONCE]:
                key = row.entry if row.entry in unreadable else key_of(TOPIC, row)
                sent = row.model_copy(update={"version": version}).model_dump_json().encode()
                waiting.append(await writer.write(TOPIC, key.encode(), sent))
            await asyncio.gather(*waiting)


async def put_in_force(
    settings: "Settings", version: int, by: str, and_by: str, *, urgent: bool = False
) -> tuple[int, str | None]:
    """Write the activation; how many entries the version has, and from when what is new counts (None: now).

    The first time it is sealed: it stays what these two people put in force. Going back to an earlier version
    counts at once, as does what two people call urgent.

    Raises:
        CommandError: it has none, or one that cannot count, was withdrawn, is no longer what it was, or an
            import was not finished; what is in force stays.
    """
    from synthgate.cli.library_seals import no_stray, seal
    from synthgate.cli.standing import now_ms
    from synthgate.client.build import rfc3339
    from synthgate.registries import UNREADABLE, seals

    registries = await copies(settings, "control", TOPIC)
    control = registries.control
    not_withdrawn(control, version)
    half = control.unfinished_import(version)
    if half is not None:
        raise CommandError(
            f"the import of {half} was begun and not finished, so version {version} may lack entries:"
            " run that import again"
        )
    rows = good_entries(registries, version)
    no_stray(registries, version, rows)
    now, held = now_ms(), control.library()
    before = None
    if held is not None and held is not UNREADABLE:
        watched = held.before is not None and now < held.counts_from
        before = held.before if watched else held.version
    body: dict[str, object] = {"version": version, "agreed_by": and_by}
    counts_from = None
    if not urgent and settings.shadow_minutes and before is not None and before < version:
        counts_from = rfc3339(now + settings.shadow_minutes * 60_000)
        sealed_before = (await seal(settings, registries, before, by, now)).body()
        body |= {"before": before, "counts_from": counts_from, "sealed_before": sealed_before}
    elif before is not None and seals.entries(control, registries.features, before) is not None:
        await seal(settings, registries, before, by, now)
    body["seal"] = (await seal(settings, registries, version, by, now)).body()
    await control_row(settings, "library", body, by, now)
    return len(rows), counts_from


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


def good_entries(registries: "Registries", version: int) -> "Rows":
    """The entries of a version.

    Raises:
        CommandError: it has none, or one that cannot count, or is no longer what was put in force.
    """
    from synthgate.library.files import fault_in

    rows = of_version(registries, version)
    if not any(row.kind not in ("allow", "list") for row in rows):
        raise CommandError(
            f"version {version} holds no entry that can be found: every text would be refused;"
            " import its list first"
        )
    for row in rows:
        fault = fault_in(row)
        if fault is not None:
            raise CommandError(f"version {version}: {row.entry}: {fault}")
    return rows


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
