"""Templates of a face or voice whose consent was taken back: owed to be deleted until that is proved.

DSP 14, PIPL 15, 47. Heard on ``facts.revocations`` row by row. The platform proves it by answering the work or
by writing the row again with its proof. What nobody says or can read may have been a face or voice: owed.
"""

import base64
import hashlib
from typing import Final

from synthgate.cases.kinds import DELETION
from synthgate.cases.machine import Happened
from synthgate.cases.penalties import HOUR_MS
from synthgate.events.decision import CaseRow, Deadline, WorkRow
from synthgate.events.event import time_ms
from synthgate.events.facts import RevocationRow
from synthgate.events.plain_identity import holds_plain_identity
from synthgate.events.verdicts import Reason
from synthgate.events.wire import Malformed
from synthgate.law import Law, notices
from synthgate.obligations.findings import FindingFacts, decide
from synthgate.step import SourceRecord, Work
from synthgate.steps.docket import Docket, work_case

TOPIC: Final = "facts.revocations"
MADE_OF: Final = frozenset({"face", "voice"})
"""Kinds of edit for which a template of the person is made."""


class Deletions:
    """One case for each consent taken back whose template is not proved to be gone."""

    def __init__(self, docket: Docket) -> None:
        self._docket = docket

    def hear(self, record: SourceRecord, law: Law, work: Work) -> None:
        """One row; an erased one says nothing.

        Raises:
            Malformed: neither the row nor its key says whose consent it was.
        """
        if record.value is None:
            return
        row = _read(record.value)
        parts = (record.key or b"").decode(errors="replace").split("/")
        if row is not None:
            parts = [row.tenant, row.subject, row.grant]
        if len(parts) != 3 or not all(parts):
            raise Malformed("bad_shape", "neither the row nor its key names a consent")
        case = f"deletion/{_name(parts)}"
        if row is not None and row.deleted_at and row.deletion_sha256:
            self._proved(case, row, record, work)
            return
        made = None if row is None or row.biometric is None else bool(_kinds(row))
        facts = FindingFacts("consent.revoked", template=made)
        for reason in decide(None, facts, law, record.timestamp).reasons:
            due_at = record.timestamp + law.policy.incidents.work_hours * HOUR_MS
            held = self._docket.get(case) or _opened(case, parts, row, reason, record, due_at)
            self._owe(held, reason, due_at, record.timestamp, work)

    def _owe(self, held: CaseRow, reason: Reason, due_at: int, at: int, work: Work) -> None:
        """Keep the case; if it is open, the platform owes the deletion, once however often this is heard."""
        held = self._docket.put(held, work)
        if held.state == "open":
            owed = WorkRow(
                id=_work_id(held.case), kind="template_deletion.due", case=held.case,
                cause=held.cause, rule=reason.rule, article=reason.article,
                force=reason.force.value, recipient=None, text=notices.said("delete_template"),
                due_at=due_at, about=held.detail["about"],
            )  # fmt: skip
            self._docket.owe([owed], work, held.tenant, held.key, at)

    def _proved(self, case: str, row: RevocationRow, record: SourceRecord, work: Work) -> None:
        """The row bears the proof: case and work are done, if there are any."""
        held = self._docket.get(case)
        if held is None:
            return
        proof = {"deleted_at": row.deleted_at, "sha256": row.deletion_sha256}
        event = Happened("deletion.proved", f"{case}/proved", record.timestamp, detail=proof)
        owed = self._docket.get(work_case(_work_id(case)))
        if owed is not None:
            self._docket.answered(owed, event, work, done=True)
        if held.state == "open":
            self._docket.advance(DELETION, held, event, work)
        else:
            self._docket.put(held, work)


def _opened(
    case: str, parts: list[str], row: RevocationRow | None, reason: Reason, record: SourceRecord,
    due_at: int,
) -> CaseRow:  # fmt: skip
    at = record.timestamp
    return CaseRow(
        case=case, version=1, kind="deletion", state="open", status=DELETION.start,
        tenant=parts[0], user=None, due_at=due_at, rules=[reason.rule], receipt=None,
        opened_at=at if row is None else min(at, time_ms(row.revoked_at)),
        cause=f"{TOPIC}/{case.removeprefix('deletion/')}",
        key=base64.b64encode(_name(parts).encode(errors="replace")).decode(),
        deadlines=[Deadline(id="delete", due_at=due_at, rule=reason.rule, internal=True)],
        detail={"type": "consent.revoked", "about": _about(parts, row)},
    )  # fmt: skip


def _read(value: bytes) -> RevocationRow | None:
    """The row; None if nobody can read it."""
    try:
        return RevocationRow.model_validate_json(value)
    except ValueError:
        return None


def _kinds(row: RevocationRow) -> list[str]:
    return sorted(MADE_OF.intersection(row.biometric or ()))


def _work_id(case: str) -> str:
    return f"{case}/incidents/template_deletion.due"


def _name(parts: list[str]) -> str:
    """The row's key; by its hash if that holds a plain number: a case is kept in the clear."""
    tenant, subject, grant = parts
    plain = holds_plain_identity(f"{subject} {grant}")
    return f"{tenant}/{_hash(parts)[:32]}" if plain else "/".join(parts)


def _about(parts: list[str], row: RevocationRow | None) -> dict[str, object]:
    """Which consent, by name and by hash of its key, and what it was for, where that is known."""
    about: dict[str, object] = {"key_sha256": _hash(parts)}
    if not holds_plain_identity(f"{parts[1]} {parts[2]}"):
        about |= {"subject": parts[1], "grant": parts[2]}
    if row is not None and row.biometric is not None:
        about["kinds"] = _kinds(row)
    return about


def _hash(parts: list[str]) -> str:
    return hashlib.sha256("/".join(parts).encode(errors="replace")).hexdigest()
