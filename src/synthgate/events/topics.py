"""The topics: who writes, who reads, by what key, kept how long. The one table everything is made from.

``synthgate topics``, the ACLs, the AsyncAPI document and the graph test read it. Every topic has the same
number of partitions and a record keeps its partition from source to decision.
"""

from dataclasses import dataclass
from enum import StrEnum

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

DUTIES = ("identity", "consent", "moderation", "labelling", "retention", "incidents")


class Kind(StrEnum):
    """What a topic is for; decides its checks."""

    SOURCE = "source"  # stamped by the broker (LogAppendTime), read by the door
    CHAIN = "chain"  # passages between duties
    DECISION = "decision"
    FACT = "fact"  # compacted rows, read as full copies
    STATE = "state"  # compacted rows written by a duty
    RECORD = "record"
    QUARANTINE = "quarantine"


@dataclass(frozen=True, slots=True)
class Topic:
    """One row of the table. ``kept_ms`` None means compacted, kept for ever."""

    name: str
    kind: Kind
    writer: str
    key: str
    readers: tuple[str, ...]
    kept_ms: int | None
    logged: str
    bytes_max: int = 1_048_576


def _fact(name: str, writer: str, key: str, readers: tuple[str, ...], logged: str = "yes") -> Topic:
    return Topic(name, Kind.FACT, writer, key, readers, None, logged)


def _chain(after: str, reader: str) -> tuple[Topic, Topic]:
    done = {
        "identity": "identified",
        "consent": "consented",
        "moderation": "moderated",
        "labelling": "labelled",
    }[after]
    fast = Topic(f"passages.{done}", Kind.CHAIN, after, "as source", (reader,), 72 * HOUR_MS, "no")
    slow = Topic(
        f"passages.{done}.slow", Kind.CHAIN, after, "as source", (reader,), 72 * HOUR_MS, "no"
    )
    return fast, slow


TOPICS: tuple[Topic, ...] = (
    Topic(
        "generation.events", Kind.SOURCE, "platform", "tenant/user",
        ("identity",), 7 * DAY_MS, "by entry",
    ),
    Topic(
        "operator.events", Kind.SOURCE, "desk", "as original", ("identity",), 7 * DAY_MS, "by entry"
    ),
    Topic(
        "timer.events", Kind.SOURCE, "incidents", "as original",
        ("identity",), 7 * DAY_MS, "by entry",
    ),
    *_chain("identity", "consent"),
    *_chain("consent", "moderation"),
    *_chain("moderation", "labelling"),
    *_chain("labelling", "retention"),
    Topic(
        "decisions", Kind.DECISION, "retention", "as source",
        ("platform", "incidents"), 7 * DAY_MS, "is the log's echo",
    ),
    _fact("facts.consents", "platform", "tenant/subject/grant", ("consent",)),
    _fact(
        "facts.revocations", "platform", "tenant/subject/grant",
        ("consent", "retention", "incidents"),
    ),
    _fact("facts.accounts", "platform", "tenant/user", ("identity", "retention")),
    _fact("facts.templates", "platform", "tenant/template", ("consent", "moderation", "labelling")),
    _fact("facts.features", "cli", "entry/from_version", ("moderation",)),
    _fact("facts.news_sources", "cli", "source", ("moderation",)),
    _fact("facts.switches", "cli", "tenant/function", ("identity", "retention")),
    _fact("facts.recalls", "platform", "tenant/generation", ("retention",)),
    _fact("registry.users", "identity", "tenant/user", ("identity",), "no"),
    _fact("standings", "incidents", "tenant/user", ("identity", "retention", "incidents")),
    _fact("guards", "incidents", "partition/subject", ("incidents",)),
    _fact("control", "cli", "name", DUTIES),
    Topic("cases", Kind.STATE, "incidents", "case", ("desk", "incidents"), None, "yes"),
    Topic("desk.events", Kind.RECORD, "desk", "case", ("desk",), 7 * DAY_MS, "no"),
    Topic("work", Kind.RECORD, "incidents", "id", ("platform",), 7 * DAY_MS, "yes"),
    Topic(
        "case.events", Kind.SOURCE, "platform", "case or produce id",
        ("incidents",), 7 * DAY_MS, "yes",
    ),
    Topic(
        "records.door", Kind.RECORD, "identity", "partition", ("retention",), 72 * HOUR_MS, "yes"
    ),
    # Compacted by the hour, as the files of a log's checkpoints are thinned out.
    Topic("checkpoints", Kind.STATE, "retention", "log, hour", ("cli",), None, "is the log's proof"),
    # The bytes of a source record (1 MiB) sealed to the operator, and the seal around them.
    Topic(
        "quarantine", Kind.QUARANTINE, "any duty", "tenant",
        ("cli",), 30 * DAY_MS, "stub is", 1_048_576 + 65_536,
    ),
)  # fmt: skip

BY_NAME: dict[str, Topic] = {topic.name: topic for topic in TOPICS}

INTAKE_IN = "intake.in"
INTAKE_OUT = "intake.out"
OUTSIDE = (INTAKE_IN, INTAKE_OUT)
"""The platform's own topics as we call them: where ``worker intake`` reads, and where ``replies`` writes.

Their physical names are settings; they have as many partitions as the platform likes.
"""
BESIDE = ("intake", "replies")
"""Stages beside the duties. ``intake`` is the platform's hand: it may write what the platform may."""

RECORDS = "records"
"""The stage that logs ``RECORDED``, beside retention and with its rights."""
RECORDED = tuple(topic.name for topic in TOPICS if topic.logged == "yes")
"""Topics whose every record becomes an entry of its own, in the records log of its partition (ADR 0051)."""

SOURCES = ("generation.events", "operator.events", "timer.events")
"""What the door reads."""

FORBIDDING = (
    "facts.revocations", "facts.accounts", "facts.switches", "facts.recalls", "standings",
)  # fmt: skip
"""What retention reads again just before it appends a release."""

ERASED = ("registry.users", "standings", "cases")
"""Where ``synthgate erase`` sends tombstones for a person's rows, beside the writer (ADR 0038)."""

HEARD: dict[str, tuple[str, ...]] = {"incidents": ("facts.revocations",)}
"""Registry topics a duty hears row by row, as something that happened, and keeps no copy of."""

COPIES: dict[str, tuple[str, ...]] = {
    duty: tuple(
        t.name
        for t in TOPICS
        if t.kind is Kind.FACT and duty in t.readers and t.name not in HEARD.get(duty, ())
    )
    for duty in DUTIES
}
"""Registry topics each duty keeps a copy of."""

INPUTS: dict[str, tuple[str, ...]] = {
    duty: tuple(
        t.name
        for t in TOPICS
        if duty in t.readers
        and (t.kind in (Kind.SOURCE, Kind.CHAIN, Kind.DECISION) or t.name in HEARD.get(duty, ()))
    )
    for duty in DUTIES
}
"""What each duty's group reads record by record."""


def chain_input(duty: str, *, slow: bool) -> str:
    """The passages topic a duty hears on one lane; identity hears the sources instead."""
    before = {
        "consent": "passages.identified",
        "moderation": "passages.consented",
        "labelling": "passages.moderated",
        "retention": "passages.labelled",
    }[duty]
    return f"{before}.slow" if slow else before


def chain_output(duty: str, *, slow: bool) -> str:
    """The passages topic a duty speaks on one lane; retention speaks decisions instead."""
    after = DUTIES[DUTIES.index(duty) + 1]
    return chain_input(after, slow=slow)
