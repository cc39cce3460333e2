"""What makes each alert fire and what does not: series as promtool writes them, a sample every 15 s.

``a+bxn``: from a on, b more each time, n times; ``_``: no sample. Asked for after an hour, or ``at``.
"""

from dataclasses import dataclass
from typing import Final

UNPROVED: Final = 'synthgate_log_unproved_age_seconds{duty="records",partition="3"}'
WAITING: Final = 'synthgate_blast_guards_waiting{rests_on="entry",partition="0"}'
OVERDUE: Final = 'synthgate_cases_overdue{partition="0"}'
FREE: Final = 'synthgate_data_free_bytes{instance="a"}'
LACKING: Final = "synthgate_calendar_years_lacking"
UNRECONCILED: Final = 'synthgate_deliveries_total{result="unreconciled"}'
TO_LOG: Final = 'synthgate_oldest_unprocessed_seconds{duty="records",topic="work",partition="3"}'
UP: Final = 'up{job="synthgate",instance="a"}'
EVENTS: Final = 'synthgate_consumed_records_total{duty="identity",topic="generation.events"}'
DECIDED: Final = 'synthgate_decisions_total{action="release"}'
REFUSED: Final = 'synthgate_decisions_total{action="refuse"}'
CANARY: Final = 'synthgate_rules_cited_total{duty="retention",rule="HOUSE-canary",outcome="refuse"}'
FORGED: Final = 'synthgate_rules_cited_total{duty="identity",rule="HOUSE-canary",outcome="refuse"}'
IN_TIME: Final = 'synthgate_decision_seconds_bucket{action="release",le="1.0"}'
COUNT: Final = 'synthgate_decision_seconds_count{action="release"}'
LATE: Final = 'synthgate_late_records_total{duty="consent",topic="passages.identified"}'
DONE: Final = 'synthgate_consumed_records_total{duty="consent",topic="passages.identified"}'
SLOW: Final = 'topic="passages.moderated.slow"}'

Series = dict[str, str]


@dataclass(frozen=True)
class Case:
    """at: when it is asked, a duration; every: between samples; looks: between evaluations."""

    fires: Series | tuple[Series, ...]
    quiet: tuple[Series, ...]
    at: str = "1h"
    every: str = "15s"
    looks: str = "1m"


def _new(series: str) -> Case:
    """A counter that must not grow: its first event counts, though it makes the series."""
    return Case(
        ({series: "_x230 1+0x20"}, {series: "4+0x230 5+0x20"}),
        ({series: "0+0x400"}, {series: "1+0x400"}, {series: "_x400"}),
    )


def _canaries(quick: str) -> Series:
    """Canaries that all came back within 5 s, of which so many within 2.5 s."""
    bucket = 'synthgate_canary_seconds_bucket{partition="2",le="%s"}'
    return {bucket % "2.5": quick, bucket % "5.0": "0+1x300", bucket % "+Inf": "0+1x300"}


