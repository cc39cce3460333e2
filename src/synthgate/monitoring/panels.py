"""What the dashboards show: titles, queries, units. Data; ``dashboards.py`` draws it."""

from dataclasses import dataclass
from typing import Final

RATE: Final = "$__rate_interval"
"""Grafana's own: four scrapes at least, and no less than the screen can show."""


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL expression, and how its series are named (``{{label}}``)."""

    expression: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel. unit: Grafana's (s, short, percentunit, bytes, reqps). stat: a number, not a graph."""

    title: str
    unit: str
    queries: tuple[Query, ...]
    stat: bool = False


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard; ``by``: a label it is chosen by, as a variable."""

    uid: str
    title: str
    panels: tuple[Panel, ...]
    by: str | None = None


def _number(title: str, unit: str, expression: str) -> Panel:
    return Panel(title, unit, (Query(expression),), stat=True)


def _graph(title: str, unit: str, expression: str, legend: str) -> Panel:
    return Panel(title, unit, (Query(expression, legend),))


def _rate(title: str, metric: str, by: str, *, where: str = "", unit: str = "reqps") -> Panel:
    """A counter a second by some labels."""
    legend = " ".join(f"{{{{{label}}}}}" for label in by.split(", "))
    return _graph(title, unit, f"sum by ({by}) (rate({metric}{where}[{RATE}]))", legend)


def _times(title: str, metric: str, *, where: str = "", unit: str = "s") -> Panel:
    """Median and 99th percentile of a histogram."""
    rate = f"sum by (le) (rate({metric}_bucket{where}[{RATE}]))"
    return Panel(
        title,
        unit,
        tuple(Query(f"histogram_quantile({q}, {rate})", f"p{q * 100:g}") for q in (0.5, 0.99)),
    )


_DUTY: Final = '{duty="$duty"}'
_LABELLING: Final = '{duty="labelling"}'

FLEET: Final = Dashboard(
    "fleet",
    "Synthgate: fleet",
    (
        _number("Decided within a second, 1 h", "percentunit", "1 - synthgate:decisions_late:ratio_rate1h"),
        _number("Labelled before release, 1 h", "percentunit", "synthgate:labelled_before_release:ratio_rate1h"),
        _number("Oldest unaccounted origin", "s", "max(synthgate_origin_unaccounted_age_seconds)"),
        _number("Oldest open complaint", "s", 'max(synthgate_case_oldest_seconds{kind="complaint"})'),
        _number("Alerts firing", "short", 'count(ALERTS{alertstate="firing"}) or vector(0)'),
        _number("Workers that answer", "short", 'sum(up{job="synthgate"})'),
        _number("Decisions so far", "short", "sum(synthgate_decisions_total)"),
        _number("Bypasses", "short", "sum(synthgate_bypass_total) or vector(0)"),
        _rate("Decisions", "synthgate_decisions_total", "action"),
        _times("Append to decision", "synthgate_decision_seconds"),
        _rate("Offsets accounted for at the door", "synthgate_door_offsets_total", "source, result"),
        _graph(
            "Rules that refuse or hold", "reqps",
            f'topk(10, sum by (duty, rule) (rate(synthgate_rules_cited_total{{outcome=~"refuse|hold"}}[{RATE}])))',
            "{{duty}} {{rule}}",
        ),
        _rate("Stubs by code", "synthgate_stubs_total", "duty, code"),
        _graph("Lag", "short", "sum by (duty) (synthgate_lag_records)", "{{duty}}"),
        _graph("Oldest record in hand", "s", "max by (duty) (synthgate_oldest_unprocessed_seconds)", "{{duty}}"),
        _graph("Waiting", "short", "sum by (duty, what) (synthgate_waiting)", "{{duty}} for {{what}}"),
        _graph("Late, by duty", "percentunit", "synthgate:duty_late:ratio_rate5m", "{{duty}}"),
        _graph("Partitions held", "short", "synthgate:assigned_partitions:sum", "{{duty}}"),
        _times("Canaries", "synthgate_canary_seconds"),
        _graph(
            "Since a canary passed", "s",
            "time() - max by (partition) (synthgate_canary_passed_timestamp_seconds)", "{{partition}}",
        ),
        _rate("Asked by HTTP", "synthgate_api_requests_total", "route, status"),
        _times("Answers by HTTP", "synthgate_api_seconds"),
        _graph("Streams by HTTP", "short", "sum by (instance) (synthgate_api_streams)", "{{instance}}"),
        _graph("Builds and laws", "short", "count by (version, law) (synthgate_build_info)", "{{version}} law {{law}}"),
        _graph("Feature library", "short", "max by (instance) (synthgate_library_version)", "{{instance}}"),
        _graph("Memory", "bytes", "synthgate_process_resident_memory_bytes", "{{instance}}"),
        _graph("Processor", "percentunit", f"rate(synthgate_process_cpu_seconds_total[{RATE}])", "{{instance}}"),
    ),
)  # fmt: skip

DUTY: Final = Dashboard(
    "duty",
    "Synthgate: one duty",
    (
        _rate("Verdicts", "synthgate_verdicts_total", "outcome", where=_DUTY),
        _rate("Rules cited", "synthgate_rules_cited_total", "rule, outcome", where=_DUTY),
        _rate("Records acknowledged", "synthgate_consumed_records_total", "topic", where=_DUTY),
        _rate("Records published", "synthgate_produced_records_total", "topic", where=_DUTY),
        _graph(
            "Late", "percentunit",
            f"sum by (topic) (rate(synthgate_late_records_total{_DUTY}[{RATE}]))"
            f" / sum by (topic) (rate(synthgate_consumed_records_total{_DUTY}[{RATE}]))", "{{topic}}",
        ),
        _times("A batch", "synthgate_batch_seconds", where=_DUTY),
        _times("Records in a batch", "synthgate_batch_records", where=_DUTY, unit="short"),
        _graph(
            "Records an acknowledgement", "short",
            f"sum by (topic) (rate(synthgate_consumed_records_total{_DUTY}[{RATE}]))"
            f" / sum by (topic) (rate(synthgate_acked_batches_total{_DUTY}[{RATE}]))", "{{topic}}",
        ),
        _graph("Lag by partition", "short", f"sum by (topic, partition) (synthgate_lag_records{_DUTY})", "{{topic}}/{{partition}}"),
        _graph("In flight", "short", f"sum by (topic, partition) (synthgate_in_flight_records{_DUTY})", "{{topic}}/{{partition}}"),
        _graph("Oldest in hand", "s", f"max by (topic, partition) (synthgate_oldest_unprocessed_seconds{_DUTY})", "{{topic}}/{{partition}}"),
        _graph("Waiting", "short", f"sum by (what) (synthgate_waiting{_DUTY})", "{{what}}"),
        _times("Waiting for fresh copies (all duties of the worker)", "synthgate_fresh_wait_seconds"),
        _graph("Partitions held", "short", f"sum by (instance) (synthgate_assigned_partitions{_DUTY})", "{{instance}}"),
        _rate("Assignments", "synthgate_rebalances_total", "instance", where=_DUTY),
        _rate("Commits", "synthgate_commits_total", "result", where=_DUTY),
        _graph("Batches that ended the process", "short", f"sum by (instance) (synthgate_attempt_kills_total{_DUTY})", "{{instance}}"),
        _rate("Stubs", "synthgate_stubs_total", "code", where=_DUTY),
    ),
    by="duty",
)  # fmt: skip

LEDGER: Final = Dashboard(
    "ledger",
    "Synthgate: log and retention",
    (
        _number("Entries", "short", "sum(synthgate_log_entries)"),
        _number("Oldest unaccounted origin", "s", "max(synthgate_origin_unaccounted_age_seconds)"),
        _number("Oldest entry without a proof", "s", "max(synthgate_log_unproved_age_seconds)"),
        _number("Room on disk", "bytes", "min(synthgate_data_free_bytes)"),
        _graph("Entries by log", "short", "max by (partition) (synthgate_log_entries)", "{{partition}}"),
        _graph("Entries appended", "reqps", f"sum(rate(synthgate_log_appended_entries_total[{RATE}]))", "entries"),
        _times("One segment, durable", "synthgate_log_append_seconds"),
        _graph("Unaccounted by partition", "s", "max by (partition) (synthgate_origin_unaccounted_age_seconds)", "{{partition}}"),
        _graph("Without a proof, by log", "s", "max by (duty, partition) (synthgate_log_unproved_age_seconds)", "{{duty}} {{partition}}"),
        _rate("Absent and lost offsets", "synthgate_door_offsets_total", "source, result", where='{result!="taken"}'),
        _rate("Retention's verdicts", "synthgate_verdicts_total", "outcome", where='{duty="retention"}'),
        _rate("Rules retention cites", "synthgate_rules_cited_total", "rule, outcome", where='{duty="retention"}'),
        _graph("Room on disk, by worker", "bytes", "synthgate_data_free_bytes", "{{instance}}"),
        _graph("Registry copies read to", "short", "sum by (topic, instance) (synthgate_copy_read_offset)", "{{topic}} {{instance}}"),
        _rate("Rows read into copies", "synthgate_copy_records_total", "topic"),
    ),
)  # fmt: skip

LABELS: Final = Dashboard(
    "labels",
    "Synthgate: labels",
    (
        _number("Labelled before release, 1 h", "percentunit", "synthgate:labelled_before_release:ratio_rate1h"),
        _number("Releases with a label", "short", 'sum(synthgate_releases_total{labelling="pass"})'),
        _number("Releases that need none", "short", 'sum(synthgate_releases_total{labelling="not_applicable"})'),
        _number("Releases without the label they need", "short", 'sum(synthgate_releases_total{labelling!~"pass|not_applicable"}) or vector(0)'),
        _rate("Releases by what labelling said", "synthgate_releases_total", "labelling"),
        _rate("Labelling's verdicts", "synthgate_verdicts_total", "outcome", where=_LABELLING),
        _rate("Rules labelling refuses by", "synthgate_rules_cited_total", "rule, outcome", where=_LABELLING),
        _times("A batch of labelling", "synthgate_batch_seconds", where=_LABELLING),
        _graph("Partitions that wait for files being labelled", "short", 'sum(synthgate_waiting{what=~"media|media root|object store"}) or vector(0)', "partitions"),
        _graph("Slow lane: lag", "short", 'sum by (duty) (synthgate_lag_records{topic=~".*[.]slow"})', "{{duty}}"),
        _graph("Slow lane: oldest in hand", "s", 'max by (duty) (synthgate_oldest_unprocessed_seconds{topic=~".*[.]slow"})', "{{duty}}"),
    ),
)  # fmt: skip

CASES: Final = Dashboard(
    "cases",
    "Synthgate: cases and deadlines",
    (
        _number("Deadlines unmet", "short", "sum(synthgate_cases_overdue)"),
        _number("Years whose holidays are not known", "short", "max(synthgate_calendar_years_lacking)"),
        _number("Oldest unmet", "s", "max(synthgate_cases_overdue_age_seconds)"),
        _number("Oldest hold for review", "s", 'max(synthgate_hold_oldest_seconds{hold="review"})'),
        _number("Work unanswered", "short", 'sum(synthgate_cases_open{kind="work"})'),
        _graph("Open cases", "short", "sum by (kind) (synthgate_cases_open)", "{{kind}}"),
        _graph("Oldest open case", "s", "max by (kind) (synthgate_case_oldest_seconds)", "{{kind}}"),
        _graph("Deadlines unmet, over time", "short", "sum(synthgate_cases_overdue)", "cases"),
        _graph("With a time to come", "short", "sum(synthgate_cases_due)", "cases"),
        _graph("Open holds", "short", "sum by (hold) (synthgate_holds_open)", "{{hold}}"),
        _graph("Oldest hold", "s", "max by (hold) (synthgate_hold_oldest_seconds)", "{{hold}}"),
        _times("Review, from hold to answer", "synthgate_hold_seconds", where='{hold="review", by="desk"}'),
        _rate("Holds ended", "synthgate_hold_seconds_count", "hold, by, action"),
        _graph("Generations delivered round the chain", "short", "sum by (way) (synthgate_bypass_total)", "{{way}}"),
        _graph("Surges of refusals", "short", "sum by (rests_on) (synthgate_blast_guards_total)", "{{rests_on}}"),
        _graph("Surges nobody has answered", "short", "sum by (rests_on) (synthgate_blast_guards_waiting)", "{{rests_on}}"),
        _graph("Generations let out, by what the platform reported", "short", "sum by (result) (synthgate_deliveries_total)", "{{result}}"),
        _rate("What incidents publishes", "synthgate_produced_records_total", "topic", where='{duty="incidents"}'),
    ),
)  # fmt: skip

DASHBOARDS: Final = (FLEET, DUTY, LEDGER, LABELS, CASES)
