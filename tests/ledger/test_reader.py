from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ledger.builders import a_draft, a_log, a_ring, a_store, an_origin
from synthgate.ledger import Log, LogReader
from synthgate.ledger.errors import EntryAbsent, EntryDamaged, LedgerError, SegmentDamaged
from synthgate.ledger.segment import MAGIC


def a_reader(folder: Path, log: int = 0) -> LogReader:
    return LogReader(a_store(folder), a_ring(folder), log)


def a_filled_log(folder: Path, sizes: tuple[int, ...] = (2, 3, 1)) -> Log:
    log = a_log(folder)
    for size in sizes:
        log.append([a_draft(log.head + n) for n in range(size)], 1_000)
    return log


def test_reads_what_the_owner_wrote(tmp_path: Path) -> None:
    log = a_filled_log(tmp_path)
    reader = a_reader(tmp_path)
    assert reader.find_head() == 6
    assert [reader.read(n) for n in range(6)] == [log.read(n) for n in range(6)]
    assert [entry.content for entry in reader.entries()] == [
        f"content {n}".encode() for n in range(6)
    ]
    assert [entry.index for entry in reader.entries(1, 5)] == [1, 2, 3, 4]
    assert list(reader.entries(4, 4)) == []


def test_sees_what_came_after_it_first_looked(tmp_path: Path) -> None:
    reader = a_reader(tmp_path)
    assert reader.find_head() == 0
    with pytest.raises(EntryAbsent, match="0/0"):
        reader.read(0)
    log = a_filled_log(tmp_path)
    assert reader.read(5).content == b"content 5"
    log.append([a_draft(6)], 1)
    assert reader.read(6).content == b"content 6"
    assert reader.find_head() == 7


def test_fences_nobody(tmp_path: Path) -> None:
    log = a_filled_log(tmp_path)
    reader = a_reader(tmp_path)
    reader.find_head()
    reader.read(0)
    assert log.append([a_draft(6)], 1)[0].index == 6


def test_without_keys_all_but_content(tmp_path: Path) -> None:
    log = a_filled_log(tmp_path)
    reader = LogReader(a_store(tmp_path), None, 0)
    assert reader.header(3) == log.header(3)
    assert reader.receipt(3) == log.receipt(3)
    assert reader.stored(3) == log.stored(3)
    with pytest.raises(LedgerError, match="no key ring"):
        reader.read(3)


def test_changed_entry_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    a_filled_log(tmp_path)
    path = tmp_path / "logs/00000/0000000000000002.seg"
    data = bytearray(path.read_bytes())
    data[len(MAGIC) + 30] ^= 1
    path.write_bytes(data)
    reader = a_reader(tmp_path)
    for read in (reader.read, reader.header, reader.stored):
        with pytest.raises(EntryDamaged, match="0/2"):
            read(2)
    assert reader.read(3).content == b"content 3"
    with pytest.raises(SegmentDamaged, match="entry 2"):
        list(reader.entries())


def test_misplaced_segment_is_named(tmp_path: Path) -> None:
    a_filled_log(tmp_path)
    folder = tmp_path / "logs/00000"
    (folder / "0000000000000006.seg").write_bytes((folder / "0000000000000005.seg").read_bytes())
    with pytest.raises(SegmentDamaged, match=r"0000000000000006\.seg"):
        a_reader(tmp_path).read(6)
    (tmp_path / "logs/00001").mkdir()
    (tmp_path / "logs/00001/0000000000000000.seg").write_bytes(
        (folder / "0000000000000000.seg").read_bytes()
    )
    with pytest.raises(SegmentDamaged):
        a_reader(tmp_path, 1).read(0)


def test_footer_longer_than_the_first_guess(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    log.append([a_draft(n, user=str(n)) for n in range(1_500)], 1)
    path = tmp_path / "logs/00000/0000000000000000.seg"
    assert path.stat().st_size - a_reader(tmp_path)._find(0).starts[-1] > 65_536
    log.append([a_draft(1_500)], 1)  # so that opening reads the long footer from the file's end
    assert a_log(tmp_path).logged(an_origin(1_499)) == 1_499
    assert a_reader(tmp_path).read(1_499).content == b"content 1499"


def test_more_segments_than_footers_are_kept(tmp_path: Path) -> None:
    a_filled_log(tmp_path, (1,) * 70)
    reader = a_reader(tmp_path)
    for _ in range(2):
        assert [reader.read(n).index for n in range(70)] == list(range(70))
    assert len(reader._footers) == 16


def test_threads_share_a_reader(tmp_path: Path) -> None:
    a_filled_log(tmp_path, (1,) * 80)
    reader = a_reader(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        read = pool.map(lambda n: reader.read(n % 80).index, range(800))
    assert list(read) == [n % 80 for n in range(800)]
