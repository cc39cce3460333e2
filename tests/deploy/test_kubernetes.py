"""deploy/kubernetes is what Kubernetes takes and what the code says: it runs on no cluster here."""

import asyncio
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from deploy.clusters import (
    GUIDE,
    OVERLAYS,
    ROOT,
    Object,
    container_of,
    example,
    labels_of,
    mebibytes,
    of_kind,
    pod_of,
    rendered,
    selects,
    settings_of,
    workloads,
)
from synthgate import __version__, cli
from synthgate.api.serve import checked
from synthgate.crypto.keys import KeyFolder
from synthgate.events.topic_configs import rights
from synthgate.events.topics import DUTIES
from synthgate.monitoring import rules_object
from synthgate.monitoring.rules import RULES
from synthgate.runtime.metrics import CATALOGUE
from synthgate.runtime.web import Server
from synthgate.settings import Settings

OTHERS = {"monitoring.coreos.com/v1", "keda.sh/v1alpha1"}
"""Of operators: Kubernetes has no schema of them."""
Objects = tuple[Object, ...]


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Objects]:
    """Both overlays as they stand, and the guide's installation with every component."""
    return {
        "small": rendered(OVERLAYS / "small"),
        "per-duty": rendered(OVERLAYS / "per-duty"),
        "example": example(tmp_path_factory.mktemp("cluster")),
    }


@pytest.fixture(params=["small", "per-duty", "example"])
def objects(request: pytest.FixtureRequest, every: dict[str, Objects]) -> Objects:
    return every[request.param]


@pytest.mark.parametrize("version", ["1.30", "1.37"])
def test_kubernetes_schemas_take_every_object(objects: Objects, version: str) -> None:
    for one in objects:
        if one["apiVersion"] not in OTHERS:
            kubernetes_validate.validate(one, version, strict=True)
    names = [(one["kind"], one["metadata"]["name"]) for one in objects]
    assert len(set(names)) == len(names)


def test_every_duty_has_its_workers_and_the_small_one_is_fused(every: dict[str, Objects]) -> None:
    for name in ("per-duty", "example"):
        sets = of_kind(every[name], "StatefulSet")
        commands = {one["metadata"]["name"]: container_of(one)["args"] for one in sets}
        assert commands == {f"worker-{duty}": ["worker", duty] for duty in DUTIES}
    (one,) = of_kind(every["small"], "StatefulSet")
    assert container_of(one)["args"] == ["worker", "--fused"]


def test_commands_are_commands_and_settings_load(objects: Objects) -> None:
    known = {right.who for right in rights()} | {"worker", "topics"}
    for one in workloads(objects).values():
        assert cli.parser().parse_args(container_of(one)["args"]).run
        settings = settings_of(one, objects)
        assert settings.insync_min <= settings.replicas
        assert settings.security_protocol == "SASL_SSL"
        assert settings.sasl_username.removeprefix("synthgate-") in known
        if container_of(one)["args"] == ["api"]:
            checked(settings)
        if one["kind"] == "StatefulSet":
            assert len(settings.provider_code) == 27
            assert settings.log_name != Settings().log_name
            assert settings.instance


def test_each_kafka_user_has_a_secret_of_its_own(objects: Objects) -> None:
    for one in workloads(objects).values():
        settings = settings_of(one, objects)
        secrets = {volume["name"]: volume.get("secret", {}) for volume in pod_of(one)["volumes"]}
        who = settings.sasl_username.removeprefix("synthgate-")
        assert secrets["kafka"]["secretName"] == f"kafka-{who}"


def test_files_that_settings_name_are_mounted(objects: Objects) -> None:
    for one in workloads(objects).values():
        mounts = [Path(row["mountPath"]) for row in container_of(one)["volumeMounts"]]
        for name, value in settings_of(one, objects):
            if name.endswith("_file") and isinstance(value, str) and value:
                assert Path(value).parent in mounts, name
        named = {row["name"] for row in container_of(one)["volumeMounts"]}
        assert named == {volume["name"] for volume in pod_of(one)["volumes"]}


