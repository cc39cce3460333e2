"""The fence, packs and damage where the log lies in a bucket, on a real S3-compatible server."""

from pathlib import Path
from typing import Any

import pytest

from buckets import StepClient, a_bucket, a_place, lost, shared, slow_down
from ledger.builders import MASTER, SIGNING, a_draft, an_origin
from ledger.ops import at_step
from synthgate import bucket as bucket_module
from synthgate.bucket import Bucket
from synthgate.crypto.notes import Verifier
from synthgate.ledger import (
    BucketStore,
    KeyRing,
    Log,
    LogReader,
    Packer,
    Prover,
    bucket_store,
    expiry,
)
from synthgate.ledger.checkpoint import Published
from synthgate.ledger.errors import (
    EntryAbsent,
    EntryExpired,
    Fenced,
    LogUnusable,
    SegmentDamaged,
    StoreAway,
)
from synthgate.ledger.expiry import DAY_MS
from synthgate.ledger.packer import HOUR_MS
from synthgate.ledger.verify import LogVerifier
from synthgate.settings import Settings
from synthgate.step import Waiting

NOW = 1_700_000_000_000


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_module, "PAUSES_S", (0.01, 0.01))


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return KeyRing.open(tmp_path / "userkeys", MASTER)


def a_store(settings: Settings, **hooks: Any) -> BucketStore:
    return BucketStore(a_bucket(settings, **hooks))


def filled(settings: Settings, ring: KeyRing, sizes: list[int], at_ms: int = NOW) -> Log:
    log = Log.open(a_store(settings), ring, 0)
    for size in sizes:
        log.append([a_draft(n) for n in range(log.head, log.head + size)], at_ms)
    return log


def write_over(settings: Settings, name: str, data: bytes) -> None:
    """As damage would; a client of ours never does."""
    a_bucket(settings).replace(name, data)


def verified(store: BucketStore, folder: Path) -> list[Any]:
    published = Published(folder, Verifier(f"{SIGNING.log_name}/0", SIGNING.public))
    prover = Prover(store, folder, 0, SIGNING)
    published = Published(folder, Verifier(prover.origin, SIGNING.public))
    return LogVerifier(store, 0, published).run().faults


def test_one_append_is_one_put(bucket_settings: Settings, ring: KeyRing) -> None:
    filled(bucket_settings, ring, [2])
    client = StepClient(shared(bucket_settings))
    store = BucketStore(Bucket(client, a_place(bucket_settings).below("ledger"), "ledger"))
    log = Log.open(store, ring, 0)
    client.counts.clear()
    log.append([a_draft(n) for n in range(2, 1002)], NOW)
    assert client.counts["put_object"] == 1
    assert sum(client.counts.values()) == 2, "the marker is looked at once behind it"


def test_an_append_whose_answer_is_lost_is_answered_once(
    bucket_settings: Settings, ring: KeyRing
) -> None:
    filled(bucket_settings, ring, [1])
    log = Log.open(a_store(bucket_settings, after=_on_put(lost)), ring, 0)
    (receipt,) = log.append([a_draft(1)], NOW)
    reader = LogReader(a_store(bucket_settings), ring, 0)
    assert reader.find_head() == 2
    assert reader.receipt(1) == receipt
    assert reader.read(1).content == b"content 1"


def test_of_two_owners_one_writes_an_index(bucket_settings: Settings, ring: KeyRing) -> None:
    filled(bucket_settings, ring, [1])
    one = Log.open(a_store(bucket_settings), ring, 0)
    other = Log.open(a_store(bucket_settings), ring, 0)
    (receipt,) = one.append([a_draft(1)], NOW)
    with pytest.raises(Fenced):
        other.append([a_draft(2)], NOW)
    with pytest.raises(LogUnusable):
        other.append([a_draft(2)], NOW)
    assert LogReader(a_store(bucket_settings), ring, 0).receipt(1) == receipt


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_store_that_is_away_is_waited_for_and_the_log_opened_again(
    bucket_settings: Settings, ring: KeyRing, when: str
) -> None:
    """Whether the segment came to stand nobody knew; the next opening does, and nothing is doubled."""
    filled(bucket_settings, ring, [1])
    away = False
    calls = {"before": lost, "after": slow_down}[when]
    log = Log.open(
        a_store(bucket_settings, **{when: lambda step: calls() if away else None}), ring, 0
    )
    away = True
    with pytest.raises(Waiting, match="waiting for ledger") as caught:
        log.append([a_draft(1)], NOW)
    assert isinstance(caught.value, StoreAway)
    assert not log.usable
    away = False
    again = Log.open(a_store(bucket_settings), ring, 0)
    assert again.logged(an_origin(1)) == (None if when == "before" else 1)
    if when == "before":
        again.append([a_draft(1)], NOW)
    assert again.head == 2


