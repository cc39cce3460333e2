"""The dashboards in the tree are the generator's; every query is PromQL over metrics that exist."""

import itertools
import json
import re
from pathlib import Path

import pytest
import yaml

from monitoring.test_alerts import RECORDS, promtool
from synthgate.monitoring import dashboards
from synthgate.monitoring.panels import DASHBOARDS, Query
from synthgate.monitoring.rules import metric_names
from synthgate.runtime.labels import LABELS
from synthgate.runtime.metrics import CATALOGUE

BY_NAME = {row.name: row for row in CATALOGUE}
QUERIES = [
    (one.uid, panel.title, query)
    for one in DASHBOARDS
    for panel in one.panels
    for query in panel.queries
]
BEYOND = {"instance", "job", "alertstate", "le"}
"""Labels Prometheus itself gives."""


def plain(query: Query) -> str:
    """The expression as Prometheus takes it: Grafana's variables filled in."""
    return query.expression.replace("$__rate_interval", "1m").replace("$duty", "consent")


def test_the_files_in_the_tree_are_fresh(capsys):
    assert dashboards.main(["--check"]) == 0, capsys.readouterr().err
    files = {path.name for path in dashboards.FOLDER.iterdir()}
    assert files == {f"{one.uid}.json" for one in DASHBOARDS}


def test_a_stale_file_fails_and_writing_mends_it(monkeypatch, tmp_path: Path, capsys):
    monkeypatch.setattr(dashboards, "FOLDER", tmp_path)
    assert dashboards.main(["--check"]) == 1
    assert "fleet.json is stale" in capsys.readouterr().err
    assert dashboards.main([]) == 0
    assert dashboards.main(["--check"]) == 0


@pytest.mark.parametrize(("uid", "title", "query"), QUERIES)
def test_a_query_asks_for_what_exists(uid: str, title: str, query: Query):
    text = query.expression
    names = {
        re.sub(r"_(bucket|count|sum)$", "", name) for name in re.findall(r"synthgate_\w+", text)
    }
    assert names <= BY_NAME.keys(), f"{uid}, {title}"
    recorded = set(re.findall(r"synthgate:[\w:]+", text))
    assert recorded <= {rule["record"] for rule in RECORDS}, f"{uid}, {title}"
    if not names:
        return
    has = {label for name in names for label in BY_NAME[name].labels} | BEYOND
    asked = {name for part in re.findall(r"by \(([\w, ]+)\)", text) for name in part.split(", ")}
    chosen = re.findall(r'(\w+)(=~|!~|!=|=)"([^"]*)"', text)
    assert asked | {label for label, _, _ in chosen} <= has, f"{uid}, {title}"
    assert set(re.findall(r"{{(\w+)}}", query.legend)) <= asked | BEYOND
    for label, how, value in chosen:
        if label in LABELS and value != "$duty" and how in ("=", "!="):
            assert value in LABELS[label].values, f"{uid}, {title}: {label}={value}"


def test_every_metric_but_the_process_s_is_on_a_dashboard():
    shown = {
        name
        for _, _, query in QUERIES
        for name in metric_names(query.expression, frozenset(BY_NAME))
    }
    missing = {name for name in BY_NAME.keys() - shown if "_process_" not in name}
    # Canaries have alerts; of spans the collector has its own picture.
    assert missing <= {"synthgate_canaries_total", "synthgate_spans_total"}


def test_promtool_takes_every_query(tmp_path: Path):
    rules = [{"record": f"q:{n}", "expr": plain(query)} for n, (_, _, query) in enumerate(QUERIES)]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    done = promtool("check", "rules", str(file))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("one", DASHBOARDS, ids=lambda one: one.uid)
def test_panels_have_places_of_their_own(one):
    panels = json.loads(dashboards.render(one))["panels"]
    assert (
        len({panel["id"] for panel in panels})
        == len({panel["title"] for panel in panels})
        == len(panels)
    )
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = set(
            itertools.product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"]))
        )
        assert max(x for x, _ in cells) < 24 and not cells & taken
        taken |= cells
