import hashlib
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ledger.builders import a_draft, a_log, a_ring, a_store, an_id, an_origin
from synthgate.events.origin import Origin
from synthgate.ledger import Draft, Log, Receipt
from synthgate.ledger.errors import (
    BadDraft,
    EntryAbsent,
    KeyErased,
    SegmentDamaged,
    WrongMasterKey,
)
from synthgate.ledger.userkeys import KeyRing

SEGMENT = "00000/0000000000000002.seg"


def three_segments(folder: Path) -> list[Receipt]:
    """Indexes 0-1, 2-4 and 5."""
    log = a_log(folder)
    receipts = []
    for offsets in ([0, 1], [2, 3, 4], [5]):
        receipts += log.append([a_draft(offset) for offset in offsets], 1_000)
    return receipts


def last_segment(folder: Path) -> Path:
    return max((folder / "logs" / "00000").glob("*.seg"))


def test_stored_header(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    root = an_origin(7)
    log.append([a_draft(7, header={"tenant": "acme", "outcomes": {"identity": "pass"}})], 5)
    again = an_origin(1, "operator.events")
    log.append([a_draft(0, origin=again, root=root, revision=2, answers=0, user="other")], 6)
    first, second = log.read(0), log.read(1)
    assert first.header == {
        "index": 0,
        "log": 0,
        "origin": "1/generation.events/0/7",
        "root": "1/generation.events/0/7",
        "revision": 1,
        "supersedes": None,
        "answers": None,
        "kid": first.header["kid"],
        "recorded_at": 5,
        "event_mac": "a" * 64,
        "tenant": "acme",
        "outcomes": {"identity": "pass"},
    }
    assert first.content == b"content 7"
    assert second.header["root"] == "1/generation.events/0/7"
    assert (second.header["supersedes"], second.header["answers"]) == (0, 0)
    assert second.header["kid"] != first.header["kid"]
    assert log.latest(root) == (1, 2)


def test_receipt_is_the_leaf_hash_of_the_stored_bytes(tmp_path: Path) -> None:
    for receipt in three_segments(tmp_path):
        log = a_log(tmp_path)
        stored = log.stored(receipt.index)
        assert receipt.hash == hashlib.sha256(b"\x00" + stored).hexdigest()
        assert log.read(receipt.index).hash == receipt.hash
        assert log.receipt(receipt.index) == receipt


def test_content_is_nowhere_in_clear(tmp_path: Path) -> None:
    a_log(tmp_path).append([a_draft(0, content=b"a secret prompt")], 1)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert b"secret" not in path.read_bytes()


def test_same_content_twice_is_not_recognisable(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    log.append([a_draft(0, content=b"x" * 50), a_draft(1, content=b"x" * 50)], 1)
    assert log.stored(0)[-66:] != log.stored(1)[-66:]


def test_empty_batch_writes_nothing(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    assert log.append([], 1) == []
    assert not list((tmp_path / "logs" / "00000").iterdir())


def test_two_revisions_in_one_batch_see_each_other(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    root = an_origin(0)
    log.append(
        [
            a_draft(0),
            a_draft(1, root=root, revision=2),
            a_draft(2, root=root, revision=2),
            a_draft(3, root=root, revision=0),
        ],
        1,
    )
    assert [log.header(index)["supersedes"] for index in range(4)] == [None, 0, None, None]
    for reader in (log, a_log(tmp_path)):
        assert reader.latest(root) == (1, 2)  # of equal revisions the first wins


def test_first_answer_stays(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    log.append([a_draft(0)], 1)
    log.append([a_draft(1, answers=0), a_draft(2, answers=0), a_draft(3, answers=1)], 1)
    for reader in (log, a_log(tmp_path)):
        assert [reader.answered(index) for index in range(4)] == [1, 3, None, None]


def test_repeat_window(tmp_path: Path) -> None:
    log = a_log(tmp_path, repeat_keep_ms=100)
    for time, offset in ((1_000, 0), (1_050, 1), (1_120, 2)):
        log.append([a_draft(offset, id_hash=an_id("same")), a_draft(offset + 10)], time)
    for reader in (log, a_log(tmp_path, repeat_keep_ms=100)):
        assert reader.first_with_id(an_id("same"), 1_020) == 2
        assert reader.first_with_id(an_id("same"), 1_050) == 2
        assert reader.first_with_id(an_id("same"), 1_051) == 4
        assert reader.first_with_id(an_id("same"), 1_121) is None
        assert reader.first_with_id(an_id("other"), 0) is None


def test_holes_fill_in_any_order(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    for offset in (10_000, 3, 0, 4_095, 4_096):
        log.append([a_draft(offset)], 1)
    for reader in (log, a_log(tmp_path)):
        assert reader.lowest_missing(1, "generation.events", 0, 10) == 1
        assert reader.lowest_missing(1, "generation.events", 3, 4) is None
        assert reader.lowest_missing(1, "generation.events", 4_095, 9_000) == 4_097
        assert list(reader.missing(1, "generation.events", 9_998, 10_003)) == [
            9_998,
            9_999,
            10_001,
            10_002,
        ]
        assert reader.lowest_missing(1, "operator.events", 5, 9) == 5
        assert reader.lowest_missing(2, "generation.events", 3, 4) == 3


def test_range_nobody_could_read(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    log.append([a_draft(12)], 1)
    log.append([a_draft(10, offsets=5, header={"type": "never read"})], 1)
    for reader in (log, a_log(tmp_path)):
        assert [reader.logged(an_origin(n)) for n in range(9, 16)] == [None, 1, 1, 0, 1, 1, None]
        assert reader.latest(an_origin(11)) is None
        assert reader.header(1)["offsets"] == 5


def test_logs_are_apart(tmp_path: Path) -> None:
    ring, store = a_ring(tmp_path), a_store(tmp_path)
    logs = [Log.open(store, ring, log_id) for log_id in (0, 1)]
    for log_id, log in enumerate(logs):
        origin = an_origin(5, log=log_id)
        assert log.append([a_draft(5, origin=origin)], 1)[0].log == log_id
    assert store.logs() == [0, 1]
    assert logs[0].logged(an_origin(5, log=1)) is None
    with pytest.raises(BadDraft):
        logs[0].append([a_draft(6, origin=an_origin(6, log=1))], 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": an_origin(1)},
        {"origin": an_origin(9, log=4)},
        {"header": {"index": 9}},
        {"header": {"kid": "x"}},
        {"header": {"offsets": 2}},
        {"header": {"odd": object()}},
        {"header": {"odd": 2**70}},
        {"header": {"odd": "\ud800"}},
        {"header": {1: "x"}},
        {"revision": -1},
        {"revision": 32_768},
        {"answers": 3},
        {"answers": -1},
        {"id_hash": b"short"},
        {"offsets": 0},
    ],
)
def test_bad_draft_writes_nothing_and_the_log_stays_usable(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    log = a_log(tmp_path)
    log.append([a_draft(0), a_draft(1)], 1)
    with pytest.raises(BadDraft):
        log.append([a_draft(2), a_draft(3, **changes)], 1)
    assert log.head == a_log(tmp_path).head == 2
    log = a_log(tmp_path)
    assert log.append([a_draft(2)], 1)[0].index == 2


def test_same_origin_twice_in_a_batch(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    with pytest.raises(BadDraft, match="already"):
        log.append([a_draft(0), a_draft(0)], 1)
    assert log.append([a_draft(0)], 1)[0].index == 0


def test_torn_last_segment_at_each_length(tmp_path: Path) -> None:
    """It may have been published, so it is refused, unless the operator knows that it was not."""
    three_segments(tmp_path)
    path = last_segment(tmp_path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(SegmentDamaged, match=path.name):
            a_log(tmp_path)
        with pytest.raises(SegmentDamaged, match="0/5"):
            a_log(tmp_path, never_published_from=6)
        assert path.read_bytes() == whole[:length]
        log = a_log(tmp_path, never_published_from=5)
        assert log.head == 5
        assert log.logged(an_origin(5)) is None
        (aside,) = path.parent.glob("*.torn")
        assert aside.read_bytes() == whole[:length]
        assert log.append([a_draft(5)], 1)[0].index == 5
        aside.unlink()


def test_every_flipped_byte_of_the_last_segment_is_found_at_opening(tmp_path: Path) -> None:
    three_segments(tmp_path)
    path = last_segment(tmp_path)
    whole = path.read_bytes()
    for place in range(0, len(whole), 5):
        data = bytearray(whole)
        data[place] ^= 0x10
        path.write_bytes(data)
        with pytest.raises(SegmentDamaged):
            a_log(tmp_path)


@pytest.mark.parametrize("damage", ["missing", "torn", "first missing", "swapped"])
def test_damage_before_the_last_segment_is_never_set_aside(tmp_path: Path, damage: str) -> None:
    three_segments(tmp_path)
    logs = tmp_path / "logs"
    if damage == "missing":
        (logs / SEGMENT).unlink()
    elif damage == "torn":
        (logs / SEGMENT).write_bytes((logs / SEGMENT).read_bytes()[:-1])
    elif damage == "first missing":
        (logs / "00000/0000000000000000.seg").unlink()
    else:
        (logs / SEGMENT).write_bytes((logs / "00000/0000000000000000.seg").read_bytes())
    with pytest.raises(SegmentDamaged):
        a_log(tmp_path, never_published_from=0)


def test_wrong_master_key(tmp_path: Path) -> None:
    three_segments(tmp_path)
    wrong = KeyRing(tmp_path / "user-keys", b"w" * 32)
    with pytest.raises(WrongMasterKey):
        Log.open(a_store(tmp_path), wrong, 0).read(0)


def test_erased_user_leaves_proofs_and_headers(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    receipts = log.append([a_draft(0, user="one"), a_draft(1, user="two")], 1)
    ring = a_ring(tmp_path)
    kid = log.header(0)["kid"]
    ring.erase(kid)
    after = a_log(tmp_path)
    with pytest.raises(KeyErased, match=kid):
        after.read(0)
    assert after.header(0)["tenant"] == "acme"
    assert [after.receipt(0), after.receipt(1)] == receipts
    assert after.read(1).content == b"content 1"


def test_footer_says_whose_keys_a_segment_used(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    log.append([a_draft(0, user="one"), a_draft(1, user="two"), a_draft(2, user="one")], 1)
    raw = last_segment(tmp_path).read_bytes()
    footer = orjson.loads(raw[raw.rindex(b'{"v":1,"log"') : -48])
    assert footer["users"] == {log.header(0)["kid"]: "one", log.header(1)["kid"]: "two"}


class LogAgainstModel(RuleBasedStateMachine):
    """A log is a list of drafts; everything it remembers is a question to that list."""

    keep_ms = 50

    @initialize()
    def begin(self) -> None:
        self.folder = TemporaryDirectory()
        self.path = Path(self.folder.name)
        self.drafts: list[Draft] = []
        self.times: list[int] = []
        self.receipts: list[Receipt] = []
        self.now = 1_000
        self.reopen()

    def teardown(self) -> None:
        self.folder.cleanup()

    @rule()
    def reopen(self) -> None:
        self.log = Log.open(a_store(self.path), a_ring(self.path), 0, repeat_keep_ms=self.keep_ms)

    @rule(data=st.data(), passed=st.integers(0, 40), size=st.integers(1, 5))
    def append(self, data: st.DataObject, passed: int, size: int) -> None:
        self.now += passed
        batch: list[Draft] = []
        for _ in range(size):
            taken = {draft.origin for draft in self.drafts + batch}
            origins = [
                origin
                for topic in ("generation.events", "operator.events")
                for offset in range(4_090, 4_102)
                if (origin := an_origin(offset, topic)) not in taken
            ]
            if not origins:
                break
            index = len(self.drafts) + len(batch)
            origin = data.draw(st.sampled_from(origins))
            root = data.draw(st.sampled_from([origin, an_origin(4_090), an_origin(4_091)]))
            answers = data.draw(st.none() | st.integers(0, index - 1)) if index else None
            batch.append(
                a_draft(
                    0,
                    origin=origin,
                    root=root,
                    revision=data.draw(st.integers(0, 3)),
                    answers=answers,
                    id_hash=data.draw(st.none() | st.sampled_from("ab").map(an_id)),
                    user=data.draw(st.sampled_from(["one", "two"])),
                    content=data.draw(st.binary(max_size=8)),
                    header={"n": index},
                )
            )
        self.receipts += self.log.append(batch, self.now)
        self.drafts += batch
        self.times += [self.now] * len(batch)

    @precondition(lambda self: self.drafts)
    @rule(data=st.data())
    def read(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.drafts) - 1))
        entry, draft = self.log.read(index), self.drafts[index]
        assert entry.content == draft.content
        assert entry.header["origin"] == str(draft.origin)
        assert entry.header["n"] == index
        assert entry.header["recorded_at"] == self.times[index]
        before = self.latest(draft.root, self.drafts[:index])
        rises = before is not None and draft.revision > before[1]
        assert entry.header["supersedes"] == (before[0] if before and rises else None)
        assert self.log.receipt(index) == self.receipts[index]
        assert entry.hash == self.receipts[index].hash

    @rule(data=st.data())
    def append_what_is_logged(self, data: st.DataObject) -> None:
        if self.drafts:
            old = data.draw(st.sampled_from(self.drafts))
            with pytest.raises(BadDraft):
                self.log.append([replace(old, answers=None)], self.now)

    @invariant()
    def answers_as_the_list_would(self) -> None:
        log, drafts = self.log, self.drafts
        assert log.head == len(drafts)
        assert [receipt.index for receipt in self.receipts] == list(range(len(drafts)))
        for topic in ("generation.events", "operator.events"):
            holes = []
            for offset in range(4_088, 4_104):
                origin = an_origin(offset, topic)
                index = next((n for n, d in enumerate(drafts) if d.origin == origin), None)
                assert log.logged(origin) == index
                assert log.latest(origin) == self.latest(origin, drafts)
                if index is None:
                    holes.append(offset)
            assert list(log.missing(1, topic, 4_088, 4_104)) == holes
            assert log.lowest_missing(1, topic, 4_088, 4_104) == holes[0]
        for index in range(len(drafts)):
            by = next((n for n, d in enumerate(drafts) if d.answers == index), None)
            assert log.answered(index) == by
        for text in "abc":
            for age in (0, 7, self.keep_ms):
                first = next(
                    (
                        n
                        for n, draft in enumerate(drafts)
                        if draft.id_hash == an_id(text) and self.times[n] >= self.now - age
                    ),
                    None,
                )
                assert log.first_with_id(an_id(text), self.now - age) == first

    @staticmethod
    def latest(root: Origin, drafts: list[Draft]) -> tuple[int, int] | None:
        of_root = [(d.revision, -n) for n, d in enumerate(drafts) if d.root == root]
        if not of_root:
            return None
        revision, index = max(of_root)
        return -index, revision


LogAgainstModel.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestLogAgainstModel = LogAgainstModel.TestCase


def test_beyond_the_head(tmp_path: Path) -> None:
    three_segments(tmp_path)
    for index in (6, 100, -1):
        with pytest.raises(EntryAbsent):
            a_log(tmp_path).read(index)
