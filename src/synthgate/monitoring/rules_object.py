"""deploy/prometheus/rules.yml as the Prometheus operator takes it: an object of the cluster.

``python -m synthgate.monitoring.rules_object`` writes it; with ``--check`` it fails when stale.
"""

import sys
from collections.abc import Sequence
from typing import Final

from synthgate.monitoring.rules import ROOT, RULES
from synthgate.page import written

PAGE: Final = ROOT / "deploy" / "kubernetes" / "components" / "monitoring" / "rules.yaml"
_MODULE: Final = "synthgate.monitoring.rules_object"
_HEAD: Final = f"""# Generated from deploy/prometheus/rules.yml by `python -m {_MODULE}`.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: synthgate
spec:
"""


def render() -> str:
    """The object as text: the file's own lines, two spaces further in."""
    lines = RULES.read_text(encoding="utf-8").splitlines()
    return _HEAD + "".join(f"  {line}".rstrip() + "\n" for line in lines)


def main(arguments: Sequence[str]) -> int:
    """Write the object, or with ``--check`` say whether it is stale (1)."""
    return written(PAGE, render(), _MODULE, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
