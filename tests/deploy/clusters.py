"""Renders deploy/kubernetes as `kubectl apply` would take it, and reads what a container is given."""

import re
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from programs import need
from synthgate.settings import Settings

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "src" / "guides" / "KUBERNETES.md"
OVERLAYS = ROOT / "deploy" / "kubernetes" / "overlays"
GIVEN = {"SYNTHGATE_PROVIDER_CODE": "9" * 27, "SYNTHGATE_LOG_NAME": "log.example.com"}
"""Settings that whoever installs it must add."""

Object = dict[str, Any]


@cache
def rendered(folder: Path) -> tuple[Object, ...]:
    """Every object of a folder with a kustomization in it."""
    need("kubectl")
    done = subprocess.run(
        ["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=False, timeout=60
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


def example(folder: Path) -> tuple[Object, ...]:
    """The installation that the guide writes down, made in a folder beside the tree."""
    (text,) = re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    (folder / "synthgate").symlink_to(ROOT)
    (folder / "ours").mkdir()
    (folder / "ours" / "kustomization.yaml").write_text(text)
    return rendered(folder / "ours")


def of_kind(objects: tuple[Object, ...], *kinds: str) -> list[Object]:
    """The objects of these kinds."""
    return [one for one in objects if one["kind"] in kinds]


def workloads(objects: tuple[Object, ...]) -> dict[str, Object]:
    """What runs pods, by name."""
    return {
        one["metadata"]["name"]: one for one in of_kind(objects, "StatefulSet", "Deployment", "Job")
    }


def pod_of(workload: Object) -> Object:
    """Its pods' specification."""
    spec: Object = workload["spec"]["template"]["spec"]
    return spec


def labels_of(workload: Object) -> Mapping[str, str]:
    """Its pods' labels."""
    labels: Mapping[str, str] = workload["spec"]["template"]["metadata"]["labels"]
    return labels


def container_of(workload: Object) -> Object:
    """The one container."""
    (container,) = pod_of(workload)["containers"]
    assert isinstance(container, dict)
    return container


def settings_of(workload: Object, objects: tuple[Object, ...]) -> Settings:
    """What the container's settings come to; secrets stand for themselves."""
    maps = {one["metadata"]["name"]: one["data"] for one in of_kind(objects, "ConfigMap")}
    container = container_of(workload)
    environ: dict[str, str] = {}
    for source in container["envFrom"]:
        environ |= maps[source["configMapRef"]["name"]]
    environ |= dict(_variables(container, maps))
    return Settings.load(environ={k: v for k, v in environ.items() if k.startswith("SYNTHGATE_")})


def _variables(
    container: Object, maps: Mapping[str, Mapping[str, str]]
) -> Iterator[tuple[str, str]]:
    for row in container["env"]:
        name, source = row["name"], row.get("valueFrom", {})
        if "configMapKeyRef" in source:
            key = source["configMapKeyRef"]
            yield name, (GIVEN | dict(maps[key["name"]]))[key["key"]]
        elif "fieldRef" in source:
            assert source["fieldRef"]["fieldPath"] == "metadata.name"
            yield name, "worker-identity-0"
        else:
            yield name, "secret" if "secretKeyRef" in source else row["value"]


def selects(selector: Object, labels: Mapping[str, str]) -> bool:
    """Whether a label selector takes pods with these labels."""
    operators = {"In": lambda value, values: value in values, "NotIn": lambda v, vs: v not in vs}
    return all(labels.get(k) == v for k, v in selector.get("matchLabels", {}).items()) and all(
        operators[row["operator"]](labels.get(row["key"]), row["values"])
        for row in selector.get("matchExpressions", ())
    )


def mebibytes(amount: str) -> int:
    """A memory quantity."""
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)", amount).groups()  # type: ignore[union-attr]
    return int(number) * (1024 if unit == "Gi" else 1)
