"""The data map: where a person's data lies, what for, on what ground, how long, and how erasure reaches it.

PIPL 47, 51; GAI 11. ``data_map.toml`` holds what people know; what a topic holds and how long comes from the
models and the topic table. ``data_map_page.py`` writes the page.
"""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from synthgate.events import schema
from synthgate.events.topics import TOPICS, Kind, Topic

_MAP: Final = tomllib.loads((Path(__file__).parent / "data_map.toml").read_text("utf-8"))
CLASSES: Final[Mapping[str, frozenset[str]]] = {
    kind: frozenset(row["fields"]) for kind, row in _MAP["classes"].items()
}
"""What kind of personal data a field of this name may hold, wherever it stands."""
SAID: Final[Mapping[str, str]] = {kind: row["said"] for kind, row in _MAP["classes"].items()}
NOT_PERSONAL: Final = frozenset(_MAP["not_personal"])
HEADER: Final = frozenset(_MAP["header"])
INDEX: Final = frozenset(_MAP["index"])

_ENDS: Final = "goes with its period, which is shorter than any answer to a request"
_COMPACTED: Final = (
    "not by `synthgate erase`: its writer sends a tombstone for the key; copies drop the row, the broker within"
    " seven days"
)


class Row(NamedTuple):
    """One place. ``holds``: classes of ``CLASSES``."""

    place: str
    holds: tuple[str, ...]
    purpose: str
    basis: str
    period: str
    erasure: str


STORES: Final = {
    name: Row(**{**row, "holds": tuple(row["holds"])}) for name, row in _MAP["stores"].items()
}
"""Files and folders of an installation by the name they have in ``data_dir``, and what lies outside it."""


def names_in(node: Any) -> Iterator[str]:
    """Every field name in a JSON Schema, however deep."""
    if isinstance(node, dict):
        properties = node.get("properties")
        if isinstance(properties, dict):
            yield from properties
        for inner in node.values():
            yield from names_in(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from names_in(inner)


def topics() -> list[Row]:
    """A row for each topic, its kinds of data as its models say."""
    return [_topic(topic) for topic in TOPICS]


def _topic(topic: Topic) -> Row:
    chain = topic.kind is Kind.CHAIN
    names = set(names_in(schema.document(topic)))
    if chain:  # an event of a source lies in each, whole
        names |= {
            name
            for one in TOPICS
            if one.kind is Kind.SOURCE
            for name in names_in(schema.document(one))
        }
    sealed = topic.kind is Kind.QUARANTINE
    holds = tuple(kind for kind, known in CLASSES.items() if sealed or names & known)
    said = _MAP["topics"]["passages" if chain else topic.name]
    kept = "while the row stands" if topic.kept_ms is None else f"{topic.kept_ms // 3_600_000} h"
    usual = _COMPACTED if topic.kept_ms is None else _ENDS
    reached = said.get("erasure", usual) if holds else "nothing to erase"
    return Row(f"topic `{topic.name}`", holds, said["purpose"], said["basis"], kept, reached)
