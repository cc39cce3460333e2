"""Where it was measured, in one line."""

from collections.abc import Mapping
from typing import Any


def place_line(found: Mapping[str, Any]) -> str:
    """Cores, system, interpreter, libraries."""
    libraries = ", ".join(f"{name} {number}" for name, number in found["libraries"].items())
    return f"{found['cores']} cores, {found['system']}, {found['python']}; {libraries}"
