"""What may be copied from an event into a case: small facts, never a plain number of a person, never words.

A case is kept for ever and in the clear; an event's content is neither.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from synthgate.events.plain_identity import holds_plain_identity
from synthgate.law.reports import templates

BYTES_MAX: Final = 4_096
"""Of one detail on a timeline."""
NAMED: Final = ("produce_id", "generation", "sha256", "decision", "ground")
"""Members of a finding or complaint that name what can be looked up."""
_NAME_MAX: Final = 512
_ITEM_MAX: Final = 2_000


def fault(detail: Mapping[str, Any]) -> str | None:
    """Why a detail may not stand on a timeline; None if it may."""
    text = orjson.dumps(detail)
    if len(text) > BYTES_MAX:
        return f"detail beyond {BYTES_MAX} bytes: name a file by reference and hash instead"
    if holds_plain_identity(text.decode()):
        return "detail holds a plain phone, identity or card number: name it by token"
    return None


def named(content: Mapping[str, Any]) -> dict[str, str]:
    """The members that name something, but for those that hold a plain number."""
    return {
        name: text[:_NAME_MAX]
        for name in NAMED
        if isinstance(text := content.get(name), str) and not holds_plain_identity(text)
    }


def stated(detail: Mapping[str, Any]) -> dict[str, str]:
    """Items of a report that a finding states (``items``), but for those that hold a plain number."""
    items = detail.get("items")
    known = {item.key for template in templates().values() for item in template.item}
    return {
        key: text[:_ITEM_MAX]
        for key, text in (items.items() if isinstance(items, dict) else ())
        if key in known and isinstance(text, str) and not holds_plain_identity(text)
    }
