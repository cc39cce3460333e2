"""How far what a case is about has gone, from the logs; and telling incidents, who has those reached told."""

from typing import TYPE_CHECKING

from synthgate.cli.errors import CommandError

if TYPE_CHECKING:
    from synthgate.cli.casebook import Held
    from synthgate.settings import Settings
    from synthgate.steps.reach import Reach


async def reached(settings: "Settings", case: str) -> tuple["Held", "Reach"]:
    """The case and its reach.

    Raises:
        CommandError: no such case, or it names nothing that can be looked up.
        KeyFolderError, LedgerError: the logs cannot be opened.
    """
    from synthgate.cli.casebook import read
    from synthgate.crypto.keys import KeyFolder
    from synthgate.ledger import LogReader
    from synthgate.ledger.rings import open_ring
    from synthgate.ledger.stores import open_store
    from synthgate.steps.lookup import Lookup
    from synthgate.steps.reach import follow, starts
    from synthgate.steps.trace_index import TraceIndex

    held = (await read(settings)).named(case)
    about = held.row.detail.get("about", {})
    keys = KeyFolder(settings.keys_dir)
    store = open_store(settings)
    ring = open_ring(settings, keys)
    index = TraceIndex(settings.trace_path)
    try:
        index.update(store, ring)
        found = starts(index, about)
        if not found:
            raise CommandError(
                f"{held.row.case}: names neither a content number nor a hash the logs know; find it with"
                " `synthgate trace`, and send the finding again with produce_id or sha256"
            )
        lookup = Lookup(lambda log: LogReader(store, ring, log))
        return held, follow(index, lookup, keys.token_key, found)
    finally:
        index.close()


async def owe(settings: "Settings", held: "Held", found: "Reach") -> None:
    """Tell incidents, batch by batch; a batch told again is the same piece of work."""
    from synthgate.cli.casebook import casework, read

    async with casework(settings, held.row.tenant) as said:
        told = {
            token
            for work in (await read(settings)).works(held.row.case)
            for token in work.detail["work"]["about"].get("recipients", ())
        }
        for batch in found.batches(frozenset(told)):
            await said.answer("reach.found", held.row.case, held.partition, detail=batch)
