"""Every metric: name, unit, meaning, the question it answers, labels; nothing else counts anything.

Labels and their values stand in ``labels.py``; the page made of both is ``src/METRICS.md``. Each worker process
serves its own and counts only what it did itself: sum counters over workers. A gauge of a partition is shown by
the one worker that holds it and is taken away when the partition goes (``forget``).
"""

from collections import defaultdict
from typing import Final, NamedTuple

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

# They are a series beside every counter, and nothing asks for them.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
REGISTRY: Final = CollectorRegistry()
SPACE: Final = "synthgate"
LATE_SECONDS: Final = 1.0
"""A record a duty has not done with after this is late; of decisions the same is asked (deploy/prometheus)."""
_FAST: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_SLOW: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
_HOURS: Final = (1, 10, 30, 60, 150, 300, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400)
_SIZES: Final = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000)


class Row(NamedTuple):
    """A metric as the page shows it. name: as Prometheus stores it. asks: the question it answers.

    series: how many each combination of labels makes; a histogram has its buckets, sum and count.
    """

    name: str
    kind: str
    unit: str
    labels: tuple[str, ...]
    meaning: str
    asks: str
    series: int = 1


CATALOGUE: Final[list[Row]] = []


def _noted(name: str, kind: str, unit: str, labels: tuple[str, ...], said: tuple[str, str]) -> None:
    CATALOGUE.append(Row(f"{SPACE}_{name}", kind, unit, labels, *said))


def _counter(name: str, unit: str, meaning: str, asks: str, *labels: str) -> Counter:
    _noted(name, "counter", unit, labels, (meaning, asks))
    return Counter(name, meaning, labels, namespace=SPACE, registry=REGISTRY)


def _gauge(name: str, unit: str, meaning: str, asks: str, *labels: str) -> Gauge:
    _noted(name, "gauge", unit, labels, (meaning, asks))
    return Gauge(name, meaning, labels, namespace=SPACE, registry=REGISTRY)


def _histogram(
    name: str, unit: str, buckets: tuple[float, ...], meaning: str, asks: str, *labels: str
) -> Histogram:
    row = Row(f"{SPACE}_{name}", "histogram", unit, labels, meaning, asks, len(buckets) + 3)
    CATALOGUE.append(row)
    return Histogram(name, meaning, labels, namespace=SPACE, registry=REGISTRY, buckets=buckets)


# Decisions and verdicts.
VERDICTS: Final = _counter(
    "verdicts_total", "verdicts", "Verdicts given, one a passage and duty",
    "What does each duty say, and did its share of refusals jump?", "duty", "outcome",
)  # fmt: skip
RULES: Final = _counter(
    "rules_cited_total", "verdicts", "Verdicts that cite a rule, each rule once a verdict",
    "Which rule refuses or holds?", "duty", "rule", "outcome",
)  # fmt: skip
DECISIONS: Final = _counter(
    "decisions_total", "decisions", "First decisions published",
    "Are events decided at all, and how?", "action",
)  # fmt: skip
DECISION_SECONDS: Final = _histogram(
    "decision_seconds", "seconds", _SLOW,
    "Source append to decision, by the broker's clock and ours",
    "How long does an app wait, and what share is decided in time?", "action",
)  # fmt: skip
RELEASES: Final = _counter(
    "releases_total", "decisions", "Releases by what labelling had said of them",
    "Is every release that needs a label labelled before it?", "labelling",
)  # fmt: skip

# What went wrong with records.
STUBS: Final = _counter(
    "stubs_total", "records", "Records that could not be processed and became stubs",
    "What do platforms send that cannot be read, and did code of ours fail?", "duty", "code",
)  # fmt: skip
DOOR_OFFSETS: Final = _counter(
    "door_offsets_total", "offsets", "Source offsets accounted for: taken, absent, lost by accord",
    "What comes in, and was a range given up?", "source", "result",
)  # fmt: skip
UNACCOUNTED_AGE_SECONDS: Final = _gauge(
    "origin_unaccounted_age_seconds", "seconds",
    "Age of the oldest source offset neither logged nor absent; 0 is none",
    "Did anything get lost between door and log?", "partition",
)  # fmt: skip
KILLS: Final = _counter(
    "attempt_kills_total", "batches", "Batches found again after they ended the process",
    "Does a record, or the machine's memory, kill workers?", "duty",
)  # fmt: skip

