"""Every metric: name, meaning, labels; nothing else counts anything.

Labels are bounded: duty (6), topic (the table), partition, outcome (4), reason codes, what is waited for.
No tenant, user or event id, ever. Under each metric stands the alert that will use it, by its name to be, or
what it is looked at for.
"""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from synthgate.step import Outputs

REGISTRY: Final = CollectorRegistry()
_SPACE: Final = "synthgate"
_FAST: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_SLOW: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
_HOURS: Final = (1, 10, 30, 60, 150, 300, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400)
_SIZES: Final = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000)


def _counter(name: str, meaning: str, *labels: str) -> Counter:
    return Counter(name, meaning, labels, namespace=_SPACE, registry=REGISTRY)


def _gauge(name: str, meaning: str, *labels: str) -> Gauge:
    return Gauge(name, meaning, labels, namespace=_SPACE, registry=REGISTRY)


def _histogram(name: str, meaning: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
    return Histogram(name, meaning, labels, namespace=_SPACE, registry=REGISTRY, buckets=buckets)


VERDICTS: Final = _counter(
    "verdicts_total", "Verdicts given, one a passage and duty", "duty", "outcome"
)
# Alert RefusalsSurge: the share of refuse over ten minutes three times that of the day before.
DECISIONS: Final = _counter("decisions_total", "Decisions published", "action")
# Alert NothingDecided: no increase for two minutes while consumed_records_total of identity grows.
DECISION_SECONDS: Final = _histogram(
    "decision_seconds", "Source append to decision, by the broker's clock and ours", _SLOW, "action"
)
# Alert DecisionsSlow: the 0.99 quantile over five minutes above what the apps' time-out allows.

STUBS: Final = _counter(
    "stubs_total", "Records that could not be processed and became stubs", "duty", "code"
)
# Alert StubBug: any of code bug. Alert OriginConflict: any of code origin_conflict; see RECOVERY.md.
UNACCOUNTED_AGE_SECONDS: Final = _gauge(
    "origin_unaccounted_age_seconds",
    "Age of the oldest source offset neither logged nor absent; 0 is none",
    "partition",
)
# Alert OriginUnaccounted: above one minute and growing. The repair is `synthgate rewind`.

UNPROVED_AGE_SECONDS: Final = _gauge(
    "log_unproved_age_seconds", "Age of the oldest log entry no checkpoint covers", "partition"
)
# Alert LogUnproved: above one minute. The worker's log says why; "no checkpoint signed" means it was changed.

HOLDS_OPEN: Final = _gauge("holds_open", "Holds nobody has answered", "hold", "partition")
# Alert HoldsGrow: retry growing for ten minutes (a scorer is away: the worker's log names it).
HOLD_OLDEST_SECONDS: Final = _gauge(
    "hold_oldest_seconds",
    "How long the oldest open hold has waited; 0 is none",
    "hold",
    "partition",
)
# Alert ReviewLate: review above the setting review_minutes. `synthgate review stats` says who answers.
HOLD_SECONDS: Final = _histogram(
    "hold_seconds",
    "From the first hold to its end; by desk, timer or platform",
    _HOURS,
    "hold",
    "by",
    "action",
)
# Alert HoldsExpire: any by timer as refuse of review: people do not keep up.

CONSUMED: Final = _counter(
    "consumed_records_total", "Records a stage has acknowledged", "duty", "topic"
)
# Looked at for throughput; used by NothingDecided.
PRODUCED: Final = _counter(
    "produced_records_total", "Records the broker has acknowledged to a stage", "duty", "topic"
)
# Alert QuarantineGrows: topic quarantine, more than 1 % of consumed_records_total over ten minutes.
ACKS: Final = _counter("acked_batches_total", "Batches acknowledged", "duty", "topic")
# Looked at for records a batch.
COMMITS: Final = _counter(
    "commits_total", "Offset commits, by result ok or failed", "duty", "result"
)
# Alert CommitsFail: failed growing for five minutes.
BATCH_RECORDS: Final = _histogram("batch_records", "Records in a batch", _SIZES, "duty")
# Looked at for tuning batch_records.
BATCH_SECONDS: Final = _histogram(
    "batch_seconds", "One batch: gather, decide, carry out, publish, acknowledged", _FAST, "duty"
)
# Looked at for which duty is the slow one when DecisionsSlow fires.
LAG: Final = _gauge(
    "lag_records", "Records on the broker not yet acknowledged here", "duty", "topic", "partition"
)
# Alert LagGrows: growing for five minutes on any partition.
ASSIGNED: Final = _gauge("assigned_partitions", "Partitions of its inputs held", "duty")
# Alert PartitionsUnheld: the sum over workers below partitions times inputs for two minutes.
REBALANCES: Final = _counter("rebalances_total", "Assignments received", "duty")
# Alert RebalancesStorm: more than ten in ten minutes.

WAITING: Final = _gauge("waiting", "Partitions waiting for a dependency", "duty", "what")
# Alert StageWaits: above zero for a minute; `what` names the dependency. Alert StagePaused: paused an hour.
FRESH_SECONDS: Final = _histogram(
    "fresh_wait_seconds", "Wait until registry copies had read what the broker holds", _FAST
)
# Looked at for the freshness rule's share of batch_seconds.
COPY_RECORDS: Final = _counter("copy_records_total", "Rows read into registry copies", "topic")
# Looked at for how far a start has come.
KILLS: Final = _counter(
    "attempt_kills_total", "Batches found again after they ended the process", "duty"
)
# Alert WorkerKilled: any. A record, or the machine's memory.

CANARY_SECONDS: Final = _histogram(
    "canary_seconds", "A canary's way from sending to its decision", _SLOW, "partition"
)
# Alert CanarySlow: the 0.99 quantile over five minutes above what the apps' time-out allows.
CANARIES: Final = _counter(
    "canaries_total", "Canaries by result: passed, refused, undecided", "partition", "result"
)
# Alert CanaryRefused: any refused. Something a real event would be refused for too.
CANARY_PASSED_AT: Final = _gauge(
    "canary_passed_timestamp_seconds", "When a canary last passed, Unix time", "partition"
)
# Alert CanaryMissing: older than one minute on any partition. Decisions do not come.


BYPASSES: Final = _counter(
    "bypass_total", "Generations delivered although no decision let them out", "way"
)
# Alert Bypass: any. `synthgate case list --kind bypass` names them.
DELIVERIES: Final = _counter(
    "deliveries_total",
    "Generations let out by result: reported as delivered, unreconciled, unwatched",
    "result",
)
# Alert Unreconciled: any unreconciled. `synthgate reconcile` names them.
GUARDS: Final = _counter(
    "blast_guards_total",
    "Surges of refusals after which penalties wait; what they rest on: entry, library, rule",
    "what",
)
# Alert BlastGuard: any. `synthgate library guards` names them: let go of them, or roll the version back.
CASES_WAITING: Final = _gauge("cases_due", "Cases and work with a time to come", "partition")
# Looked at for how much the desk has before it.
CASES_OVERDUE: Final = _gauge("cases_overdue", "Open cases with a deadline unmet", "partition")
# Alert CaseOverdue: any. `synthgate case list` marks them.
CASES_OVERDUE_SECONDS: Final = _gauge(
    "cases_overdue_age_seconds", "How long the oldest unmet deadline has passed", "partition"
)
# Alert ReportLate: above zero for a case of kind incident, rumour or content.
YEARS_LACKING: Final = _gauge(
    "calendar_years_lacking", "Years whose holidays are needed for deadlines and not known"
)
# Alert CalendarLacks: above zero. `synthgate status` names the year and what to install.


def count(outputs: Outputs, duty: str, partition: int) -> None:
    """What a batch came to, once the broker has acknowledged all of it."""
    for (by, outcome), number in outputs.verdicts.items():
        VERDICTS.labels(by, outcome).inc(number)
    for code, number in outputs.stubs.items():
        STUBS.labels(duty, code).inc(number)
    for action, passed_ms in outputs.decided:
        DECISIONS.labels(action).inc()
        DECISION_SECONDS.labels(action).observe(max(passed_ms, 0) / 1000)
    if outputs.unaccounted_ms is not None:
        UNACCOUNTED_AGE_SECONDS.labels(partition).set(outputs.unaccounted_ms / 1000)
    for hold, (number, oldest_ms) in (outputs.holds or {}).items():
        HOLDS_OPEN.labels(hold, partition).set(number)
        HOLD_OLDEST_SECONDS.labels(hold, partition).set(oldest_ms / 1000)
    for hold, by, action, waited_ms in outputs.holds_closed:
        HOLD_SECONDS.labels(hold, by, action).observe(max(waited_ms, 0) / 1000)
    if outputs.unproved_ms is not None:
        UNPROVED_AGE_SECONDS.labels(partition).set(outputs.unproved_ms / 1000)
    for way, number in outputs.bypasses.items():
        BYPASSES.labels(way).inc(number)
    for result, number in outputs.deliveries.items():
        DELIVERIES.labels(result).inc(number)
    for what, number in outputs.guards.items():
        GUARDS.labels(what).inc(number)
    if outputs.deadlines is not None:
        waiting, overdue, oldest_ms = outputs.deadlines
        CASES_WAITING.labels(partition).set(waiting)
        CASES_OVERDUE.labels(partition).set(overdue)
        CASES_OVERDUE_SECONDS.labels(partition).set(oldest_ms / 1000)
    if outputs.years_lacking is not None:
        YEARS_LACKING.set(outputs.years_lacking)
