"""The seeded rounds of ``rounds.py`` with the log in a bucket: kill -9, answers that are lost, a store that is
away, late owners.

A request is a step: an owner may die ahead of it, or once the server has done it and before the answer. Keys
and checkpoints stay in the folder.
"""

import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from buckets import a_bucket, lost, shared, slow_down
from ledger import rounds
from ledger.builders import MASTER, an_origin
from ledger.ops import at_step
from ledger.rounds import Known
from synthgate.ledger import BucketStore, KeyRing, Log, Packer
from synthgate.ledger.errors import Fenced, LogUnusable, StoreAway, StoreFailed
from synthgate.ledger.files import FileOps
from synthgate.ledger.packer import HOUR_MS
from synthgate.settings import Settings

STEPS_MAX = 160


def killed_life(folder: Path, known: Known, chance: random.Random, settings: Settings) -> None:
    """``after``: the server has done what was asked, and nobody is there to hear it."""
    when = chance.choice(("before", "after"))
    shared(settings).close()  # a connection must not be shared with the process that comes
    rounds.killed_life(
        folder, known, chance, lambda hook: BucketStore(a_bucket(settings, **{when: hook}))
    )


def away_life(folder: Path, known: Known, chance: random.Random, settings: Settings) -> None:
    """The store goes away at a request, or answers are lost, for once or for good; the owner opens again."""
    first, act = chance.randrange(STEPS_MAX), chance.choice((lost, slow_down))
    when, once = chance.choice(("before", "after")), chance.random() < 0.5
    asked = 0

    def hook(step: str) -> None:
        nonlocal asked
        asked += 1
        if asked == first or (asked > first and not once):
            act(step)

    store = BucketStore(a_bucket(settings, **{when: hook}))
    try:
        rounds.live(folder, known, chance, FileOps(), known.hear, store)
    except StoreAway:
        known.counts["away"] += 1
    known.counts["answer lost"] += once and asked >= first


def zombie_life(folder: Path, known: Known, chance: random.Random, settings: Settings) -> None:
    """An owner pauses at its PUT, be it ahead of it or behind, while another takes over, goes on and packs."""
    others = BucketStore(a_bucket(settings))
    first = known.next_offset
    said: list[str] = []

    def meanwhile() -> None:
        rounds.live(folder, known, chance, FileOps(), known.hear, others)
        Packer(others, 0).run(known.now_ms + 3 * HOUR_MS)

    log = Log.open(others, KeyRing.open(folder / "userkeys", MASTER), 0)
    batch = [n for n in range(first, first + 5) if log.logged(an_origin(n)) is None]
    hooks: dict[str, Callable[[str], None]] = {}
    hooks[chance.choice(("before", "after"))] = at_step(chance.choice((0, 0, 1)), meanwhile)
    paused = BucketStore(a_bucket(settings, **hooks))
    paused._listings[0] = others.listing(0)  # what it saw when it took the log over
    sleeper = Log(paused, KeyRing.open(folder / "userkeys", MASTER, FileOps()), 0, log._entries)
    try:
        rounds.tell(sleeper, batch, known.now_ms, said.append)
    except (Fenced, StoreFailed, LogUnusable):
        known.counts["zombie fenced"] += 1
        assert said == []
    else:
        known.counts["zombie was in time"] += 1
    for line in said:
        known.hear(line)


def play(seed: int, home: Path, settings: Settings, lives: int = 6) -> Known:
    """One round; returns what was told. Raises AssertionError where anything told does not stand."""
    chance = random.Random(seed)
    known = Known()
    folder = home / "machine"
    folder.mkdir(parents=True)
    kinds = {"kill": killed_life, "away": away_life, "zombie": zombie_life}
    order = [name for name in kinds for _ in range(lives // len(kinds))]
    chance.shuffle(order)
    for name in order:
        kinds[name](folder, known, chance, settings)
        rounds.hold_against(folder, known, BucketStore(a_bucket(settings)))
    with suppress(FileNotFoundError):
        shutil.rmtree(home)
    return known
