"""What a replay is over is just what was asked for: by where an entry came from, and by its event's time."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.builders import a_draft, a_log, a_ring, a_store, an_origin
from synthgate.ledger import LogReader, Packer, expiry
from synthgate.ledger.bundle_check import Opened
from synthgate.ledger.expiry import DAY_MS
from synthgate.ledger.log_ids import RECORDS_FROM
from synthgate.steps import replay_range
from synthgate.steps.replay_range import Content, Origins, Times

AT = 1_795_000_000_000
TOPICS = ("generation.events", "timer.events")


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> LogReader:
    """Two topics and two epochs in one log, in segments of a few; a range nobody read, and a conflict."""
    folder = tmp_path_factory.mktemp("ranges")
    log = a_log(folder)
    for at in range(0, 60, 5):
        drafts = [
            a_draft(
                at + n,
                origin=an_origin(at + n, TOPICS[at % 2])._replace(epoch=1 + at // 40),
                header={"event_time": AT + 1_000 * ((at + n) * 7 % 60)},
            )
            for n in range(5)
        ]
        log.append(drafts, AT + at)
    beside = an_origin(3, "generation.events~abcd0123")
    log.append([a_draft(100, offsets=10), a_draft(3, origin=beside)], AT + 99)
    return LogReader(a_store(folder), a_ring(folder), 0)


def places(found: Iterable[Content]) -> list[int]:
    return [int(where.partition("/")[2]) for where, _ in found]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_offsets_choose_just_their_entries(reader: LogReader, data: Any) -> None:
    epoch, topic = data.draw(st.integers(1, 3)), data.draw(st.sampled_from(TOPICS))
    start, end = sorted((data.draw(st.integers(0, 115)), data.draw(st.integers(0, 115))))
    wanted = []
    for entry in reader.entries():
        of, name, _, offset = entry.header["origin"].split("/")
        span = range(int(offset), int(offset) + entry.header.get("offsets", 1))
        if (int(of), name.partition("~")[0]) == (epoch, topic) and set(span) & set(
            range(start, end)
        ):
            wanted.append(entry.index)
    found = replay_range.of_origins(reader, Origins(epoch, topic, 0, start, end))
    assert places(found) == wanted


def test_an_entry_over_many_offsets_is_chosen_by_any_of_them(reader: LogReader) -> None:
    for start, end, found in (
        (104, 106, [60]), (109, 110, [60]), (110, 111, []), (99, 100, []), (105, 105, []),
    ):  # fmt: skip
        assert (
            places(replay_range.of_origins(reader, Origins(1, TOPICS[0], 0, start, end))) == found
        )


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_time_chooses_just_its_events(reader: LogReader, data: Any) -> None:
    since, until = sorted(AT + data.draw(st.integers(-1, 61)) * 1_000 for _ in range(2))
    low, high = sorted(data.draw(st.integers(0, 62)) for _ in range(2))
    wanted = [
        entry.index
        for entry in reader.entries(low, high)
        if since <= entry.header.get("event_time", -1) < until
    ]
    assert places(replay_range.of_times(reader, low, high, Times(since, until))) == wanted


def test_segments_without_any_are_not_read(
    reader: LogReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    store = reader._store
    whole = type(store).read

    def counted(self: Any, log: int, first: int) -> bytes:
        read.append(first)
        return whole(self, log, first)

    monkeypatch.setattr(type(store), "read", counted)
    assert len(places(replay_range.of_origins(reader, Origins(1, TOPICS[0], 0, 20, 22)))) == 2
    assert read == [20]


def test_what_has_expired_is_told_and_never_left_out(tmp_path: Path) -> None:
    """By offsets it is known; of its time nobody can say, so whatever may be of it is told so."""
    log = a_log(tmp_path)
    for day in (0, 1, 2):
        log.append(
            [a_draft(2 * day + n, header={"event_time": AT}) for n in (0, 1)], AT + day * DAY_MS
        )
    store = a_store(tmp_path)
    Packer(store, 0).run(AT + 4 * DAY_MS)
    late = AT + 999 * DAY_MS
    gone = [pack.end for pack in expiry.packs(store, 0, ()) if expiry.expire(store, pack, late, 6)]
    assert gone
    reader = LogReader(a_store(tmp_path), a_ring(tmp_path), 0)
    found = dict(replay_range.of_origins(reader, Origins(1, TOPICS[0], 0, 0, 6)))
    assert [found[f"0/{index}"] for index in range(gone[0])] == ["expired"] * gone[0]
    assert len(found) == 6
    every = list(replay_range.of_times(reader, 0, 6, Times(AT, AT + 1)))
    assert len(every) == 6
    assert {what for _, what in every[: gone[0]]} == {replay_range.UNDATED}
    later = list(replay_range.of_times(reader, 0, 6, Times(AT + DAY_MS, AT + 9 * DAY_MS)))
    assert [where for where, _ in later] == [f"0/{index}" for index in range(2, max(gone))]


def test_of_a_bundle_only_passages_count_and_what_is_shut_is_said() -> None:
    rows = [
        Opened(0, 4, "kept", {}, b"x"), Opened(0, 5, "kept", {}, None), Opened(0, 6, "erased", {}, None),
        Opened(0, 7, "expired", None, None), Opened(RECORDS_FROM, 1, "kept", {}, b"fact"),
    ]  # fmt: skip
    assert list(replay_range.of_bundle(rows)) == [
        ("0/4", b"x"), ("0/5", "not in the bundle"), ("0/6", "erased"), ("0/7", "expired"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["1/t/0/3", "1/t/0/3-5", "t/0/3..5", "1/t/x/3..5", "1/t/0/3..", "1/t/0/..5", "1/t/0/3..x"],
)
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"EPOCH/TOPIC|epoch/topic"):
        Origins.parse(text)


def test_ranges_are_read_as_written() -> None:
    assert Origins.parse("2/generation.events/7/10..12") == (2, "generation.events", 7, 10, 12)
    assert Times.parse("2026-11-21T00:00:00Z..2026-11-21T00:00:01+00:00")[1] == 1_795_219_201_000
    for text in ("2026-11-21T00:00:00Z", "a..b", "2026-11-21T00:00:00..2026-11-22T00:00:00"):
        with pytest.raises(ValueError, match=r"."):
            Times.parse(text)
