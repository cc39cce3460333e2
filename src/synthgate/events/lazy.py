"""A value made when first asked for. As ``functools.cached_property``, without its lock: there are many."""

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

T = TypeVar("T")


class lazy(Generic[T]):
    """Calls the function once per object and keeps the value in its ``__dict__``.

    Not for threads that share an object: both might make the value.
    """

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self._name = make.__name__
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, held: None, owner: type | None = None) -> Self: ...
    @overload
    def __get__(self, held: object, owner: type | None = None) -> T: ...
    def __get__(self, held: object | None, owner: type | None = None) -> Self | T:
        """Only called while ``__dict__`` does not hold the value."""
        if held is None:
            return self
        value = held.__dict__[self._name] = self._make(held)
        return value
