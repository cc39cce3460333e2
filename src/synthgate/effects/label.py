"""The implicit label: seven string fields in a fixed order (GB 45438-2025 Annex E).

Written strictly, read leniently: others write names where we write codes, and wrap the fields in ``AIGC`` or
not. A file carries exactly one label (6.1 c): there is a function to write one and none to add or remove one.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Self

import orjson

FIELDS: Final = (
    "Label", "ContentProducer", "ProduceID", "ReservedCode1",
    "ContentPropagator", "PropagateID", "ReservedCode2",
)  # fmt: skip
IS_AI: Final = "1"
"""Label values: "1" is generated, "2" may be, "3" is suspected to be."""
_LABELS: Final = ("1", "2", "3")
_REQUIRED: Final = ("ContentProducer", "ProduceID", "ContentPropagator", "PropagateID")
_PERMITTED: Final = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]*")
"""Annex E j: no space, no quote, no backslash, nothing beyond ASCII."""
FIELD_CHARS_MAX: Final = 1024
LABEL_BYTES_MAX: Final = 8192


class LabelError(ValueError):
    """The bytes hold no label: not JSON, a field missing, unknown, doubled, too long or not a string."""


@dataclass(frozen=True, slots=True)
class Label:
    """One label, fields in Annex E's order. Values may be wrong in content; ``faults`` says so."""

    label: str
    content_producer: str
    produce_id: str
    reserved_code_1: str
    content_propagator: str
    propagate_id: str
    reserved_code_2: str

    @classmethod
    def first(cls, producer: str, produce_id: str) -> Self:
        """The label of a first write: the propagator is the producer (Annex E, note 1)."""
        return cls(IS_AI, producer, produce_id, "", producer, produce_id, "")

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """From the seven fields by name, in any order.

        Raises:
            LabelError: a field is missing, unknown, too long or not a string.
        """
        if set(row) != set(FIELDS):
            odd = ", ".join(sorted(set(row) ^ set(FIELDS)))
            raise LabelError(f"a label has seven fields; missing or unknown: {odd[:200]}")
        for name in FIELDS:
            if not isinstance(row[name], str):
                raise LabelError(f"{name} is no string")
            if len(row[name]) > FIELD_CHARS_MAX:
                raise LabelError(f"{name} is longer than {FIELD_CHARS_MAX} characters")
        return cls(*(row[name] for name in FIELDS))

    @classmethod
    def read(cls, data: bytes) -> Self:
        """From JSON, bare or wrapped in a member ``AIGC``; in a wrapped one, other members are not ours.

        Raises:
            LabelError: no label, or more than one.
        """
        if len(data) > LABEL_BYTES_MAX:
            raise LabelError(f"longer than {LABEL_BYTES_MAX} bytes")
        try:
            found = json.loads(data.decode(), object_pairs_hook=_object)
        except (ValueError, RecursionError) as error:
            raise LabelError(f"not JSON: {error}") from None
        if isinstance(found, dict) and "AIGC" in found:
            found = found["AIGC"]
        if not isinstance(found, dict):
            raise LabelError("no JSON object")
        return cls.of(found)

    def row(self) -> dict[str, str]:
        """The seven fields by their names, in order."""
        return {
            name: getattr(self, own.name) for name, own in zip(FIELDS, fields(self), strict=True)
        }

    def bare(self) -> bytes:
        """Compact JSON, for a place that is itself named AIGC."""
        return orjson.dumps(self.row())

    def wrapped(self) -> bytes:
        """Compact JSON in a member ``AIGC``, for a place that is not (Annex E b)."""
        return orjson.dumps({"AIGC": self.row()})

    def faults(self) -> tuple[str, ...]:
        """Names of fields whose value breaks Annex E, in order (rule GB-E-1)."""
        return tuple(self._faults())

    def is_first_write(self) -> bool:
        """Propagator equals producer and the numbers are equal (rule GB-E-3)."""
        return (
            self.content_propagator == self.content_producer
            and self.propagate_id == self.produce_id
        )

    def _faults(self) -> Iterator[str]:
        for name, value in self.row().items():
            empty = name in _REQUIRED and not value
            unknown = name == "Label" and value not in _LABELS
            if empty or unknown or not _PERMITTED.fullmatch(value):
                yield name


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise LabelError("a field stands twice")
    return found
