"""``synthgate bench registries``: copies of users and consents in memory and in RocksDB.

Beside a plain dict and raw rocksdict in the same run: filling from zero, opening again what was left, look-ups
in batches of 1,000, what a decision of identity and consent costs, and memory and disk per million records.
"""

import gc
import hashlib
import itertools
import multiprocessing
import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from synthgate.bench.place import file_system, place
from synthgate.bench.running import rss_bytes
from synthgate.events.event import Event
from synthgate.events.facts import (
    ROWS,
    ConsentRow,
    ControlRow,
    TemplateRow,
    UserFact,
    UserRow,
    key_of,
)
from synthgate.events.topics import COPIES
from synthgate.events.verdicts import Outcome
from synthgate.law import load
from synthgate.obligations import consent, identity
from synthgate.registries import Registries
from synthgate.registries.entries import RocksEntries
from synthgate.steps.receipts import Receipts

QUICK: Final = 50_000
LONG: Final = 5_000_000
BATCH: Final = 1_000
FETCHED: Final = 5_000
"""Records applied between two savings, as the engine does."""
LOOK_UPS: Final = 30
HOT: Final = 10_000
"""Users who asked before: their rows are parsed. Every generation asks twice at least."""
AT_MS: Final = 1_795_000_000_000
_SINCE: Final = "2026-11-01T00:00:00Z"
_DIGEST: Final = hashlib.sha256(b"bench").hexdigest()
NET: Final = {
    "src_ip": "203.0.113.7",
    "src_port": 1,
    "dst_ip": "198.51.100.2",
    "client_fingerprint": "f",
}
USERS, CONSENTS = "registry.users", "facts.consents"
Record = tuple[str, bytes, bytes]
T = TypeVar("T")


