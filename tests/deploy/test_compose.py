"""docker-compose.yml, the Dockerfile and Prometheus say what the code says: they cannot run everywhere."""

import asyncio
import json
import re
import sys
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from synthgate import __version__, cli
from synthgate.api.serve import checked
from synthgate.broker.jars import kafka_version
from synthgate.events.topics import DUTIES
from synthgate.runtime.web import Server
from synthgate.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
WORKERS = {name: row for name, row in OURS.items() if row["command"][0] == "worker"}
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CODE = "9" * 27


def environment(service: dict[str, Any]) -> dict[str, str]:
    """A service's environment over the image's, with the one value an operator must give."""
    return dict(re.findall(rf"({PREFIX}[A-Z_]+)=(\S+)", DOCKERFILE)) | {
        name: CODE if value.startswith("${SYNTHGATE_PROVIDER_CODE:?") else value
        for name, value in service["environment"].items()
    }


def constraints() -> dict[str, str]:
    lines = (ROOT / "deploy" / "constraints.txt").read_text().splitlines()
    pins = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {str(canonicalize_name(name)): version for name, version in pins}


def test_the_compose_specification_takes_the_file() -> None:
    schemas = resources.files("check_jsonschema") / "builtin_schemas" / "vendor"
    schema = json.loads((schemas / "compose-spec.json").read_text(encoding="utf-8"))
    Draft7Validator(schema).validate(COMPOSE)


def test_one_worker_a_duty_in_the_chain_s_order() -> None:
    assert tuple(WORKERS) == tuple(DUTIES)
    assert [worker["command"] for worker in WORKERS.values()] == [["worker", d] for d in DUTIES]


@pytest.mark.parametrize("name", OURS)
def test_commands_are_commands(name: str) -> None:
    command = OURS[name]["command"]
    if "entrypoint" in OURS[name]:
        command = command[0].split("synthgate ")[-1].split()
    assert cli.parser().parse_args(command).run


@pytest.mark.parametrize("name", OURS)
def test_settings_are_settings_and_load(name: str) -> None:
    settings = Settings.load(environ=environment(OURS[name]))
    assert settings.provider_code == CODE
    assert settings.insync_min <= settings.replicas == 1
    assert settings.web_port > 0


def test_the_dockerfile_s_settings_are_settings() -> None:
    named = re.findall(rf"{PREFIX}([A-Z_]+)", DOCKERFILE)
    assert named
    assert {name.lower() for name in named} <= set(Settings.model_fields)


def test_the_data_folder_is_the_volume_the_user_owns() -> None:
    (folder,) = {environment(service)["SYNTHGATE_DATA_DIR"] for service in OURS.values()}
    assert all(service["volumes"] == [f"data:{folder}"] for service in OURS.values())
    assert f"VOLUME {folder}\n" in DOCKERFILE
    assert f"install -d -o synthgate -g synthgate -m 0700 {folder}\n" in DOCKERFILE
    (test,) = OURS["keys"]["command"]
    assert f"test -e {Settings(data_dir=Path(folder)).keys_dir}/master.key " in test


def test_workers_start_after_keys_and_topics_and_stop_after_draining() -> None:
    done = {"condition": "service_completed_successfully"}
    for worker in WORKERS.values():
        assert worker["depends_on"] == {"keys": done, "topics": done}
        grace_s = int(worker["stop_grace_period"].removesuffix("s"))
        assert grace_s > Settings.load(environ=environment(worker)).drain_s
    assert OURS["topics"]["depends_on"] == {"kafka": {"condition": "service_healthy"}}


def test_images_are_pinned_and_are_the_versions_tested() -> None:
    for service in SERVICES.values():
        assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+", service["image"])
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{kafka_version()}"
    assert {service["image"] for service in OURS.values()} == {f"synthgate:{__version__}"}
    assert PROJECT["version"] == __version__


def test_the_dockerfile_s_python_is_pinned_and_supported() -> None:
    (version,) = re.findall(r"^ARG PYTHON=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert re.fullmatch(r"3\.\d+\.\d+", version)
    assert version in SpecifierSet(PROJECT["requires-python"])
    froms = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert froms == ["python:${PYTHON}-slim-bookworm"] * 2


def test_the_image_runs_as_nobody_special() -> None:
    (user,) = re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)
    assert int(user) > 0
    assert f"--uid {user} " in DOCKERFILE
    for service in OURS.values():
        assert service["cap_drop"] == ["ALL"]
        assert "privileged" not in service
        assert "user" not in service


