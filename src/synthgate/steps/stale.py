"""Gone stale: what a pass rested on is read again just before the append."""

from collections.abc import Iterator
from typing import Protocol

from synthgate.events.passage import Passage
from synthgate.events.types import TYPES
from synthgate.law import Law
from synthgate.registries import Registries
from synthgate.registries.switches import functions_of


class Objects(Protocol):
    """Where labelled objects lie."""

    def exists(self, name: str) -> bool:
        """Whether an object of this name is there."""


def missing_objects(passage: Passage, objects: Objects) -> tuple[str, ...]:
    """Named objects that are not there: a release that cannot be served is not a release."""
    labelling = passage.verdict("labelling") or {}
    return tuple(
        item["name"]
        for item in (labelling.get("carried") or {}).get("objects", ())
        if not objects.exists(item["name"])
    )


def stale_now(
    passage: Passage, registries: Registries, law: Law, now_ms: int
) -> tuple[tuple[str, str], ...]:
    """(code, where) of everything that forbids now. A forbidding row nobody can read forbids too."""
    return tuple(_faults(passage, registries, law, now_ms))


def _faults(
    passage: Passage, registries: Registries, law: Law, now_ms: int
) -> Iterator[tuple[str, str]]:
    event = passage.event
    generation = event.generation_id
    if event.type == "content.delivered" and generation is not None:
        if registries.recalls.recalled_by(event.tenant, generation, event.time_ms):
            yield "recalled", "generation"
        return
    if event.user is None or not TYPES[event.type].gates:
        return  # nothing is let through
    functions = functions_of(event)
    seen = registries.standing(event.tenant, event.user, now_ms)
    if seen.denies(functions, law.policy.identity.limited_functions):
        yield "stale_account", "user"
    for function, _ in registries.switches.off(event.tenant, functions):
        yield "stale_function", f"function:{function}"
    if generation is not None and registries.recalls.recalled(event.tenant, generation):
        yield "recalled", "generation"
    if event.subjects:  # consent uses grants of theirs alone
        consent = passage.verdict("consent") or {"facts": {}}
        for subject, grant in consent["facts"].get("grants_used", ()):
            if registries.revocations.revoked(event.tenant, subject, grant):
                yield "stale_consent", f"subject:{subject}"