def test_probes_ask_where_it_answers(every: dict[str, Objects], tmp_path: Path) -> None:
    asked = set()
    served = [
        (one, objects) for objects in every.values() for one in workloads(objects).values()
        if one["kind"] != "Job"
    ]  # fmt: skip
    for one, objects in served:
        container, settings = container_of(one), settings_of(one, objects)
        ports = {row["name"]: row["containerPort"] for row in container["ports"]}
        assert ports["metrics"] == settings.web_port
        assert settings.web_host == "0.0.0.0"
        if "https" in ports:
            assert (ports["https"], "0.0.0.0") == (settings.api_port, settings.api_host)
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert container[probe]["httpGet"]["port"] == "metrics"
            asked.add(container[probe]["httpGet"]["path"])
        assert container["livenessProbe"]["httpGet"]["path"] == "/livez"

    async def serve() -> None:
        web = Server(Settings(data_dir=tmp_path), lambda: {"ready": True})
        await web.start()
        try:
            for path in asked:
                await asyncio.to_thread(urllib.request.urlopen, web.url + path, timeout=10)
        finally:
            await web.stop()

    assert asked == {"/livez", "/readyz"}
    asyncio.run(serve())


def test_they_have_time_to_drain_and_room_to_label(objects: Objects) -> None:
    for one in workloads(objects).values():
        if one["kind"] != "Job":
            grace_s = pod_of(one)["terminationGracePeriodSeconds"]
            assert grace_s > settings_of(one, objects).drain_s + 5
        args = container_of(one)["args"]
        if args in (["worker", "labelling"], ["worker", "--fused"]):
            limit = mebibytes(container_of(one)["resources"]["limits"]["memory"])
            assert limit >= settings_of(one, objects).media_memory_mib + 1024


def test_pods_may_do_nothing_they_need_not(objects: Objects) -> None:
    (space,) = of_kind(objects, "Namespace")
    assert space["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    (user,) = re.findall(r"^USER (\S+)$", dockerfile, re.MULTILINE)
    for one in workloads(objects).values():
        pod, container = pod_of(one), container_of(one)
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == int(user)
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }  # fmt: skip
        assert not pod.keys() & {"hostNetwork", "hostPID", "hostIPC", "initContainers"}
        assert {"requests", "limits"} <= container["resources"].keys()


def test_images_are_of_this_version(objects: Objects) -> None:
    for one in workloads(objects).values():
        assert re.fullmatch(rf"(\S+/)?synthgate:{__version__}", container_of(one)["image"])


def secrets_of(one: Object) -> Iterator[str]:
    """Names of the Secrets a workload is given."""
    for volume in pod_of(one)["volumes"]:
        if "secret" in volume:
            yield volume["secret"]["secretName"]
    for row in container_of(one)["env"]:
        if "secretKeyRef" in row.get("valueFrom", {}):
            yield row["valueFrom"]["secretKeyRef"]["name"]


def test_no_secret_is_in_the_tree_and_the_guide_names_all(every: dict[str, Objects]) -> None:
    used = set()
    for objects in every.values():
        assert not of_kind(objects, "Secret")
        used |= {name for one in workloads(objects).values() for name in secrets_of(one)}
    said = GUIDE.read_text(encoding="utf-8")
    assert used == set(re.findall(r"kubectl create secret \S+ (\S+)", said)) | {
        f"kafka-{duty}" for duty in (*DUTIES, "worker", "api", "canary", "topics")
    }


def test_keys_reach_only_who_needs_them(objects: Objects, tmp_path: Path) -> None:
    made = {path.name for path in KeyFolder.init(tmp_path / "keys").path.iterdir()}
    given = set(re.findall(r"--from-file=keys/(\S+)", GUIDE.read_text(encoding="utf-8")))
    assert given == made - {"operator.key"}
    for one in workloads(objects).values():
        volumes = {volume["name"]: volume for volume in pod_of(one)["volumes"]}
        mounts = {row["name"]: row for row in container_of(one)["volumeMounts"]}
        if one["kind"] == "StatefulSet":
            assert mounts["keys"]["mountPath"] == str(settings_of(one, objects).keys_dir)
        elif "keys" in volumes:
            assert one["metadata"]["name"] == "canary"
            assert [row["path"] for row in volumes["keys"]["secret"]["items"]] == ["canary.key"]
        for name in volumes.keys() - {"data", "tmp"}:
            assert mounts[name]["readOnly"] is True


