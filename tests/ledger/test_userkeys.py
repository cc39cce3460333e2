import errno
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.builders import MASTER, a_ring
from ledger.ops import StepOps, failing, steps_of
from synthgate.ledger.errors import KeyErased, KeyLost, StoreFailed, StoreFull, WrongMasterKey
from synthgate.ledger.userkeys import ROWS, KeyRing, UserKey

NONCE = b"n" * 12


def opens(ring: KeyRing, key: UserKey) -> bool:
    sealed = key.cipher.encrypt(NONCE, b"content", None)
    return ring.cipher(key.kid).decrypt(NONCE, sealed, None) == b"content"


def key_files(folder: Path) -> list[Path]:
    return sorted((folder / "user-keys").glob("*.keys"))


def test_one_key_per_user_and_session(tmp_path: Path) -> None:
    ring = a_ring(tmp_path)
    one, two = ring.key_for("one"), ring.key_for("two")
    assert ring.key_for("one") is one
    assert one.kid != two.kid
    assert one.cipher.encrypt(NONCE, b"x", None) != two.cipher.encrypt(NONCE, b"x", None)
    assert a_ring(tmp_path).key_for("one").kid != one.kid


def test_other_sessions_open_the_keys(tmp_path: Path) -> None:
    keys = [a_ring(tmp_path).key_for(user) for user in "abc"]
    assert all(opens(a_ring(tmp_path), key) for key in keys)


def test_giving_a_key_writes_nothing_until_a_file_is_used_up(tmp_path: Path) -> None:
    steps: list[str] = []
    ring = a_ring(tmp_path, StepOps(before=steps.append))
    first = ring.key_for("0")
    made = len(steps)
    assert made > 0
    for number in range(1, ROWS):
        ring.key_for(str(number))
    assert len(steps) == made
    last = ring.key_for(str(ROWS))
    assert len(steps) > made
    assert len(key_files(tmp_path)) == 2
    assert opens(ring, first)
    assert opens(ring, last)


def test_file_is_durable_before_its_first_key_is_given(tmp_path: Path) -> None:
    steps = steps_of(lambda ops: a_ring(tmp_path, ops).key_for("one"))
    own = steps[steps.index("create") :]
    assert own.index("write") < own.index("sync") < own.index("sync_folder")
    assert own[-1] == "sync_folder"


def test_erased_key_is_gone_for_every_session(tmp_path: Path) -> None:
    ring = a_ring(tmp_path)
    one, two = ring.key_for("one"), ring.key_for("two")
    before = key_files(tmp_path)[0].read_bytes()
    ring.erase(one.kid)
    ring.erase(one.kid)
    for reader in (ring, a_ring(tmp_path)):
        with pytest.raises(KeyErased, match=one.kid):
            reader.cipher(one.kid)
        assert opens(reader, two)
    after = key_files(tmp_path)[0].read_bytes()
    assert sum(a != b for a, b in zip(before, after, strict=True)) <= 60


def test_forgotten_user_gets_another_key(tmp_path: Path) -> None:
    ring = a_ring(tmp_path)
    old = ring.key_for("one")
    ring.forget("one")
    assert ring.key_for("one").kid != old.kid


def test_least_recently_used_user_is_let_go(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path / "user-keys", MASTER, cached_users=2)
    one, two = ring.key_for("one"), ring.key_for("two")
    assert ring.key_for("one") is one
    ring.key_for("three")
    assert ring.key_for("one") is one
    assert ring.key_for("two").kid != two.kid


MANY = """
import pathlib, sys
from synthgate.ledger.userkeys import KeyRing

def kib():
    return int(open("/proc/self/status").read().split("VmRSS:")[1].split()[0])

ring = KeyRing(pathlib.Path(sys.argv[1]), b"m" * 32)
ring.key_for("first").cipher
before = kib()
for number in range(20_000):
    ring.key_for(f"user-{number:040d}").cipher
print(kib() - before)
"""


def test_a_user_takes_few_hundred_bytes(tmp_path: Path) -> None:
    """In a process of its own: what the cipher's library takes, no tracer of Python's memory sees."""
    said = subprocess.check_output([sys.executable, "-c", MANY, str(tmp_path / "keys")], text=True)
    assert 0 < int(said) * 1024 / 20_000 < 800


