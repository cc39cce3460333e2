import errno
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from synthgate.crypto.keys import KeyFolder, KeyFolderError


@pytest.fixture
def folder(tmp_path: Path) -> KeyFolder:
    return KeyFolder.init(tmp_path / "keys")


def test_init_makes_one_of_each_private_to_its_owner(folder: KeyFolder) -> None:
    made = {path.name: path.stat().st_mode & 0o777 for path in folder.path.iterdir()}
    assert made == dict.fromkeys(
        [
            "master.key", "token.key", "canary.key", "pass-1.key", "identity-1.key", "operator.key",
            "operator.pub", "checkpoint.key", "checkpoint.pub",
        ],
        0o600,
    )  # fmt: skip
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert len({folder.master_key, folder.token_key, folder.pass_keys.keys["1"]}) == 3


def test_operator_halves_belong_together(folder: KeyFolder) -> None:
    private = X25519PrivateKey.from_private_bytes(folder.operator_private)
    assert private.public_key().public_bytes_raw() == folder.operator_public


@pytest.mark.parametrize(
    "name",
    [
        "master.key",
        "token.key",
        "pass-7.key",
        "identity-7.key",
        "operator.key",
        "operator.pub",
        "checkpoint.key",
    ],
)
def test_init_overwrites_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("precious")
    with pytest.raises(KeyFolderError, match=name):
        KeyFolder.init(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "precious"


def test_newest_pass_key_signs_and_all_verify(folder: KeyFolder) -> None:
    for _ in range(10):
        folder.add_pass_key()
    keys = KeyFolder(folder.path).pass_keys
    assert keys.signing == "11"  # by number, not by text
    assert set(keys.keys) == {str(number) for number in range(1, 12)}


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("master.key", "master_key"),
        ("token.key", "token_key"),
        ("pass-1.key", "pass_keys"),
        ("operator.pub", "operator_public"),
        ("checkpoint.key", "checkpoint_private"),
        ("checkpoint.pub", "checkpoint_public"),
        ("operator.key", "operator_private"),
    ],
)
@pytest.mark.parametrize("damage", [None, "", "00", "z" * 64, "A" * 64, "0" * 66, "\u0660" * 64])
def test_missing_or_damaged_key_is_named(
    folder: KeyFolder, name: str, attribute: str, damage: str | None
) -> None:
    if damage is None:
        (folder.path / name).unlink()
    else:
        (folder.path / name).write_text(damage, "utf-8")
    with pytest.raises(KeyFolderError) as caught:
        getattr(KeyFolder(folder.path), attribute)
    assert str(folder.path) in str(caught.value)
    if damage is None:
        assert "synthgate keys" in str(caught.value)


def test_workers_need_no_private_operator_key(folder: KeyFolder) -> None:
    (folder.path / "operator.key").unlink()
    worker = KeyFolder(folder.path)
    assert worker.operator_public
    assert worker.master_key
    assert worker.pass_keys


def test_of_identity_keys_two_live_and_the_newer_makes(folder: KeyFolder) -> None:
    assert folder.add_identity_key() == "2"
    keys = KeyFolder(folder.path).identity_keys
    assert (keys.making, set(keys.keys)) == ("2", {"1", "2"})
    with pytest.raises(KeyFolderError, match=r"identity-1\.key"):
        folder.add_identity_key()
    (folder.path / "identity-1.key").unlink()
    assert folder.add_identity_key() == "3"
    for path in folder.path.glob("identity-*.key"):
        path.unlink()
    with pytest.raises(KeyFolderError, match="keys add-identity"):
        KeyFolder(folder.path).identity_keys  # noqa: B018


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyFolderError, match="nowhere"):
        KeyFolder(tmp_path / "nowhere").pass_keys  # noqa: B018


def test_init_where_no_folder_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyFolderError, match="file"):
        KeyFolder.init(tmp_path / "file" / "keys")


@pytest.mark.parametrize("step", ["fsync", "link"])
def test_a_key_file_is_whole_or_not_there(
    folder: KeyFolder, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A torn one would be taken for a key that was lost, and nobody would start."""

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, step, full)
        with pytest.raises(KeyFolderError, match=r"master-2\.key.*No space left"):
            folder.add_master_key()
    assert list(KeyFolder(folder.path).master_keys) == ["master.key"]
    assert [path for path in folder.path.iterdir() if path.suffix == ".tmp"] == []
    assert folder.add_master_key() == "master-2.key"
    assert (folder.path / "master-2.key").stat().st_mode & 0o077 == 0
