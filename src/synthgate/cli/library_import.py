"""Lists sent whole: ``control`` is told before the first entry and behind the last, by ``import/<version>/…``.

An import that was killed on the way leaves its word that it was begun. Until it is run again to its end no
version from the first it touches on is put in force: half a list would let through what the other half names.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from synthgate.events.facts import FeatureRow
    from synthgate.settings import Settings

_BY: Final = "library-import"


async def send_whole(
    settings: "Settings", rows: "list[FeatureRow]", version: int, files: Sequence[str]
) -> int:
    """Every row acknowledged, and that these were all; how many did not stand there yet.

    version: by default; files: names of the lists. A later import of lists of the same names takes the place of
    one that was not finished.

    Raises:
        CommandError: a row would change a version that was put in force; nothing was sent.
        GateError: no answer from the broker.
        KafkaError: a row was not acknowledged.
    """
    from synthgate.cli.library_seals import to_send
    from synthgate.cli.library_topic import TOPIC, control_row, copies, send
    from synthgate.cli.standing import now_ms
    from synthgate.registries.control import IMPORT

    registries = await copies(settings, "control", TOPIC)
    new = to_send(registries, rows)
    first = min((row.from_version for row in rows), default=version)
    name = f"{IMPORT}{version}/{_digest(sorted(files))[:16]}"
    body: dict[str, object] = {
        "from_version": min(first, version), "entries": len(rows), "lists": sorted(files),
        "sha256": _digest(row.model_dump_json() for row in rows),
    }  # fmt: skip
    begun = now_ms()
    await control_row(settings, name, {**body, "done": False}, _BY, begun)
    await send(settings, new, registries.features.unreadable)
    await control_row(settings, name, {**body, "done": True}, _BY, max(now_ms(), begun + 1))
    return len(new)


def _digest(parts: Iterable[str]) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(part.encode() + b"\n")
    return found.hexdigest()
