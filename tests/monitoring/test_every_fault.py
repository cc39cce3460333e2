"""Alerts of faults and of long times, by their causes: workers that can be hurt, under a real Prometheus.

What is wrong is done at once where it can be; each alert is awaited, and is quiet before its cause. It takes
a minute and a half, with SYNTHGATE_TEST_LONG=1 only. The other alerts are fired in ``test_watched``.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from monitoring import causes
from monitoring.panel_numbers import AGE, LOGS, SECONDS, Between, Panel, Shown, each
from monitoring.scene import Cause, Scene, a_scene
from synthgate.broker.choose import Broker

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        os.environ.get("SYNTHGATE_TEST_LONG") != "1",
        reason="SYNTHGATE_TEST_LONG=1 fires the alerts of faults and of long times too",
    ),
]

FIRED: tuple[tuple[tuple[Callable[[Scene], Cause], ...], set[str]], ...] = (
    (
        (causes.traffic, causes.faults, causes.a_slow_duty),
        {
            "StubBug", "OriginConflict", "ReleasedUnlabelled", "RecordsLate", "LogUnproved", "DataDiskFull",
            "CommitsFail", "RebalancesStorm", "CanarySlow",
        },
    ),
    ((causes.a_bad_entry,), {"CanaryRefused", "BlastGuard", "RefusalsSurge"}),
    ((causes.traffic, causes.a_stalled_copy), {"CopyBehind"}),
    ((causes.a_record_that_kills,), {"WorkerKilled", "VersionsDiffer"}),
    (
        (causes.two_hours, causes.a_scorer_away, causes.asked_by_http),
        {"ReviewLate", "CaseOverdue", "Unreconciled", "HoldsGrow"},
    ),
    ((causes.ten_years,), {"ComplaintOld", "WorkUnanswered", "HoldsExpire", "CalendarLacks"}),
    ((causes.no_target,), {"WorkersAbsent"}),
)  # fmt: skip
"""In this order: causes, at once, and the alerts they fire."""
CAUSED = frozenset[str]().union(*(names for _, names in FIRED))
SOME = Between(1, 100)
"""What was in work when something happened is done, and counted, again."""
ANY = Between(0, 100, absent=True)
ENDED: Shown = {"review desk refuse": 1, "retry timer release": ANY, "retry timer refuse": ANY}
CALM: Mapping[Panel, Shown] = {
    ("fleet", "Canaries"): SECONDS,
    ("fleet", "Since a canary passed"): each(LOGS, AGE),
}
SHOWN: Mapping[str, Mapping[Panel, Shown]] = {
    "calm": CALM,
    "a_bad_entry": {("cases", "Surges of refusals"): {"entry": 1, "library": 1, "rule": 1}},
    "faults": {
        ("duty", "Stubs"): {"bug": SOME},
        ("duty", "Rules cited"): {causes.CITED: SOME},
    },
    "a_stalled_copy": {
        ("fleet", "Waiting"): {"consent for registry:control": SOME},
        ("duty", "Waiting"): {"registry:control": SOME},
    },
    "a_record_that_kills": {("duty", "Batches that ended the process"): {"consent": 1}},
    "two_hours": {
        ("cases", "Generations let out, by what the platform reported"): {"unreconciled": 1},
        ("cases", "Review, from hold to answer"): SECONDS,
        ("cases", "Holds ended"): ENDED,
    },
    "ten_years": {("cases", "Holds ended"): {**ENDED, "review timer refuse": 1}},
    "asked_by_http": {
        ("fleet", "Asked by HTTP"): {"health 200": causes.ASKED},
        ("fleet", "Answers by HTTP"): SECONDS,
    },
}
"""By cause: panels that have nothing to show unless something goes wrong, or somebody asks."""


async def test_each_fault_fires_its_alert(kafka: Broker, topic_prefix: str, tmp_path: Path) -> None:
    async with a_scene(kafka, topic_prefix, tmp_path) as scene:
        await calm(scene)
        for together, names in FIRED:
            panels = {
                panel: said
                for cause in together
                for panel, said in SHOWN.get(cause.__name__, {}).items()
            }
            await scene.fire(names, together, panels)


async def calm(scene: Scene) -> None:
    """All answer, and canaries pass."""

    def well() -> bool:
        passed = scene.prometheus.value("count(synthgate_canary_passed_timestamp_seconds)")
        return passed == 4 and scene.prometheus.value("sum(up)") == 3

    await asyncio.to_thread(scene.prometheus.until, well, "three that answer, and canaries")
    await scene.show(CALM)
