"""Seeded rounds of lives cut short: kill -9, power cuts that drop what was not synced, late owners.

One round is one log and many owners. Each does what owners and builders do, in seeded order: appends,
checkpoints, packs, snapshots, expiry, tiles made anew; each is stopped at a seeded step of a file operation.
What was told is noted as it is told; after each life the whole log is held against it.
``SYNTHGATE_TEST_LONG=1`` plays fifty.
"""

import os
import random
import shutil
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ledger.builders import MASTER, SIGNING, a_draft, an_origin
from ledger.ops import PowerCutOps, StepOps, at_step, kill_this_process
from synthgate.crypto.notes import Verifier
from synthgate.ledger import (
    KeyRing,
    LocalStore,
    Log,
    LogReader,
    Packer,
    Prover,
    SegmentStore,
    expiry,
)
from synthgate.ledger.checkpoint import Published
from synthgate.ledger.errors import EntryExpired, Fenced, LogUnusable, StoreFailed
from synthgate.ledger.expiry import DAY_MS, FLOOR_DAYS
from synthgate.ledger.files import FileOps
from synthgate.ledger.packer import HOUR_MS
from synthgate.ledger.verify import LogVerifier

START_MS = 1_700_000_000_000
STEPS_MAX = 260
ACTS = ("append", "build", "pack", "expire", "rebuild")
WEIGHTS = (9, 4, 3, 2, 1)
LEAPS_MS = (1_000, 5_000, HOUR_MS, 3 * HOUR_MS, 100 * DAY_MS)


class PowerOff(BaseException):
    """The power is gone."""


@dataclass
class Known:
    """All that anybody outside was ever told. ``receipts``: offset to (index, hash)."""

    receipts: dict[int, tuple[int, str]] = field(default_factory=dict)
    notes: set[str] = field(default_factory=set)
    now_ms: int = START_MS
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def next_offset(self) -> int:
        return max(self.receipts, default=-1) + 1

    def hear(self, line: str) -> None:
        kind, _, rest = line.partition(" ")
        if kind == "now":
            self.now_ms = int(rest)
        elif kind == "note":
            self.notes.add(bytes.fromhex(rest).decode())
        elif kind == "receipt":
            offset, index, leaf = rest.split()
            assert self.receipts.setdefault(int(offset), (int(index), leaf)) == (int(index), leaf)
        else:
            self.counts[kind] += 1


def notes_in(folder: Path) -> set[str]:
    """Whatever a reader could have seen of published checkpoints."""
    found = (folder / "proofs/00000/published").glob("*")
    return {path.read_text() for path in found if path.name.isdigit()}


def live(
    folder: Path,
    known: Known,
    chance: random.Random,
    ops: FileOps,
    say: Callable[[str], None],
    store: SegmentStore | None = None,
) -> None:
    """One owner's life, until it ends by itself. ``store``: where the log lies, if not in the folder."""
    store = store or LocalStore(folder / "ledger", ops)
    log = Log.open(store, KeyRing.open(folder / "userkeys", MASTER, ops), 0)
    prover = Prover(store, folder / "proofs/00000", 0, SIGNING, ops)
    packer = Packer(store, 0)
    now, offset = known.now_ms, known.next_offset
    for _ in range(chance.randint(6, 14)):
        (act,) = chance.choices(ACTS, WEIGHTS)
        now += chance.choice(LEAPS_MS)
        say(f"now {now}")
        if act == "append":
            batch = range(offset, offset + chance.randint(1, 12))
            tell(log, [n for n in batch if log.logged(an_origin(n)) is None], now, say)
            for n in batch:  # an owner answers repeats from its memory
                index = log.logged(an_origin(n))
                assert index is not None
                say(f"receipt {n} {index} {log.receipt(index).hash}")
            offset = batch.stop
        elif act == "build":
            say(f"note {prover.published.note(prover.build().size).encode().hex()}")
        elif act == "pack":
            packer.run(now)
        elif act == "rebuild":
            prover.rebuild()
        else:
            newest = prover.published.newest()
            for pack in list(expiry.packs(store, 0, ())):
                if expiry.expire(store, pack, now, newest.size if newest else 0):
                    assert now > pack.keep_until
                    say("expired")
        say(act)


def tell(log: Log, offsets: list[int], now: int, say: Callable[[str], None]) -> None:
    drafts = [a_draft(n, user=f"{n % 5:032x}") for n in offsets]
    for n, receipt in zip(offsets, log.append(drafts, now), strict=True):
        say(f"receipt {n} {receipt.index} {receipt.hash}")


def killed_life(
    folder: Path,
    known: Known,
    chance: random.Random,
    store: Callable[[Callable[[str], None]], SegmentStore | None] = lambda hook: None,
) -> None:
    """In a process of its own, killed at a step; what it said before counts."""
    step = chance.randrange(STEPS_MAX)
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        code = 1
        try:
            hook = at_step(step, kill_this_process)
            ops = StepOps(before=hook)
            live(folder, known, chance, ops, lambda line: _say(theirs, line), store(hook))
            code = 0
        finally:
            os._exit(code)
    os.close(theirs)
    with os.fdopen(ours, encoding="ascii") as said:
        for line in said:
            known.hear(line.strip())
    _, status = os.waitpid(child, 0)
    died = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert died or os.waitstatus_to_exitcode(status) == 0, "an owner fell over what another left"
    known.counts["kill -9"] += died


