"""The page of metrics is fresh, has every metric with the alerts that rest on it, and its bound is a bound."""

import re

from synthgate.monitoring import metrics_page as page
from synthgate.monitoring.rules import RULES, metric_names, rules, users
from synthgate.runtime.labels import LABELS
from synthgate.runtime.metrics import CATALOGUE

KNOWN = frozenset(row.name for row in CATALOGUE)


def test_the_page_in_the_tree_is_fresh(capsys):
    assert page.main(["--check"]) == 0, capsys.readouterr().err


def test_a_stale_page_fails_and_writing_mends_it(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(page, "PAGE", tmp_path / "METRICS.md")
    assert page.main(["--check"]) == 1
    assert "stale" in capsys.readouterr().err
    assert page.main([]) == 0
    assert page.main(["--check"]) == 0


def test_every_metric_and_label_has_its_row():
    text = page.render()
    for row in CATALOGUE:
        assert f"\n| `{row.name}` | {row.kind} | {row.unit} |" in text
    for name in LABELS:
        assert f"\n| {name} | " in text


def test_series_are_bounded_by_partitions_alone():
    assert (
        f"With 12 partitions one process shows fewer than {page.SERIES_MAX} series" in page.render()
    )
    bound = sum(page.most(row, 12) for row in CATALOGUE)
    assert page.SERIES_MAX / 4 < bound < page.SERIES_MAX
    assert sum(page.most(row, 24) for row in CATALOGUE) < 2 * bound


def test_which_alerts_rest_on_a_metric_is_read_from_the_rules():
    text = """
  - name: g
    rules:
      - record: a:b
        expr: rate(synthgate_decision_seconds_bucket[5m])
      # a comment on synthgate_waiting
      - alert: One
        expr: a:b > 1
        annotations:
          summary: synthgate_waiting
      - alert: Two
        expr: |
          sum(synthgate_holds_open) > 1
"""
    assert list(rules(text)) == [("record", "a:b"), ("alert", "One"), ("alert", "Two")]
    found = users(text, KNOWN)
    assert found["synthgate_decision_seconds"] == ["One"]
    assert found["synthgate_holds_open"] == ["Two"]
    assert found["synthgate_waiting"] == []


def test_the_rules_ask_for_no_metric_that_does_not_exist():
    text = RULES.read_text(encoding="utf-8")
    assert len(rules(text)) > 40
    for (kind, name), body in rules(text).items():
        said = body.partition("annotations:")[0]
        words = set(re.findall(r"synthgate_[a-z_]+", said))
        assert {re.sub(r"_(bucket|count|sum)$", "", word) for word in words} <= KNOWN, name
        recorded = set(re.findall(r"synthgate:[a-z0-9_:]+", said))
        assert recorded <= {known for made, known in rules(text) if made == "record"}, (kind, name)
    assert metric_names("rate(synthgate_decision_seconds_count[5m])", KNOWN) == {
        "synthgate_decision_seconds"
    }
