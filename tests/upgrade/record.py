"""Records what a version of Synthgate writes, for later versions to read: run it with that version's tree.

    git worktree add --detach /tmp/previous REVISION
    PYTHONPATH=/tmp/previous/src:/tmp/previous/tests python tests/upgrade/record.py REVISION.tar.xz

In the archive: ``records.json`` (every topic, how far each stage has read) and ``data`` (log, keys,
objects). The keys are made for it. The chain is stopped in mid-work: every duty has something before it.
"""

import base64
import io
import json
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from acts_at_hand import a_bus, an_event, verify
from e2e.test_history import HELD, ILLEGAL, a_load
from local_bus import LocalBus
from synthgate.effects.provider_code import SAMPLE_CODE


def text_of(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()


def half_done(bus: LocalBus) -> None:
    """Three events more before every stage, from the last to the first, none of which goes on."""
    verify(bus, "w")
    stages = list(bus.stages)
    for left in reversed(range(len(stages))):
        bus.send(an_event(bus, f"mid-{left}", user="w"))
        bus.send(an_event(bus, f"mid-{left}-bad", user="u", **ILLEGAL))
        bus.send(an_event(bus, f"mid-{left}-held", user="w", **HELD))
        bus.stages = stages[:left]
        bus.run()


def told(bus: LocalBus) -> dict[str, Any]:
    """The bus as JSON."""
    rows = [
        [topic, partition, record.offset, record.timestamp, text_of(record.key),
         text_of(record.value), [[name, text_of(text)] for name, text in record.headers]]
        for (topic, partition), records in bus.logs.items()
        for record in records
    ]  # fmt: skip
    read = [[*place, offset] for place, offset in bus.read.items()]
    return {"now_ms": bus.now_ms, "records": rows, "read": read}


def main(archive: Path) -> None:
    with TemporaryDirectory() as folder, tarfile.open(archive, "w:xz") as tar:
        bus = a_bus(Path(folder), provider_code=SAMPLE_CODE)
        a_load(bus)
        half_done(bus)
        data = json.dumps(told(bus), indent=0).encode()
        member = tarfile.TarInfo("records.json")
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
        tar.add(folder, "data")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
