"""Every alert fires on its cause and on nothing near it, and has a page that says what to do."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitoring.alert_cases import CASES, Case, Series
from programs import need
from synthgate.monitoring.dashboards import CHOICES
from synthgate.monitoring.panels import DASHBOARDS
from synthgate.monitoring.rules import ROOT, RULES
from synthgate.runtime.metrics import CATALOGUE
from synthgate.settings import Settings

BOOKS = ROOT / "deploy" / "runbooks"
FILE: dict[str, Any] = yaml.safe_load(RULES.read_text(encoding="utf-8"))
EVERY = [rule for part in FILE["groups"] for rule in part["rules"]]
ALERTS = {rule["alert"]: rule for rule in EVERY if "alert" in rule}
AT_ONCE = {
    "ReleasedUnlabelled", "Bypass", "StubBug", "OriginConflict", "RebalancesStorm", "WorkerKilled",
    "HoldsExpire", "CaseOverdue", "CanaryRefused", "Unreconciled", "BlastGuard",
}  # fmt: skip
"""Alerts that do not wait before they fire."""
METRICS = {row.name for row in CATALOGUE}
RECORDS = [rule for rule in EVERY if "record" in rule]


def promtool(*arguments: str) -> "subprocess.CompletedProcess[str]":
    need("promtool")
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)


def test_each_alert_has_a_runbook_a_case_and_a_severity_and_each_runbook_an_alert() -> None:
    assert {path.stem for path in BOOKS.iterdir()} == ALERTS.keys() == CASES.keys()
    for name, rule in ALERTS.items():
        assert rule["annotations"]["runbook"] == f"deploy/runbooks/{name}.md"
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in ("page", "ticket")


@pytest.mark.parametrize("name", ALERTS)
def test_a_runbook_says_what_is_seen_what_to_check_and_what_to_do(name: str) -> None:
    text = (BOOKS / f"{name}.md").read_text(encoding="utf-8")
    assert re.findall(r"^#+ .*$", text, re.MULTILINE) == [
        f"# {name}",
        "## See",
        "## Check",
        "## Do",
    ]
    for part in re.split(r"^## .*$", text, flags=re.MULTILINE)[1:]:
        assert len(part.split()) > 3
    for other in re.findall(r"`([A-Za-z]+)\.md`", text):
        assert other in ALERTS
    for path in re.findall(r"`((?:src|deploy)/[\w./]+)`", text):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("name", ALERTS)
def test_what_a_runbook_points_to_is_there(name: str) -> None:
    """Dashboards and their panels by title, sections of other pages, metrics, settings."""
    text = " ".join((BOOKS / f"{name}.md").read_text(encoding="utf-8").split())
    panels = {panel.title for one in DASHBOARDS for panel in one.panels}
    assert set(re.findall(r"panel \*(.+?)\*", text)) <= panels
    boards = {one.title.removeprefix("Synthgate: ") for one in DASHBOARDS}
    named = re.findall(r"[Dd]ashboard \*(.+?)\*", text)
    assert {one.strip().lower() for one in named} <= boards
    assert set(re.findall(r"\*one duty\*, with `(\w+)`", text)) <= set(CHOICES["duty"])
    for page, section in re.findall(r"`(src/\w+\.md)`,(?: section)? \*(.+?)\*", text):
        assert f"## {section}\n" in (ROOT / page).read_text(encoding="utf-8")
    for metric in re.findall(r"`([a-z_]+_(?:seconds|bytes|info|records|total))`", text):
        assert f"synthgate_{metric}" in METRICS or metric in Settings.model_fields, metric
    for setting in re.findall(r"SYNTHGATE_([A-Z_]+)", text):
        assert setting.lower() in Settings.model_fields, setting


def test_promtool_finds_nothing_wrong_with_the_rules() -> None:
    done = promtool("check", "rules", "--lint-fatal", str(RULES))
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_finds_nothing_wrong_with_the_configuration() -> None:
    done = promtool("check", "config", str(RULES.with_name("prometheus.yml")))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_fires_on_its_cause_and_not_otherwise(tmp_path: Path) -> None:
    files = [a_file(name, case, tmp_path) for name, case in CASES.items()]
    done = promtool("test", "rules", *files)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def a_file(name: str, case: Case, folder: Path) -> str:
    """A test file of promtool for one alert: the alert and the rules it rests on, as they stand in the file."""
    rests = [one for one in RECORDS if one["record"] in ALERTS[name]["expr"]]
    rules = {"groups": [{"name": name, "rules": [*rests, ALERTS[name]]}]}
    (folder / f"{name}.rules.yml").write_text(yaml.safe_dump(rules))
    fires = case.fires if isinstance(case.fires, tuple) else (case.fires,)
    tests = [group(name, one, case, fires=True) for one in fires]
    tests += [group(name, one, case, fires=False) for one in case.quiet]
    test = {
        "rule_files": [f"{name}.rules.yml"],
        "evaluation_interval": case.looks,
        "tests": tests,
    }
    (folder / f"{name}.yml").write_text(yaml.safe_dump(test))
    return str(folder / f"{name}.yml")


def group(name: str, series: Series, case: Case, *, fires: bool) -> dict[str, Any]:
    """Whether the alert fires at a time, as one of promtool's tests."""
    asked = [_ask(f'count(ALERTS{{alertname="{name}",alertstate="firing"}})', case.at, said=fires)]
    if fires and name not in AT_ONCE:
        waited = f'count(count_over_time(ALERTS{{alertname="{name}",alertstate="pending"}}[4d]))'
        asked.append(_ask(waited, case.at, said=True))
    return {
        "interval": case.every,
        "input_series": [{"series": one, "values": values} for one, values in series.items()],
        "promql_expr_test": asked,
    }


def _ask(expression: str, at: str, *, said: bool) -> dict[str, Any]:
    samples = [{"labels": "{}", "value": 1}] if said else []
    return {"expr": expression, "eval_time": at, "exp_samples": samples}
