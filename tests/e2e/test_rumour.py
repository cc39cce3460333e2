"""A rumour that reached 100,000 people, on real Kafka: all are told once, with proof, though the worker dies.

With SYNTHGATE_TEST_LONG=1 a million.
"""

import os
import time
from pathlib import Path

import pytest

from e2e.casework import rows, tell, until, written
from e2e.rig import small_settings
from synthgate.broker.choose import Broker
from synthgate.cases.reports import document
from synthgate.demo.chain import Chain
from synthgate.events.decision import CaseRow
from synthgate.settings import Settings

LONG = os.environ.get("SYNTHGATE_TEST_LONG") == "1"
BATCHES = 1_000 if LONG else 100
EACH = 1_000
KILLS = 5 if LONG else 1
OWED = 3
"""Pieces of work beside the notices: the content is stopped, recalled and rebutted."""
CASE = "rumour/demo/r-1"


def token(number: int) -> str:
    return f"{number:032x}"


def batch(number: int) -> tuple[str, str, str, dict[str, object]]:
    """A thousand of those it reached."""
    found = {"batch": f"{number:x}", "recipients": [token(number * EACH + n) for n in range(EACH)]}
    return f"reach-{number}", "reach.found", "r-1", {"detail": found}


def works(settings: Settings) -> dict[str, dict[str, object]]:
    return {row["id"]: row for row in written(settings, "work")}


def done(work: str, number: int) -> tuple[str, str, str, dict[str, object]]:
    proof = {"proof": f"ref-{number}", "sha256": f"{number:064x}"}
    return f"done-{number}", "work.done", "r-1", {"work": work, "detail": proof}


@pytest.mark.slow
@pytest.mark.timeout(900 if LONG else 240)
def test_everyone_a_rumour_reached_is_told_once_and_it_ends_with_the_last_answer(
    kafka: Broker, topic_prefix: str, tmp_path: Path, closing_lines: list[str]
) -> None:
    settings = small_settings(kafka, topic_prefix, tmp_path, session_timeout_s=6)
    with Chain(kafka, settings, layout={"one": ("incidents",)}) as chain:
        begun = time.monotonic()
        tell(settings, [("r", "rumour.detected", "r-1", {"detail": {"produce_id": "p-1"}})])
        until(lambda: len(works(settings)) == OWED, "work of the rumour", chain)
        parts = 1 + KILLS
        for part in range(parts):
            share = range(part * BATCHES // parts, (part + 1) * BATCHES // parts)
            tell(settings, map(batch, share))
            if part < KILLS:
                chain.kill("one")
                chain.start("one")
        tell(settings, map(batch, range(0, BATCHES, 10)))  # found again: told already
        until(lambda: len(works(settings)) == OWED + BATCHES, "notice to every batch", chain)
        told = time.monotonic() - begun
        owed = sorted(works(settings))
        receipt = {"by": "ann", "detail": {"channel": "12377", "reference": "CN-1"}}
        tell(settings, [("receipt", "report.receipted", "r-1", receipt)])
        tell(settings, [done(work, n) for n, work in enumerate(owed[:-1])])
        tell(settings, [done(work, n) for n, work in enumerate(owed[:-1]) if n % 10 == 0])
        until(lambda: proved(settings) == len(owed) - 1, "proof of all but one", chain)
        assert rows(settings, "rumour")[CASE]["status"] == "reported", "one place has not answered"
        tell(settings, [done(owed[-1], len(owed))])
        until(
            lambda: rows(settings, "rumour")[CASE]["state"] == "closed", "end of the rumour", chain
        )
    took = time.monotonic() - begun
    closing_lines.append(
        f"rumour: {BATCHES * EACH} people told on real Kafka within {told:.0f} s, {KILLS} kills between,"
        f" ended {took - told:.0f} s later with the last proof"
    )
    check(settings)


def proved(settings: Settings) -> int:
    """Pieces of work that are done."""
    return sum(row["status"] == "done" for row in rows(settings, "work").values())


def check(settings: Settings) -> None:
    held = rows(settings, "rumour")[CASE]
    assert (held["status"], len(held["detail"]["reached"])) == ("dispelled", BATCHES)
    assert [noted["type"] for noted in held["timeline"]] == ["report.receipted", "rumour.dispelled"]
    pieces = rows(settings, "work")
    assert len(pieces) == OWED + BATCHES
    people = [
        one
        for row in pieces.values()
        for one in row["detail"]["work"]["about"].get("recipients", ())
    ]
    assert len(people) == BATCHES * EACH == len(set(people))
    for row in pieces.values():
        (noted,) = row["timeline"]
        assert (row["state"], noted["type"]) == ("closed", "work.done") and noted["detail"]["proof"]
    report = document(
        CaseRow.model_validate(held), map(CaseRow.model_validate, pieces.values()), "u"
    )
    spread = next(item["value"] for item in report["items"] if item["key"] == "spread")
    assert spread == f"recipients: {BATCHES * EACH}, copies: 0"