def _say(pipe: int, line: str) -> None:
    os.write(pipe, f"{line}\n".encode())


def power_cut_life(folder: Path, known: Known, chance: random.Random) -> Path:
    """On a machine whose power goes at a step: only what was synced is there, of names what chance leaves."""
    ops = PowerCutOps()
    ops.adopt(folder)
    woken = folder.with_name(f"{folder.name}+")
    all_names, removals = chance.random() < 0.5, chance.random() < 0.5

    def cut() -> None:
        known.notes |= notes_in(folder)
        ops.cut(folder, woken, all_names=all_names, removals=removals)
        raise PowerOff

    def build() -> None:
        """A builder of another process, while a name is linked and not yet synced."""
        prover = Prover(
            LocalStore(folder / "ledger", ops), folder / "proofs/00000", 0, SIGNING, ops
        )
        known.notes.add(prover.published.note(prover.build().size))

    meanwhile = at_step(chance.randrange(12), build)
    ops.after = lambda step: meanwhile(step) if step == "link" else None
    ops.before = at_step(chance.randrange(STEPS_MAX), cut)
    with suppress(
        PowerOff, StoreFailed
    ):  # of two builders one may take the other's temporary file away
        live(folder, known, chance, ops, known.hear)
    if not woken.exists():
        return folder
    known.counts["power cut"] += 1
    shutil.rmtree(folder)
    return woken


def zombie_life(folder: Path, known: Known, chance: random.Random) -> None:
    """An owner that is paused in mid-append while another takes over, goes on, packs; then it wakes up."""
    log = Log.open(LocalStore(folder / "ledger"), KeyRing.open(folder / "userkeys", MASTER), 0)
    first = known.next_offset
    batch = [n for n in range(first, first + 5) if log.logged(an_origin(n)) is None]
    said: list[str] = []

    def others() -> None:
        live(folder, known, chance, FileOps(), known.hear)
        Packer(LocalStore(folder / "ledger"), 0).run(known.now_ms + 3 * HOUR_MS)

    paused = StepOps(before=at_step(chance.choice((0, 0, 0, *range(9))), others))
    store = LocalStore(folder / "ledger", paused)
    sleeper = Log(store, KeyRing.open(folder / "userkeys", MASTER, FileOps()), 0, log._entries)
    try:
        tell(sleeper, batch, known.now_ms, said.append)
    except (Fenced, StoreFailed, LogUnusable):
        known.counts["zombie fenced"] += 1
        assert said == []
    else:
        known.counts["zombie was in time"] += 1
    for line in said:
        known.hear(line)


def hold_against(folder: Path, known: Known, store: SegmentStore | None = None) -> None:
    """The next owner finishes what was cut short; then everything that was ever said must stand."""
    known.notes |= notes_in(folder)
    store = store or LocalStore(folder / "ledger")
    ring = KeyRing.open(folder / "userkeys", MASTER)
    log = Log.open(store, ring, 0)
    Packer(store, 0).run(known.now_ms)
    prover = Prover(store, folder / "proofs/00000", 0, SIGNING)
    prover.build()
    known.notes |= notes_in(folder)
    reader = LogReader(store, ring, 0)
    for offset, (index, leaf) in known.receipts.items():
        assert log.logged(an_origin(offset)) == index, (
            f"offset {offset} was acknowledged as {index}"
        )
        assert reader.receipt(index).hash == leaf
        try:
            assert reader.read(index).content == f"content {offset}".encode()
        except EntryExpired:
            known.counts["expired entries read"] += 1
    published = Published(folder / "proofs/00000", Verifier(prover.origin, SIGNING.public))
    held = [(f"note {number}", note) for number, note in enumerate(sorted(known.notes))]
    found = LogVerifier(
        store, 0, published, held=held
    ).run()  # an origin that stands twice is a fault too
    assert found.faults == [], found.faults[:3]
    assert found.entries == log.head == reader.find_head()
    assert found.proved == found.entries
    index = LogReader(store, ring, 0)
    origins = Counter(_origins(index, log.head))
    assert max(origins.values(), default=1) == 1


def _origins(reader: LogReader, head: int) -> list[str]:
    found = []
    for index in range(head):
        with suppress(EntryExpired):
            found.append(reader.header(index)["origin"])
    return found


def play(seed: int, home: Path, lives: int = 8) -> Known:
    """One round; returns what was told. Raises AssertionError where anything told does not stand."""
    chance = random.Random(seed)
    known = Known()
    folder = home / "machine"
    folder.mkdir(parents=True)
    for _ in range(lives):
        kind = chance.choice(("kill", "cut", "cut", "zombie"))
        if kind == "kill":
            killed_life(folder, known, chance)
        elif kind == "cut":
            folder = power_cut_life(folder, known, chance)
        else:
            zombie_life(folder, known, chance)
        hold_against(folder, known)
    assert known.now_ms - START_MS >= 0
    assert FLOOR_DAYS == 184
    shutil.rmtree(home)
    return known
