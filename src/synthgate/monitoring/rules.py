"""The rules of deploy/prometheus as the pages and tests read them: names, and the metrics they rest on.

A few lines of text are read, not YAML: the programs have no YAML, and promtool checks the file itself.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
RULES: Final = ROOT / "deploy" / "prometheus" / "rules.yml"
_RULE: Final = re.compile(r"^\s+- (alert|record): (\S+)$")
_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_:]*")
_SUFFIX: Final = re.compile(r"_(bucket|count|sum)$")


def rules(text: str) -> Mapping[tuple[str, str], str]:
    """(alert | record, name) to the rule's whole text, in order."""
    found: dict[tuple[str, str], list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        begun = _RULE.match(line)
        if begun is not None:
            lines = found.setdefault((begun[1], begun[2]), [])
        elif line.strip().startswith("#") or line.startswith("  - name:"):
            lines = lines if line.strip().startswith("#") else []
        else:
            lines.append(line)
    return {key: "\n".join(lines) for key, lines in found.items()}


def metric_names(expression: str, known: frozenset[str]) -> frozenset[str]:
    """Metrics of ``known`` an expression asks for, histograms by their own name."""
    words = set(_NAME.findall(expression))
    return frozenset((words | {_SUFFIX.sub("", word) for word in words}) & known)


def users(text: str, known: frozenset[str]) -> Mapping[str, list[str]]:
    """Metric to the alerts that rest on it, directly or through recorded series."""
    every = rules(text)
    records = {name: body for (kind, name), body in every.items() if kind == "record"}
    rests = {name: set(metric_names(body, known)) for name, body in records.items()}
    found: dict[str, list[str]] = {name: [] for name in known}
    for (kind, name), body in every.items():
        if kind != "alert":
            continue
        said = body.partition("annotations:")[0]
        on = set(metric_names(said, known))
        for word in set(_NAME.findall(said)) & rests.keys():
            on |= rests[word]
        for metric in on:
            found[metric].append(name)
    return found
