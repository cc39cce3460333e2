"""What is seen of running workers from outside, every few seconds; and of their log in the end."""

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from synthgate.bench.running import process_id, rss_bytes
from synthgate.bench.soak_fit import MIB
from synthgate.broker.choose import Broker
from synthgate.crypto.keys import KeyFolder
from synthgate.crypto.notes import Verifier
from synthgate.demo.chain import Chain
from synthgate.events.topics import DUTIES, RECORDS
from synthgate.ledger import LocalStore
from synthgate.ledger.checkpoint import Published, origin_of
from synthgate.ledger.log_ids import is_records
from synthgate.ledger.verify import LogVerifier
from synthgate.settings import Settings

_LAG: Final = re.compile(r'^synthgate_lag_records\{duty="(\w+)".*\} (\S+)$', re.MULTILINE)
_ENTRIES: Final = re.compile(r"^synthgate_log_entries\{.*\} (\S+)$", re.MULTILINE)
_APPENDED: Final = re.compile(r"^synthgate_log_appended_entries_total (\S+)$", re.MULTILINE)
_APPENDS: Final = re.compile(r"^synthgate_log_append_seconds_count (\S+)$", re.MULTILINE)
_LEVELS: Final = ("error", "critical")
SAID_MAX: Final = 20


class Seen:
    """Looks at the workers of a chain, one a duty."""

    def __init__(self, broker: Broker, chain: Chain) -> None:
        self._chain = chain
        self._folders = [
            (data, f"{chain.settings.topic_prefix}*/*.log") for _, data in broker.nodes
        ]
        self._read: dict[str, int] = {}
        self._pages: dict[str, str] = {}
        self.errors = 0
        self.warnings = 0
        self.said: list[str] = []
        """The first lines of these levels."""

    def now(self) -> dict[str, Any]:
        """Memory (MiB), files and threads by worker; lag by stage; what was logged; lines of error so far."""
        row: dict[str, Any] = {"rss_mib": {}, "files": {}, "threads": {}}
        lag = dict.fromkeys((*DUTIES, RECORDS), 0)
        for name, worker in self._chain.workers.items():
            pid = process_id(worker)
            row["rss_mib"][name] = round(rss_bytes(pid) / MIB, 2)
            row["files"][name] = len([*Path(f"/proc/{pid}/fd").iterdir()])
            row["threads"][name] = len([*Path(f"/proc/{pid}/task").iterdir()])
            for duty, records in _LAG.findall(self._page(name)):
                lag[duty] += int(float(records))
            self._read_log(name, worker.log)
        told = {"segments": self.segments(), "recorded": self.recorded()}
        return {**row, **told, "lag": lag, "errors": self.errors}

    def entries(self) -> int:
        """Entries of the logs of decisions, as retention's worker tells."""
        return sum(int(float(many)) for many in _ENTRIES.findall(self._page("retention")))

    def segments(self) -> int:
        """Segments written so far, as retention's worker tells."""
        return sum(int(float(many)) for many in _APPENDS.findall(self._page("retention")))

    def recorded(self) -> int:
        """Entries of the logs of records written so far, as retention's worker tells."""
        appended = sum(int(float(many)) for many in _APPENDED.findall(self._page("retention")))
        return max(appended - self.entries(), 0)

    def disk(self) -> dict[str, float]:
        """MiB on disk: the log with its proofs, and the topics of a broker of ours."""
        settings = self._chain.settings
        log = _size(settings.ledger_dir) + _size(settings.proofs_dir)
        topics = sum(at.stat().st_size for data, name in self._folders for at in data.glob(name))
        return {"log_mib": round(log / MIB, 1), "topics_mib": round(topics / MIB, 1)}

    def _page(self, name: str) -> str:
        """A worker's metrics; those of before if it is too busy to answer."""
        with suppress(OSError):
            self._pages[name] = self._chain.metrics(name)
        return self._pages.get(name, "")

    def _read_log(self, name: str, log: Path) -> None:
        with log.open("rb") as lines:
            lines.seek(self._read.get(name, 0))
            for line in lines:
                level = line.split(b" ", 2)[1:2]
                word = level[0].decode(errors="replace") if level else ""
                self.errors += word in _LEVELS
                self.warnings += word == "warning"
                if word in (*_LEVELS, "warning") and len(self.said) < SAID_MAX:
                    self.said.append(f"{name}: {line.decode(errors='replace').strip()}")
            self._read[name] = lines.tell()


def accounts_of(settings: Settings) -> dict[str, int]:
    """Every log read from first to last byte: faults (an origin twice is one), holes between origins, entries;
    those of facts, cases and work are ``recorded``.

    The workers have left: nothing is on its way any more.
    """
    keys = KeyFolder(settings.keys_dir)
    store = LocalStore(settings.ledger_dir)
    found = {"entries": 0, "recorded": 0, "bytes": 0, "faults": 0, "holes": 0}
    for log in store.logs():
        verifier = Verifier(origin_of(settings.log_name, log), keys.checkpoint_public)
        one = LogVerifier(store, log, Published(settings.proofs_of(log), verifier)).run()
        found["recorded" if is_records(log) else "entries"] += one.entries
        found["bytes"] += one.bytes
        found["faults"] += len(one.faults)
        found["holes"] += len(one.holes)
    return found


def _size(folder: Path) -> int:
    """Bytes of the files below a folder; one that goes while it is looked at counts nothing."""
    total = 0
    for at, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(at) / name).lstat().st_size
            except FileNotFoundError:
                continue
    return total
