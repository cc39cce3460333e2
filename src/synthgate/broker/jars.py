"""Jars of Apache Kafka and of S3Proxy: found in a cache folder or fetched into it once, with Maven.

Versions and lists are ``deploy/kafka/pom.xml`` and ``deploy/s3proxy/pom.xml``. The folder is
``$SYNTHGATE_CACHE/kafka-<version>-<pom hash>`` (``s3proxy-…``); without that variable
``$XDG_CACHE_HOME/synthgate`` or ``~/.cache/synthgate`` is used. A folder under that name is complete:
it is filled under another name and renamed, under a lock, so two runs at once fetch once and a run cut
short leaves nothing to trust.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from synthgate.broker.errors import BrokerUnavailableError

JAVA_VERSION_MIN = 17
FETCH_SECONDS_MAX = 900.0
POM = Path(__file__).parents[3] / "deploy" / "kafka" / "pom.xml"
S3PROXY_POM = POM.parents[1] / "s3proxy" / "pom.xml"
INSTEAD = "or set SYNTHGATE_TEST_BROKERS=host:port to a Kafka you have, or start Docker"


def find_java() -> str:
    """Path of a Java that runs Kafka 4 (``JAVA_HOME`` first, then ``PATH``).

    Raises BrokerUnavailableError when there is none or it is too old.
    """
    java = _program("java", os.environ.get("JAVA_HOME"))
    if java is None:
        raise BrokerUnavailableError(
            f"Java {JAVA_VERSION_MIN} not found: install openjdk-{JAVA_VERSION_MIN}-jre-headless "
            f"(or your system's name for it), {INSTEAD}"
        )
    try:
        told = subprocess.run(
            [java, "-version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BrokerUnavailableError(f"{java} does not run ({error}), {INSTEAD}") from error
    version = java_version(told.stderr + told.stdout)
    if version < JAVA_VERSION_MIN:
        raise BrokerUnavailableError(
            f"{java} is Java {version or 'of unknown version'}, Kafka 4 needs {JAVA_VERSION_MIN}: "
            f"install openjdk-{JAVA_VERSION_MIN}-jre-headless, {INSTEAD}"
        )
    return java


def java_version(text: str) -> int:
    """Major version told by ``java -version``: 17 for "17.0.15", 8 for "1.8.0", 0 for none."""
    found = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(found.group(1)) if found else 0


def kafka_version(pom: Path = POM) -> str:
    """Kafka version named by the pom, for instance "4.4.0"."""
    return _version(pom, "kafka")


def _version(pom: Path, name: str) -> str:
    found = re.search(rf"<{name}\.version>([^<]+)</{name}\.version>", _read(pom))
    if found is None:
        raise BrokerUnavailableError(f"{pom} names no <{name}.version>")
    return found.group(1)


def cache_folder() -> Path:
    """Where fetched things are kept between runs."""
    if own := os.environ.get("SYNTHGATE_CACHE"):
        return Path(own)
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "synthgate"


def kafka_jars(pom: Path = POM) -> Path:
    """Folder of Kafka's jars, fetched if need be.

    Raises BrokerUnavailableError when they are not in the cache and Maven is missing or fails.
    """
    return _jars(pom, "kafka", "kafka_*.jar")


def s3proxy_jars(pom: Path = S3PROXY_POM) -> Path:
    """Folder of S3Proxy's jars, fetched if need be. Raises as ``kafka_jars``."""
    return _jars(pom, "s3proxy", "s3proxy-*.jar")


def _jars(pom: Path, name: str, wanted: str) -> Path:
    edition = hashlib.sha256(_read(pom).encode()).hexdigest()[:8]
    folder = cache_folder() / f"{name}-{_version(pom, name)}-{edition}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            _fetch(pom, folder, wanted)
    return folder


def _fetch(pom: Path, folder: Path, wanted: str) -> None:
    whose, instead = (
        ("Kafka's", f", {INSTEAD}") if pom.parent.name == "kafka" else ("S3Proxy's", "")
    )
    maven = _program("mvn", os.environ.get("MAVEN_HOME"))
    if maven is None:
        raise BrokerUnavailableError(
            f"Maven not found, and {whose} jars are not in {folder}: install maven{instead}"
        )
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    command = [maven, "-q", "-B", "-f", str(pom), "dependency:copy-dependencies"]
    command += [f"-DoutputDirectory={unfinished}", "-DincludeScope=runtime"]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=FETCH_SECONDS_MAX,
            check=False,
        )
        if done.returncode != 0 or not list(unfinished.glob(wanted)):
            lines = [line for line in done.stdout.splitlines() if "ERROR" in line]
            first = lines[0] if lines else f"exit code {done.returncode}"
            raise BrokerUnavailableError(f"Maven could not fetch {whose} jars ({first}){instead}")
        unfinished.chmod(0o755)
        unfinished.rename(folder)
    except subprocess.TimeoutExpired as error:
        raise BrokerUnavailableError(
            f"Maven did not fetch {whose} jars within {FETCH_SECONDS_MAX:.0f} s{instead}"
        ) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _program(name: str, home: str | None) -> str | None:
    if home and (found := shutil.which(name, path=str(Path(home) / "bin"))):
        return found
    return shutil.which(name)


def _read(pom: Path) -> str:
    try:
        return pom.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise BrokerUnavailableError(
            f"{pom} is not there: servers from jars need the source checkout, {INSTEAD}"
        ) from error
