"""Spans on their way to a collector (OTLP over HTTP), beside the chain: it never waits for them.

A queue of bounded length and one thread. What finds the queue full is dropped, what the collector does not take
in time is let go; both are counted. What we have no setting of is told the exporter by OpenTelemetry's own
variables: ``OTEL_EXPORTER_OTLP_HEADERS``, ``OTEL_EXPORTER_OTLP_CERTIFICATE``, ``OTEL_EXPORTER_OTLP_TIMEOUT``.
"""

import logging
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from synthgate import __version__
from synthgate.runtime import metrics
from synthgate.settings import Settings
from synthgate.step import Span, Tell

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter

log = logging.getLogger(__name__)

QUEUE_MAX: Final = 4096
EXPORT_MAX: Final = 512
"""Spans in one request."""
GATHER_SECONDS: Final = 1.0
LEAVE_SECONDS_MAX: Final = 2.0
"""At the end: time to send what is left."""


@contextmanager
def sending(settings: Settings) -> Iterator[Tell | None]:
    """Takes spans to the collector of the settings while it lasts; None if none is named."""
    sender = _sender(settings) if settings.otel_endpoint else None
    try:
        yield None if sender is None else sender.tell
    finally:
        if sender is not None:
            sender.close()


def _sender(settings: Settings) -> "Sender | None":
    """None without the extra, or if the exporter cannot be made: the chain runs all the same."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        exporter = OTLPSpanExporter(endpoint=settings.otel_endpoint)
    except ImportError as error:
        log.warning(
            "no traces: %s is not there, install Synthgate with its extra `otel`", error.name
        )
    except Exception as error:  # noqa: BLE001 (a variable of OpenTelemetry's that it does not take)
        log.warning("no traces: the exporter cannot be made (%s)", type(error).__name__)
    else:
        place = urlsplit(settings.otel_endpoint).hostname or ""
        return Sender(exporter, place, settings.instance)
    return None


class Sender:
    """The queue and the thread. ``collector``: as logs name it; ``instance``: which worker of many."""

    def __init__(self, exporter: "SpanExporter", collector: str, instance: str) -> None:
        self._exporter = exporter
        self._collector = collector
        self._written = _writer(instance)
        self._queue: queue.Queue[Span] = queue.Queue(QUEUE_MAX)
        self._ending = threading.Event()
        self._taken = True
        self._thread = threading.Thread(target=self._work, name="spans", daemon=True)
        self._thread.start()

    def tell(self, spans: Sequence[Span], left_out: int = 0) -> None:
        """Queue what there is room for; count the rest as dropped, ``left_out`` too."""
        for place, span in enumerate(spans):
            try:
                self._queue.put_nowait(span)
            except queue.Full:
                left_out += len(spans) - place
                break
        if left_out:
            metrics.SPANS.labels("dropped").inc(left_out)

    def close(self, seconds: float = LEAVE_SECONDS_MAX) -> None:
        """Send what is left, if it can be sent in this time."""
        self._ending.set()
        self._thread.join(seconds)
        self._exporter.shutdown()

    def _work(self) -> None:
        while not self._ending.wait(GATHER_SECONDS):
            self._send_all()
        self._send_all()

    def _send_all(self) -> None:
        while spans := self._next():
            taken = self._send(spans)
            metrics.SPANS.labels("sent" if taken else "failed").inc(len(spans))
            if taken != self._taken:
                self._taken = taken
                if taken:
                    log.info("spans: %s takes them again", self._collector)
                else:
                    log.warning("spans: %s does not take them", self._collector)

    def _next(self) -> list[Span]:
        spans: list[Span] = []
        try:
            while len(spans) < EXPORT_MAX:
                spans.append(self._queue.get_nowait())
        except queue.Empty:
            pass
        return spans

    def _send(self, spans: Sequence[Span]) -> bool:
        try:
            return self._exporter.export([self._written(span) for span in spans]).value == 0
        except Exception:  # noqa: BLE001 (an exporter of another version must not end the thread)
            return False


def _writer(instance: str) -> "Callable[[Span], ReadableSpan]":
    """Writes a span as an exporter reads it. A tracer would do too, but it makes up ids of its own."""
    from opentelemetry import trace
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    about = {"service.name": "synthgate", "service.version": __version__}
    resource = Resource(about | ({"service.instance.id": instance} if instance else {}))
    scope = InstrumentationScope("synthgate", __version__)
    sampled = trace.TraceFlags(trace.TraceFlags.SAMPLED)

    def context(trace_id: int, span_id: int, *, remote: bool = False) -> trace.SpanContext:
        return trace.SpanContext(trace_id, span_id, is_remote=remote, trace_flags=sampled)

    def written(span: Span) -> ReadableSpan:
        return ReadableSpan(
            span.name,
            context=context(span.trace, span.id),
            parent=context(span.trace, span.parent, remote=True) if span.parent else None,
            resource=resource,
            attributes=span.attributes,
            links=[trace.Link(context(*link)) for link in span.links],
            kind=trace.SpanKind.CONSUMER,
            start_time=span.begun,
            end_time=span.ended,
            instrumentation_scope=scope,
        )

    return written
