"""A trace of an event: six duties under the platform's span or one of ours; batches; nothing of a person."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from acts_at_hand import a_bus, an_event, answer, verify
from local_bus import LocalBus
from synthgate.events import topics
from synthgate.events.plain_identity import holds_plain_identity
from synthgate.events.verdicts import Outcome
from synthgate.runtime.metrics import REGISTRY
from synthgate.runtime.spans import Sender
from synthgate.steps.traced import (
    ATTRIBUTES,
    DUTY,
    OFFSET,
    OUTCOME,
    PARTITION,
    PASSAGES_MAX,
    RECORDS,
    RULES,
    TOPIC,
    traced,
)  # fmt: skip

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
MARKER = "marked-zhang-san"
PHONE = "13800138000"


class Traced:
    """A bus whose stages tell their spans, through the real queue, to a list."""

    def __init__(self, bus: LocalBus) -> None:
        self.bus = bus
        self.exporter = InMemorySpanExporter()
        self.sender = Sender(self.exporter, "memory", "w-1")
        bus.stages = traced(bus.stages, bus.settings, self.sender.tell, fused=bus.fused)

    def spans(self) -> Sequence[ReadableSpan]:
        """All so far; nothing more is told after this."""
        self.sender.close(60)
        return self.exporter.get_finished_spans()

    def passages(self) -> dict[int, list[ReadableSpan]]:
        """Spans of passages by trace, batches left out."""
        found: dict[int, list[ReadableSpan]] = defaultdict(list)
        for span in self.spans():
            if not span.name.endswith(" batch"):
                found[span.context.trace_id].append(span)
        return found


def a_traced(folder: Path, *, fused: bool = False, **over: object) -> Traced:
    bus = a_bus(folder, fused=fused, **over)
    verify(bus)
    return Traced(bus)


def sent(bus: LocalBus, id: str, flags: str = "01", **data: object) -> None:
    bus.send(an_event(bus, id, **data) | {"traceparent": f"00-{TRACE}-{SPAN}-{flags}"})
    bus.run()


@pytest.mark.parametrize("fused", [False, True])
def test_six_duties_lie_under_the_platform_s_span(tmp_path: Path, fused: bool) -> None:
    at = a_traced(tmp_path, fused=fused)
    sent(at.bus, "e-1", user="nobody")
    at.bus.send(an_event(at.bus, "e-2"))
    at.bus.run()
    ((trace, spans),) = at.passages().items()
    assert f"{trace:032x}" == TRACE
    assert [span.name for span in spans] == list(topics.DUTIES)
    assert {f"{span.parent.span_id:016x}" for span in spans} == {SPAN}
    assert all(span.parent.is_remote for span in spans)
    assert len({span.context.span_id for span in spans}) == 6
    refused = spans[0]
    assert refused.attributes[OUTCOME] == "refuse" and "DSP-9-2" in refused.attributes[RULES]
    assert all(OUTCOME in span.attributes for span in spans[:-1])
    decision = at.bus.decision("e-1")
    for span in spans:
        found = [str(span.attributes[name]) for name in (TOPIC, PARTITION, OFFSET)]
        assert "/".join(found) == decision.origin.partition("/")[2]
        assert span.attributes[DUTY] == span.name
        assert 0 < span.start_time <= span.end_time
        assert span.resource.attributes["service.instance.id"] == "w-1"
    begun = [span.start_time for span in spans]
    assert begun == sorted(begun)


def test_a_fused_worker_tells_each_duty_once_on_the_slow_lane_too(tmp_path: Path) -> None:
    at = a_traced(tmp_path, fused=True)
    picture = {"id": "g", "medium": "image", "template": "chat", "purpose": "chat"}
    sent(at.bus, "e-1", generation=picture)
    assert list(at.bus.records("passages.consented.slow"))
    ((_, spans),) = at.passages().items()
    assert [span.name for span in spans] == list(topics.DUTIES)


def test_a_batch_has_a_span_of_its_own_and_names_those_of_its_passages(tmp_path: Path) -> None:
    at = a_traced(tmp_path)
    for n in range(3):
        at.bus.send(an_event(at.bus, f"quiet-{n}"))
    sent(at.bus, "e-1")
    spans = at.spans()
    ids = {span.context.span_id: span for span in spans}
    batches = [span for span in spans if span.name.endswith(" batch")]
    for duty in topics.DUTIES:
        (batch,) = (one for one in batches if one.attributes[DUTY] == duty)
        assert batch.parent is None
        assert batch.attributes[RECORDS] == 4
        assert batch.attributes[TOPIC] in topics.INPUTS[duty]
        (link,) = batch.links
        assert ids[link.context.span_id].name == duty
        assert f"{link.context.trace_id:032x}" == TRACE
        assert ids[link.context.span_id].start_time == batch.start_time
    assert len({span.context.trace_id for span in batches}) == len(batches)


def test_who_records_no_trace_has_no_spans(tmp_path: Path) -> None:
    at = a_traced(tmp_path, otel_percent=100)
    sent(at.bus, "e-1", flags="00")
    assert at.passages() == {}


@pytest.mark.parametrize(
    "wrong", [f"ff-{TRACE}-{SPAN}-01", f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01", "x"]
)
def test_what_is_no_traceparent_counts_as_none(tmp_path: Path, wrong: str) -> None:
    at = a_traced(tmp_path, otel_percent=100)
    at.bus.send(an_event(at.bus, "e-1") | {"traceparent": wrong})
    at.bus.run()
    ((trace, spans),) = at.passages().items()
    assert f"{trace:032x}" not in (TRACE, "0" * 32)
    assert [span.name for span in spans] == list(topics.DUTIES)


def test_without_a_traceparent_identity_s_span_stands_over_the_others(tmp_path: Path) -> None:
    at = a_traced(tmp_path, otel_percent=100)
    held = an_event(at.bus, "e-1", "generation.completed")
    at.bus.send(held)
    at.bus.run()
    first = at.bus.decision("e-1")
    at.bus.now_ms += 1000
    answer(at.bus, first, "appeal")
    ((_, spans),) = at.passages().items()
    root, *others = spans
    assert (root.name, root.parent) == ("identity", None)
    assert {span.parent.span_id for span in others} == {root.context.span_id}
    assert Counter(span.name for span in spans) == dict.fromkeys(topics.DUTIES, 2)
    assert len({span.context.span_id for span in spans}) == 12


def test_a_share_is_the_same_whoever_asks(tmp_path: Path) -> None:
    def traces(folder: str, percent: float, prefix: str = "") -> set[int]:
        at = a_traced(tmp_path / folder, otel_percent=percent, topic_prefix=prefix)
        for n in range(200):
            at.bus.send(an_event(at.bus, f"e-{n}", user=f"u-{n}"))
        at.bus.run()
        found = at.passages()
        assert all(len(spans) == 6 for spans in found.values())
        return set(found)

    some = traces("a", 20)
    assert 20 <= len(some) <= 60
    assert traces("b", 20) == some
    assert some < traces("c", 40)
    assert not some & traces("d", 20, "other."), "two installations, one trace"


def dropped() -> float:
    return REGISTRY.get_sample_value("synthgate_spans_total", {"result": "dropped"}) or 0.0


def test_a_platform_that_samples_everything_does_not_flood_it(tmp_path: Path) -> None:
    at = a_traced(tmp_path)
    before = dropped()
    parent = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
    for n in range(PASSAGES_MAX + 7):
        at.bus.send(an_event(at.bus, f"e-{n}") | parent)
    at.bus.run()
    told = Counter(span.name for span in at.passages()[int(TRACE, 16)])
    assert told == dict.fromkeys(topics.DUTIES, PASSAGES_MAX)
    assert dropped() - before == 7 * len(topics.DUTIES)


def test_nobody_is_in_a_span(tmp_path: Path) -> None:
    at = a_traced(tmp_path)
    kinds = ("generation.requested", "generation.completed", f"t.{MARKER}", "asset.exported")
    for n, kind in enumerate(kinds):
        event = an_event(at.bus, f"{MARKER}-{n}", kind, f"{MARKER}-{n}")
        event["data"]["generation"] = {
            "id": MARKER, "medium": MARKER if n else "text", "template": MARKER, "purpose": MARKER,
        }  # fmt: skip
        event["data"] |= {"tenant": MARKER, "content": {"prompt": f"{MARKER} {PHONE}"}}
        event |= {"source": f"//{MARKER}", "tracestate": f"x={MARKER}"}
        event |= {MARKER[:6]: PHONE} if n == 3 else {}
        at.bus.send(event | {"traceparent": f"00-{TRACE}-{SPAN}-01"})
    at.bus.append("generation.events", MARKER.encode(), MARKER.encode(), [(MARKER, b"1")], 0)
    at.bus.run()
    spans = at.spans()
    assert {span.name for span in spans} == {*topics.DUTIES, *(f"{d} batch" for d in topics.DUTIES)}
    for span in spans:
        assert span.attributes.keys() <= ATTRIBUTES
        assert span.attributes[DUTY] in topics.DUTIES
        assert span.attributes.get(OUTCOME, "pass") in set(Outcome)
        assert set(span.attributes.get(RULES, ())) <= at.bus.parts.book.rules()
        assert span.attributes[TOPIC] in topics.BY_NAME
        assert int(span.attributes[PARTITION]) in range(at.bus.settings.partitions)
        assert span.attributes[OFFSET] >= 0 and span.attributes.get(RECORDS, 1) > 0
        assert not span.events and not span.status.description
    said = str(encode_spans(spans))
    assert MARKER not in said and MARKER[:6] not in said and PHONE not in said
    assert not holds_plain_identity(said)


def test_who_cannot_tell_does_not_stop_the_chain(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bus = a_bus(tmp_path)

    def tell(spans: object, left_out: int) -> None:
        raise ValueError(MARKER)

    bus.stages = traced(bus.stages, bus.settings, tell, fused=False)
    sent(bus, "e-1")
    assert bus.decision("e-1").action == "refuse"
    assert "identity: no spans of a batch: ValueError" in caplog.text
    assert MARKER not in caplog.text