# The log.
LOG_ENTRIES: Final = _gauge(
    "log_entries", "entries", "Entries of the partition's log",
    "How large is the log, and does it grow?", "partition",
)  # fmt: skip
LOG_APPENDED: Final = _counter(
    "log_appended_entries_total", "entries", "Entries appended", "How fast does the log grow?"
)  # fmt: skip
LOG_APPEND_SECONDS: Final = _histogram(
    "log_append_seconds", "seconds", _FAST, "One segment written and durable",
    "Is the log's disk slow?",
)  # fmt: skip
UNPROVED_AGE_SECONDS: Final = _gauge(
    "log_unproved_age_seconds", "seconds", "Age of the oldest log entry no checkpoint covers",
    "Are checkpoints signed?", "duty", "partition",
)  # fmt: skip
DATA_FREE: Final = _gauge(
    "data_free_bytes", "bytes", "Room on the file system of data_dir",
    "When is the disk of log and objects full?",
)  # fmt: skip

# Holds, cases, deadlines.
HOLDS_OPEN: Final = _gauge(
    "holds_open", "holds", "Holds nobody has answered", "Does the review queue grow?",
    "hold", "partition",
)  # fmt: skip
HOLD_OLDEST_SECONDS: Final = _gauge(
    "hold_oldest_seconds", "seconds", "How long the oldest open hold has waited; 0 is none",
    "Is anybody reviewing?", "hold", "partition",
)  # fmt: skip
HOLD_SECONDS: Final = _histogram(
    "hold_seconds", "seconds", _HOURS, "From the first hold to its end",
    "How long do people take, and what ended by time alone?", "hold", "by", "action",
)  # fmt: skip
CASES_OPEN: Final = _gauge(
    "cases_open", "cases", "Open cases; kind work is what the platform owes and has not answered",
    "What does the desk have before it, and does the platform do its work?", "kind", "partition",
)  # fmt: skip
CASE_OLDEST_SECONDS: Final = _gauge(
    "case_oldest_seconds", "seconds", "How long the oldest open case has been open; 0 is none",
    "How old is the oldest complaint?", "kind", "partition",
)  # fmt: skip
CASES_WAITING: Final = _gauge(
    "cases_due", "cases", "Cases and work with a time to come", "How much is coming?", "partition"
)  # fmt: skip
CASES_OVERDUE: Final = _gauge(
    "cases_overdue", "cases", "Open cases with a deadline unmet", "Is a report or an answer late?",
    "partition",
)  # fmt: skip
CASES_OVERDUE_SECONDS: Final = _gauge(
    "cases_overdue_age_seconds", "seconds", "How long the oldest unmet deadline has passed",
    "How late is it?", "partition",
)  # fmt: skip
BYPASSES: Final = _counter(
    "bypass_total", "generations", "Generations delivered although no decision let them out",
    "Does anybody go round the chain?", "way",
)  # fmt: skip

DELIVERIES: Final = _counter(
    "deliveries_total", "generations",
    "Generations let out by result: reported as delivered, unreconciled, unwatched",
    "Does the platform say what became of what was let out?", "result",
)  # fmt: skip
GUARDS: Final = _counter(
    "blast_guards_total", "surges", "Surges of refusals after which penalties wait",
    "Does one entry, library or rule refuse far more than before?", "rests_on",
)  # fmt: skip
GUARDS_WAITING: Final = _gauge(
    "blast_guards_waiting", "surges", "Surges of refusals that nobody has let go or taken back",
    "For what do penalties still wait?", "rests_on", "partition",
)  # fmt: skip
YEARS_LACKING: Final = _gauge(
    "calendar_years_lacking", "years", "Years whose holidays are needed for deadlines and not known",
    "Can deadlines in working days be reckoned?",
)  # fmt: skip

# The engine.
CONSUMED: Final = _counter(
    "consumed_records_total", "records", "Records a stage has acknowledged",
    "How much does each duty carry?", "duty", "topic",
)  # fmt: skip
LATE: Final = _counter(
    "late_records_total", "records",
    "Of these: acknowledged more than a second after they were appended to the topic",
    "What share does each duty do in time?", "duty", "topic",
)  # fmt: skip
PRODUCED: Final = _counter(
    "produced_records_total", "records", "Records the broker has acknowledged to a stage",
    "What comes out, quarantine and work included?", "duty", "topic",
)  # fmt: skip
ACKS: Final = _counter(
    "acked_batches_total", "batches", "Batches acknowledged", "How many records has a batch?",
    "duty", "topic",
)  # fmt: skip
COMMITS: Final = _counter(
    "commits_total", "commits", "Offset commits: ok or failed", "Would a restart repeat much?",
    "duty", "result",
)  # fmt: skip
BATCH_RECORDS: Final = _histogram(
    "batch_records", "records", _SIZES, "Records in a batch", "Is batch_records well set?", "duty"
)  # fmt: skip
BATCH_SECONDS: Final = _histogram(
    "batch_seconds", "seconds", _FAST, "One batch: gather, decide, carry out, publish, acknowledged",
    "Which duty is the slow one?", "duty",
)  # fmt: skip
LAG: Final = _gauge(
    "lag_records", "records", "Records on the broker not yet acknowledged here",
    "Which partition is behind?", "duty", "topic", "partition",
)  # fmt: skip
IN_FLIGHT: Final = _gauge(
    "in_flight_records", "records", "Records fetched and not acknowledged", "What is in work?",
    "duty", "topic", "partition",
)  # fmt: skip
OLDEST_SECONDS: Final = _gauge(
    "oldest_unprocessed_seconds", "seconds",
    "Age of the oldest record fetched and not acknowledged; 0 is none",
    "How old is what a duty has in hand?", "duty", "topic", "partition",
)  # fmt: skip
ASSIGNED: Final = _gauge(
    "assigned_partitions", "partitions", "Partitions of its inputs held", "Is every partition held?",
    "duty",
)  # fmt: skip
REBALANCES: Final = _counter(
    "rebalances_total", "assignments", "Assignments received", "Does the group come to rest?", "duty"
)  # fmt: skip
WAITING: Final = _gauge(
    "waiting", "partitions", "Partitions waiting for a dependency", "What stands still, and for what?",
    "duty", "what",
)  # fmt: skip

