"""Every place of the data map, and all that somebody with every key could read there."""

import json
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prometheus_client import generate_latest

from local_bus import LocalBus, Stored
from synthgate.crypto.seal import unseal
from synthgate.events.topics import BY_NAME, TOPICS
from synthgate.ledger import LogReader
from synthgate.ledger.entry import Entry
from synthgate.ledger.log_ids import is_records
from synthgate.ledger.rings import open_ring
from synthgate.ledger.stores import open_store
from synthgate.runtime.metrics import REGISTRY
from synthgate.steps.record_entry import RECORDED, recorded

_TABLES: Final = "SELECT name FROM sqlite_master WHERE type = 'table'"


@dataclass
class Installation:
    """A chain in one process. bundle: evidence given away; said: lines of its workers and commands."""

    bus: LocalBus
    bundle: Path
    said: Callable[[], str]

    def under(self, *names: str) -> bytes:
        """Files as they are; ``name`` stands for those that begin with it too (a database's)."""
        folder = self.bus.settings.data_dir
        paths = [path for name in names for path in sorted(folder.glob(f"{name}*"))]
        return read(paths)


def read(paths: Iterable[Path]) -> bytes:
    """Names and bytes of files, and of all below folders."""
    found = []
    for path in paths:
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        found += [
            str(one.name).encode() + b"\n" + one.read_bytes() for one in files if one.is_file()
        ]
    return b"\n".join(found)


def on_topic(at: Installation, name: str) -> bytes:
    """What the broker still holds: of each key the last where it compacts, else what is in its period."""
    bus, kept_ms = at.bus, BY_NAME[name].kept_ms
    found: list[bytes] = []
    for partition in range(bus.settings.partitions):
        records = bus.logs.get((name, partition), [])
        if kept_ms is None:
            left = [
                one for one in {one.key: one for one in records}.values() if one.value is not None
            ]
        else:
            left = [one for one in records if one.timestamp >= bus.now_ms - kept_ms]
        found += [part for one in left for part in _parts(at, name, one)]
    return b"\n".join(found)


def _parts(at: Installation, topic: str, record: Stored) -> list[bytes]:
    """A record as it is; where it is sealed, opened with the operator's key too."""
    named = [part for name, value in record.headers for part in (name.encode(), value)]
    parts = [record.key or b"", record.value or b"", *named]
    if topic == "quarantine":
        origin = dict(record.headers)["sg_origin"]
        parts.append(unseal(at.bus.parts.keys.operator_private, record.value or b"", origin))
    return parts


def contents(at: Installation, *, records: bool) -> bytes:
    """What opens of the logs of decisions, or of records; what does not, as it is stored."""
    store, ring = open_store(at.bus.settings), open_ring(at.bus.settings)
    found = []
    for log in store.logs():
        if is_records(log) == records:
            reader = LogReader(store, ring, log)
            for index, one in enumerate(reader.each(0, reader.find_head())):
                found.append(_content(one) if isinstance(one, Entry) else reader.stored(index))
    return b"\n".join(found)


def _content(entry: Entry) -> bytes:
    """What an entry says, and the record in it."""
    if entry.header["action"] != RECORDED or (row := recorded(entry.content)) is None:
        return entry.content
    return b"".join([entry.content, row.key or b"", row.value or b"", repr(row.headers).encode()])


def headers(at: Installation) -> bytes:
    """The clear headers of every log."""
    store = open_store(at.bus.settings)
    rows = [
        reader.header(index)
        for log in store.logs()
        for reader in [LogReader(store, None, log)]
        for index in range(reader.find_head())
    ]
    return json.dumps(rows, ensure_ascii=False).encode()


def segments(at: Installation) -> bytes:
    """Segments, packs and snapshots as they lie on disk; keys lie elsewhere."""
    folder = at.bus.settings.ledger_dir
    return read(path for path in folder.iterdir() if path.name != "userkeys")


def copies(at: Installation) -> bytes:
    """The registry copies and the view of cases of a worker that starts now and reads what topics hold."""
    bus = at.bus
    bus.start()
    tables = bus.parts.registries.tables.values()
    rows = [row.model_dump_json() for table in tables for row in table.rows()]
    cases = bus.parts.cases
    rows += [one.model_dump_json() for one in cases._rows.values()]
    if (settled := cases._settled._open) is not None:
        names = [name for (name,) in settled.execute(_TABLES)]
        rows += [row for name in names for (row,) in settled.execute(f"SELECT row FROM {name}")]
    return "\n".join(rows).encode()


def bundle(at: Installation) -> bytes:
    """What was given away, as whoever got it reads it."""
    if not at.bundle.exists():
        return b""
    with zipfile.ZipFile(at.bundle) as held:
        return b"\n".join(held.read(name) for name in held.namelist())


NOT_OURS: Final[Mapping[str, str]] = {
    "backups, old blocks of a disk": "not reached by us: the operator's part of the map",
}
"""Places that cannot be searched here, and why."""
SEARCHED: Final[Mapping[str, Callable[[Installation], bytes]]] = {
    **{f"topic `{one.name}`": lambda at, name=one.name: on_topic(at, name) for one in TOPICS},
    "log entries: content": lambda at: contents(at, records=False),
    "log entries of facts, cases and work: content": lambda at: contents(at, records=True),
    "log entries: clear header": headers,
    "log segments: footers, snapshots": segments,
    "users' content keys, wrapped": lambda at: at.under("ledger/userkeys"),
    "labelled objects and what lies beside them": lambda at: at.under("objects"),
    "trace index": lambda at: at.under("trace.sqlite3"),
    "likeness index": lambda at: at.under("likeness.sqlite3"),
    "registry copies of a worker": copies,
    "tiles and checkpoints": lambda at: at.under("proofs"),
    "the installation's keys": lambda at: at.under("keys"),
    "legal holds": lambda at: at.under("holds.json"),
    "register of erasures": lambda at: at.under("erasures.jsonl"),
    "register of evidence given away": lambda at: at.under("exports.jsonl"),
    "evidence bundles": bundle,
    "metrics and log lines": lambda at: generate_latest(REGISTRY) + at.said().encode(),
    "keys of `synthgate api`": lambda at: at.under("api-keys.json"),
}
"""By place, as the map names it."""
