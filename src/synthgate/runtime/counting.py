"""What a batch or a tick came to, put into the metrics once the broker has acknowledged all of it."""

from synthgate.runtime import metrics
from synthgate.runtime.metrics import put
from synthgate.step import Outputs


def count(outputs: Outputs, duty: str, partition: int) -> None:
    """Everything ``outputs`` says. ``duty``: whose stage; ``partition``: of the batch."""
    _count_verdicts(outputs, duty)
    for code, number in outputs.stubs.items():
        metrics.STUBS.labels(duty, code).inc(number)
    for (source, result), number in outputs.offsets.items():
        metrics.DOOR_OFFSETS.labels(source, result).inc(number)
    for hold, by, action, waited_ms in outputs.holds_closed:
        metrics.HOLD_SECONDS.labels(hold, by, action).observe(max(waited_ms, 0) / 1000)
    for way, number in outputs.bypasses.items():
        metrics.BYPASSES.labels(way).inc(number)
    for result, number in outputs.deliveries.items():
        metrics.DELIVERIES.labels(result).inc(number)
    for what, number in outputs.guards.items():
        metrics.GUARDS.labels(what).inc(number)
    for entries, seconds in outputs.appends:
        metrics.LOG_APPENDED.inc(entries)
        metrics.LOG_APPEND_SECONDS.observe(seconds)
    if outputs.library is not None:
        metrics.LIBRARY.set(outputs.library)
    _show_log(outputs, duty, partition)
    _show_cases(outputs, duty, partition)


def _count_verdicts(outputs: Outputs, duty: str) -> None:
    for (by, outcome), number in outputs.verdicts.items():
        metrics.VERDICTS.labels(by, outcome).inc(number)
    for (by, rule, outcome), number in outputs.rules.items():
        metrics.RULES.labels(by, rule, outcome).inc(number)
    for action, passed_ms in outputs.decided:
        metrics.DECISIONS.labels(action).inc()
        metrics.DECISION_SECONDS.labels(action).observe(max(passed_ms, 0) / 1000)
    for labelling, number in outputs.released.items():
        metrics.RELEASES.labels(labelling).inc(number)


def _show_log(outputs: Outputs, duty: str, partition: int) -> None:
    if outputs.unaccounted_ms is not None:
        put(metrics.UNACCOUNTED_AGE_SECONDS, outputs.unaccounted_ms / 1000, duty, partition)
    if outputs.unproved_ms is not None:
        put(metrics.UNPROVED_AGE_SECONDS, outputs.unproved_ms / 1000, duty, duty, partition)
    if outputs.log_entries is not None:
        put(metrics.LOG_ENTRIES, outputs.log_entries, duty, partition)


def _show_cases(outputs: Outputs, duty: str, partition: int) -> None:
    for hold, (number, oldest_ms) in (outputs.holds or {}).items():
        put(metrics.HOLDS_OPEN, number, duty, hold, partition)
        put(metrics.HOLD_OLDEST_SECONDS, oldest_ms / 1000, duty, hold, partition)
    for kind, (number, oldest_ms) in (outputs.cases or {}).items():
        put(metrics.CASES_OPEN, number, duty, kind, partition)
        put(metrics.CASE_OLDEST_SECONDS, oldest_ms / 1000, duty, kind, partition)
    for what, number in (outputs.guards_waiting or {}).items():
        put(metrics.GUARDS_WAITING, number, duty, what, partition)
    if outputs.deadlines is not None:
        waiting, overdue, oldest_ms = outputs.deadlines
        put(metrics.CASES_WAITING, waiting, duty, partition)
        put(metrics.CASES_OVERDUE, overdue, duty, partition)
        put(metrics.CASES_OVERDUE_SECONDS, oldest_ms / 1000, duty, partition)
    if outputs.years_lacking is not None:
        metrics.YEARS_LACKING.set(outputs.years_lacking)
