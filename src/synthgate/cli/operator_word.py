"""The operator's word: rows on ``control``, which every worker reads."""

import getpass
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synthgate.settings import Settings


async def say(settings: "Settings", rows: Mapping[str, Mapping[str, Any]], by: str | None) -> str:
    """Write rows by name, return once all are acknowledged; who said it (the user running this)."""
    from synthgate.cli.positions import writer
    from synthgate.events.facts import ControlRow

    who = by or getpass.getuser()
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    version = time.time_ns() // 1_000_000
    async with writer(settings) as producer:
        for name, body in rows.items():
            row = ControlRow(version=version, name=name, body=dict(body), by=who, at=at)
            await producer.send_and_wait(
                settings.topic("control"), row.model_dump_json().encode(), key=name.encode()
            )
    return who
