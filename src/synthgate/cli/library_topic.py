"""The feature library on its topics: read, sent, and put in force through ``control``."""

import asyncio
from typing import TYPE_CHECKING, Final

from synthgate.cli.errors import CommandError

if TYPE_CHECKING:
    from synthgate.events.facts import FeatureRow
    from synthgate.settings import Settings

TOPIC: Final = "facts.features"
_AT_ONCE: Final = 1_000


async def entries(settings: "Settings", version: int | None) -> "list[FeatureRow]":
    """Entries as the workers know them, ordered by id; ``version``: those in force in it.

    Raises:
        CommandError: one cannot be read.
    """
    from synthgate.cli.positions import records
    from synthgate.registries import Registries

    registries = Registries([TOPIC])
    async for record in records(settings, TOPIC, whole=True, follow=False):
        registries.apply(TOPIC, record.partition, record.offset, record.key, record.value)
    table = registries.features
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
        CommandError: it has none, or one that cannot count; what is in force stays.
    """
    from synthgate.cli.standing import now_ms
    from synthgate.client import Writer
    from synthgate.client.build import rfc3339
    from synthgate.events.facts import ControlRow
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
    now = now_ms()
    body: dict[str, object] = {"version": version, "agreed_by": and_by}
    before = await _version_now(settings)
    counts_from = None
    if not urgent and settings.shadow_minutes and before is not None and before < version:
        counts_from = rfc3339(now + settings.shadow_minutes * 60_000)
        body |= {"before": before, "counts_from": counts_from}
    activation = ControlRow(version=now, name="library", body=body, by=by, at=rfc3339(now))
    async with Writer.from_settings(settings, "control") as writer:
        await writer.write_and_wait("control", b"library", activation.model_dump_json().encode())
    return len(rows), counts_from


async def _version_now(settings: "Settings") -> int | None:
    """The version that decides now; None if none does or nobody can read it."""
    from synthgate.cli.positions import records
    from synthgate.cli.standing import now_ms
    from synthgate.registries import UNREADABLE, Registries

    registries = Registries(["control"])
    async for record in records(settings, "control", whole=True, follow=False):
        registries.apply("control", record.partition, record.offset, record.key, record.value)
    row = registries.control.library()
    if row is None or row is UNREADABLE:
        return None
    return row.before if row.before is not None and now_ms() < row.counts_from else row.version
