"""Functions off by order (DSP Art. 21): ``facts.switches``, key tenant/function; tenant ``*`` means all.

A function is named by event type (``generation.requested``), ``medium:<medium>``, ``template:<template>``,
or ``*`` for everything that gates and for registration. What a person may always do (appeal, complain, ask
for erasure) is off only when its own event type is named.
"""

from functools import lru_cache
from typing import Any

from synthgate.events.event import Event
from synthgate.events.facts import SwitchRow
from synthgate.events.types import TYPES
from synthgate.registries.table import UNREADABLE, Table, Unreadable

ALL = "*"


class Switches(Table[SwitchRow]):
    """Which functions are off."""

    topic = "facts.switches"

    def off(
        self, tenant: str, functions: tuple[str, ...]
    ) -> tuple[tuple[str, SwitchRow | Unreadable], ...]:
        """What is off of these, as (function, row); a row nobody can read counts as off."""
        if not self._entries and not self._broken:
            return ()
        found: list[tuple[str, SwitchRow | Unreadable]] = []
        for function in functions:
            for owner in (ALL, tenant):
                row = self.held(f"{owner}/{function}")
                if row is UNREADABLE or (row is not None and row.off):
                    found.append((function, row))
        return tuple(found)

    def off_for(self, event: Event) -> tuple[tuple[str, SwitchRow | Unreadable], ...]:
        """What is off of the functions an event uses."""
        if not self._entries and not self._broken:
            return ()
        return self.off(event.tenant, functions_of(event))

    def strictness(self, row: SwitchRow) -> tuple[Any, ...]:
        """Off is stricter."""
        return (row.off,)


def functions_of(event: Event) -> tuple[str, ...]:
    """The functions an event uses, as switches and restrictions name them."""
    generates = bool(event.generation)
    return _functions(
        event.type, event.medium if generates else None, event.template if generates else None
    )


@lru_cache(maxsize=4096)
def _functions(event_type: str, medium: str | None, template: str | None) -> tuple[str, ...]:
    kind = TYPES.get(event_type)
    functions = [event_type]
    if kind is not None and (kind.gates or event_type == "account.registered"):
        functions.append(ALL)
        if medium is not None:
            functions.append(f"medium:{medium}")
            functions.append(f"template:{template}")
    return tuple(functions)
