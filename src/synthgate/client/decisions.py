"""The answer as an app sees it: a decision, or none in time.

Tolerant where the chain's own model is closed: a member added to a later decision is kept in ``row`` and
does not stop an app of today. Both answers have the same members, so one branch, ``if answer.released:``,
is enough.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import orjson

from synthgate.events.event import Event
from synthgate.events.origin import Origin

DECISION_VERSION: Final = 1
STRICTNESS: Final[Mapping[str, int]] = {"release": 0, "hold": 1, "refuse": 2, "recall": 3}
"""On the same revision the stricter action counts; an action of a later version is stricter than all."""

Cause: TypeAlias = Literal["timeout", "broker", "closed"]


class NotADecisionError(ValueError):
    """The bytes on ``decisions`` cannot be read as a decision of this version."""


class Reason(NamedTuple):
    """One fault found, with the duty that found it and the article it rests on."""

    obligation: str
    rule: str
    article: str
    force: str
    code: str
    where: str | None


class Released(NamedTuple):
    """One labelled object that may be served: only under this name, only with these bytes."""

    name: str
    sha256: str
    media_type: str
    size_bytes: int


Following = Callable[["Decision | None", float | None], Awaitable["Answer"]]
"""Waits for what comes after an answer."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the chain decided. ``row`` is the whole record; ``key`` and ``partition`` are where it stands."""

    row: Mapping[str, Any]
    key: bytes | None
    partition: int
    following: Following | None = field(default=None, repr=False, compare=False)

    @classmethod
    def read(cls, value: bytes | None, key: bytes | None, partition: int) -> "Decision":
        """Read a record of the topic ``decisions``.

        Raises:
            NotADecisionError: not JSON, not of this version, or a member is missing or of another type.
        """
        try:
            row = orjson.loads(value or b"")
            if row["v"] != DECISION_VERSION:
                raise NotADecisionError(f"decision version {row['v']!r}")
            read = cls(row, key, partition)
            # Whatever the app may ask for is asked for once here, so that it cannot fail there.
            _ = (read.reasons, read.objects, read.rank, read.pass_text, read.receipt["index"])
            _ = (read.origins, read.hold, read.enforced, row["tenant"], row["source"])
            if not isinstance(read.event_id, str | None):
                raise NotADecisionError("event_id is no string")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NotADecisionError(f"not a decision: {type(error).__name__}") from error
        return read

    @property
    def action(self) -> str:
        """release | refuse | hold | recall. What is none of these is no release."""
        return str(self.row["action"])

    @property
    def released(self) -> bool:
        """Go on: call the model, or serve the named objects and nothing else."""
        return self.action == "release"

    @property
    def enforced(self) -> bool:
        """False in observe mode: the action is the true one, need not be obeyed, and has no pass."""
        return bool(self.row["enforced"])

    @property
    def hold(self) -> str | None:
        """retry (comes back by itself) or review (a person judges), if the action is hold."""
        hold: str | None = self.row.get("hold") if self.action == "hold" else None
        return hold

    @property
    def revision(self) -> int:
        """1 for the first answer; the highest one counts."""
        return int(self.row["revision"])

    @property
    def rank(self) -> tuple[int, int]:
        """What counts more: the higher revision, and on the same one the stricter action."""
        return self.revision, STRICTNESS.get(self.action, len(STRICTNESS))

    @property
    def event_id(self) -> str | None:
        """CloudEvents id; None on a stub whose attributes could not be read."""
        event_id: str | None = self.row["event_id"]
        return event_id

    @property
    def origins(self) -> tuple[Origin, Origin]:
        """The first record of this act, and the one this decision is about (another if it came back)."""
        return Origin.parse(self.row["root"]), Origin.parse(self.row["origin"])

    @property
    def generation(self) -> str | None:
        """The generation it is about."""
        generation: str | None = self.row["generation"]
        return generation

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Everything found, all at once."""
        return tuple(
            Reason(
                reason["obligation"], reason["rule"], reason["article"], reason["force"],
                reason["code"], reason.get("where"),
            )
            for reason in self.row["reasons"]
        )  # fmt: skip

    @property
    def objects(self) -> tuple[Released, ...]:
        """The labelled objects that may be served, none unless released."""
        return tuple(
            Released(each["name"], each["sha256"], each["media_type"], each["size_bytes"])
            for each in self.row["objects"]
            if self.released
        )

    @property
    def pass_text(self) -> str | None:
        """The pass: for model servers, file servers and later events; never for end users."""
        return self.row.get("pass")

    @property
    def receipt(self) -> Mapping[str, Any]:
        """Where the entry stands: ``log``, ``index``, ``hash``."""
        receipt: Mapping[str, Any] = self.row["receipt"]
        return receipt

    async def next(self, timeout: float | None = None) -> "Answer":
        """The next answer that counts more than this one: a hold decided, a release recalled.

        ``Undecided`` if none comes within ``timeout`` seconds (None: as long as the gate is open) or if this
        decision was not read by a gate.
        """
        if self.following is None:
            return Undecided(str(self.event_id), self.generation, "closed")
        return await self.following(self, timeout)


@dataclass(frozen=True, slots=True)
class Undecided:
    """No decision in time: not released. Every app treats this as a refusal.

    cause: ``timeout``, ``broker`` (not acknowledged; it may have arrived none the less) or ``closed`` (the
    gate).
    event: as it was sent. Handed in again it goes out unchanged, and the chain answers it from its log.
    """

    event_id: str
    generation: str | None
    cause: Cause
    event: Event | None = field(default=None, repr=False, compare=False)
    following: Following | None = field(default=None, repr=False, compare=False)

    action: str = field(default="undecided", init=False)
    released: bool = field(default=False, init=False)
    enforced: bool = field(default=True, init=False)
    hold: None = field(default=None, init=False)
    revision: int = field(default=0, init=False)
    reasons: tuple[Reason, ...] = field(default=(), init=False)
    objects: tuple[Released, ...] = field(default=(), init=False)
    pass_text: None = field(default=None, init=False)
    receipt: None = field(default=None, init=False)

    async def next(self, timeout: float | None = None) -> "Answer":
        """The late answer, if it comes within ``timeout`` seconds."""
        if self.following is None:
            return self
        return await self.following(None, timeout)


Answer: TypeAlias = Decision | Undecided
