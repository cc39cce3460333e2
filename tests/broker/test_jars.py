"""Kafka's jars: found, fetched once, never half."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from synthgate.broker.errors import BrokerUnavailableError
from synthgate.broker.jars import (
    POM,
    cache_folder,
    find_java,
    java_version,
    kafka_jars,
    kafka_version,
)

MAVEN = """#!/bin/sh
echo "$@" >> {calls}
for word in "$@"; do
  case "$word" in -DoutputDirectory=*) folder=${{word#*=}} ;; esac
done
{does}
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH, with the shell's tools in it; the cache is in tmp_path too."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for tool in ("sh", "touch", "sleep"):
        (folder / tool).symlink_to(shutil.which(tool) or "")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.delenv("MAVEN_HOME", raising=False)
    monkeypatch.setenv("SYNTHGATE_CACHE", str(tmp_path / "cache"))
    return folder


def program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


@pytest.mark.parametrize(
    ("told", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ('java version "1.8.0_402"', 8),
        ("nothing of the kind", 0),
    ],
)
def test_java_versions(told: str, version: int) -> None:
    assert java_version(told) == version


def test_no_java_says_what_to_install(programs: Path) -> None:
    with pytest.raises(BrokerUnavailableError, match=r"Java 17 not found: install .*Docker"):
        find_java()


def test_an_old_java_is_refused(programs: Path) -> None:
    program(programs, "java", "#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    with pytest.raises(BrokerUnavailableError, match="is Java 11, Kafka 4 needs 17"):
        find_java()


def test_java_home_wins(programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(programs, "java", "#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    home = tmp_path / "jdk"
    (home / "bin").mkdir(parents=True)
    program(home / "bin", "java", "#!/bin/sh\necho 'openjdk version \"21.0.2\"' >&2\n")
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert find_java() == str(home / "bin" / "java")


def test_no_maven_says_what_to_install(programs: Path) -> None:
    with pytest.raises(BrokerUnavailableError, match="Maven not found, and Kafka's jars are not"):
        kafka_jars()


def test_two_at_once_fetch_once(programs: Path, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    does = 'sleep 0.2; touch "$folder/kafka_2.13.jar"'
    program(programs, "mvn", MAVEN.format(calls=calls, does=does))
    with ThreadPoolExecutor(4) as pool:
        folders = set(pool.map(lambda _: kafka_jars(), range(4)))
    (folder,) = folders
    assert [jar.name for jar in folder.iterdir()] == ["kafka_2.13.jar"]
    assert len(calls.read_text().splitlines()) == 1
    assert "dependency:copy-dependencies" in calls.read_text()


@pytest.mark.parametrize(
    ("does", "told"),
    [
        ('touch "$folder/kafka_2.13.jar"; echo "[ERROR] no such artefact"; exit 1', "no such"),
        ("exit 0", "exit code 0"),
    ],
)
def test_a_failed_fetch_leaves_nothing_to_trust(
    programs: Path, tmp_path: Path, does: str, told: str
) -> None:
    program(programs, "mvn", MAVEN.format(calls=tmp_path / "calls", does=does))
    with pytest.raises(BrokerUnavailableError, match=told):
        kafka_jars()
    assert [left.suffix for left in (tmp_path / "cache").iterdir()] == [".lock"]


def test_the_cache_follows_its_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNTHGATE_CACHE", "/a")
    monkeypatch.setenv("XDG_CACHE_HOME", "/b")
    assert cache_folder() == Path("/a")
    monkeypatch.delenv("SYNTHGATE_CACHE")
    assert cache_folder() == Path("/b/synthgate")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path(os.environ["HOME"]) / ".cache" / "synthgate"


def test_the_pom_names_a_kafka_4_and_no_registry() -> None:
    assert kafka_version().startswith("4.")
    text = POM.read_text()
    assert "<repository>" not in text
    assert "<pluginRepository>" not in text
