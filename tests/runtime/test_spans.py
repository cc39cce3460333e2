"""Spans beside the chain: a collector that is slow, dead, or missing costs spans, and nothing else."""

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from collector import Collector
from synthgate.runtime import spans
from synthgate.runtime.metrics import REGISTRY
from synthgate.runtime.spans import EXPORT_MAX, QUEUE_MAX, Sender, sending
from synthgate.settings import Settings
from synthgate.step import Span

WAIT_S = 60
PROVIDER = "OTEL_PYTHON_EXPORTER_OTLP_HTTP_TRACES_CREDENTIAL_PROVIDER"


def a_span(number: int = 1) -> Span:
    return Span("consent", 7, number, 5, 1_000, 2_000, {"synthgate.duty": "consent"}, [(7, 9)])


def counted() -> dict[str, float]:
    return {
        result: REGISTRY.get_sample_value("synthgate_spans_total", {"result": result}) or 0.0
        for result in ("sent", "failed", "dropped")
    }


def since(before: dict[str, float]) -> dict[str, float]:
    return {name: value - before[name] for name, value in counted().items()}


class Exporter(SpanExporter):
    """Answers as told; may be held up."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.go.set()
        self.asked = threading.Event()
        self.answers = [SpanExportResult.SUCCESS]

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.asked.set()
        self.go.wait(WAIT_S)
        if len(self.answers) > 1:
            return self.answers.pop(0)
        return self.answers[0]


def test_a_slow_collector_costs_spans_and_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "GATHER_SECONDS", 0.01)
    exporter, before = Exporter(), counted()
    exporter.go.clear()
    sender = Sender(exporter, "slow", "")
    sender.tell([a_span()])
    assert exporter.asked.wait(WAIT_S)
    begun = time.monotonic()
    for _ in range(10):
        sender.tell([a_span()] * EXPORT_MAX)
    sender.tell([], 3)
    assert time.monotonic() - begun < 10, "it waited"
    assert since(before) == {"sent": 0, "failed": 0, "dropped": 10 * EXPORT_MAX - QUEUE_MAX + 3}
    sender.close(0.05)
    assert time.monotonic() - begun < 20, "the end waited for it"
    exporter.go.set()
    sender.close(WAIT_S)
    assert since(before)["sent"] == QUEUE_MAX + 1


def test_what_is_not_taken_is_counted_and_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(spans, "GATHER_SECONDS", WAIT_S)
    caplog.set_level(logging.INFO)
    exporter, before = Exporter(), counted()
    exporter.answers = [
        SpanExportResult.FAILURE,
        SpanExportResult.FAILURE,
        SpanExportResult.SUCCESS,
    ]
    sender = Sender(exporter, "there", "")
    sender.tell([a_span()] * (3 * EXPORT_MAX))
    sender.close(WAIT_S)
    assert since(before) == {"sent": EXPORT_MAX, "failed": 2 * EXPORT_MAX, "dropped": 0}
    said = [row.getMessage() for row in caplog.records]
    assert said == ["spans: there does not take them", "spans: there takes them again"]


def test_an_exporter_that_raises_does_not_end_the_thread() -> None:
    class Broken(Exporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            raise RuntimeError("secret")

    before, sender = counted(), Sender(Broken(), "there", "")
    sender.tell([a_span()])
    sender.close(WAIT_S)
    assert since(before) == {"sent": 0, "failed": 1, "dropped": 0}


def test_they_come_to_a_collector_as_they_were_told() -> None:
    with Collector() as collector:
        with sending(Settings(otel_endpoint=collector.endpoint)) as tell:
            assert tell is not None
            tell([a_span(11)], 0)
        (span,) = collector.spans
    assert (span.name, span.start_time_unix_nano, span.end_time_unix_nano) == (
        "consent",
        1000,
        2000,
    )
    ids = (span.trace_id, span.span_id, span.parent_span_id)
    assert [int.from_bytes(one) for one in ids] == [7, 11, 5]
    (attribute,) = span.attributes
    assert (attribute.key, attribute.value.string_value) == ("synthgate.duty", "consent")
    (link,) = span.links
    assert (int.from_bytes(link.trace_id), int.from_bytes(link.span_id)) == (7, 9)


def test_a_dead_collector_is_left_in_time(caplog: pytest.LogCaptureFixture) -> None:
    with Collector() as collector:
        endpoint = collector.endpoint
    before = counted()
    begun = time.monotonic()
    with sending(Settings(otel_endpoint=endpoint)) as tell:
        assert tell is not None
        tell([a_span()], 0)
    assert time.monotonic() - begun < 30
    until = time.monotonic() + WAIT_S
    while not since(before)["failed"] and time.monotonic() < until:
        time.sleep(0.05)
    assert since(before) == {"sent": 0, "failed": 1, "dropped": 0}
    ours = [row.getMessage() for row in caplog.records if row.name.startswith("synthgate")]
    assert ours == ["spans: 127.0.0.1 does not take them"]


def test_without_the_extra_the_chain_runs_and_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    name = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
    monkeypatch.setitem(sys.modules, name, None)
    with sending(Settings(otel_endpoint="http://127.0.0.1:1/v1/traces")) as tell:
        assert tell is None
    assert "install Synthgate with its extra `otel`" in caplog.text


def test_an_exporter_that_cannot_be_made_does_not_stop_the_chain(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(PROVIDER, "secret")
    with sending(Settings(otel_endpoint="http://127.0.0.1:1/v1/traces")) as tell:
        assert tell is None
    assert "no traces: the exporter cannot be made (" in caplog.text
    assert "secret" not in caplog.text


def test_without_the_setting_nothing_of_it_is_loaded() -> None:
    code = (
        "import sys; from synthgate import worker; from synthgate.runtime import run, spans;"
        "from synthgate.settings import Settings\n"
        "with spans.sending(Settings()) as tell: assert tell is None\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry.')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
