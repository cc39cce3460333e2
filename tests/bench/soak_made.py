"""What a soak could have found: half an hour, with memory and lag of your choice."""

from collections.abc import Callable
from typing import Any

from synthgate.bench.soak_fit import verdicts
from synthgate.events.topics import DUTIES, RECORDS

HOUR = 3600


def found(memory: Callable[[float], float], lag: Callable[[float], float]) -> dict[str, Any]:
    """Not judged yet. memory (MiB) and lag (records) of every worker by the seconds that passed."""
    samples = [
        {
            "at": float(at), "rss_mib": {duty: memory(at) for duty in DUTIES},
            "lag": {stage: lag(at) for stage in (*DUTIES, RECORDS)},
            "files": dict.fromkeys(DUTIES, 18), "threads": dict.fromkeys(DUTIES, 5), "errors": 0,
            "log_mib": 7.5 * at, "topics_mib": 2.5 * at, "sent_per_second": 700.0,
            "decided_per_second": 680.0, "p50_ms": 900.0, "p99_ms": 1_700.0,
        }
        for at in range(10, 1_801, 10)
    ]  # fmt: skip
    return {
        "quick": False, "store": "real Apache Kafka from Maven's jars at 127.0.0.1:4711, loopback",
        "cores": 2, "system": "Linux x86_64", "python": "CPython 3.11.7", "partitions": 12,
        "compression": "zstd", "samples": samples, "seconds": 1_800.0, "warm_seconds": 600.0,
        "every_seconds": 10.0, "rate": 700.0, "share": 0.7, "capacity_per_second": 1_000,
        "burst_per_second": 1_250, "repeat_window_s": 300, "acts": {"held": 1.0, "raw": 2.0},
        "happened": {"entry": 0, "answer": 0, "refusal": 0, "segment": 0, "recorded": 0},
        "sent": {"lawful": 990, "answer": 10},
        "decided": {"release": 900}, "wrong": {}, "errors": 0, "warnings": 0, "said": [],
        "accounts": {
            "records": 1_000, "entries": 1_000, "recorded": 400, "bytes": 7_700_000, "faults": 0, "holes": 0,
            "unanswered": 0, "wrong": 0,
        },
    }  # fmt: skip


def judged(memory: Callable[[float], float], lag: Callable[[float], float]) -> dict[str, Any]:
    """The same, judged."""
    made = found(memory, lag)
    return made | verdicts(made)
