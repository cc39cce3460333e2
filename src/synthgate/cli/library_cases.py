"""Cases kept beside the lists: what a text must come to, so that no change of a list goes unseen.

One JSON object a line::

    {"name": "bait", "text": "…", "outcome": "hold", "entries": ["zh-fraud-03"], "type": "content.published"}

``outcome`` is what moderation alone decides (pass | hold | refuse) when the text is all that an event of this
``type`` holds: a prompt of ``generation.requested`` if none is named, else its text. ``entries``, if given, are
exactly those found. Entries that do not count for everybody (shadow, percent) count for nobody here.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from synthgate.client.build import Events, Generation, now_ms
from synthgate.events.facts import FeatureRow
from synthgate.law import Law, load
from synthgate.library.files import LibraryFileError
from synthgate.library.library import Library
from synthgate.obligations.moderation import INPUT, OBLIGATION, ModerationFacts, decide
from synthgate.steps.hits import Found, library_facts

_OUTCOMES: Final = ("pass", "hold", "refuse")
_MEMBERS: Final = {"name", "text", "outcome", "entries", "type"}


class Case(NamedTuple):
    """A text, and what comes of it. entries: exactly these are found; None: nobody says. type: of its event."""

    line: int
    name: str
    text: str
    outcome: str
    entries: tuple[str, ...] | None
    type: str


def read_cases(path: Path) -> list[Case]:
    """All cases of a file.

    Raises:
        LibraryFileError: a line is no case; nothing is tested.
    """
    cases: list[Case] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if line.strip():
            made = _case(number, line)
            if isinstance(made, str):
                raise LibraryFileError([f"{path}:{number}: {made}"])
            cases.append(made)
    if not cases:
        raise LibraryFileError([f"{path}: no case in it; a test of nothing would always pass"])
    return cases


def _case(number: int, line: str) -> Case | str:
    try:
        row = json.loads(line)
    except ValueError as error:
        return f"no JSON object: {error}"
    if not isinstance(row, dict) or not row.keys() <= _MEMBERS:
        return "a case is an object of name, text, outcome and, if you like, entries and type"
    if not isinstance(row.get("text"), str) or row.get("outcome") not in _OUTCOMES:
        return f"text must be text, and outcome one of {', '.join(_OUTCOMES)}"
    entries = row.get("entries")
    if entries is not None and not (
        isinstance(entries, list) and all(isinstance(one, str) for one in entries)
    ):
        return "entries must be a list of entry ids"
    kind = row.get("type", INPUT)
    if kind not in OBLIGATION.hears:
        return f"type must be one of {', '.join(OBLIGATION.hears)}"
    named = str(row.get("name", f"case {number}"))
    wanted = None if entries is None else tuple(sorted(set(entries)))
    return Case(number, named, row["text"], row["outcome"], wanted, kind)


def changed(
    rows: Sequence[FeatureRow], version: int, cases: Sequence[Case]
) -> list[dict[str, Any]]:
    """Cases that come to something else than they say: line, name, what, was, now."""
    library = Library.build(version, rows)
    law = load().at(now_ms())
    found = []
    for case in cases:
        outcome, entries = _judged(library, law, case)
        if outcome != case.outcome:
            found.append(_difference(case, "outcome", case.outcome, outcome))
        if case.entries is not None and entries != case.entries:
            found.append(
                _difference(
                    case, "entries", " ".join(case.entries) or "-", " ".join(entries) or "-"
                )
            )
    return found


def _difference(case: Case, what: str, was: str, now: str) -> dict[str, Any]:
    return {"line": case.line, "name": case.name, "what": what, "was": was, "now": now}


def _judged(library: Library, law: Law, case: Case) -> tuple[str, tuple[str, ...]]:
    """What moderation itself decides on these words with these hits, and the entries found."""
    part = "prompt" if case.type == INPUT else "text"
    found: list[Found] = []
    watched: list[Found] = []
    for hit in library.search(case.text):
        (found if hit.share == 100 else watched).append((part, hit))
    facts = ModerationFacts(
        **library_facts(library, found, watched), parts=(part,), registered=True, reviewed=True
    )
    event = Events("test", "test").build(
        case.type, "test",
        generation=Generation("test", "test").row(), content={part: case.text},
    )  # fmt: skip
    verdict = decide(event, facts, law, now_ms())
    return verdict.outcome.value, tuple(sorted({hit.entry for _, hit in found}))
