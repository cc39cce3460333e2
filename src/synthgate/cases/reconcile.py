"""Reconciling: what a platform's own access log says was served, against what decisions let out. Pure.

Served is compared by hash and time. What was let out and nobody reported as delivered is unreconciled: not a
breach, but nobody can say whom it reached.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

Way = Literal[
    "without_a_release", "after_a_refusal", "before_the_decision", "after_a_recall", "other_hash"
]


@dataclass(frozen=True, slots=True)
class Served:
    """One line of the access log. at: Unix ms. line: its number, from 1."""

    line: int
    tenant: str
    generation: str
    sha256: str
    at: int


@dataclass(frozen=True, slots=True)
class Decided:
    """What a decision on an output said. hashes: of the objects that may be served."""

    decision: str
    tenant: str
    generation: str
    action: str
    at: int
    hashes: frozenset[str] = frozenset()


@dataclass(slots=True)
class Known:
    """All there is to compare with. recalled: tenant and generation to when, Unix ms."""

    released: dict[tuple[str, str], list[Decided]] = field(default_factory=dict)
    refused: set[tuple[str, str]] = field(default_factory=set)
    recalled: dict[tuple[str, str], int] = field(default_factory=dict)
    delivered: set[tuple[str, str]] = field(default_factory=set)

    def add(self, one: Decided) -> None:
        """One decision on an output; later revisions add to earlier ones."""
        key = one.tenant, one.generation
        if one.action == "release" and one.hashes:
            self.released.setdefault(key, []).append(one)
        elif one.action == "refuse":
            self.refused.add(key)


def breaches(served: Iterable[Served], known: Known) -> Iterator[tuple[Served, Way]]:
    """Every line that no decision stands behind, with the way it went round."""
    for one in served:
        way = _way(one, known)
        if way is not None:
            yield one, way


def unreconciled(served: Iterable[Served], known: Known, before: int) -> list[Decided]:
    """Let out before a time (Unix ms), and neither served by the log nor reported as delivered."""
    seen = {(one.tenant, one.generation) for one in served} | known.delivered
    return [
        decided
        for key, every in sorted(known.released.items())
        if key not in seen
        for decided in every[-1:]
        if decided.at < before
    ]


def _way(one: Served, known: Known) -> Way | None:
    key = one.tenant, one.generation
    every = known.released.get(key)
    if every is None:
        return "after_a_refusal" if key in known.refused else "without_a_release"
    fitting = [decided for decided in every if one.sha256 in decided.hashes]
    if not fitting:
        return "other_hash"
    if all(one.at < decided.at for decided in fitting):
        return "before_the_decision"
    if key in known.recalled and one.at >= known.recalled[key]:
        return "after_a_recall"
    return None
