"""Where the chain stands: ends, positions and lags by partition, the logs' heads, the oldest unaccounted.

Read from the broker and the ledger alone, fencing nobody; a worker is asked only for what it waits for.
"""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from synthgate.events.topics import DUTIES, INPUTS, RECORDED, RECORDS, SOURCES

if TYPE_CHECKING:
    from synthgate.settings import Settings
    from synthgate.steps.accounting import Oldest

SEGMENTS_MAX: Final = 20_000
ROWS_MAX: Final = 20_000
"""What is read of the ledger and of records.door at most, per partition, from the end back."""
ASK_SECONDS_MAX: Final = 5

FUSED_INPUT: Final = "passages.labelled.slow"
"""The fused group is identity's and reads this too."""
STAGES: Final = (*DUTIES, RECORDS)


@dataclass(slots=True)
class Stand:
    """One stage on one input of one partition. ``at`` None: its group has never committed there."""

    topic: str
    at: int | None
    begin: int
    end: int

    @property
    def lag(self) -> int:
        """Records not yet acknowledged."""
        return max(0, self.end - (self.begin if self.at is None else self.at))

    @property
    def lost(self) -> int:
        """Records deleted before they were read: the stage refuses to start until that is mended."""
        return 0 if self.at is None else max(0, self.begin - self.at)


@dataclass(slots=True)
class Partition:
    """One partition. Times in Unix ms; ``head`` is the index the next log entry gets."""

    number: int
    sources: dict[str, int] = field(default_factory=dict)
    duties: dict[str, list[Stand]] = field(default_factory=dict)
    """By stage: the duties, and what logs facts, cases and work beside them."""
    head: int | None = None
    logged_at: int | None = None
    unaccounted: str | None = None
    unaccounted_since: int | None = None

    def lag(self, duty: str) -> int:
        """A duty's lag over all its inputs."""
        return sum(stand.lag for stand in self.duties.get(duty, ()))

    def row(self) -> dict[str, Any]:
        """As JSON-able data."""
        row = asdict(self)
        for duty, stands in self.duties.items():
            row["duties"][duty] = [
                asdict(stand) | {"lag": stand.lag, "lost": stand.lost} for stand in stands
            ]
        return row


async def partitions(settings: "Settings") -> list[Partition]:
    """Every partition of the chain.

    Raises:
        CommandError: a topic is missing.
    """
    found = {number: Partition(number) for number in range(settings.partitions)}
    reads = {**INPUTS, "identity": (*INPUTS["identity"], FUSED_INPUT), RECORDS: RECORDED}
    for stage in STAGES:
        for number, stand in await _stands(settings, stage, reads[stage]):
            if stand.topic in SOURCES:
                found[number].sources[stand.topic] = stand.end
            if stand.topic == FUSED_INPUT and stage == "identity" and stand.at is None:
                continue
            found[number].duties.setdefault(stage, []).append(stand)
    for partition in found.values():
        _one_retention(partition)
    return list(found.values())


def _one_retention(partition: Partition) -> None:
    """Either identity's group (fused) or retention's reads the slow lane's end; drop who does not any more."""
    ends = {
        duty: next((s for s in partition.duties[duty] if s.topic == FUSED_INPUT), None)
        for duty in ("identity", "retention")
    }
    fused, separate = ends["identity"], ends["retention"]
    if fused is None or separate is None:
        return
    if separate.at is None:
        partition.duties["retention"].remove(separate)
    elif fused.at is not None and separate.at > fused.at:
        partition.duties["identity"].remove(fused)


async def _stands(
    settings: "Settings", stage: str, topics: Sequence[str]
) -> list[tuple[int, Stand]]:
    from aiokafka import TopicPartition

    from synthgate.cli.positions import committed, reader

    places = {
        TopicPartition(settings.topic(topic), number): topic
        for topic in topics
        for number in range(settings.partitions)
    }
    async with reader(settings, settings.group(stage)) as consumer:
        ends = await consumer.end_offsets([*places])
        begins = await consumer.beginning_offsets([*places])
        at = await committed(consumer, places)
    return [
        (place.partition, Stand(topic, at[place], begins[place], ends[place]))
        for place, topic in places.items()
    ]


