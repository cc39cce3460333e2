"""What nobody declared is content: the values of unknown members, found so that they are reviewed."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, get_args

from pydantic import BaseModel


def undeclared(data: Mapping[str, Any], model: type[BaseModel]) -> Iterator[Any]:
    """Values under members the model does not declare, at every depth it describes."""
    declared, nested = _members(model)
    if not declared.issuperset(data):
        for name, value in data.items():
            if name not in declared:
                yield value
    for name, inner in nested:
        value = data.get(name)
        if isinstance(value, dict):
            yield from undeclared(value, inner)
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, dict):
                    yield from undeclared(item, inner)


@lru_cache(maxsize=256)
def _members(
    model: type[BaseModel],
) -> tuple[frozenset[str], tuple[tuple[str, type[BaseModel]], ...]]:
    """Declared members, and those that hold an object (or a list of objects) with its model."""
    kinds = {
        field.alias or name: next(_models(field.annotation), None)
        for name, field in model.model_fields.items()
    }
    nested = tuple((name, kind) for name, kind in kinds.items() if kind is not None)
    return frozenset(kinds), nested


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    parts = get_args(annotation)
    if not parts and isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in parts:
        yield from _models(part)
