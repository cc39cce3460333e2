"""What forbids a case a move, each in a sentence. Small and pure."""

import re
from typing import Final

from synthgate.cases.machine import Happened
from synthgate.cases.penalties import WAITS
from synthgate.events.decision import CaseRow

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
CHANNELS: Final = ("reference", "file_sha256")
"""What shows a receipt: the authority's reference, or the hash of the receipt's file."""


def named(row: CaseRow, event: Happened) -> str | None:
    """People act under a name."""
    return None if event.by else f"{event.type} needs the name of who acts (by)"


def reasoned(row: CaseRow, event: Happened) -> str | None:
    """What touches a person's rights is reasoned (DSP 10, 12)."""
    return None if event.reason else f"{event.type} needs a reason"


def another_reviewer(row: CaseRow, event: Happened) -> str | None:
    """Who judged before does not judge the appeal."""
    before = {*row.links.get("judged_by", ()), *_judges(row)}
    if event.by in before:
        return f"{event.by} judged this before: an appeal needs another reviewer"
    return None


def receipted(row: CaseRow, event: Happened) -> str | None:
    """A report is made when the authority's receipt is there; a gateway's answer is none."""
    if not event.detail.get("channel"):
        return "a receipt names the channel it came by (channel)"
    if not any(event.detail.get(name) for name in CHANNELS):
        return (
            "a receipt bears the authority's reference (reference) or its file's hash (file_sha256)"
        )
    return None


def reported_first(row: CaseRow, event: Happened) -> str | None:
    """A case that owes a report is not closed without its receipt; one that waits is in doubt."""
    if row.status == "found" and row.detail.get("waits") == WAITS:
        return "what the case rests on is in doubt: let the guard go or roll the version back first"
    owed = [d.id for d in row.deadlines if d.id.startswith("report") and d.met_at is None]
    if owed:
        return f"the case owes a report ({', '.join(owed)}): enter its receipt first"
    return None


def answered(row: CaseRow, event: Happened) -> str | None:
    """Nobody says by word alone that a template is gone: the proof does."""
    if event.by is None:
        return None
    return "answer the work with its proof (work.done), or write the proof to facts.revocations"


def shown(row: CaseRow, event: Happened) -> str | None:
    """That a person is erased is shown by the line the register of erasures holds."""
    if not _SHA256.fullmatch(str(event.detail.get("register_sha256"))):
        return (
            "erasure.proved names the register's line (register_sha256): `synthgate erase --case`"
        )
    return None


def checked(row: CaseRow, event: Happened) -> str | None:
    """Nobody says by word alone what a page shows: a check does."""
    return "check the page again (page.checked)" if event.by is not None else None


def stated(row: CaseRow, event: Happened) -> str | None:
    """Nobody says by word alone what is kept up: it is stated with its owner, version and hash."""
    if event.by is None:
        return None
    return "state it (policy.reviewed, algorithm.reviewed)"


def _judges(row: CaseRow) -> set[str | None]:
    return {
        noted.by
        for noted in row.timeline
        if noted.refused is None and noted.type.endswith((".upheld", ".rejected"))
    }