def test_a_name_that_is_free_again_after_packing_fences_who_slept(
    bucket_settings: Settings, ring: KeyRing
) -> None:
    filled(bucket_settings, ring, [1])
    sleeper = Log.open(a_store(bucket_settings), ring, 0)
    others = filled(bucket_settings, ring, [1, 3])
    Packer(a_store(bucket_settings), 0).run(NOW + 3 * HOUR_MS)
    with pytest.raises(Fenced, match="packed since"):
        sleeper.append([a_draft(9)], NOW)
    assert others.head == 5
    again = filled(bucket_settings, ring, [1])
    assert again.head == 6
    Packer(a_store(bucket_settings), 0).run(NOW + 6 * HOUR_MS)
    reader = LogReader(a_store(bucket_settings), ring, 0)
    assert [entry.index for entry in reader.entries()] == list(range(6))
    assert reader.read(1).content == b"content 1"


def test_a_packer_that_slept_moves_the_marker_not_back(
    bucket_settings: Settings, ring: KeyRing
) -> None:
    """An owner's packer stands still before it moves the marker, and its writer sleeps as long."""
    filled(bucket_settings, ring, [1])
    sleeper = Log.open(a_store(bucket_settings), ring, 0)
    puts = 0

    def asleep(step: str) -> None:
        nonlocal puts
        puts += step == "put_object"
        if puts == 2 and step == "put_object":
            filled(bucket_settings, ring, [3])
            Packer(a_store(bucket_settings), 0).run(NOW + 3 * HOUR_MS)

    a_store(bucket_settings, before=asleep).pack(0, [0], 1)
    with pytest.raises(Fenced, match="packed since"):
        sleeper.append([a_draft(9)], NOW)
    assert filled(bucket_settings, ring, []).head == 4


def test_a_name_that_a_pack_holds_fences_whatever_the_marker_says(
    bucket_settings: Settings, ring: KeyRing
) -> None:
    filled(bucket_settings, ring, [1])
    sleeper = Log.open(a_store(bucket_settings), ring, 0)
    filled(bucket_settings, ring, [3])
    Packer(a_store(bucket_settings), 0).run(NOW + 3 * HOUR_MS)
    write_over(bucket_settings, "00000/packed", b"1 older\n")
    with pytest.raises(Fenced, match="packed since"):
        sleeper.append([a_draft(9)], NOW)


class _Stale(StepClient):
    """A listing that does not show the newest names yet."""

    hidden: tuple[str, ...] = ()

    def list_objects_v2(self, **asked: Any) -> Any:
        page = self._client.list_objects_v2(**asked)
        rows = [row for row in page.get("Contents", ()) if not row["Key"].endswith(self.hidden)]
        return {**page, "Contents": rows}


class _ByOne(StepClient):
    """A listing of one name a page, and something between the pages."""

    def list_objects_v2(self, **asked: Any) -> Any:
        page = self._client.list_objects_v2(**{**asked, "MaxKeys": 1})
        self.between("list")
        return page


def stale(settings: Settings, *hidden: str) -> BucketStore:
    client = _Stale(shared(settings))
    client.hidden = hidden
    return BucketStore(Bucket(client, a_place(settings).below("ledger"), "ledger"))


def test_a_listing_that_is_late_hides_no_segment_from_the_next_owner(
    bucket_settings: Settings, ring: KeyRing
) -> None:
    filled(bucket_settings, ring, [1, 2, 2])
    late = stale(bucket_settings, "0001.seg", "0003.seg")
    assert late.listing(0).loose == [0]
    assert Log.open(late, ring, 0).head == 5
    hole = stale(bucket_settings, "0001.seg")
    assert hole.listing(0).loose == [0, 3]
    log = Log.open(hole, ring, 0)
    assert [log.logged(an_origin(n)) for n in range(5)] == list(range(5))
    nothing = stale(bucket_settings, ".seg")
    assert Log.open(nothing, ring, 0).head == 5


