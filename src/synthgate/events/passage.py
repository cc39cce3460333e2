"""The passage: the event as received plus one verdict per duty.

Wire form, ``event`` last so that a verdict is spliced in without touching the received bytes::

    {"v":1,"origin":{…},"lane":"fast","attrs":{…},"verdicts":[…],"event":<received data bytes>}

A passage that comes back carries ``"reentry"`` before ``"verdicts"``. The two delimiters below are found by
their first occurrence; a string cannot hold them (its quotes are escaped) and ``render_head`` and
``add_verdict`` refuse parts of ours that would. A verdict begins with what later duties ask for most, so that
``said`` reads no more of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import orjson

from synthgate.events.event import Event
from synthgate.events.lazy import lazy
from synthgate.events.origin import Origin

PASSAGE_VERSION: Final = 1
CLOCK_BELIEVED_MS: Final = 86_400_000
"""Event time further than a day from the broker's append time is refused anyhow, and not judged by."""
FAST: Final = "fast"
SLOW: Final = "slow"
_VERDICTS: Final = b',"verdicts":['
_EVENT: Final = b'],"event":'
_VERDICT: Final = b'{"obligation":"'
_FACTS: Final = b',"facts":'


class PassageError(ValueError):
    """The bytes are not a passage of this version: only a foreign writer or a bug makes such."""


@dataclass(frozen=True, slots=True)
class Reentry:
    """Why a passage came back, and which decision it answers.

    root: the first origin; revisions belong to it. answers: log index of the decision answered.
    """

    root: Origin
    cause: str
    answers: int
    revision: int
    evidence: Mapping[str, Any]

    def row(self) -> dict[str, Any]:
        """As it travels."""
        return {
            "root": str(self.root),
            "cause": self.cause,
            "answers": self.answers,
            "revision": self.revision,
            "evidence": self.evidence,
        }


