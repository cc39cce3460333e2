"""The typed, read-only view of an event that every duty reads.

The door has validated the data once (events/models.py); inside the chain this view costs nothing until a
field is asked for. Fields nobody declared are content: kept, encrypted, never read by name here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from synthgate.events.lazy import lazy

STUB: Final = "record.stubbed"
"""Event type of a stub: what stands for a record that could not be processed."""

_EMPTY: Mapping[str, Any] = {}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _EMPTY


def time_ms(text: str) -> int:
    """RFC 3339 with an offset to Unix milliseconds; ValueError names the fault."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone offset")
    return round(moment.timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class Subject:
    """An edited person, by token. age_band: lt14 | 14_17 | adult | unknown. receipt: a signed consent."""

    token: str
    age_band: str
    is_actor: bool
    receipt: str | None = None


_AGES: Final = ("lt14", "14_17", "adult")


def strictest(ages: Iterable[str]) -> str:
    """The youngest age band stated; ``unknown`` only if nobody says."""
    stated = [age for age in ages if age in _AGES]
    return min(stated, key=_AGES.index, default="unknown")


@dataclass(frozen=True, slots=True)
class Stub:
    """What is known of a record that could not be processed. The bytes lie sealed in quarantine."""

    code: str
    sha256: str
    size_bytes: int
    detail: str


class Event:
    """One event: CloudEvents attributes and validated data."""

    __slots__ = ("__dict__", "attrs", "data", "generation")

    def __init__(self, attrs: Mapping[str, Any], data: Mapping[str, Any]) -> None:
        self.attrs = attrs
        self.data = data
        self.generation: Mapping[str, Any] = _mapping(data.get("generation"))
        """The generation this event belongs to, or empty."""

    @property
    def id(self) -> str:
        """CloudEvents id, unique within source."""
        return str(self.attrs["id"])

    @property
    def source(self) -> str:
        """CloudEvents source."""
        return str(self.attrs["source"])

    @property
    def type(self) -> str:
        """Event type, without prefix: ``generation.requested``."""
        name: str = self.attrs["type"]
        return name

    @lazy
    def time_ms(self) -> int:
        """The event's own time, Unix ms."""
        return time_ms(self.attrs["time"])

    @property
    def tenant(self) -> str:
        """The platform (or brand) whose act it is."""
        return str(self.data["tenant"])

    @property
    def regimes(self) -> tuple[str, ...]:
        """Legal regimes the platform says apply; CN always does."""
        named = self.data.get("regimes")
        return tuple(dict.fromkeys(("CN", *named))) if named else ("CN",)

    @lazy
    def answer_by_ms(self) -> int | None:
        """After this the asker has given up, Unix ms."""
        text = self.data.get("answer_by")
        return None if text is None else time_ms(text)

    @property
    def keep_days(self) -> int | None:
        """How long the platform asks the entry to be kept, days; the law's floor stands."""
        return self.data.get("keep_days")

    @property
    def user(self) -> str | None:
        """The platform's id of the person whose act it is; None on a stub."""
        user = self.data.get("user")
        return None if user is None else str(user["id"])

    @property
    def role(self) -> str:
        """Role the platform acts in: provider | tech_support | user | propagator | app_store."""
        return str(self.data.get("role", "provider"))

    @property
    def net(self) -> Mapping[str, Any]:
        """Network fields of the log (DSP 10; 2018 assessment rules Art. 5(3)); may be incomplete."""
        return _mapping(self.data.get("net"))

    @property
    def generation_id(self) -> str | None:
        """Id of the generation, if the event belongs to one."""
        return self.generation.get("id")

    @property
    def medium(self) -> str:
        """text | image | audio | video | virtual_scene | other; ``none`` where nothing is generated."""
        medium: str = self.generation.get("medium", "none")
        return medium

    @property
    def template(self) -> str | None:
        """Template the generation runs on; the registry says what it is."""
        return self.generation.get("template")

    @property
    def purpose(self) -> str:
        """What the output is for; consents are matched on it."""
        return str(self.generation.get("purpose", "unspecified"))

    @property
    def model(self) -> str | None:
        """Model the generation runs on, if the platform says."""
        return self.generation.get("model")

    @property
    def territory(self) -> str | None:
        """Where the output is to go, if the platform says."""
        return self.generation.get("territory")

    @property
    def publish(self) -> bool:
        """Whether the output is meant for the public."""
        return bool(self.generation.get("publish", False)) or self.type == "content.published"

    @lazy
    def subjects(self) -> tuple[Subject, ...]:
        """Edited persons."""
        rows = self.data.get("subjects")
        if not rows:
            return ()
        return tuple(
            Subject(
                row["token"],
                row.get("age_band", "unknown"),
                bool(row.get("is_actor", False)),
                row.get("receipt"),
            )
            for row in rows
        )

    @property
    def content(self) -> Mapping[str, Any]:
        """Prompt, text, objects: encrypted at rest, never in a log line, key, header or metric."""
        return _mapping(self.data.get("content"))

    @property
    def prompt(self) -> str | None:
        """What the user typed."""
        return self.content.get("prompt")

    @property
    def text(self) -> str | None:
        """What the model wrote."""
        return self.content.get("text")

    @property
    def pass_text(self) -> str | None:
        """The pass of the decision this event follows."""
        return self.data.get("pass")

    @property
    def review(self) -> Mapping[str, Any] | None:
        """The platform's own review result; counts only from a reviewer listed by tenant."""
        return self.data.get("review")

    @lazy
    def stub(self) -> Stub | None:
        """Set if this stands for a record that could not be processed."""
        if self.type != STUB:
            return None
        return Stub(
            self.data["code"], self.data["sha256"], self.data["size_bytes"], self.data["detail"]
        )
