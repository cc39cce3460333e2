"""Damage of any kind is found, and the finding says where."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.builders import (
    LOG_NAME,
    SIGNING,
    a_draft,
    a_log,
    a_prover,
    a_store,
    an_origin,
)
from synthgate.crypto.notes import Verifier, sign
from synthgate.ledger.checkpoint import Checkpoint, Published, origin_of
from synthgate.ledger.entry import id_hash_of
from synthgate.ledger.known import KnownEntries
from synthgate.ledger.segment import decode_segment, encode_entry, encode_segment, leaf_hash
from synthgate.ledger.verify import LogVerifier, Verified

HEADER = {
    "tenant": "acme", "source": "//app", "event_id": "e-1", "type": "generation.completed",
    "action": "release", "outcomes": {"identity": "pass"}, "event_time": 5, "appended_at": 6,
    "cause": None, "produce_id": None, "keep_until": 9,
}  # fmt: skip


def verified(folder: Path, **options: Any) -> Verified:
    published = Published(folder / "proofs/00000", Verifier(origin_of(LOG_NAME, 0), SIGNING.public))
    return LogVerifier(a_store(folder), 0, published, **options).run()


def a_whole(folder: Path) -> None:
    """Four segments, re-entries and ids, two published checkpoints, tiles of two levels."""
    log = a_log(folder)
    root = an_origin(0)
    log.append([a_draft(0, header=HEADER, id_hash=id_hash_of("acme", "//app", "e-1"))], 1_000)
    log.append([a_draft(n) for n in range(1, 180)], 2_000)
    a_prover(folder).build()
    back = [an_origin(n, "operator.events") for n in range(2)]
    log.append(
        [
            a_draft(0, origin=back[0], root=root, revision=2, answers=0),
            a_draft(0, origin=back[1], root=root, revision=3, answers=180),
            a_draft(180, offsets=7),
        ],
        3_000,
    )
    log.append([a_draft(n) for n in range(190, 290)], 4_000)
    a_prover(folder).build()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "home"
    a_whole(folder)
    return folder


def faults(folder: Path, **options: Any) -> list[str]:
    return [f"{one.kind}: {one.where}: {one.detail}" for one in verified(folder, **options).faults]


def test_a_whole_log(whole: Path) -> None:
    found = verified(whole)
    assert found.faults == []
    assert (found.entries, found.segments, found.checkpoints, found.proved) == (283, 4, 2, 283)
    assert found.holes == [("1/generation.events/0", 187, 190)]
    assert found.root == a_prover(whole).published.newest().root.hex()  # type: ignore[union-attr]


def test_an_empty_log_and_none(tmp_path: Path) -> None:
    assert faults(tmp_path) == []
    a_log(tmp_path)
    a_prover(tmp_path).build()
    assert faults(tmp_path) == []


def test_entries_under_no_checkpoint_yet_are_no_fault(whole: Path, tmp_path: Path) -> None:
    here = copied(whole, tmp_path)
    a_log(here).append([a_draft(1_000)], 9)
    found = verified(here)
    assert (found.faults, found.entries, found.proved) == ([], 284, 283)


def copied(whole: Path, folder: Path) -> Path:
    shutil.rmtree(folder / "home", ignore_errors=True)
    return Path(shutil.copytree(whole, folder / "home"))


def files(folder: Path) -> list[Path]:
    """Everything whose loss or change must be found."""
    found = [*(folder / "logs").rglob("*.seg"), *(folder / "proofs").rglob("*")]
    older = min((folder / "proofs/00000/published").iterdir()).name
    return sorted(path for path in found if path.is_file() and path.name != older)


def flip(path: Path, draw: st.DrawFn) -> None:
    data = bytearray(path.read_bytes())
    anywhere, at_the_end = (st.integers(low, len(data) - 1) for low in (0, max(0, len(data) - 48)))
    data[draw(anywhere | at_the_end)] ^= 1 << draw(st.integers(0, 7))
    path.write_bytes(data)


def cut(path: Path, draw: st.DrawFn) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: draw(st.integers(0, len(data) - 1))])


def grow(path: Path, draw: st.DrawFn) -> None:
    path.write_bytes(path.read_bytes() + draw(st.binary(min_size=1, max_size=50)))


def remove(path: Path, _: st.DrawFn) -> None:
    path.unlink()


DAMAGE: list[Callable[[Path, Any], None]] = [flip, cut, grow, remove]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_flip_cut_growth_or_removal_is_found_and_located(whole: Path, data: Any) -> None:
    with TemporaryDirectory() as folder:
        here = copied(whole, Path(folder))
        path = data.draw(st.sampled_from(files(here)))
        kind = data.draw(st.sampled_from(DAMAGE))
        kind(path, data.draw)
        found = faults(here)
        assert found, f"{kind.__name__} {path}"
        near = path.name if kind is not remove else path.parent.name
        after = "missing" if kind is remove else near
        assert any(near in one or after in one or "speaks of" in one for one in found), found


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_two_files_swapped_are_found(whole: Path, data: Any) -> None:
    with TemporaryDirectory() as folder:
        here = copied(whole, Path(folder))
        one, other = data.draw(
            st.lists(st.sampled_from(files(here)), min_size=2, max_size=2, unique=True)
        )
        before = one.read_bytes()
        if before == other.read_bytes():
            return
        one.write_bytes(other.read_bytes())
        other.write_bytes(before)
        assert any(one.name in fault or other.name in fault for fault in faults(here))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_swap_of_bytes_inside_a_file_is_found(whole: Path, data: Any) -> None:
    with TemporaryDirectory() as folder:
        here = copied(whole, Path(folder))
        path = data.draw(st.sampled_from(files(here)))
        raw = bytearray(path.read_bytes())
        a, b = (data.draw(st.integers(0, len(raw) - 1)) for _ in range(2))
        if raw[a] == raw[b]:
            return
        raw[a], raw[b] = raw[b], raw[a]
        path.write_bytes(raw)
        assert faults(here)


def test_a_flipped_bit_in_an_entry_names_the_entry(whole: Path, tmp_path: Path) -> None:
    here = copied(whole, tmp_path)
    path = here / "logs/00000/0000000000000001.seg"
    footer, _ = decode_segment(path.read_bytes(), "x")
    data = bytearray(path.read_bytes())
    data[footer.starts[57] + 30] ^= 4
    path.write_bytes(data)
    assert faults(here) == [
        f"entry: {path}, entry 0/58, bytes {footer.starts[57]}-{footer.starts[58] - 1}: "
        f"is not what was stored"
    ]


def rewritten(folder: Path, first: int, row: int, change: Callable[[dict[str, Any]], None]) -> None:
    """A segment made anew around one changed header: every hash in it fits again."""
    path = Path(a_store(folder).where(0, first))
    footer, entries = decode_segment(path.read_bytes(), "x")
    size = int.from_bytes(entries[row][:4], "big")
    fields = json.loads(entries[row][8 : 8 + size])
    change(fields)
    entries[row] = encode_entry(json.dumps(fields).encode(), entries[row][8 + size :])
    leaves = b"".join(map(leaf_hash, entries))
    made = replace(footer, sizes=[len(entry) for entry in entries], leaves=leaves)
    path.write_bytes(encode_segment(made, entries))


def test_a_rewritten_segment_does_not_lead_to_the_checkpoint(whole: Path, tmp_path: Path) -> None:
    here = copied(whole, tmp_path)
    rewritten(here, 0, 0, lambda fields: fields.update(action="refuse"))
    found = faults(here)
    assert any("hash to another root" in one for one in found)
    assert any(one.startswith("tile: ") for one in found)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"index": 3}, "header.index is not 0"),
        ({"log": 1}, "header.log is not 0"),
        ({"origin": "1/generation.events/0/9"}, "header.origin is not 1/generation.events/0/0"),
        ({"root": "x"}, "header.root is not"),
        ({"revision": 2}, "header.revision is not 1"),
        ({"supersedes": 0}, "header.supersedes is not None"),
        ({"answers": 0}, "header.answers is not None"),
        ({"recorded_at": 999}, "header.recorded_at is not 1000"),
        ({"offsets": 2}, "header.offsets is not 1"),
        ({"event_mac": "A"}, "event_mac is no MAC"),
        ({"kid": "0" * 16 + ":1"}, "header.kid is no key of this segment"),
        ({"tenant": 5}, "header.tenant is not what an entry says there"),
        ({"keep_until": True}, "header.keep_until is not"),
        ({"event_id": "e-2"}, "the footer's id hash is not that of the header's id"),
    ],
)
def test_a_header_that_says_otherwise_is_found_though_every_hash_fits(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    a_log(tmp_path).append(
        [a_draft(0, header=HEADER, id_hash=id_hash_of("acme", "//app", "e-1"))], 1_000
    )
    assert faults(tmp_path) == []
    rewritten(tmp_path, 0, 0, lambda fields: fields.update(change))
    found = faults(tmp_path)
    assert any(said in one for one in found)
    assert all("entry 0/0, bytes 20-" in one for one in found)


def test_an_origin_twice_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = a_log(tmp_path)
    log.append([a_draft(4)], 1)
    with monkeypatch.context() as forgetful:
        forgetful.setattr(KnownEntries, "logged", lambda *_: None)
        log.append([a_draft(4, revision=0)], 1)
    assert any(
        "origin 1/generation.events/0/4 is in the log twice" in one for one in faults(tmp_path)
    )


def test_a_checkpoint_kept_elsewhere_shows_that_the_end_is_gone(
    whole: Path, tmp_path: Path
) -> None:
    """Who removes the last segments with the newest checkpoints is caught by what others hold."""
    here = copied(whole, tmp_path)
    published = here / "proofs/00000/published"
    note = max(published.iterdir()).read_text()
    (here / "logs/00000/0000000000000183.seg").unlink()
    (here / "logs/00000/0000000000000180.seg").unlink()
    max(published.iterdir()).unlink()
    shutil.copy(max(published.iterdir()), here / "proofs/00000/checkpoint")
    shutil.rmtree(here / "proofs/00000/tile")
    a_prover(here).build()
    assert faults(here) == []
    (found,) = faults(here, held=[("mine", note)])
    assert found == "checkpoint: mine: speaks of 283 entries; the log has 180"
    assert "does not fit the text" in faults(here, held=[("mine", note.replace("283", "180"))])[0]


def test_a_split_view_is_found(whole: Path) -> None:
    """Another log under the same name and key: its checkpoint does not belong to this one."""
    other = Checkpoint(origin_of(LOG_NAME, 0), 200, b"o" * 32)
    note = sign(other.text(), other.origin, SIGNING.private)
    assert faults(whole, held=[("mine", note)]) == [
        "checkpoint: mine: the log's first 200 entries hash to another root"
    ]


def test_a_footer_made_by_a_stranger_is_a_fault_and_no_crash(whole: Path, tmp_path: Path) -> None:
    here = copied(whole, tmp_path)
    path = Path(a_store(here).where(0, 1))
    footer, entries = decode_segment(path.read_bytes(), "x")
    for change in (
        {"source_of": [9] * footer.count},
        {"revisions": ["x"] * footer.count},
        {"users": []},
    ):
        path.write_bytes(encode_segment(replace(footer, **change), entries))
        assert faults(here), change


def test_a_builder_caught_between_its_two_writes_is_no_fault(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copied(whole, tmp_path)
    (copy,) = folder.rglob("checkpoint")
    newest = copy.read_bytes()
    copy.write_bytes(b"the one before")
    assert any("not the newest" in fault for fault in faults(folder)), "nobody wrote it"
    monkeypatch.setattr("synthgate.ledger.verify.time.sleep", lambda _: copy.write_bytes(newest))
    copy.write_bytes(b"the one before")
    assert faults(folder) == []


def test_a_checkpoint_thinned_out_while_it_is_read_is_no_fault(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copied(whole, tmp_path)
    sizes = Published.sizes
    monkeypatch.setattr(Published, "sizes", lambda self: [0, *sizes(self)])
    assert faults(folder) == []
