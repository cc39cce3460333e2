"""``synthgate sbom``: the bill of materials of this environment, CycloneDX 1.6 as JSON.

Made from what is installed, not from what was asked for. The same environment gives the same bytes: there is
no time and no serial number in it.
"""

import argparse
import json
from importlib.metadata import Distribution
from typing import Any
from urllib.parse import quote

from synthgate.cli.options import command


def add(subparsers: Any) -> None:
    """Register the command."""
    command(subparsers, "sbom", run, "the bill of materials of this environment (CycloneDX JSON)")


def run(_: argparse.Namespace) -> int:
    """Print it."""
    print(json.dumps(bill(), ensure_ascii=False, indent=2))
    return 0


def bill() -> dict[str, Any]:
    """The document. scope: required by Synthgate without extras, or optional."""
    from synthgate.cli.installed import OURS, installed, needs, required

    everything, (needed, _) = installed(), required()
    refs = {name: _ref(name, one) for name, one in everything.items()}
    components = [
        _component(name, one) | {"scope": "required" if name in needed else "optional"}
        for name, one in everything.items()
        if name != OURS
    ]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": _component(OURS, needed[OURS]) | {"type": "application"},
        },
        "components": components,
        "dependencies": [
            {"ref": refs[name], "dependsOn": [refs[one] for one in needs(row) if one in refs]}
            for name, row in everything.items()
        ],
    }


def _ref(name: str, one: Distribution) -> str:
    """The package's URL (purl), which names it in the document too."""
    return f"pkg:pypi/{name}@{quote(one.version, safe='')}"


def _component(name: str, one: Distribution) -> dict[str, Any]:
    from synthgate.cli.installed import expression, names

    stated = expression(one)
    licences: list[dict[str, Any]] = [{"license": {"name": words}} for words in names(one)]
    row: dict[str, Any] = {
        "type": "library", "bom-ref": _ref(name, one), "name": name, "version": one.version,
        "purl": _ref(name, one),
    }  # fmt: skip
    if stated or licences:
        row["licenses"] = [{"expression": stated}] if stated else licences
    return row