CASES: Final[dict[str, Case]] = {
    "DecisionsLate": Case(
        (
            {IN_TIME: "0+8x1500", COUNT: "0+10x1500"},
            # Everything late for ten minutes; and 8 % late for hours.
            {IN_TIME: "0+10x1400 14000+0x100", COUNT: "0+10x1500"},
            {IN_TIME: "0+9.2x1500", COUNT: "0+10x1500"},
        ),
        (
            {IN_TIME: "0+9.9x1500", COUNT: "0+10x1500"},
            # Outages that are over: ten minutes long 40 minutes ago, half an hour long two hours ago.
            {IN_TIME: "0+10x1240 12400+0x40 12400+10x220", COUNT: "0+10x1500"},
            {IN_TIME: "0+10x900 9000+0x120 9000+10x480", COUNT: "0+10x1500"},
            # A dozen an hour, all late: too few to wake anybody.
            {IN_TIME: "0+0x1500", COUNT: "0+0.05x1500"},
        ),
        at="6h",
    ),
    "DecisionsLateSlowly": Case(
        {IN_TIME: "0+97x900", COUNT: "0+100x900"},
        (
            {IN_TIME: "0+99.5x900", COUNT: "0+100x900"},
            {IN_TIME: "0+50x200 10000+100x700", COUNT: "0+100x900"},
        ),
        at="74h", every="5m", looks="30m",
    ),
    "DutyLate": Case(
        (
            {LATE: "0+2x1500", DONE: "0+10x1500"},
            {LATE: "0+0x1400 0+10x100", DONE: "0+10x1500"},
            {LATE: "0+0.8x1500", DONE: "0+10x1500"},
        ),
        (
            {LATE: "0+0x1500", DONE: "0+10x1500"},
            {LATE: "0+0x1240 0+10x40 400+0x220", DONE: "0+10x1500"},
            {LATE: "0+0x900 0+10x120 1200+0x480", DONE: "0+10x1500"},
            {LATE: "0+0.05x1500", DONE: "0+0.05x1500"},
            {f'synthgate_late_records_total{{duty="labelling",{SLOW}': "0+9x1500",
             f'synthgate_consumed_records_total{{duty="labelling",{SLOW}': "0+10x1500"},
        ),
        at="6h",
    ),
    "DutyLateSlowly": Case(
        {LATE: "0+3x900", DONE: "0+100x900"},
        (
            {LATE: "0+0.5x900", DONE: "0+100x900"},
            {LATE: "0+50x200 10000+0x700", DONE: "0+100x900"},
        ),
        at="74h", every="5m", looks="30m",
    ),
    "NothingDecided": Case(
        {EVENTS: "0+5x300", DECIDED: "0+5x200 1000+0x100"},
        ({EVENTS: "0+5x300", DECIDED: "0+5x300"}, {EVENTS: "7+0x300", DECIDED: "7+0x300"}),
    ),
    "RefusalsSurge": Case(
        (
            {REFUSED: "0+1x200 200+50x200", DECIDED: "0+100x400"},
            # Twenty minutes of the night without any decision; and no refusal ever before.
            {REFUSED: "0+1x80 81+0x79 81+1x40 121+50x200", DECIDED: "0+100x80 8000+0x79 8000+100x240"},
            {REFUSED: "_x200 50+50x200", DECIDED: "0+100x400"},
            {REFUSED: "0+18x200 3600+38x200", DECIDED: "0+20x400", CANARY: "0+18x400"},
            # A canary that is forged is cited by identity and by retention, and is one refusal.
            {REFUSED: "0+18x200 3600+58x200", DECIDED: "0+20x400",
             CANARY: "0+18x200 3600+38x200", FORGED: "0+0x200 0+20x200"},
        ),
        (
            {REFUSED: "0+18x400", DECIDED: "0+20x200 4000+0x200", CANARY: "0+18x400"},
            {REFUSED: "0+50x400", DECIDED: "0+100x400"},
            {REFUSED: "0+0x200 0+2x200", DECIDED: "0+100x400"},
        ),
        at="75m",
    ),
    "ReleasedUnlabelled": Case(
        (
            {'synthgate_releases_total{labelling="refuse"}': "_x230 1+0x20"},
            {'synthgate_releases_total{labelling="none"}': "1+0x230 2+0x20"},
        ),
        (
            {'synthgate_releases_total{labelling="pass"}': "0+5x300",
             'synthgate_releases_total{labelling="not_applicable"}': "_x230 1+1x20"},
            {'synthgate_releases_total{labelling="none"}': "1+0x300"},
        ),
    ),
    "Bypass": _new('synthgate_bypass_total{way="after_a_refusal"}'),
    "BlastGuard": Case({WAITING: "0+0x200 1+0x100"}, ({WAITING: "1+0x200 0+0x100"},)),
    "Unreconciled": Case(
        ({UNRECONCILED: "_x200 1+0x100"}, {UNRECONCILED: "4+0x200 5+0x100"}),
        (
            {'synthgate_deliveries_total{result="reported"}': "_x200 1+1x100", UNRECONCILED: "4+0x300"},
            {UNRECONCILED: "4+0x600"},
        ),
    ),
    "CalendarLacks": Case({LACKING: "1+0x300"}, ({LACKING: "0+0x300"},)),
    "StubBug": Case(
        (
            {'synthgate_stubs_total{duty="consent",code="bug"}': "0+0x230 1+0x20"},
            {'synthgate_stubs_total{duty="consent",code="bug"}': "_x230 1+0x20"},
        ),
        (
            {'synthgate_stubs_total{duty="identity",code="not_json"}': "0+3x300"},
            {'synthgate_stubs_total{duty="consent",code="bug"}': "4+0x300"},
        ),
    ),
    "OriginConflict": _new('synthgate_stubs_total{duty="retention",code="origin_conflict"}'),
    "QuarantineGrows": Case(
        {'synthgate_produced_records_total{duty="identity",topic="quarantine"}': "0+2x300",
         'synthgate_door_offsets_total{source="generation.events",result="taken"}': "0+100x300"},
        ({'synthgate_produced_records_total{duty="identity",topic="quarantine"}': "0+0.5x300",
          'synthgate_door_offsets_total{source="generation.events",result="taken"}': "0+100x300"},),
    ),
    "OriginUnaccounted": Case(
        {'synthgate_origin_unaccounted_age_seconds{partition="3"}': "0+15x300"},
        (
            {'synthgate_origin_unaccounted_age_seconds{partition="3"}': "0+0x300"},
            {'synthgate_origin_unaccounted_age_seconds{partition="3"}': "0+0x230 90 90 0+0x60"},
        ),
    ),
    "LogUnproved": Case({UNPROVED: "0+15x300"}, ({UNPROVED: "2+0x300"},)),
    "DataDiskFull": Case(
        ({FREE: "90e9-60e6x300"}, {FREE: "4e9+0x300"}),
        ({FREE: "90e9-1e6x300"}, {FREE: "90e9+0x300"}, {FREE: "NaN+0x300"}),
    ),
    "WorkerDown": Case({UP: "1+0x200 0+0x100"}, ({UP: "1+0x300"}, {UP: "1+0x230 0 0 1+0x70"})),
    "WorkersAbsent": Case({'up{job="other"}': "1+0x300"}, ({UP: "0+0x300"},)),
    "PartitionsUnheld": Case(
        (
            {'synthgate_assigned_partitions{duty="consent",instance="a"}': "12+0x300",
             'synthgate_assigned_partitions{duty="consent",instance="b"}': "12+0x190 _x110"},
            {'synthgate_assigned_partitions{duty="consent",instance="a"}': "12+0x190 _x110"},
        ),
        (
            {'synthgate_assigned_partitions{duty="consent",instance="a"}': "12+0x300",
             'synthgate_assigned_partitions{duty="consent",instance="b"}': "12+0x300"},
            # Seen twice for a moment while a partition went over.
            {'synthgate_assigned_partitions{duty="consent",instance="a"}': "24+0x150 12+0x150",
             'synthgate_assigned_partitions{duty="consent",instance="b"}': "0+0x148 12+0x152"},
        ),
    ),
    "RecordsLate": Case(
        {TO_LOG: "0+15x300"},
        (
            {TO_LOG: "0 9 590+0x300", TO_LOG.replace("records", "labelling", 1): "900+0x300"},
            {TO_LOG: "0+0x220 900+0x16 0+0x60"},  # a backlog of four minutes
        ),
    ),
    "LagGrows": Case(
        {'synthgate_lag_records{duty="consent",topic="t",partition="3"}': "0+20x300"},
        (
            {'synthgate_lag_records{duty="consent",topic="t",partition="3"}': "5000-10x300"},
            {'synthgate_lag_records{duty="consent",topic="t",partition="3"}': "0 90 0 900 0 900 0+0x300"},
        ),
    ),
    "StageWaits": Case(
        {'synthgate_waiting{duty="retention",what="ledger"}': "0+0x200 1+0x100"},
        (
            {'synthgate_waiting{duty="retention",what="paused"}': "1+0x300",
             'synthgate_waiting{duty="labelling",what="media"}': "1+0x300"},
            {'synthgate_waiting{duty="retention",what="ledger"}': "0+0x236 1 1 0+0x60"},
        ),
    ),
    "StagePaused": Case(
        {'synthgate_waiting{duty="retention",what="paused"}': "1+0x300"},
        ({'synthgate_waiting{duty="retention",what="paused"}': "0+0x100 1+0x200",
          'synthgate_waiting{duty="retention",what="ledger"}': "1+0x300"},),
        at="65m",
    ),
    "CommitsFail": Case(
        {'synthgate_commits_total{duty="consent",result="failed"}': "0+1x300"},
        ({'synthgate_commits_total{duty="consent",result="ok"}': "0+9x300",
          'synthgate_commits_total{duty="consent",result="failed"}': "3+0x300"},),
    ),
    "RebalancesStorm": Case(
        {'synthgate_rebalances_total{duty="consent"}': "0+1x300"},
        ({'synthgate_rebalances_total{duty="consent"}': "0+0x220 1 2 3+0x80"},),
    ),
    "WorkerKilled": Case(
        {'synthgate_attempt_kills_total{duty="consent",instance="a"}': "_x230 1+0x60",
         'synthgate_process_start_time_seconds{instance="a"}': "_x230 3450+0x60"},
        (
            {'synthgate_attempt_kills_total{duty="consent",instance="a"}': "1+0x300",
             'synthgate_process_start_time_seconds{instance="a"}': "0+0x300"},
            {'synthgate_process_start_time_seconds{instance="a"}': "_x230 3450+0x60"},
        ),
    ),
    "CopyBehind": Case(
        {'synthgate_copy_read_offset{topic="control",partition="0",instance="a"}': "0+1x300",
         'synthgate_copy_read_offset{topic="control",partition="0",instance="b"}': "0+1x100 100+0x200"},
        (
            {'synthgate_copy_read_offset{topic="control",partition="0",instance="a"}': "0+1x300",
             'synthgate_copy_read_offset{topic="control",partition="0",instance="b"}': "0 0+1x299"},
            {'synthgate_copy_read_offset{topic="control",partition="0",instance="a"}': "4+0x300"},
        ),
    ),
    "VersionsDiffer": Case(
        {'synthgate_build_info{version="1",law="a",instance="a"}': "1+0x300",
         'synthgate_build_info{version="1",law="b",instance="b"}': "1+0x300"},
        ({'synthgate_build_info{version="1",law="a",instance="a"}': "1+0x300",
          'synthgate_build_info{version="1",law="a",instance="b"}': "1+0x300"},),
        at="65m",
    ),
    "HoldsGrow": Case(
        {'synthgate_holds_open{hold="retry",partition="0"}': "0+1x300"},
        (
            {'synthgate_holds_open{hold="review",partition="0"}': "0+1x300"},
            {'synthgate_holds_open{hold="retry",partition="0"}': "50+0x300"},
        ),
    ),
    "ReviewLate": Case(
        {'synthgate_hold_oldest_seconds{hold="review",partition="0"}': "1000+15x300"},
        ({'synthgate_hold_oldest_seconds{hold="review",partition="0"}': "0+10x300",
          'synthgate_hold_oldest_seconds{hold="retry",partition="0"}': "9000+15x300"},),
    ),
    "HoldsExpire": Case(
        (
            {'synthgate_hold_seconds_count{hold="review",by="timer",action="refuse"}': "_x200 1+0x100"},
            {'synthgate_hold_seconds_count{hold="review",by="timer",action="refuse"}': "5+0x200 6+0x100"},
        ),
        (
            {'synthgate_hold_seconds_count{hold="review",by="desk",action="refuse"}': "0+1x300"},
            {'synthgate_hold_seconds_count{hold="retry",by="timer",action="refuse"}': "0+1x300"},
        ),
    ),
    "CaseOverdue": Case({OVERDUE: "0+0x200 1+0x100"}, ({OVERDUE: "0+0x300"},)),
    "ComplaintOld": Case(
        {'synthgate_case_oldest_seconds{kind="complaint",partition="0"}': "604000+15x300"},
        ({'synthgate_case_oldest_seconds{kind="complaint",partition="0"}': "0+15x300",
          'synthgate_case_oldest_seconds{kind="content",partition="0"}': "900000+15x300"},),
    ),
    "WorkUnanswered": Case(
        {'synthgate_case_oldest_seconds{kind="work",partition="0"}': "86000+15x300"},
        ({'synthgate_case_oldest_seconds{kind="work",partition="0"}': "0+15x300"},),
    ),
    "CanaryMissing": Case(
        {'synthgate_canary_passed_timestamp_seconds{partition="2"}': "0+15x200 3000+0x100"},
        (
            {'synthgate_canary_passed_timestamp_seconds{partition="2"}': "0+15x300"},
            # The worker before this one sent them last: what counts is the newest.
            {'synthgate_canary_passed_timestamp_seconds{partition="2",instance="a"}': "0+0x300",
             'synthgate_canary_passed_timestamp_seconds{partition="2",instance="b"}': "0+15x300"},
        ),
    ),
    "CanaryAbsent": Case(
        {UP: "1+0x300"}, ({'synthgate_canary_passed_timestamp_seconds{partition="2"}': "0+0x300"},)
    ),
    "CanaryRefused": Case(
        (
            {'synthgate_canaries_total{partition="2",result="refused"}': "_x235 1+0x60"},
            {'synthgate_canaries_total{partition="2",result="refused"}': "2+0x235 3+0x60"},
        ),
        ({'synthgate_canaries_total{partition="2",result="passed"}': "0+1x300",
          'synthgate_canaries_total{partition="2",result="refused"}': "2+0x300"},),
    ),
    "CanarySlow": Case(_canaries("0+0x300"), (_canaries("0+1x300"),)),
}  # fmt: skip
