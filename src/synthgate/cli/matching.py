"""What a complaint is about, among what was released: by number, exact hash, or likeness of a picture."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthgate.cli.alike import alike
from synthgate.cli.errors import CONFIGURATION, CommandError

if TYPE_CHECKING:
    from synthgate.settings import Settings
    from synthgate.steps.likeness import Like
    from synthgate.steps.trace_index import Traced

SHOWN_MAX = 20


async def matches(settings: "Settings", case: str, file: str | None) -> list[dict[str, Any]]:
    """The acts that let it out, the nearest first. distance: bits of a picture that differ; None: exact.

    Raises:
        CommandError: no such case or file, no picture.
        KeyFolderError, LedgerError: the logs cannot be opened.
    """
    from synthgate.cli.casebook import read
    from synthgate.crypto.keys import KeyFolder
    from synthgate.ledger.rings import open_ring
    from synthgate.ledger.stores import open_store
    from synthgate.steps.reach import starts
    from synthgate.steps.trace_index import TraceIndex

    held = (await read(settings)).named(case)
    keys = KeyFolder(settings.keys_dir)
    store = open_store(settings)
    ring = open_ring(settings, keys)
    index = TraceIndex(settings.trace_path)
    try:
        index.update(store, ring)
        about = held.row.detail.get("about", {})
        rows = [_row(one, about.get("sha256"), None) for one in starts(index, about)]
        for like in _alike(settings, file):
            rows += [_row(one, like.sha256, like.distance) for one in index.by_object(like.sha256)]
        return [row for row in rows if row["tenant"] == held.row.tenant][:SHOWN_MAX]
    finally:
        index.close()


def _alike(settings: "Settings", file: str | None) -> "list[Like]":
    if file is None:
        return []
    try:
        data = Path(file).read_bytes()
    except OSError as error:
        raise CommandError(f"--file {file}: {error.strerror}", CONFIGURATION) from None
    found = alike(settings, data)
    if found.why is not None:
        raise CommandError(f"--file {file}: {found.why}", CONFIGURATION)
    return found.near


def _row(one: "Traced", sha256: str | None, distance: int | None) -> dict[str, Any]:
    return {
        "decision": f"{one.root}#1", "generation": one.generation, "tenant": one.tenant,
        "user": one.user, "sha256": sha256, "distance": distance, "action": one.action,
    }  # fmt: skip
