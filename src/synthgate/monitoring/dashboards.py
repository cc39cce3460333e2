"""deploy/grafana/dashboards: Grafana's JSON, made from ``panels.py``.

``python -m synthgate.monitoring.dashboards`` writes the files; with ``--check`` it fails when one is stale.
"""

import json
import sys
from collections.abc import Sequence
from typing import Any, Final

from synthgate.events.topics import DUTIES, RECORDS
from synthgate.monitoring.panels import DASHBOARDS, Dashboard, Panel
from synthgate.monitoring.rules import ROOT
from synthgate.page import written

FOLDER: Final = ROOT / "deploy" / "grafana" / "dashboards"
SOURCE: Final = {"type": "prometheus", "uid": "prometheus"}
"""As in deploy/grafana/provisioning."""
CHOICES: Final = {"duty": (*DUTIES, RECORDS)}
_COLUMNS: Final = 24
_STAT: Final = (6, 4)
_GRAPH: Final = (12, 8)
"""Width in columns and height in rows."""


def render(dashboard: Dashboard) -> str:
    """The dashboard as Grafana reads it."""
    body = {
        "uid": f"synthgate-{dashboard.uid}",
        "title": dashboard.title,
        "tags": ["synthgate"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": [_variable(dashboard.by)] if dashboard.by else []},
        "panels": _placed(dashboard.panels),
    }
    return json.dumps(body, indent=1, ensure_ascii=False) + "\n"


def _variable(label: str) -> dict[str, Any]:
    values = CHOICES[label]
    return {
        "name": label,
        "label": label,
        "type": "custom",
        "query": ",".join(values),
        "current": {"text": values[0], "value": values[0]},
        "options": [
            {"text": value, "value": value, "selected": value == values[0]} for value in values
        ],
    }


def _placed(panels: Sequence[Panel]) -> list[dict[str, Any]]:
    """Numbers first as they come, then graphs two abreast; no two overlap."""
    found, x, y, row = [], 0, 0, 0
    for number, panel in enumerate(panels, start=1):
        width, height = _STAT if panel.stat else _GRAPH
        if x + width > _COLUMNS or (row and height != row):
            x, y = 0, y + row
        row = height
        found.append(_panel(number, panel, {"x": x, "y": y, "w": width, "h": height}))
        x += width
    return found


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    targets = [
        {
            "refId": chr(ord("A") + at),
            "datasource": SOURCE,
            "expr": query.expression,
            "legendFormat": query.legend,
            "instant": panel.stat,
            "range": not panel.stat,
        }
        for at, query in enumerate(panel.queries)
    ]
    return {
        "id": number,
        "type": "stat" if panel.stat else "timeseries",
        "title": panel.title,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "targets": targets,
    }


def main(arguments: Sequence[str]) -> int:
    """Write every dashboard, or with ``--check`` say whether one is stale (1)."""
    module = "synthgate.monitoring.dashboards"
    codes = [
        written(FOLDER / f"{one.uid}.json", render(one), module, arguments) for one in DASHBOARDS
    ]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
