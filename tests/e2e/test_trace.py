"""An event sent in a platform's trace goes through six duties on real Kafka, and comes out as one trace."""

import time
from pathlib import Path

import pytest

from collector import Collector
from live_chain import chain_settings
from synthgate.broker.choose import Broker
from synthgate.cli.positions import records
from synthgate.client import Gate, Generation
from synthgate.demo.acts import NET
from synthgate.demo.chain import Chain
from synthgate.events.topics import DUTIES

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(600)]
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PATIENCE_S = 90


async def test_one_trace_has_six_duties(kafka: Broker, topic_prefix: str, tmp_path: Path) -> None:
    with Collector() as collector:
        settings = chain_settings(kafka, topic_prefix, tmp_path, otel_endpoint=collector.endpoint)
        with Chain(kafka, settings) as chain:
            async with Gate.from_settings(settings, tenant="demo", source="//demo") as gate:
                asked = gate.events.requested(
                    "u", Generation("g", "chat"), prompt="a poem", net=NET,
                    traceparent=f"00-{TRACE}-{SPAN}-01",
                )  # fmt: skip
                decision = await gate.decide(asked, timeout=PATIENCE_S)
            told = records(settings, "decisions", whole=True, follow=False)
            traced = [dict(record.headers).get("traceparent") async for record in told]
            until = time.monotonic() + PATIENCE_S
            while len(_traced(collector)) < len(DUTIES) and time.monotonic() < until:
                time.sleep(0.1)
            page = chain.metrics("all")
    assert decision.receipt
    assert traced == [f"00-{TRACE}-{SPAN}-01".encode()], "on the decision too, to go on from"
    assert sorted(_traced(collector)) == sorted(DUTIES)
    assert 'synthgate_spans_total{result="sent"}' in page


def _traced(collector: Collector) -> list[str]:
    """Names of the spans under the platform's."""
    return [
        span.name
        for span in list(collector.spans)
        if (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, SPAN)
    ]