@pytest.mark.parametrize("hidden", [("0001.seg", "0003.seg"), ("0001.seg",), (".seg",)])
def test_a_listing_that_is_late_hides_no_entry_from_who_looks_one_up(
    bucket_settings: Settings, ring: KeyRing, hidden: tuple[str, ...]
) -> None:
    """Else what comes back to the door by its receipt would be refused as unknown."""
    filled(bucket_settings, ring, [1, 2, 2])
    for index in range(5):
        reader = LogReader(stale(bucket_settings, *hidden), ring, 0)
        assert reader.read(index).content == f"content {index}".encode()
    with pytest.raises(EntryAbsent):
        LogReader(stale(bucket_settings, *hidden), ring, 0).read(5)


def test_a_listing_that_is_behind_the_packs_is_waited_for(
    bucket_settings: Settings, ring: KeyRing
) -> None:
    filled(bucket_settings, ring, [1, 1])
    Packer(a_store(bucket_settings), 0).run(NOW + 3 * HOUR_MS)
    with pytest.raises(StoreAway, match="the listing is behind the packs"):
        Log.open(stale(bucket_settings, ".pack", ".known"), ring, 0)


def test_what_is_packed_while_names_are_listed_is_looked_for_again(
    bucket_settings: Settings, ring: KeyRing
) -> None:
    """Names come page by page: a pack made in between lies before the page that was read, and its segments
    are gone from the next.
    """
    filled(bucket_settings, ring, [1, 1])
    client = _ByOne(shared(bucket_settings))
    client.between = at_step(0, lambda: Packer(a_store(bucket_settings), 0).run(NOW + 3 * HOUR_MS))
    store = BucketStore(Bucket(client, a_place(bucket_settings).below("ledger"), "ledger"))
    listing = store.listing(0)
    assert (listing.packs, listing.loose) == ([(0, 2)], [])
    assert Log.open(store, ring, 0).head == 2


