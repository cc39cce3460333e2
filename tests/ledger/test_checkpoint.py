import os
from pathlib import Path

import pytest

from ledger.builders import LOG_NAME, SIGNING
from synthgate.crypto.notes import Verifier, sign
from synthgate.ledger.checkpoint import Checkpoint, Published, origin_of, parse_checkpoint
from synthgate.ledger.errors import CheckpointConflict, CheckpointDamaged, StoreFailed

ORIGIN = origin_of(LOG_NAME, 3)
VERIFIER = Verifier(ORIGIN, SIGNING.public)


def a_checkpoint(size: int, root: bytes = b"r" * 32) -> Checkpoint:
    return Checkpoint(ORIGIN, size, root)


def published(folder: Path) -> Published:
    return Published(folder, VERIFIER)


def test_text_is_three_lines() -> None:
    assert a_checkpoint(7).text() == (
        "log.example/00003\n7\ncnJycnJycnJycnJycnJycnJycnJycnJycnJycnJycnI=\n"
    )


def test_what_is_published_stays(tmp_path: Path) -> None:
    here = published(tmp_path)
    assert here.newest() is None
    assert here.current() is None
    for size in (3, 9):
        here.publish(a_checkpoint(size), SIGNING.private)
    here.publish(a_checkpoint(9), SIGNING.private)  # twice is once
    assert here.sizes() == [3, 9]
    assert here.newest() == here.current() == a_checkpoint(9)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint", "published"]
    with pytest.raises(CheckpointConflict):
        here.publish(a_checkpoint(9, b"s" * 32), SIGNING.private)
    assert here.newest() == a_checkpoint(9)
    assert list(tmp_path.glob("*.tmp")) == []


def test_the_last_of_every_hour_is_kept(tmp_path: Path) -> None:
    here = published(tmp_path)
    for size in range(1, 8):
        here.publish(a_checkpoint(size), SIGNING.private)
        os.utime(here.path(size), (size * 1_200, size * 1_200))  # three an hour
    assert here.sizes() == [2, 5, 6, 7]


@pytest.mark.parametrize(
    "text",
    [
        "log.example/00004\n7\ncnJycnJycnJycnJycnJycnJycnJycnJycnJycnJycnI=\n",
        f"{ORIGIN}\n07\ncnJycnJycnJycnJycnJycnJycnJycnJycnJycnJycnI=\n",
        f"{ORIGIN}\n-7\ncnJycnJycnJycnJycnJycnJycnJycnJycnJycnJycnI=\n",
        f"{ORIGIN}\n7\ncnJycnJycnI=\n",
        f"{ORIGIN}\n7\n!\n",
        f"{ORIGIN}\n7\n",
        f"{ORIGIN}\n",
    ],
)
def test_what_is_signed_and_no_checkpoint(text: str) -> None:
    with pytest.raises(CheckpointDamaged, match="here"):
        parse_checkpoint(sign(text, ORIGIN, SIGNING.private), VERIFIER, "here")


def test_damaged_files_are_named(tmp_path: Path) -> None:
    here = published(tmp_path)
    here.publish(a_checkpoint(4), SIGNING.private)
    here.path(5).write_bytes(here.path(4).read_bytes())
    with pytest.raises(CheckpointDamaged, match="speaks of 4 entries"):
        here.newest()
    here.path(5).write_bytes(b"\xff")
    with pytest.raises(CheckpointDamaged, match="0000000000000005"):
        here.newest()
    with pytest.raises(StoreFailed):
        here.read(6)
