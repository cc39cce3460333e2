"""The law book: all rows, cells and house numbers, hashed; and the law as it stood at a moment.

What is hashed is what can change a decision or its citation; who compared a row with the official text is not.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

import orjson

from synthgate.events.verdicts import Reason
from synthgate.law.applicability import Cell, Key, load_cells
from synthgate.law.policy import Policy, load_policy
from synthgate.law.rows import Basis, Edition, Row, load_rows
from synthgate.law.toml_file import LawError

FOLDER = Path(__file__).parent
_NOT_HASHED = {"verified_by", "verified_on"}


class Law:
    """The law in force over one span of time. Immutable; share it freely."""

    __slots__ = ("_cells", "_rows", "hash", "policy", "rows")

    def __init__(self, rows: tuple[Row, ...], cells: Mapping[Key, Cell], policy: Policy) -> None:
        self.rows = rows
        self.policy = policy
        self.hash = _digest(rows, cells, policy)
        self._cells = cells
        self._rows = {rule: row for row in rows for rule in row.rules}

    def rule(self, rule_id: str) -> Row | None:
        """The row behind a rule id, if it is in force."""
        return self._rows.get(rule_id)

    def reason(self, rule: str, code: str, where: str | None = None) -> Reason:
        """A fault under a rule in force.

        Raises:
            KeyError: the rule is not in force.
        """
        row = self._rows[rule]
        return Reason(rule, row.citation, row.force, code, where)

    def fault(self, rule: str, code: str, where: str | None = None) -> tuple[Reason, ...]:
        """One reason, or none when the rule is not in force: every check speaks through this."""
        row = self._rows.get(rule)
        return () if row is None else (Reason(rule, row.citation, row.force, code, where),)

    def cell(self, event_type: str, role: str, medium: str, duty: str) -> Cell:
        """Whether a duty looks at such an event, and by which article.

        Raises:
            LawError: no such product.
        """
        try:
            return self._cells[event_type, role, medium, duty]
        except KeyError:
            raise LawError(
                f"no applicability for {event_type} x {role} x {medium} x {duty}"
            ) from None


class LawBook:
    """Every edition, row, cell and number, past and to come."""

    def __init__(
        self,
        editions: tuple[Edition, ...],
        rows: tuple[Row, ...],
        cells: Mapping[Key, Cell],
        policy: Policy,
    ) -> None:
        self.editions = editions
        self.rows = rows
        self.policy = policy
        self.cells = cells
        self.hash = _digest(rows, cells, policy)
        self._by_edition = {(e.law, e.edition): e for e in editions}
        days = {day for row in rows for day in (row.from_ms, row.to_ms) if day is not None}
        self._days = sorted(days)
        self._spans: dict[int, Law] = {}

    def at(self, as_of_ms: int) -> Law:
        """The law as it stood then; the same object for every moment between two effective dates."""
        span = bisect_right(self._days, as_of_ms)
        law = self._spans.get(span)
        if law is None:
            rows = tuple(row for row in self.rows if row.in_force(as_of_ms))
            law = self._spans[span] = Law(rows, self.cells, self.policy)
        return law

    def edition(self, basis: Basis | Row) -> Edition:
        """The edition a row or a further basis stands in."""
        return self._by_edition[basis.law, basis.edition]

    def rules(self) -> frozenset[str]:
        """Every rule id of any time."""
        return frozenset(rule for row in self.rows for rule in row.rules)

    def without(self, rule_id: str) -> "LawBook":
        """The book with one rule dropped, for the mutation check.

        Raises:
            KeyError: there is no such rule.
        """
        if rule_id not in self.rules():
            raise KeyError(rule_id)
        rows = tuple(
            row.model_copy(update={"rules": tuple(r for r in row.rules if r != rule_id)})
            for row in self.rows
            if row.rules != (rule_id,)
        )
        return LawBook(self.editions, rows, self.cells, self.policy)

    def relaxed(self, rules: Iterable[str]) -> "LawBook":
        """The book without these house rules; its hash shows it.

        Raises:
            LawError: a rule that is law, unknown, or not relaxable.
        """
        book = self
        for rule in sorted(set(rules)):
            held = [row for row in book.rows if rule in row.rules]
            if not held or not all(row.relaxable for row in held):
                names = sorted(r for row in book.rows if row.relaxable for r in row.rules)
                raise LawError(f"{rule} cannot be relaxed; these can: {', '.join(names) or 'none'}")
            book = book.without(rule)
        return book


def _digest(rows: Iterable[Row], cells: Mapping[Key, Cell], policy: Policy) -> str:
    """Hex SHA-256 over a canonical form: sorted keys, rows and cells in a fixed order, compact JSON."""
    listed = [row.model_dump(mode="json", exclude=_NOT_HASHED) for row in rows]
    form = {
        "v": 1,
        "rows": sorted(orjson.dumps(row, option=orjson.OPT_SORT_KEYS).decode() for row in listed),
        "cells": sorted(
            ["/".join(key), cell.id, cell.applies, cell.article] for key, cell in cells.items()
        ),
        "policy": policy.model_dump(mode="json"),
    }
    return hashlib.sha256(orjson.dumps(form, option=orjson.OPT_SORT_KEYS)).hexdigest()


def load(folder: Path | None = None, *, relaxed: Iterable[str] = ()) -> LawBook:
    """Read and check every law file. ``relaxed``: house rules a setting switches off.

    Raises:
        LawError: a file is wrong; the message names file and entry.
    """
    book = _load(FOLDER if folder is None else folder)
    return book.relaxed(relaxed)


@lru_cache(maxsize=8)
def _load(folder: Path) -> LawBook:
    editions, rows = load_rows(folder / "rows")
    if not rows:
        raise LawError(f"{folder}: no law rows found")
    cells = load_cells(folder / "applicability.toml")
    return LawBook(editions, rows, cells, load_policy(folder / "policy.toml"))
