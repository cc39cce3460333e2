"""JMESPath with a few functions of ours: pure, without loops, over one record.

An expression sees ``value`` (the record's JSON), ``key`` (text or null), ``headers`` (texts by name) and ``at``
(Unix ms of the broker's append).
"""

from typing import Any, Final

import jmespath
from jmespath import functions
from jmespath.exceptions import JMESPathError

from synthgate.events.event import time_ms

_SECONDS_MAX: Final = 253_402_300_799
"""9999-12-31: what RFC 3339 can write."""


class ExpressionError(ValueError):
    """An expression that is none; the sentence says where."""


class FailedError(ValueError):
    """An expression that gave nothing to go on with; the sentence holds no content."""


class _Ours(functions.Functions):
    """``rfc3339_ms(number)``, ``rfc3339_s(number)``: a Unix time as the moment an event bears.

    ``ms(text)``: an RFC 3339 moment with an offset as Unix ms. ``has(text, part)``: whether it stands there.
    """

    @functions.signature({"types": ["number"]})
    def _func_rfc3339_ms(self, at: float) -> str:
        return _moment(at / 1000)

    @functions.signature({"types": ["number"]})
    def _func_rfc3339_s(self, at: float) -> str:
        return _moment(at)

    @functions.signature({"types": ["string"]})
    def _func_ms(self, text: str) -> int:
        return time_ms(text)

    @functions.signature({"types": ["string"]}, {"types": ["string"]})
    def _func_has(self, text: str, part: str) -> bool:
        return part in text


def _moment(seconds: float) -> str:
    from datetime import UTC, datetime, timedelta

    if not 0 <= seconds <= _SECONDS_MAX:
        raise ValueError("a time nobody writes")
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=round(seconds * 1000))
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


_OPTIONS: Final = jmespath.Options(custom_functions=_Ours())


class Expression:
    """One expression, compiled. ``text`` as it stands in the file."""

    __slots__ = ("_compiled", "text")

    def __init__(self, text: str) -> None:
        """Raises ExpressionError."""
        self.text = text
        try:
            self._compiled = jmespath.compile(text)
        except JMESPathError as error:
            raise ExpressionError(f"{text!r} is no expression: {type(error).__name__}") from None

    def of(self, record: Any) -> Any:
        """What it gives; None is nothing.

        Raises:
            FailedError: it does not work on this record.
        """
        try:
            return self._compiled.search(record, options=_OPTIONS)
        except Exception as error:  # noqa: BLE001 (whatever it does on a stranger's record: it does not map)
            raise FailedError(f"it fails on this record: {type(error).__name__}") from None
