"""Fixtures and the closing report for the whole suite."""

import os
import time
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from brokers import or_not_run
from buckets import make_bucket, settings_in
from e2e.history import CHECKS
from guarded import Guarded
from live_chain import RunningChain, chain_settings
from synthgate.broker.choose import WORDS, Broker, choose_broker
from synthgate.broker.embedded import EmbeddedBroker
from synthgate.broker.object_store import ObjectServer
from synthgate.demo.chain import Chain
from synthgate.settings import Settings

# How long an example takes says something of the machine, not of the code: pytest-timeout bounds each test.
settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

USED = pytest.StashKey[list[str]]()
CLOSING = pytest.StashKey[list[str]]()
# What the history checker and chaos say of a run. It fails at once, also where other failures are tried again
# (``--reruns``, deploy/test): a record lost once in two runs is lost.
FINAL = rf"\b({'|'.join(check.__name__ for check in CHECKS)}|idle|sure|barred): "
BEGUN = pytest.StashKey[float]()
BROKER_SECONDS_MAX = 300
"""Of a test on a broker that says nothing else: the first pays for the start of brokers and chain, and the
bounds of its own, a minute or two each, must run out before this one does, for they say what was seen."""
WORKER_SAID = "last of "
LOG_LINES = 25
"""Shown of each worker's log when a test fails."""


def pytest_configure(config: pytest.Config) -> None:
    config.stash[USED] = []
    config.stash[CLOSING] = []
    config.option.rerun_except = [FINAL]


@pytest.fixture(scope="session")
def closing_lines(request: pytest.FixtureRequest) -> list[str]:
    """Lines for the end of the suite's output: what a test measured or played."""
    return request.config.stash[CLOSING]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--half",
        choices=("without-broker", "with-broker"),
        help="run only the tests that need no broker, or only those that do",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Who asks for a broker carries its marker, so that ``-m 'not kafka'`` needs no list."""
    for item in items:
        for name in ("kafka", "embedded"):
            if name in getattr(item, "fixturenames", ()):
                item.add_marker(name)
        if _needs_broker(item) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(BROKER_SECONDS_MAX))
    if half := config.getoption("--half"):
        wanted = half == "with-broker"
        items[:] = [item for item in items if _needs_broker(item) == wanted]


def _needs_broker(item: pytest.Item) -> bool:
    return any(item.get_closest_marker(name) for name in ("kafka", "embedded"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    item.stash[BEGUN] = time.time()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Who fails shows what the workers said last: their folders are gone when the run is."""
    report = yield
    if report.failed and _needs_broker(item):
        report.sections += [(WORKER_SAID + name, said) for name, said in _said_by_workers(item)]
    return report


def _said_by_workers(item: pytest.Item) -> Iterator[tuple[str, str]]:
    """The logs of workers written to since the test began, by place under the run's folder."""
    base = item.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
    begun = item.stash.get(BEGUN, 0.0)
    for path in sorted(base.rglob("worker-*.log")):
        if path.stat().st_mtime >= begun:
            lines = path.read_text(errors="replace").splitlines()[-LOG_LINES:]
            yield str(path.relative_to(base)), "\n".join(lines)


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """A real Kafka of one node, or the one given; shared: name topics with ``topic_prefix``."""
    broker = or_not_run(choose_broker)
    request.config.stash[USED].append(broker.words)
    with broker:
        yield broker


@pytest.fixture(scope="session")
def embedded(request: pytest.FixtureRequest) -> Iterator[EmbeddedBroker]:
    """The embedded broker, shared: make your topics with ``create_topics`` and ``topic_prefix``."""
    with EmbeddedBroker() as broker:
        request.config.stash[USED].append(f"{WORDS['embedded']} at {broker.bootstrap}")
        yield broker


@pytest.fixture(scope="session")
def object_server(request: pytest.FixtureRequest) -> Iterator[ObjectServer]:
    """An S3-compatible server, shared: take a bucket or a prefix of your own."""
    server = ObjectServer()
    or_not_run(server.__enter__, "an object store")
    request.config.stash[USED].append(f"S3Proxy at {server.endpoint}")
    make_bucket(server)
    yield server
    server.__exit__()


@pytest.fixture
def bucket_settings(object_server: ObjectServer, tmp_path: Path) -> Settings:
    """Settings with a place of their own in a bucket, and a folder."""
    return settings_in(object_server, tmp_path / "data")


@pytest.fixture(scope="session")
def guarded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Guarded]:
    """A real Kafka with TLS, SASL and ACLs, always of our own: its users are made when it is."""
    broker = Guarded(tmp_path_factory.mktemp("guarded"))
    or_not_run(broker.cluster.open)
    where = broker.cluster.bootstrap
    request.config.stash[USED].append(f"{WORDS['maven']} with TLS, SASL and ACLs at {where}")
    yield broker
    broker.cluster.close()


@pytest.fixture
def chain(kafka: Broker, topic_prefix: str, tmp_path: Path) -> Iterator[RunningChain]:
    """Six duties in one worker over a real Kafka."""
    with Chain(kafka, chain_settings(kafka, topic_prefix, tmp_path)) as running:
        yield RunningChain(running)


@pytest.fixture
def topic_prefix() -> str:
    """A prefix no other test uses, for topics and groups on a shared broker."""
    return f"test-{os.urandom(4).hex()}."


def pytest_sessionfinish(session: pytest.Session) -> None:
    """What one of several processes has to say at the end goes to the one that says it."""
    if (output := getattr(session.config, "workeroutput", None)) is not None:
        output["used"] = session.config.stash[USED]
        output["closing"] = session.config.stash[CLOSING]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A process has ended: take over what it has to say."""
    output = getattr(node, "workeroutput", {})
    node.config.stash[USED] += output.get("used", [])
    node.config.stash[CLOSING] += output.get("closing", [])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter,
) -> Generator[None, None, None]:
    """Last lines: which brokers were used, and what was not run and why."""
    yield
    report = terminalreporter
    report.section("brokers and what was not run")
    used = report.config.stash[USED]
    report.write_line("ran on: " + ("; ".join(used) if used else "no broker was needed"))
    for line in report.config.stash[CLOSING]:
        report.write_line(line)
    for again in report.stats.get("rerun", []):
        report.write_line(f"tried again: {again.nodeid} failed at first:\n{again.longreprtext}")
        for name, said in again.sections:
            if name.startswith(WORKER_SAID):
                report.write_line(f"{name}:\n{said}")
    reasons = Counter(_reason(skipped) for skipped in report.stats.get("skipped", []))
    for reason, count in reasons.items():
        report.write_line(f"not run: {count} test{'s' if count > 1 else ''}: {reason}")
    if deselected := len(report.stats.get("deselected", [])):
        report.write_line(f"not run: {deselected} tests: left out by the command line")
    errors = len(report.stats.get("error", []))
    if errors:
        report.write_line(f"not run: {errors} that ended in an error before the test, see above")
    if not reasons and not deselected and not errors:
        report.write_line("not run: nothing")


def _reason(skipped: pytest.TestReport | pytest.CollectReport) -> str:
    told = skipped.longrepr[2] if isinstance(skipped.longrepr, tuple) else str(skipped.longrepr)
    return told.removeprefix("Skipped: ")
