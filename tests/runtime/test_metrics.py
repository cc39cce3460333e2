"""Metric names: one file, each with its meaning, bounded labels."""

import inspect
import re

from prometheus_client import generate_latest

from synthgate.runtime import metrics
from synthgate.runtime.metrics import REGISTRY

LABELS = {"duty", "outcome", "action", "reason", "topic", "partition", "what", "result", "le"}
LABELS |= {"hold", "by"}


def test_every_metric_has_a_meaning_and_bounded_labels() -> None:
    families = list(REGISTRY.collect())
    assert len(families) > 15
    for family in families:
        assert family.name.startswith("synthgate_")
        assert len(family.documentation) > 10
        for sample in family.samples:
            assert set(sample.labels) <= LABELS, sample


def test_the_names_of_the_design_are_there() -> None:
    text = generate_latest(REGISTRY).decode()
    names = set(re.findall(r"# HELP (\S+)", text))
    assert {
        "synthgate_origin_unaccounted_age_seconds",
        "synthgate_decision_seconds",
        "synthgate_lag_records",
        "synthgate_waiting",
        "synthgate_stubs_total",
    } <= names


def test_each_metric_names_the_alert_that_will_use_it_or_what_it_is_looked_at_for() -> None:
    lines = inspect.getsource(metrics).splitlines()
    made = [i for i, line in enumerate(lines) if re.match(r"[A-Z_]+: Final = _[a-z]+\(", line)]
    assert len(made) == len(list(REGISTRY.collect()))
    alerts = []
    for start in made:
        end = next(i for i in range(start, len(lines)) if lines[i].endswith(")"))
        said = lines[end + 1]
        assert re.match(r"# (Alert [A-Z][A-Za-z]+: |Looked at for )", said), lines[start]
        alerts += re.findall(r"Alert ([A-Z][A-Za-z]+):", said)
    assert len(alerts) == len(set(alerts))
