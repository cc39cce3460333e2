"""The file of a mapping: TOML, read strictly, every expression compiled when it is read.

``[[ignore]]``: records that are not meant for the chain. ``[[event]]``: the first whose ``when`` holds makes
the event, a member for each expression; a name that ends with ``?`` may give nothing and is then left out.
``[[reply]]``: the same for decisions on their way back.
"""

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from synthgate.events.schema import event_types
from synthgate.mapping.expressions import Expression, ExpressionError


class MappingError(ValueError):
    """The file cannot be used; the sentence says what to mend."""


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Ignore(_Row):
    when: str


class _Event(_Row):
    name: str = Field(pattern=r"^[a-z0-9_-]{1,60}$")
    when: str
    type: str
    attrs: dict[str, str]
    data: dict[str, str]


class _Reply(_Row):
    name: str = Field(pattern=r"^[a-z0-9_-]{1,60}$")
    when: str
    key: str
    value: dict[str, str] | str


class _File(_Row):
    version: Literal[1]
    ignore: list[_Ignore] = Field(default_factory=list)
    event: list[_Event] = Field(default_factory=list)
    reply: list[_Reply] = Field(default_factory=list)


class Member:
    """One member: its path, whether it may be missing, and the expression it comes of."""

    __slots__ = ("expression", "may_miss", "path")

    def __init__(self, name: str, text: str) -> None:
        """Raises ExpressionError."""
        self.may_miss = name.endswith("?")
        self.path = tuple(name.removesuffix("?").split("."))
        if not all(self.path):
            raise ExpressionError(f"{name!r} is no path of members")
        self.expression = Expression(text)

    @property
    def where(self) -> str:
        """Its path as a name."""
        return ".".join(self.path)


class EventRule:
    """Makes one kind of event."""

    def __init__(self, row: _Event) -> None:
        """Raises ExpressionError, MappingError."""
        self.name = row.name
        self.type = row.type
        self.when = Expression(row.when)
        self.attrs = [Member(name, text) for name, text in row.attrs.items()]
        self.data = [Member(name, text) for name, text in row.data.items()]
        if row.type not in event_types("generation.events"):
            raise MappingError(f"event {row.name}: generation.events has no type {row.type!r}")
        given = {member.where for member in self.attrs}
        if not {"id", "source", "time"} <= given <= {"id", "source", "time", "traceparent"}:
            raise MappingError(
                f"event {row.name}: attrs are id, source and time, and traceparent if you like"
            )
        _apart(row.name, self.data)


class ReplyRule:
    """Makes one kind of answer. value: members, or one expression for the whole."""

    def __init__(self, row: _Reply) -> None:
        """Raises ExpressionError, MappingError."""
        self.name = row.name
        self.when = Expression(row.when)
        self.key = Expression(row.key)
        self.value: Expression | list[Member]
        if isinstance(row.value, str):
            self.value = Expression(row.value)
        else:
            self.value = [Member(name, text) for name, text in row.value.items()]
            _apart(row.name, self.value)


class Mapping:
    """A file, ready to be used."""

    def __init__(self, file: _File) -> None:
        """Raises ExpressionError, MappingError."""
        self.ignored = [Expression(row.when) for row in file.ignore]
        self.events = [EventRule(row) for row in file.event]
        self.replies = [ReplyRule(row) for row in file.reply]
        names = [rule.name for rule in self.events] + [rule.name for rule in self.replies]
        if len(set(names)) < len(names):
            raise MappingError("two rules have one name: what fails could not be told apart")

    @classmethod
    def parse(cls, text: str) -> "Mapping":
        """Read it.

        Raises:
            MappingError: what to mend.
        """
        try:
            return cls(_File.model_validate(tomllib.loads(text)))
        except (tomllib.TOMLDecodeError, ExpressionError) as error:
            raise MappingError(str(error)) from None
        except ValidationError as error:
            fault = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in fault["loc"])
            raise MappingError(f"{where}: {fault['msg']}") from None

    @classmethod
    def read(cls, path: Path) -> "Mapping":
        """Read a file of it.

        Raises:
            MappingError: what to mend.
        """
        try:
            return cls.parse(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise MappingError(f"{path}: cannot be read ({type(error).__name__})") from None
        except MappingError as error:
            raise MappingError(f"{path}: {error}") from None


def _apart(rule: str, members: list[Member]) -> None:
    """No member is another's inside: which would win?"""
    paths = [member.path for member in members]
    for path in paths:
        for other in paths:
            if path is not other and path[: len(other)] == other:
                raise MappingError(
                    f"{rule}: {'.'.join(other)} is made twice, whole and by its members"
                )
