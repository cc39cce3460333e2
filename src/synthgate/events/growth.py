"""A released schema only grows: what a reader or writer relied on yesterday holds today.

Pure: two documents in, sentences out. An empty list means the new document is growth (or the same).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

_LOWER: Final = ("minLength", "minimum", "exclusiveMinimum", "minItems", "minProperties")
_UPPER: Final = ("maxLength", "maximum", "exclusiveMaximum", "maxItems", "maxProperties")
_TEXTUAL: Final = ("pattern", "format")

Schema = Mapping[str, Any]


def faults(old: Schema, new: Schema, *, said: bool) -> list[str]:
    """What the new document takes away from the old one.

    said: we write these records, so a type may not widen and a field may not become optional either:
    readers would meet what they were never told of. Otherwise others write them, and whatever they send
    today must still be admitted.
    """
    return list(_Comparison(old, new, said=said).node(old, new, "", frozenset()))


class _Comparison:
    def __init__(self, old: Schema, new: Schema, *, said: bool) -> None:
        self.old, self.new, self.said = old, new, said

    def node(self, old: Any, new: Any, at: str, seen: frozenset[tuple[str, str]]) -> Iterator[str]:
        """Faults at one place and below it. ``seen`` stops at a shape that holds itself."""
        pair = (_ref(old), _ref(new))
        if all(pair):
            if pair in seen:
                return
            seen |= {pair}
        old, new = _resolve(self.old, old), _resolve(self.new, new)
        if old == new and not _has_ref(old):
            return
        old_ways, new_ways = old.get("anyOf"), new.get("anyOf")
        if old_ways or new_ways:
            yield from self._ways(old_ways or [old], new_ways or [new], at, seen)
            return
        yield from self._kind(old, new, at)
        yield from _bounds(old, new, at)
        yield from self._members(old, new, at, seen)
        yield from self._branches(old, new, at, seen)
        if "items" in old and "items" in new:
            yield from self.node(old["items"], new["items"], f"{at}/[]", seen)
        elif "items" in new:
            yield f"{at or '/'}: items were free and are now described"

    def _ways(
        self, old: list[Any], new: list[Any], at: str, seen: frozenset[tuple[str, str]]
    ) -> Iterator[str]:
        for way in old:
            found = [list(self.node(way, other, at, seen)) for other in new]
            if all(found):
                yield from min(found, key=len)
        if self.said:
            for way in new:
                if all(list(self.node(other, way, at, seen)) for other in old):
                    yield f"{at or '/'}: may now be {_words(_resolve(self.new, way))}"

    def _kind(self, old: Schema, new: Schema, at: str) -> Iterator[str]:
        before, after = _types(old), _types(new)
        widened = after | ({"integer"} if "number" in after and not self.said else set())
        if after and (not before or not before <= widened):
            yield f"{at or '/'}: type was {_join(before) or 'free'} and is now {_join(after)}"
        elif self.said and before and after != before:
            yield f"{at or '/'}: type was {_join(before)} and is now {_join(after) or 'free'}"
        old_values, new_values = _values(old), _values(new)
        if new_values is not None:
            if old_values is None:
                yield f"{at or '/'}: any value was allowed, now only {_join(new_values)}"
            elif gone := [value for value in old_values if value not in new_values]:
                yield f"{at or '/'}: no longer {_join(gone)}"

    def _members(
        self, old: Schema, new: Schema, at: str, seen: frozenset[tuple[str, str]]
    ) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        for name in before:
            if name not in after:
                yield f"{at}/{name}: removed"
            else:
                yield from self.node(before[name], after[name], f"{at}/{name}", seen)
        old_needs, new_needs = set(old.get("required", ())), set(new.get("required", ()))
        for name in sorted(new_needs - old_needs):
            yield f"{at}/{name}: now required"
        if self.said:
            for name in sorted((old_needs - new_needs) & set(after)):
                yield f"{at}/{name}: no longer always there"
        old_rest, new_rest = (
            old.get("additionalProperties", True),
            new.get("additionalProperties", True),
        )
        if new_rest is False and old_rest is not False:
            yield f"{at or '/'}: unknown fields are no longer allowed"
        elif isinstance(new_rest, Mapping):
            yield from self.node(
                old_rest if isinstance(old_rest, Mapping) else {}, new_rest, f"{at}/*", seen
            )

    def _branches(
        self, old: Schema, new: Schema, at: str, seen: frozenset[tuple[str, str]]
    ) -> Iterator[str]:
        """Event types: ``allOf`` of if type is … then data is …."""
        before, after = _by_type(old), _by_type(new)
        for name, then in before.items():
            if name not in after:
                yield f"{at}/{name}: event type removed"
            else:
                yield from self.node(then, after[name], f"{at}/{name}", seen)


def _bounds(old: Schema, new: Schema, at: str) -> Iterator[str]:
    for word in _LOWER:
        if word in new and (word not in old or new[word] > old[word]):
            yield f"{at or '/'}: {word} was {old.get(word, 'none')} and is now {new[word]}"
    for word in _UPPER:
        if word in new and (word not in old or new[word] < old[word]):
            yield f"{at or '/'}: {word} was {old.get(word, 'none')} and is now {new[word]}"
    for word in _TEXTUAL:
        if word in new and new[word] != old.get(word):
            yield f"{at or '/'}: {word} was {old.get(word, 'none')} and is now {new[word]}"


def _ref(node: Any) -> str:
    return str(node.get("$ref", "")) if isinstance(node, Mapping) else ""


def _has_ref(node: Any) -> bool:
    """An equal text may stand for another shape if what it points at changed."""
    if isinstance(node, Mapping):
        return "$ref" in node or any(_has_ref(value) for value in node.values())
    return isinstance(node, list) and any(_has_ref(value) for value in node)


def _resolve(root: Schema, node: Any) -> Schema:
    while ref := _ref(node):
        node = root["$defs"][ref.removeprefix("#/$defs/")]
    return node if isinstance(node, Mapping) else {}


def _types(node: Schema) -> set[str]:
    named = node.get("type")
    if named is None:
        return {_type_of(value) for value in _values(node) or ()}
    return {named} if isinstance(named, str) else set(named)


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    kinds = {str: "string", int: "integer", float: "number", type(None): "null"}
    return kinds.get(type(value), "object")


def _values(node: Schema) -> list[Any] | None:
    if "const" in node:
        return [node["const"]]
    values: list[Any] | None = node.get("enum")
    return values


def _by_type(node: Schema) -> dict[str, Any]:
    return {
        branch["if"]["properties"]["type"]["const"]: branch["then"]
        for branch in node.get("allOf", ())
        if "if" in branch
    }


def _words(node: Schema) -> str:
    return _join(_types(node)) or "anything"


def _join(values: Any) -> str:
    return ", ".join(sorted(str(value) for value in values))
