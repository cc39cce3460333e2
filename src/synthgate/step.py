"""What joins the duties to the machinery: a step over passages, a stage over records.

A **step** belongs to a duty: gather, decide, carry out, over a whole batch of passages. A **stage** is what
the engine runs on one partition batch: records in, records out. The engine publishes what a stage returns,
awaits every acknowledgement, and only then acknowledges the input.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from synthgate.events.passage import Passage
from synthgate.events.verdicts import Verdict

Headers = list[tuple[str, bytes]]


class SourceRecord(Protocol):
    """What a stage reads of a record; aiokafka's ConsumerRecord fits."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


OutRecord = tuple[bytes | None, bytes, Sequence[tuple[str, bytes]]]
"""A record to publish on the batch's own partition: key, value, headers. A plain tuple: there are many."""


@dataclass(slots=True)
class Outputs:
    """What a stage wants published, by logical topic, on the batch's own partition, in order."""

    by_topic: dict[str, list[OutRecord]] = field(default_factory=dict)
    keyed: dict[str, list[OutRecord]] = field(default_factory=dict)
    """The same, each on the partition of its own key: for topics that are not partitioned as the batch's."""
    last: dict[str, list[OutRecord]] = field(default_factory=dict)
    """Published once everything above is acknowledged: what says that it is done."""
    more: bool = False
    """Of a tick: more is due than one takes; ask again once this is acknowledged."""
    verdicts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(duty, outcome) to how many; counted in metrics once everything here is acknowledged."""
    rules: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """(duty, rule, outcome) to how many verdicts cite the rule."""
    stubs: Counter[str] = field(default_factory=Counter)
    """Code to how many."""
    decided: list[tuple[str, int]] = field(default_factory=list)
    """(action, ms from the broker's append to the decision) of every first decision."""
    released: Counter[str] = field(default_factory=Counter)
    """Outcome of labelling to how many releases rest on it."""
    offsets: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(source topic, taken | absent | lost) to how many offsets the door accounted for."""
    appends: list[tuple[int, float]] = field(default_factory=list)
    """(entries, seconds) of every segment written."""
    library: int | None = None
    """Version of the feature library used, if one was."""
    unaccounted_ms: int | None = None
    """Age of the oldest source offset neither logged nor absent, if this was looked at; 0 is none."""

    holds: Mapping[str, tuple[int, int]] | None = None
    """Of open holds by kind: how many, ms the oldest has waited; if this was looked at."""
    holds_closed: list[tuple[str, str, str, int]] = field(default_factory=list)
    """(kind, ended by whom, action, ms waited) of every hold that ended."""
    bypasses: Counter[str] = field(default_factory=Counter)
    """Way round the chain to how many deliveries nobody let out."""
    deliveries: Counter[str] = field(default_factory=Counter)
    """Of generations let out: reported as delivered, unreconciled or unwatched, to how many."""
    guards: Counter[str] = field(default_factory=Counter)
    """What surges of refusals rest on (entry, library, rule), each counted once a surge and partition."""
    guards_waiting: Mapping[str, int] | None = None
    """The same, of surges nobody has answered, if this was looked at."""
    deadlines: tuple[int, int, int] | None = None
    """Cases that wait for a time, cases overdue, ms the oldest of these is, if this was looked at."""
    years_lacking: int | None = None
    """Years whose holidays deadlines in working days need and nobody knows, if this was looked at."""
    cases: Mapping[str, tuple[int, int]] | None = None
    """Of open cases by kind: how many, ms the oldest is open; if this was looked at."""
    log_entries: int | None = None
    """Entries the partition's log has, if this was looked at."""
    unproved_ms: int | None = None
    """How long the log has had entries no checkpoint covers, if this was looked at; 0 is none."""

    def judged(self, duty: str, outcome: str, rules: Iterable[str] = ()) -> None:
        """Count one verdict and the rules it cites, each once."""
        self.verdicts[duty, outcome] += 1
        for rule in dict.fromkeys(rules):
            self.rules[duty, rule, outcome] += 1

    def add(
        self, topic: str, key: bytes | None, value: bytes, headers: Headers | None = None
    ) -> None:
        """Queue one record."""
        rows = self.by_topic.get(topic)
        if rows is None:
            rows = self.by_topic[topic] = []
        rows.append((key, value, headers or ()))


@dataclass(slots=True)
class Batch:
    """One partition batch of one input topic (logical name).

    position: the offset reading started from; a gap between it and the first record, or between records,
    is offsets that are absent (transaction markers). next_offset: one past the last offset covered.
    """

    topic: str
    partition: int
    records: Sequence[SourceRecord]
    position: int
    next_offset: int


@dataclass(slots=True)
class Work:
    """What a step works with besides passages: where, when, and what else to publish."""

    partition: int
    now_ms: int
    outputs: Outputs = field(default_factory=Outputs)
    brought_up: frozenset[str] = frozenset()
    """Registry topics whose copies have, since the batch was fetched, read what the broker held then."""

    async def fresh(self, copies: "Fresh", topics: Sequence[str]) -> Mapping[str, Sequence[int]]:
        """Positions the copies of these topics have read to, fresh for this batch: asked for once.

        Raises:
            Waiting: as ``Fresh.fresh``.
        """
        if self.brought_up.issuperset(topics):
            return copies.positions(topics)
        return await copies.fresh(topics)


class Step(Protocol):
    """One duty over a batch of passages; adds exactly one verdict to each."""

    name: str

    async def run(self, passages: Sequence[Passage], work: Work) -> None:
        """Gather, decide, carry out.

        Raises:
            Waiting: a dependency is away; the engine stops consuming and tries the batch again.
        """


class Stage(Protocol):
    """Records in, records out, for one consumer group."""

    name: str
    inputs: tuple[str, ...]

    async def process(
        self, batch: Batch, now_ms: int, poison: frozenset[int] = frozenset()
    ) -> Outputs:
        """Everything this batch owes, in order. Called again with the same batch after ``Waiting``.

        poison: offsets of records that killed the process three times; they go on as stubs.
        """

    async def assigned(self, partitions: frozenset[int]) -> None:
        """These partitions are ours now; anything held for others is let go."""

    async def tick(self, partition: int, now_ms: int) -> Outputs:
        """What time alone makes due on a partition of ours; asked about once a second, or at once for more."""


class Span(NamedTuple):
    """One piece of work as a trace shows it. Ids as in W3C Trace Context, as numbers; parent 0: none.

    Times: Unix ns. links: (trace, id) of spans that this one has to do with.
    """

    name: str
    trace: int
    id: int
    parent: int
    begun: int
    ended: int
    attributes: Mapping[str, str | int | Sequence[str]]
    links: Sequence[tuple[int, int]] = ()


Tell = Callable[[Sequence[Span], int], None]
"""Takes spans, and how many more were left out. Returns at once."""


class Plain:
    """A stage that holds nothing by partition and owes nothing to time."""

    async def assigned(self, partitions: frozenset[int]) -> None:
        """Nothing to take or let go."""

    async def tick(self, partition: int, now_ms: int) -> Outputs:
        """Nothing is due."""
        return Outputs()


class Waiting(Exception):
    """A dependency (log or object store, registry, key, broker) is away: declared, never a refusal."""

    def __init__(self, what: str, detail: str = "") -> None:
        super().__init__(f"waiting for {what}" + (f": {detail}" if detail else ""))
        self.what = what


class Fresh(Protocol):
    """Registry copies that can be brought up to what the broker holds now."""

    def positions(self, topics: Sequence[str]) -> Mapping[str, Sequence[int]]:
        """The positions read to by now, by topic and partition (-1: not held); nobody is asked."""

    async def fresh(self, topics: Sequence[str]) -> Mapping[str, Sequence[int]]:
        """Return the positions read to, by topic and partition, all at or past the broker's ends.

        Raises:
            Waiting: the broker did not say, or a copy lags past its bound.
        """


class Decide(Protocol):
    """The pure core of a duty."""

    def __call__(self, event: Any, facts: Any, law: Any, as_of: int) -> Verdict:
        """Same arguments, same verdict, for ever."""


@dataclass(frozen=True, slots=True)
class Obligation:
    """What a duty is, as a record: contract tests, README and explain are made from it."""

    name: str
    articles: tuple[str, ...]
    rules: tuple[str, ...]
    hears: tuple[str, ...]
    decide: Decide