def measure(*, quick: bool, folder: Path | None = None, count: int | None = None) -> dict[str, Any]:
    """Everything that was found, ready for JSON. ``count``: users, and as many consents."""
    home = Path(tempfile.mkdtemp(prefix="synthgate-bench-", dir=folder))
    count = count or (QUICK if quick else LONG)
    try:
        return {
            "bench": "registries", "quick": quick, **place(), "disk": file_system(home),
            "users": count, "consents": count, "batch": BATCH,
            "memory": _apart(count, None), "rocksdb": _apart(count, home / "stores"),
            "dict": _dict(count), "rocksdict": _rocksdict(count, home / "raw"),
        }  # fmt: skip
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _apart(count: int, folder: Path | None) -> dict[str, Any]:
    """A store in a process of its own: what an earlier one left free would count as its memory."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as apart:
        return apart.submit(_stored, count, folder).result()


def _records(count: int) -> Iterator[Record]:
    """Rows as they stand on the topics; made once and numbered, so that making them costs little."""
    fact = UserFact(
        source="bench", id="v-NUMBER", at=AT_MS - 1000, type="identity.verified", hash=_DIGEST,
        age_band="adult", value="mobile", checker="bench", evidence_ref="vault/NUMBER",
    )  # fmt: skip
    agreed = UserFact(
        source="bench",
        id="t-NUMBER",
        at=AT_MS - 1000,
        type="terms.accepted",
        hash=_DIGEST,
        value="1",
    )
    user = UserRow(version=1, tenant="bench", user="user-NUMBER", facts=[fact, agreed])
    grant = ConsentRow(
        version=1, tenant="bench", subject="subj-NUMBER", grant="g-1", grantor="subject",
        age_band="adult", biometric=["style"], purposes=["chat"], separate=True,
        notice_sha256=_DIGEST, granted_at=_SINCE, channel="app", proof_ref="vault/1",
        necessity_shown=True,
    )  # fmt: skip
    for topic, row in ((USERS, user), (CONSENTS, grant)):
        key = key_of(topic, row).encode()
        value = row.model_dump_json(exclude_none=True).encode()
        for number in range(count):
            told = b"%09d" % number
            yield topic, key.replace(b"NUMBER", told), value.replace(b"NUMBER", told)


def _stored(count: int, folder: Path | None) -> dict[str, Any]:
    """The tables of identity and consent, filled and asked; with ``folder`` closed and opened again."""
    gc.collect()
    before = rss_bytes(os.getpid())
    registries = _open(folder)
    busy = time.process_time()
    spent = _timed(lambda: _fill(registries, count))
    busy = time.process_time() - busy
    found: dict[str, Any] = {
        "fill_s": round(spent, 2), "fill_per_s": round(2 * count / spent),
        "fill_us": round(busy / (2 * count) * 1e6, 1),
    }  # fmt: skip
    if folder is not None:
        _close(registries)
        found["disk_bytes_per_million"] = _per_million(_disk(folder), 2 * count)
        opened: list[Registries] = []
        found["reopen_s"] = round(_timed(lambda: opened.append(_open(folder))), 3)
        (registries,) = opened
    found["memory_bytes_per_million"] = _per_million(rss_bytes(os.getpid()) - before, 2 * count)
    _register(registries)
    found |= _asked(registries, count)
    _close(registries)
    return found


def _open(folder: Path | None) -> Registries:
    every = sorted({*COPIES["identity"], *COPIES["consent"]})
    if folder is None:
        return Registries(every)
    return Registries(every, lambda topic: RocksEntries(folder / topic, ROWS[topic], 1))


def _close(registries: Registries) -> None:
    for table in registries.tables.values():
        table.close()


def _register(registries: Registries) -> None:
    """Terms and template: small copies, in memory always and read again at every start."""
    body: dict[str, object] = {
        "url": "https://bench.example/terms", "sha256": _DIGEST, "published_at": _SINCE,
        "notified_at": _SINCE, "effective_at": _SINCE,
    }  # fmt: skip
    terms = ControlRow(version=1, name="terms/bench/1", body=body, by="bench", at=_SINCE)
    template = TemplateRow(
        version=1, tenant="bench", template="t", media=["text"], ds_class="DS1", a17_item=1,
        status="enabled",
    )  # fmt: skip
    for topic, row in (("control", terms), ("facts.templates", template)):
        registries.apply(topic, 0, 0, key_of(topic, row).encode(), row.model_dump_json().encode())


def _fill(registries: Registries, count: int) -> None:
    for number, (topic, key, value) in enumerate(_records(count), 1):
        registries.apply(topic, 0, number, key, value)
        if number % FETCHED == 0 or number in (count, 2 * count):
            registries.save(topic, {0: number + 1}, AT_MS)


def _asked(registries: Registries, count: int) -> dict[str, Any]:
    numbers = random.Random(20260101)

    hot = min(HOT, count)
    cold = itertools.count(1)

    def ids() -> list[int]:
        return [numbers.randrange(hot) for _ in range(BATCH)]

    def users(asked: list[int]) -> None:
        for number in asked:
            registries.users.permits("bench", f"user-{number:09}", AT_MS)

    def grants(asked: list[int]) -> None:
        for number in asked:
            registries.consents.grants("bench", f"subj-{number:09}")

    def events(*, person: bool) -> list[Event]:
        return [_event(number, person=person) for number in ids()]

    def strangers() -> list[Event]:
        return [_event(-next(cold) % count, person=False) for _ in range(BATCH)]

    def decide(asked: list[Event]) -> None:
        for event in asked:
            _decide(registries, event)

    decide([_event(number, person=True) for number in range(hot)])
    return {
        "user_us": _each_us(ids, users), "grants_us": _each_us(ids, grants),
        "identity_and_consent_us": _each_us(partial(events, person=False), decide),
        "asked_first_us": _each_us(strangers, decide),
        "with_a_person_us": _each_us(partial(events, person=True), decide),
    }  # fmt: skip


LAW: Final = load().at(AT_MS)
RECEIPTS: Final = Receipts(None)


def _event(number: int, *, person: bool) -> Event:
    """One lawful event; ``person``: it edits one."""
    data: dict[str, Any] = {
        "tenant": "bench", "user": {"id": f"user-{number:09}"}, "net": NET,
        "generation": {"id": "g", "medium": "text", "template": "t", "purpose": "chat"},
    }  # fmt: skip
    if person:
        data["subjects"] = [{"token": f"subj-{number:09}", "age_band": "adult"}]
    return Event(
        {"id": "e", "source": "bench", "type": "generation.requested", "time": _SINCE}, data
    )


def _decide(registries: Registries, event: Event) -> None:
    """Gather and decide both duties for one event, as the steps do."""
    facts = identity.IdentityFacts.gather(
        event, findings=(), registries=registries, user_token="t", as_of=AT_MS, now_ms=AT_MS
    )
    verdict = identity.decide(event, facts, LAW, AT_MS)
    signed = RECEIPTS.signed("bench", event.subjects)
    asked = consent.ConsentFacts.gather(
        event, verdict.facts, registries=registries, as_of=AT_MS, signed=signed
    )
    told = consent.decide(event, asked, LAW, AT_MS)
    lawful = (verdict.outcome, told.outcome) == (Outcome.PASS, Outcome.PASS)
    assert lawful or event.subjects  # the template registers no edit, so its prompt is not there


def _dict(count: int) -> dict[str, Any]:
    held = {key: value for _, key, value in itertools.islice(_records(count), count)}  # the users
    numbers = random.Random(20260101)

    def keys() -> list[bytes]:
        return [b"bench/user-%09d" % numbers.randrange(count) for _ in range(BATCH)]

    def ask(asked: list[bytes]) -> None:
        for key in asked:
            held[key]

    return {"get_us": _each_us(keys, ask)}


def _rocksdict(count: int, folder: Path) -> dict[str, Any]:
    from rocksdict import Options, Rdict, WriteBatch

    database = Rdict(str(folder), Options(raw_mode=True))
    numbers = random.Random(20260101)

    def fill() -> None:
        batch = WriteBatch(raw_mode=True)
        for number, (_, key, value) in enumerate(_records(count), 1):
            batch.put(key, value)
            if number % FETCHED == 0 or number == 2 * count:
                database.write(batch)
                batch = WriteBatch(raw_mode=True)

    def keys() -> list[bytes]:
        return [b"bench/user-%09d" % numbers.randrange(count) for _ in range(BATCH)]

    def ask(asked: list[bytes]) -> None:
        for key in asked:
            database.get(key)

    spent = _timed(fill)
    found = {"fill_per_s": round(2 * count / spent), "get_us": _each_us(keys, ask)}
    database.close()
    return found


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _each_us(make: Callable[[], list[T]], work: Callable[[list[T]], None]) -> float:
    """Microseconds of CPU for one of a batch, the making of it apart: the median batch."""
    found = []
    for _ in range(LOOK_UPS):
        batch = make()
        begun = time.process_time()
        work(batch)
        found.append(time.process_time() - begun)
    return round(sorted(found)[LOOK_UPS // 2] / BATCH * 1e6, 2)


def _per_million(size: int, count: int) -> int:
    return round(max(size, 0) / count * 1_000_000)


def _disk(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