async def account(settings: "Settings", found: Iterable[Partition]) -> None:
    """Put in each partition what its log says, and the oldest offset the log does not hold.

    Raises:
        LedgerError: a segment is damaged.
    """
    from synthgate.ledger.known import KnownEntries
    from synthgate.ledger.reader import read_footer
    from synthgate.ledger.stores import open_store
    from synthgate.steps.accounting import Accounting

    store = open_store(settings)
    there = set(store.logs())
    accounting = Accounting()
    since_ms: dict[int, int] = {}
    logs: dict[int, KnownEntries] = {}
    for partition in found:
        known = logs[partition.number] = KnownEntries(0)
        firsts = store.firsts(partition.number) if partition.number in there else []
        for first in firsts[-SEGMENTS_MAX:]:
            footer = read_footer(store, partition.number, first)
            if len(firsts) > SEGMENTS_MAX:
                since_ms.setdefault(partition.number, footer.recorded_at)
            known.fold(footer)
            partition.head, partition.logged_at = footer.end, footer.recorded_at
    async for number, row in _door_rows(settings):
        # What the door took before the part of the log we read was logged there, or is older still.
        if json.loads(row)["at"] >= since_ms.get(number, 0):
            accounting.apply(row)
    for partition in found:
        oldest: Oldest | None = accounting.oldest(partition.number, _Log(logs[partition.number]))  # type: ignore[arg-type]
        if oldest is not None:
            partition.unaccounted = str(oldest.origin)
            partition.unaccounted_since = oldest.since_ms


class _Log:
    """The one question accounting asks of a log."""

    def __init__(self, known: Any) -> None:
        self._known = known

    def missing(self, epoch: int, topic: str, start: int, end: int) -> Iterator[int]:
        """Offsets no entry accounts for."""
        holes: Iterator[int] = self._known.missing(epoch, topic, start, end)
        return holes


async def _door_rows(settings: "Settings") -> Any:
    from synthgate.cli.positions import records

    async for record in records(
        settings, "records.door", whole=True, follow=False, newest=ROWS_MAX
    ):
        if record.value:
            yield record.partition, record.value


def ask(url: str) -> dict[str, Any]:
    """A worker's /readyz: ready, its waits. What does not answer says so itself."""
    address = url.rstrip("/").removesuffix("/readyz") + "/readyz"
    try:
        with urllib.request.urlopen(address, timeout=ASK_SECONDS_MAX) as answer:
            body = answer.read()
    except urllib.error.HTTPError as error:  # 503 is an answer: not ready, and why.
        body = error.read()
    except (OSError, ValueError) as error:
        return {"worker": url, "ready": False, "fault": str(getattr(error, "reason", error))}
    try:
        state: dict[str, Any] = json.loads(body)
    except ValueError:
        return {"worker": url, "ready": False, "fault": "it does not answer as a worker does"}
    return {"worker": url, **state}


async def active(settings: "Settings") -> dict[str, Any]:
    """What ``control`` has in force: law hash and library version, None if nothing was activated; pauses."""
    from synthgate.cli.positions import records

    rows: dict[str, dict[str, Any]] = {}
    async for record in records(settings, "control", whole=True, follow=False):
        name = (record.key or b"").decode("utf-8", "replace")
        if (name in ("law", "library") or name.startswith("pause/")) and record.value:
            row = json.loads(record.value)
            held = rows.get(row["name"])
            if held is None or (row["version"], row["at"]) >= (held["version"], held["at"]):
                rows[row["name"]] = row
    return {
        "law": rows.get("law", {}).get("body", {}).get("hash"),
        "library": rows.get("library", {}).get("body", {}).get("version"),
        "paused": [
            {
                "duty": name.split("/")[1], "partition": int(name.split("/")[2]), "by": row["by"],
                "at": row["at"], "reason": row["body"].get("reason", ""),
            }
            for name, row in sorted(rows.items())
            if name.startswith("pause/") and row["body"].get("paused")
        ],
    }  # fmt: skip


def now_ms() -> int:
    """This machine's clock, Unix ms."""
    return time.time_ns() // 1_000_000
