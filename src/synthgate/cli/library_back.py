"""A library version taken back, and guards let go: written to ``control``, and what came of it read again."""

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from synthgate.cli.casebook import RETRY, Casebook
from synthgate.cli.errors import CommandError
from synthgate.cli.library_seals import seal
from synthgate.cli.library_topic import TOPIC, control_row, copies, good_entries, not_withdrawn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from synthgate.registries.withdrawals import Rollback
    from synthgate.settings import Settings

CARRIED_OUT_S: Final = 30.0
"""A rollback is carried out within ten seconds; a worker that has just begun reads its copies first."""


@dataclass(slots=True)
class Reversed:
    """What a rollback came to. entries: in force now. left: cases that rest on more than the version.

    affected: users with the penalties taken back; cases without a user stand alone.
    """

    rollback: "Rollback"
    entries: int
    affected: list[dict[str, Any]] = field(default_factory=list)
    cases: int = 0
    left: int = 0
    waiting: list[str] = field(default_factory=list)

    @property
    def penalties(self) -> int:
        """Taken back."""
        return sum(len(row["penalties"]) for row in self.affected)


async def roll_back(settings: "Settings", to: int, by: str, and_by: str, reason: str) -> Reversed:
    """Withdraw every version after ``to``, and wait until every partition has undone what rested on them alone.

    Safe to run again: what is done is found done.

    Raises:
        CommandError: there is nothing to go back from or to; not every partition said in time that it is done.
    """
    rollback, begun = await _begun(settings, to, by, reason)
    registries = await copies(settings, "control", TOPIC)
    count = len(good_entries(registries, to))
    if not begun:
        sealed = await seal(settings, registries, to, by, rollback.at)
        body: dict[str, object] = {"to": to, "agreed_by": and_by, "reason": reason}
        await control_row(settings, rollback.id, body, by, rollback.at)
        back: dict[str, object] = {"version": to, "agreed_by": and_by, "seal": sealed.body()}
        await control_row(settings, "library", back, by, rollback.at)
    book = await _carried_out(settings, rollback)
    found = Reversed(rollback, count)
    _read_off(book, found)
    found.waiting = [row["subject"] for row in await guards(settings) if row["answer"] is None]
    return found


async def _begun(settings: "Settings", to: int, by: str, reason: str) -> "tuple[Rollback, bool]":
    """The rollback, and whether it was begun before. It counts from after every surge seen so far."""
    from synthgate.cli.standing import now_ms
    from synthgate.registries import UNREADABLE
    from synthgate.registries.withdrawals import Rollback

    registries = await copies(settings, "control", "guards")
    held, back = registries.control.library(), registries.control.taken_back()
    if held is None or held is UNREADABLE:
        raise CommandError("no library is in force, or nobody can read which: activate one")
    begun = next((one for one in back.rollbacks if one.to == to == held.version), None)
    if begun is not None:
        return begun, True
    not_withdrawn(registries.control, to)
    if to >= held.version:
        raise CommandError(
            f"version {held.version} is in force: name the version to go back to, one before it"
        )
    at = max((row.since for row in registries.guards.rows()), default=0)
    return Rollback(held.version, to, max(now_ms(), at), by, reason), False


async def _carried_out(settings: "Settings", rollback: "Rollback") -> Casebook:
    """Every case as it is once all partitions have said that they are done."""
    from pydantic import ValidationError

    from synthgate.cli.positions import records
    from synthgate.events.decision import CaseRow

    book = Casebook()
    wanted = {f"{rollback.id}/{partition}" for partition in range(settings.partitions)}
    try:
        async with asyncio.timeout(CARRIED_OUT_S):
            async for record in records(settings, "cases", whole=True, follow=True):
                try:
                    book.put(CaseRow.model_validate_json(record.value or b""), record.partition)
                except ValidationError:
                    continue
                if wanted <= book.cases.keys():
                    return book
    except TimeoutError:
        pass
    done = len(wanted & book.cases.keys())
    raise CommandError(
        f"version {rollback.to} is in force; {done} of {len(wanted)} partitions have undone what rested on the"
        " versions withdrawn. The others do when incidents runs there: `synthgate status`; run this again",
        RETRY,
    )  # fmt: skip


def _read_off(book: Casebook, found: Reversed) -> None:
    rollback = found.rollback
    for held in book.of("user"):
        ours = [noted for noted in held.row.timeline if noted.id.startswith(f"{rollback.id}/")]
        penalties = [name for noted in ours for name in noted.detail["undoes"]]
        if penalties:
            found.affected.append(
                {"tenant": held.row.tenant, "user": held.row.user, "case": held.row.case,
                 "penalties": penalties}
            )  # fmt: skip
    for held in book.of("content"):
        if any(noted.id.startswith(f"{rollback.id}/") for noted in held.row.timeline):
            found.cases += 1
        elif held.row.status != "overturned":
            library = held.row.detail.get("rests", {}).get("library")
            found.left += isinstance(library, int) and rollback.withdraws(library)


async def guards(settings: "Settings") -> list[dict[str, Any]]:
    """Every surge by subject, the newest first. since: Unix ms. answer: None while penalties wait."""
    return list(_guards(await copies(settings, "control", "guards")))


def _guards(registries: Any) -> "Iterator[dict[str, Any]]":
    back = registries.control.taken_back()
    subjects = {row.subject for row in registries.guards.rows()}
    seen = [sorted(registries.guards.seen(one), key=lambda row: -row.since) for one in subjects]
    for rows in sorted(seen, key=lambda rows: (-rows[0].since, rows[0].subject)):
        answers = [back.answer(row) for row in rows]
        yield {
            "subject": rows[0].subject, "since": rows[0].since,
            "partitions": sorted(row.partition for row in rows),
            "people": max(row.users for row in rows), "usual": max(row.usual for row in rows),
            "answer": None if None in answers else answers[0],
        }  # fmt: skip


async def let_go(settings: "Settings", subject: str, by: str, and_by: str, reason: str) -> None:
    """Two people say that a surge was right: what waited is counted.

    Raises:
        CommandError: no penalty waits for that.
    """
    from synthgate.cli.standing import now_ms

    waiting = {row["subject"]: row["since"] for row in await guards(settings) if not row["answer"]}
    if subject not in waiting:
        named = ", ".join(waiting) or "nothing"
        raise CommandError(f"no penalty waits for {subject}; they wait for: {named}")
    body: dict[str, object] = {"let_go": True, "agreed_by": and_by, "reason": reason}
    await control_row(settings, f"guard/{subject}", body, by, max(now_ms(), waiting[subject]))
