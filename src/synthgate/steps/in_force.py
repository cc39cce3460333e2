"""The law in force is what the operator activated; a worker that lacks it decides nothing."""

from synthgate.law import LawBook
from synthgate.registries import UNREADABLE, Registries
from synthgate.step import Waiting


def wait_for_law(registries: Registries, book: LawBook) -> None:
    """Return if no other law than ours is in force. Call it once the copy of ``control`` is fresh.

    Raises:
        Waiting: another set of rows was activated, or nobody can read which.
    """
    wanted = registries.control.law_hash()
    if wanted is UNREADABLE:
        raise Waiting("law", "the row that activates the law cannot be read")
    if wanted is not None and wanted != book.hash:
        raise Waiting("law", f"{wanted[:12]} is in force and this worker has {book.hash[:12]}")
