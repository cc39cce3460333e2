from pathlib import Path

import pytest

from ledger.ops import StepOps
from synthgate.ledger.files import FileOps


def test_written_whole_although_the_system_takes_less(tmp_path: Path) -> None:
    data = bytes(range(256)) * 40
    StepOps().write_whole(tmp_path / "file", data)  # takes half of what it is given
    assert (tmp_path / "file").read_bytes() == data
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        FileOps().write_whole(tmp_path / "file", b"new")
    (tmp_path / "other").write_bytes(b"other")
    with pytest.raises(FileExistsError):
        FileOps().link(tmp_path / "other", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"old"


def test_every_folder_made_is_synced_in_its_parent(tmp_path: Path) -> None:
    synced: list[Path] = []

    class Noting(FileOps):
        def sync_folder(self, path: Path) -> None:
            synced.append(path)
            super().sync_folder(path)

    Noting().make_folder(tmp_path / "a" / "b")
    assert synced == [tmp_path, tmp_path / "a"]
    assert (tmp_path / "a" / "b").is_dir()