def test_one_pod_at_a_time_is_taken_away(objects: Objects) -> None:
    budgets = of_kind(objects, "PodDisruptionBudget")
    assert all(budget["spec"]["maxUnavailable"] == 1 for budget in budgets)
    for one in workloads(objects).values():
        found = [b for b in budgets if selects(b["spec"]["selector"], labels_of(one))]
        wanted = one["kind"] == "StatefulSet" or one["metadata"]["name"] == "api"
        assert len(found) == wanted
        if one["kind"] != "Job":
            assert one["spec"]["selector"]["matchLabels"] == labels_of(one)
    spread = [pod_of(one)["topologySpreadConstraints"] for one in of_kind(objects, "StatefulSet")]
    assert all(len(rows) == 2 for rows in spread)


def test_nothing_comes_in_or_goes_out_but_what_is_named(every: dict[str, Objects]) -> None:
    objects = every["example"]
    policies = {one["metadata"]["name"]: one["spec"] for one in of_kind(objects, "NetworkPolicy")}
    assert policies.pop("nothing-else") == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    ports = {
        name: [row["port"] for way in ("egress", "ingress") for rule in spec.get(way, ())
               for row in rule["ports"]]
        for name, spec in policies.items()
    }  # fmt: skip
    assert ports == {
        "names": [53, 53], "kafka": [9093], "metrics": ["metrics"], "api": ["https"], "bucket": [443],
    }  # fmt: skip
    for spec in policies.values():
        rules = [*spec.get("egress", ()), *spec.get("ingress", ())]
        assert all(rule.get("to") or rule.get("from") for rule in rules)
    pods = workloads(objects)

    def taken(policy: str) -> set[str]:
        return {n for n, one in pods.items()
                if selects(policies[policy]["podSelector"], labels_of(one))}  # fmt: skip

    workers = {f"worker-{duty}" for duty in DUTIES}
    assert taken("kafka") == taken("names") == taken("metrics") == set(pods)
    assert taken("api") == {"api"}
    assert taken("bucket") == workers


def test_as_many_workers_as_the_lag_asks_for_and_partitions_allow(
    every: dict[str, Objects],
) -> None:
    objects = every["example"]
    lag = next(row for row in CATALOGUE if row.name == "synthgate_lag_records")
    assert "duty" in lag.labels
    scaled = {
        one["spec"]["scaleTargetRef"]["name"]: one for one in of_kind(objects, "ScaledObject")
    }
    sets = {one["metadata"]["name"]: one for one in of_kind(objects, "StatefulSet")}
    assert scaled.keys() == sets.keys()
    for name, one in scaled.items():
        assert "replicas" not in sets[name]["spec"]
        partitions = settings_of(sets[name], objects).partitions
        assert 2 <= one["spec"]["minReplicaCount"] <= one["spec"]["maxReplicaCount"] <= partitions
        (trigger,) = one["spec"]["triggers"]
        duty = name.removeprefix("worker-")
        assert trigger["metadata"]["query"] == f'sum({lag.name}{{duty="{duty}"}})'


def test_prometheus_finds_every_pod_and_has_the_rules(every: dict[str, Objects]) -> None:
    objects = every["example"]
    (rules,) = of_kind(objects, "PrometheusRule")
    assert rules["spec"] == yaml.safe_load(RULES.read_text(encoding="utf-8"))
    assert rules_object.main(["--check"]) == 0
    (monitor,) = of_kind(objects, "PodMonitor")
    (point,) = monitor["spec"]["podMetricsEndpoints"]
    for one in workloads(objects).values():
        if one["kind"] != "Job":
            assert selects(monitor["spec"]["selector"], labels_of(one))
            assert point["port"] in {row["name"] for row in container_of(one)["ports"]}
            assert labels_of(one)[monitor["spec"]["jobLabel"]] == "synthgate"
