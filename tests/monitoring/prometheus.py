"""A real Prometheus over running workers, its rules as they stand in the tree but sixty times as fast."""

import json
import re
import signal
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from programs import need
from synthgate.broker.node import free_ports
from synthgate.monitoring.rules import RULES

FASTER = 60
SAMPLES_S = 0.5
SHORTEST_S = 3
"""No window is shorter: a rate wants two samples, and a machine may be busy."""
WAIT_S = 1
PATIENCE_S = 150.0
SECONDS = {
    "OriginUnaccounted": ("> 60", "> 1"),
    "RecordsLate": ("> 600", "> 3"),
    "LogUnproved": ("> 60", "> 10"),
    "CanaryMissing": ("> 60", "> 2"),
    "LagGrows": ("> 100", "> 2"),
    "RebalancesStorm": ("[10s])) > 10", "[30s])) > 4"),
}
"""Ages, and numbers of what comes in a window, that a test cannot wait for; every other bound stands."""
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_SPAN = re.compile(r"(\[|offset |:)(\d+)([smhd])\b")
Labels = frozenset[tuple[str, str]]


def faster(expression: str) -> str:
    """Windows and offsets a sixtieth as long."""

    def shorter(found: re.Match[str]) -> str:
        if found[1] == ":":
            return ":1s"
        seconds = int(found[2]) * _UNITS[found[3]] // FASTER
        return f"{found[1]}{max(seconds, SHORTEST_S)}s"

    return _SPAN.sub(shorter, expression)


def fast_rules() -> dict[str, Any]:
    """The rules of the tree with every time shorter."""
    rules: dict[str, Any] = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    for group in rules["groups"]:
        group["interval"] = f"{int(SAMPLES_S * 1000)}ms"
        for rule in group["rules"]:
            rule["expr"] = faster(rule["expr"])
            if "for" in rule:
                rule["for"] = f"{WAIT_S}s"
            if rule.get("alert") in SECONDS:
                slow, quick = SECONDS[rule["alert"]]
                assert slow in rule["expr"], rule["alert"]
                rule["expr"] = rule["expr"].replace(slow, quick)
    return rules


class Prometheus:
    """Scrapes these ports of this machine until closed."""

    def __init__(self, folder: Path, ports: Sequence[int]) -> None:
        need("prometheus")
        folder.mkdir()
        self._log = folder / "log"
        self._folder = folder
        (port,) = free_ports(1)
        self._url = f"http://127.0.0.1:{port}"
        (folder / "rules.yml").write_text(yaml.safe_dump(fast_rules()))
        self._watch(ports)
        self._address = f"127.0.0.1:{port}"
        self._process: subprocess.Popen[bytes] | None = None

    def _watch(self, ports: Sequence[int]) -> None:
        every = f"{int(SAMPLES_S * 1000)}ms"
        targets = [f"127.0.0.1:{one}" for one in ports]
        config = {
            "global": {
                "scrape_interval": every,
                "scrape_timeout": every,
                "evaluation_interval": every,
            },
            "rule_files": ["rules.yml"],
            "scrape_configs": [{"job_name": "synthgate", "static_configs": [{"targets": targets}]}],
        }
        (self._folder / "prometheus.yml").write_text(yaml.safe_dump(config))

    def forget(self) -> None:
        """From now on no worker is known."""
        assert self._process is not None
        self._watch(())
        self._process.send_signal(signal.SIGHUP)

    def __enter__(self) -> Self:
        with self._log.open("wb") as out:
            self._process = subprocess.Popen(
                [
                    "prometheus", f"--config.file={self._folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={self._folder / 'data'}",
                    f"--web.listen-address={self._address}",
                ],
                stdout=out, stderr=out,
            )  # fmt: skip
        try:
            self.until(self._ready, "Prometheus is ready")
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def query(self, expression: str) -> Mapping[Labels, float]:
        """The expression now: value by labels. AssertionError with Prometheus' own words if it is none."""
        question = urllib.parse.urlencode({"query": expression})
        try:
            with urllib.request.urlopen(f"{self._url}/api/v1/query?{question}", timeout=10) as page:
                answer = json.load(page)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{expression}: {error.read().decode()}") from None
        return {
            frozenset(row["metric"].items()): float(row["value"][1])
            for row in answer["data"]["result"]
        }

    def value(self, expression: str) -> float | None:
        """The one value of an expression, or None."""
        found = self.query(expression)
        return next(iter(found.values())) if found else None

    def firing(self) -> set[str]:
        """Names of the alerts that fire."""
        return {dict(labels)["alertname"] for labels in self.query('ALERTS{alertstate="firing"}')}

    def until(self, true: Callable[[], object], what: str) -> None:
        """Wait until it is so; AssertionError if it never is."""
        end = time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < end, f"never: {what}; {self._said()}"
            time.sleep(SAMPLES_S / 2)

    def until_firing(self, *names: str) -> None:
        """Wait until each of these has fired; they need not at once."""
        missing = self.not_fired(set(names), PATIENCE_S)
        assert not missing, f"never fired: {sorted(missing)}; {self._said()}"

    def not_fired(self, names: set[str], seconds: float) -> set[str]:
        """Which of these did not fire within so many seconds; none as soon as each has."""
        missing = names - self.firing()
        end = time.monotonic() + seconds
        while missing and time.monotonic() < end:
            time.sleep(SAMPLES_S / 2)
            missing -= self.firing()
        return missing

    def _said(self) -> str:
        log = self._log.read_text(errors="replace")[-1000:]
        if not self._ready():
            return f"Prometheus does not answer: {log}"
        return f"firing: {sorted(self.firing())}; up: {dict(self.query('up'))}"

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self._url}/-/ready", timeout=2) as page:
                return bool(page.status == 200)
        except OSError:
            return False