class Passage:
    """One passage in a worker. Verdicts are added; nothing else changes."""

    __slots__ = (
        "__dict__",
        "at",
        "attrs",
        "cites",
        "event_bytes",
        "event_hash",
        "findings",
        "key",
        "known",
        "lane",
        "origin",
        "reentry",
        "user_token",
        "verdicts_raw",
    )

    def __init__(
        self,
        *,
        origin: Origin,
        at: int,
        event_hash: str,
        lane: str,
        attrs: Mapping[str, Any],
        event_bytes: bytes,
        key: bytes | None,
        reentry: Reentry | None = None,
        verdicts_raw: bytes = b"",
    ) -> None:
        self.origin = origin
        self.at = at
        self.event_hash = event_hash
        self.lane = lane
        self.attrs = attrs
        self.event_bytes = event_bytes
        self.key = key
        self.reentry = reentry
        self.verdicts_raw = verdicts_raw
        self.known: dict[str, Mapping[str, Any]] = {}
        """Verdicts added or read so far, by duty."""
        # Set by the door, for identity alone; they do not travel.
        self.findings: list[dict[str, str]] = []
        self.user_token: str | None = None
        self.cites: Sequence[int] | None = None

    @classmethod
    def parse(cls, value: bytes, key: bytes | None) -> Self:
        """Read the wire form.

        Raises:
            PassageError: not a passage of this version.
        """
        try:
            head_end = value.index(_VERDICTS)
            verdicts_end = value.index(_EVENT, head_end)
            head = orjson.loads(value[:head_end] + b"}")
            stamp = head["origin"]
            if head["v"] != PASSAGE_VERSION or value[-1:] != b"}":
                raise PassageError(f"passage version {head['v']!r}")
            back = head.get("reentry")
            return cls(
                origin=Origin(stamp["epoch"], stamp["topic"], stamp["partition"], stamp["offset"]),
                at=stamp["at"],
                event_hash=stamp["hash"],
                lane=head["lane"],
                attrs=head["attrs"],
                event_bytes=value[verdicts_end + len(_EVENT) : -1],
                key=key,
                reentry=None if back is None else _reentry(back),
                verdicts_raw=value[head_end + len(_VERDICTS) : verdicts_end],
            )
        except (ValueError, KeyError, TypeError) as error:
            raise PassageError(f"not a passage: {error}") from error

    def render(self) -> bytes:
        """The wire form."""
        return b"".join(
            (self.render_head(), _VERDICTS, self.verdicts_raw, _EVENT, self.event_bytes, b"}")
        )

    def render_head(self) -> bytes:
        """Everything before the verdicts, without the closing brace."""
        head: dict[str, Any] = {
            "v": PASSAGE_VERSION,
            "origin": {
                "epoch": self.origin.epoch,
                "topic": self.origin.topic,
                "partition": self.origin.partition,
                "offset": self.origin.offset,
                "at": self.at,
                "hash": self.event_hash,
            },
            "lane": self.lane,
            "attrs": self.attrs,
        }
        if self.reentry is not None:
            head["reentry"] = self.reentry.row()
        raw = orjson.dumps(head)[:-1]
        if _VERDICTS in raw:
            raise PassageError(
                'attributes and re-entry may not hold a member "verdicts" with a list'
            )
        return raw

    def add_verdict(self, row: Mapping[str, Any]) -> None:
        """Splice one verdict in; later duties see it in ``verdicts``."""
        raw = orjson.dumps(row)
        if _EVENT in raw:
            raise PassageError('a verdict may not hold a member "event" behind a list')
        if raw.rfind(_VERDICT) != 0:
            raise PassageError('a verdict begins with "obligation", and nothing inside it does')
        self.verdicts_raw = self.verdicts_raw + b"," + raw if self.verdicts_raw else raw
        self.known[row["obligation"]] = row
        self.__dict__.pop("verdicts", None)
        said = self.__dict__.get("said")
        if said is not None:
            said.append(row)

    def forget_verdicts(self, but: bytes = b"") -> None:
        """Duties decide again: only what ``verdicts_raw`` was before them stays."""
        self.verdicts_raw, self.known = but, {}
        for cached in ("verdicts", "said"):
            self.__dict__.pop(cached, None)

    @lazy
    def verdicts(self) -> list[dict[str, Any]]:
        """The verdicts so far, in the order of the chain."""
        rows: list[dict[str, Any]] = orjson.loads(b"[" + self.verdicts_raw + b"]")
        return rows

    @lazy
    def said(self) -> list[Mapping[str, Any]]:
        """Of each verdict so far: obligation, outcome, hold if any, reasons; do not ask these for more."""
        if not self.verdicts_raw:
            return []
        heads = []
        for raw in self.verdicts_raw.split(b"," + _VERDICT):
            head, facts, _ = raw.partition(_FACTS)
            heads.append(head if facts else raw[:-1])
        rows: list[Mapping[str, Any]] = orjson.loads(b"[" + (b"}," + _VERDICT).join(heads) + b"}]")
        return rows

    @lazy
    def event(self) -> Event:
        """The typed, read-only view of the event."""
        return Event(self.attrs, orjson.loads(self.event_bytes))

    def verdict(self, obligation: str) -> Mapping[str, Any] | None:
        """The verdict one duty gave, if it has."""
        row = self.known.get(obligation)
        if row is None:
            begin = self.verdicts_raw.find(_VERDICT + obligation.encode() + b'"')
            if begin < 0:
                return None
            end = self.verdicts_raw.find(b"," + _VERDICT, begin)
            raw = self.verdicts_raw[begin:] if end < 0 else self.verdicts_raw[begin:end]
            row = self.known[obligation] = orjson.loads(raw)
        return row

    @property
    def root(self) -> Origin:
        """The first origin of this act; its own unless it came back."""
        return self.origin if self.reentry is None else self.reentry.root

    @property
    def revision(self) -> int:
        """1 for the first decision on an act, one more for each answer to it."""
        return 1 if self.reentry is None else self.reentry.revision

    @property
    def id(self) -> str:
        """The id of the decision that answers it: the same record always gets the same."""
        return f"{self.root}#{self.revision}"

    def __str__(self) -> str:
        """As logs name it; nothing of what it holds."""
        return self.id

    @property
    def as_of(self) -> int:
        """When permits must hold and whose law counts, Unix ms: the event's own time.

        The append time for a re-entry, for a stub, and for a time nobody can believe: the law of 2010 is
        not to be had by writing 2010 on an event.
        """
        if self.reentry is not None or self.event.stub is not None:
            return self.at
        own = self.event.time_ms
        return own if abs(own - self.at) <= CLOCK_BELIEVED_MS else self.at


def _reentry(row: Mapping[str, Any]) -> Reentry:
    return Reentry(
        Origin.parse(row["root"]), row["cause"], row["answers"], row["revision"], row["evidence"]
    )