def test_a_key_is_not_shown(tmp_path: Path) -> None:
    key = a_ring(tmp_path).key_for("one")
    assert key.kid in repr(key)
    assert repr(key.key)[2:-1] not in repr(key)


def test_wrong_master_key_is_named_at_opening_and_at_reading(tmp_path: Path) -> None:
    key = a_ring(tmp_path).key_for("one")
    with pytest.raises(WrongMasterKey, match=r"master\.key"):
        KeyRing.open(tmp_path / "user-keys", b"w" * 32)
    wrong = KeyRing(tmp_path / "user-keys", b"w" * 32)
    with pytest.raises(WrongMasterKey):
        wrong.cipher(key.kid)
    with pytest.raises(WrongMasterKey):
        wrong.erase(key.kid)
    assert opens(a_ring(tmp_path), key)


def test_damage_is_not_taken_for_erasure(tmp_path: Path) -> None:
    ring = a_ring(tmp_path)
    one, two = ring.key_for("one"), ring.key_for("two")
    path = key_files(tmp_path)[0]
    data = bytearray(path.read_bytes())
    start = data.index(b"\n") + 1
    data[start + 30] ^= 1
    path.write_bytes(data)
    with pytest.raises(KeyLost, match="row 0"):
        ring.cipher(one.kid)
    path.write_bytes(data[: start + 100])
    with pytest.raises(KeyLost, match="cut short"):
        ring.cipher(two.kid)
    path.write_bytes(b"?" + data[1:])
    with pytest.raises(KeyLost):
        ring.cipher(two.kid)
    path.unlink()
    with pytest.raises(KeyLost, match="no key file"):
        ring.cipher(two.kid)


@pytest.mark.parametrize("kid", ["", "x", "00:1", "../../../../etc/x:1", f"{'0' * 16}:{ROWS}"])
def test_not_a_key_id(tmp_path: Path, kid: str) -> None:
    with pytest.raises(KeyLost):
        a_ring(tmp_path).cipher(kid)


def test_file_cut_short_by_a_crash_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "user-keys").mkdir()
    (tmp_path / "user-keys" / f"{'0' * 16}.keys").write_bytes(b"synthgate userk")
    a_ring(tmp_path).key_for("one")
    with pytest.raises(WrongMasterKey):
        KeyRing.open(tmp_path / "user-keys", b"w" * 32)


def test_no_room_and_failures_leave_the_ring_usable(tmp_path: Path) -> None:
    (tmp_path / "user-keys").mkdir()
    steps = len(steps_of(lambda ops: a_ring(tmp_path, ops).key_for("one")))
    for step in range(steps):
        for code, kind in ((errno.ENOSPC, StoreFull), (errno.EIO, StoreFailed)):
            ring = a_ring(tmp_path, StepOps(before=failing(step, code)))
            with pytest.raises(kind):
                ring.key_for("one")
            assert opens(ring, ring.key_for("one"))
            assert all(len(path.read_bytes()) > 60_000 for path in key_files(tmp_path))


def test_row_is_bound_to_its_place(tmp_path: Path) -> None:
    ring = a_ring(tmp_path)
    one, two = ring.key_for("one"), ring.key_for("two")
    path = key_files(tmp_path)[0]
    data = bytearray(path.read_bytes())
    start = data.index(b"\n") + 1
    data[start : start + 60], data[start + 60 : start + 120] = (
        data[start + 60 : start + 120],
        data[start : start + 60],
    )
    path.write_bytes(data)
    for key in (one, two):
        with pytest.raises(KeyLost):
            ring.cipher(key.kid)


def test_a_user_gets_another_key_long_before_an_entry_may_be_erased(tmp_path: Path) -> None:
    now = 0.0
    ring = KeyRing(tmp_path, MASTER, clock=lambda: now)
    first = ring.key_for("u").kid
    now = 29 * 86_400
    assert ring.key_for("u").kid == first
    now = 30 * 86_400
    second = ring.key_for("u").kid
    assert second != first
    now = 59 * 86_400
    assert ring.key_for("u").kid == second