def test_nothing_listens_beyond_this_machine() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_what_the_dockerfile_copies_is_there_and_not_ignored() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    kept = (ROOT / ".dockerignore").read_text().splitlines()
    for path in " ".join(copied).split():
        assert (ROOT / path).exists(), path
        assert f"!{path}" in kept


def test_prometheus_scrapes_every_worker_and_the_canaries_where_they_serve() -> None:
    config = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
    (job,) = config["scrape_configs"]
    (targets,) = (group["targets"] for group in job["static_configs"])
    watched = {**WORKERS, "canary": SERVICES["canary"], "api": SERVICES["api"]}
    ports = {name: environment(row)["SYNTHGATE_WEB_PORT"] for name, row in watched.items()}
    assert targets == [f"{name}:{port}" for name, port in ports.items()]


def test_the_image_asks_a_worker_whether_it_lives(tmp_path: Path) -> None:
    (asked,) = re.findall(r"^HEALTHCHECK .* CMD \\\n +(\[.*\])$", DOCKERFILE, re.MULTILINE)
    program, *arguments = json.loads(asked)
    assert program == "python"

    async def ask(path_of: str) -> int:
        web = Server(Settings(data_dir=tmp_path), lambda: {"ready": False})
        await web.start()
        environ = {"SYNTHGATE_WEB_PORT": web.url.rpartition(":")[2] + path_of}
        asking = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, env=environ, stderr=asyncio.subprocess.DEVNULL
        )
        code = await asking.wait()
        await web.stop()
        return code

    assert asyncio.run(ask("")) == 0
    assert asyncio.run(ask("/nowhere")) != 0
    assert not any("healthcheck" in service for service in OURS.values())


def mounted(service: str) -> dict[str, Path]:
    """Where in the container what of the tree lies."""
    rows = [row.split(":") for row in SERVICES[service]["volumes"] if row.startswith("./")]
    assert all(row[2] == "ro" for row in rows)
    return {row[1]: ROOT / row[0] for row in rows}


def test_prometheus_and_grafana_are_given_what_they_look_for() -> None:
    found = mounted("prometheus")
    assert set(found) == {"/etc/prometheus"}
    assert (found["/etc/prometheus"] / "prometheus.yml").is_file()
    config = yaml.safe_load((found["/etc/prometheus"] / "prometheus.yml").read_text())
    for name in config["rule_files"]:
        assert (found["/etc/prometheus"] / name).is_file()
    found = mounted("grafana")
    assert set(found) == {"/etc/grafana/provisioning", "/var/lib/grafana/dashboards"}
    provisioning = found["/etc/grafana/provisioning"]
    (source,) = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())[
        "datasources"
    ]
    assert source["url"] == "http://prometheus:9090"
    (provider,) = yaml.safe_load((provisioning / "dashboards/synthgate.yml").read_text())[
        "providers"
    ]
    assert provider["options"]["path"] in found
    assert list(found[provider["options"]["path"]].glob("*.json"))
    for path in found["/var/lib/grafana/dashboards"].glob("*.json"):
        said = set(re.findall(r'"type": "prometheus",\s+"uid": "([a-z]+)"', path.read_text()))
        assert said == {source["uid"]}, path


def test_canaries_start_after_what_they_go_through() -> None:
    canary = SERVICES["canary"]
    assert canary["command"] == ["canary"]
    assert canary["depends_on"] == {name: {"condition": "service_started"} for name in WORKERS}


def test_http_listens_where_it_may_and_its_extra_is_in_the_image() -> None:
    settings = Settings.load(environ=environment(SERVICES["api"]))
    checked(settings)
    assert SERVICES["api"]["ports"] == [f"127.0.0.1:{settings.api_port}:{settings.api_port}"]
    (extras,) = re.findall(r"^ARG EXTRAS=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert '".[${EXTRAS}]"' in DOCKERFILE
    assert {"api", "intake"} <= set(extras.split(",")) <= set(PROJECT["optional-dependencies"])


def test_every_requirement_has_its_constraint() -> None:
    wanted = PROJECT["dependencies"] + ["setuptools>=77"]
    wanted += [row for extra in PROJECT["optional-dependencies"].values() for row in extra]
    pins = constraints()
    for row in map(Requirement, wanted):
        version = pins[str(canonicalize_name(row.name))]
        assert version in row.specifier, f"{row} against {version}"


def test_the_constraints_name_versions_and_no_address() -> None:
    for name, version in constraints().items():
        assert re.fullmatch(r"\d[\w.]*", version), name
    assert "://" not in (ROOT / "deploy" / "constraints.txt").read_text()