def test_what_is_new_is_listed_and_not_all_again(
    bucket_settings: Settings, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who proves a log asks every second; two hours' names are many pages."""
    monkeypatch.setattr(bucket_store, "_AGAIN", 2)
    filled(bucket_settings, ring, [1] * 4)
    client = _Pages(shared(bucket_settings))
    store = BucketStore(Bucket(client, a_place(bucket_settings).below("ledger"), "ledger"))
    assert store.firsts(0) == [0, 1, 2, 3]
    filled(bucket_settings, ring, [1, 1])
    client.seen.clear()
    assert store.settled(0) == [0, 1, 2, 3, 4, 5]
    assert client.seen == ["0000000000000003.seg", "0000000000000004.seg", "0000000000000005.seg"]
    assert LogReader(store, ring, 0).find_head() == 6
    Packer(a_store(bucket_settings), 0).run(NOW + 3 * HOUR_MS)
    filled(bucket_settings, ring, [1])
    assert store.settled(0) == list(range(7))
    assert (store.listing(0).packs, store.listing(0).loose) == ([(0, 6)], [6])


def test_neighbours_that_are_asked_for_are_read_once(
    bucket_settings: Settings, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that comes again after a kill is answered entry by entry."""
    filled(bucket_settings, ring, [20])
    for large, most in ((1 << 20, 4), (10, 70)):
        monkeypatch.setattr(bucket_store, "_KEPT_BYTES_MAX", large)
        client = StepClient(shared(bucket_settings))
        store = BucketStore(Bucket(client, a_place(bucket_settings).below("ledger"), "ledger"))
        reader = LogReader(store, ring, 0)
        found = [reader.read(index).content for index in range(20)]
        assert found == [f"content {n}".encode() for n in range(20)]
        assert client.counts["get_object"] <= most


class _Pages(StepClient):
    """Notes the names that listings show."""

    def __init__(self, client: Any) -> None:
        super().__init__(client)
        self.seen: list[str] = []

    def list_objects_v2(self, **asked: Any) -> Any:
        page = self._client.list_objects_v2(**asked)
        self.seen += [row["Key"].rpartition("/")[2] for row in page.get("Contents", ())]
        return page


def test_a_reader_that_listed_before_finds_what_was_packed_and_expired(
    bucket_settings: Settings, ring: KeyRing, tmp_path: Path
) -> None:
    filled(bucket_settings, ring, [1, 2])
    store = a_store(bucket_settings)
    reader = LogReader(store, ring, 0)
    assert reader.read(0).content == b"content 0"
    writer = a_store(bucket_settings)
    Packer(writer, 0).run(NOW + 3 * HOUR_MS)
    assert reader.read(2).content == b"content 2"
    later = NOW + 400 * DAY_MS
    proved = Prover(writer, tmp_path / "proofs", 0, SIGNING).build().size
    assert [expiry.expire(writer, pack, later, proved) for pack in expiry.packs(writer, 0, ())] == [
        True
    ]
    fresh = LogReader(store, ring, 0)
    with pytest.raises(EntryExpired):
        fresh.read(1)
    assert verified(writer, tmp_path / "proofs") == []
    assert Log.open(a_store(bucket_settings), ring, 0).head == 3


def test_a_new_owner_reads_the_snapshot_and_later_footers(
    bucket_settings: Settings, ring: KeyRing
) -> None:
    filled(bucket_settings, ring, [1] * 20)
    Packer(a_store(bucket_settings), 0).run(NOW + 3 * HOUR_MS)
    filled(bucket_settings, ring, [1] * 40)
    client = StepClient(shared(bucket_settings))
    store = BucketStore(Bucket(client, a_place(bucket_settings).below("ledger"), "ledger"))
    log = Log.open(store, ring, 0)
    assert log.head == 60
    assert [log.logged(an_origin(n)) for n in range(60)] == list(range(60))
    assert 40 <= client.counts["get_object"] < 60, "the first twenty were read from the snapshot"


@pytest.mark.parametrize("place", [5, -60, -5])
def test_a_flipped_bit_is_found_and_located(
    bucket_settings: Settings, ring: KeyRing, tmp_path: Path, place: int
) -> None:
    filled(bucket_settings, ring, [2, 2])
    store = a_store(bucket_settings)
    Prover(store, tmp_path / "proofs", 0, SIGNING).build()
    assert verified(a_store(bucket_settings), tmp_path / "proofs") == []
    name = "00000/0000000000000002.seg"
    data = bytearray(a_bucket(bucket_settings).get(name))
    data[place] ^= 1
    write_over(bucket_settings, name, bytes(data))
    faults = verified(a_store(bucket_settings), tmp_path / "proofs")
    assert faults
    assert f"s3://{a_place(bucket_settings).bucket}" in faults[0].where
    assert name in faults[0].where
    with pytest.raises(SegmentDamaged, match=name):
        Log.open(a_store(bucket_settings), ring, 0)


def test_a_torn_object_is_refused_and_set_aside_on_the_operators_word(
    bucket_settings: Settings, ring: KeyRing
) -> None:
    filled(bucket_settings, ring, [2, 2])
    name = "00000/0000000000000002.seg"
    data = a_bucket(bucket_settings).get(name)
    write_over(bucket_settings, name, data[: len(data) // 2])
    with pytest.raises(SegmentDamaged):
        Log.open(a_store(bucket_settings), ring, 0)
    log = Log.open(a_store(bucket_settings), ring, 0, never_published_from=2)
    assert log.head == 2
    (receipt,) = log.append([a_draft(7)], NOW)
    assert receipt.index == 2
    aside = [one.name for one in a_bucket(bucket_settings).names("00000/") if ".torn" in one.name]
    assert len(aside) == 1


def test_what_a_packing_that_was_cut_short_left_is_finished(
    bucket_settings: Settings, ring: KeyRing
) -> None:
    """Orphans: segments that stand beside the pack that holds them."""
    filled(bucket_settings, ring, [1, 1, 1])
    dies = a_store(bucket_settings, before=lambda step: lost() if step == "delete_object" else None)
    with pytest.raises(StoreAway):
        Packer(dies, 0).run(NOW + 3 * HOUR_MS)
    left = a_store(bucket_settings)
    assert left.listing(0).orphans == [0, 1, 2]
    Packer(left, 0).run(NOW + 3 * HOUR_MS)
    names = sorted(one.name for one in a_bucket(bucket_settings).names("00000/"))
    assert [name for name in names if name.endswith(".seg")] == []
    assert LogReader(left, ring, 0).read(2).content == b"content 2"


def test_logs_are_those_that_have_a_folder(bucket_settings: Settings, ring: KeyRing) -> None:
    store = a_store(bucket_settings)
    assert store.logs() == []
    Log.open(store, ring, 7).append([a_draft(0, origin=an_origin(0, log=7))], NOW)
    a_bucket(bucket_settings).create("userkeys/x", b"")
    assert store.logs() == [7]
    assert store.where(7, 0).endswith("/ledger/00007/0000000000000000.seg")


def _on_put(act: Any) -> Any:
    once = at_step(0, act)
    return lambda step: once(step) if step == "put_object" else None