# Registry copies and versions.
FRESH_SECONDS: Final = _histogram(
    "fresh_wait_seconds", "seconds", _FAST, "Wait until registry copies had read what the broker holds",
    "What share of a batch's time is freshness?",
)  # fmt: skip
COPY_RECORDS: Final = _counter(
    "copy_records_total", "records", "Rows read into registry copies", "How far has a start come?",
    "topic",
)  # fmt: skip
COPY_OFFSET: Final = _gauge(
    "copy_read_offset", "offset", "Offset a registry copy has read to",
    "Do all workers know the same facts?", "topic", "partition",
)  # fmt: skip
LIBRARY: Final = _gauge(
    "library_version", "version", "Version of the feature library the last batch was reviewed with",
    "Do all workers review with the same library?",
)  # fmt: skip
BUILD: Final = _gauge(
    "build_info", "1", "Software and law this worker runs", "Do all workers run the same?",
    "version", "law",
)  # fmt: skip

# Canaries.
CANARY_SECONDS: Final = _histogram(
    "canary_seconds", "seconds", _SLOW, "A canary's way from sending to its decision",
    "How long does a decision take, end to end?", "partition",
)  # fmt: skip
CANARIES: Final = _counter(
    "canaries_total", "canaries", "Canaries by result: passed, refused, undecided",
    "Does every partition decide as it should?", "partition", "result",
)  # fmt: skip
CANARY_PASSED_AT: Final = _gauge(
    "canary_passed_timestamp_seconds", "Unix seconds", "When a canary last passed",
    "Since when do decisions not come?", "partition",
)  # fmt: skip

# A verdict by HTTP.
API_REQUESTS: Final = _counter(
    "api_requests_total", "requests", "Requests answered by `synthgate api`",
    "Who is turned away, and why?", "route", "status",
)  # fmt: skip
API_SECONDS: Final = _histogram(
    "api_seconds", "seconds", _FAST, "From a request's head to its answer's head",
    "What does HTTP add to a decision?", "route",
)  # fmt: skip
API_STREAMS: Final = _gauge(
    "api_streams", "streams", "Streams of server-sent events that are open", "Is a limit near?"
)

SPANS: Final = _counter(
    "spans_total", "spans", "Spans sent to the collector, failed there, or dropped before",
    "Do traces lack what happened?", "result",
)  # fmt: skip

# The process, read from the operating system when asked for.
ProcessCollector(namespace=SPACE, registry=REGISTRY)
for _name, _unit, _meaning, _asks in (
    ("virtual_memory_bytes", "bytes", "Virtual memory", "Is a limit near?"),
    ("resident_memory_bytes", "bytes", "Memory in use", "Does a worker leak?"),
    ("start_time_seconds", "Unix seconds", "When the process started", "Do workers start over?"),
    ("open_fds", "files", "Open file descriptors", "Does a worker leak files?"),
    ("max_fds", "files", "Open file descriptors, at most", "How many may it have?"),
):
    _noted(f"process_{_name}", "gauge", _unit, (), (_meaning, _asks))
_noted(
    "process_cpu_seconds_total", "counter", "seconds", (), ("Processor time", "What does it cost?")
)

_HELD: Final[defaultdict[str, set[tuple[Gauge, tuple[str, ...]]]]] = defaultdict(set)


def put(gauge: Gauge, value: float, owner: str, *labels: str | int) -> None:
    """Set a gauge of something ``owner`` (a duty, ``copies``) holds now; ``forget`` takes it away again."""
    key = tuple(map(str, labels))
    gauge.labels(*key).set(value)
    _HELD[owner].add((gauge, key))


def forget(owner: str) -> None:
    """What the owner held is another's now: two workers must not both show it, one of them for ever."""
    for gauge, key in _HELD.pop(owner, ()):
        gauge.remove(*key)
