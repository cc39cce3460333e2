"""Keys: hashed, scoped, ending; a file that is damaged lets nobody in."""

import json
import stat
import threading
from pathlib import Path

import pytest

from synthgate.__main__ import main
from synthgate.api.keys import DAY_MS, KeyFile, KeyFileError
from synthgate.api.limits import KNOWN_MAX, Buckets
from synthgate.ledger.files import FileOps
from synthgate.settings import Settings

NOW = 1_795_000_000_000


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "api-keys.json")


def made(file: KeyFile, **over: object) -> tuple[str, str]:
    given = {"tenant": "acme", "sources": ["//a"], "scopes": ["events"], "days": 1, "by": "li"}
    key, secret = file.make(**(given | over), now_ms=NOW)  # type: ignore[arg-type]
    return key.id, secret


def test_a_key_lets_in_until_its_day_and_its_secret_is_nowhere(file: KeyFile) -> None:
    _, secret = made(file)
    key = file.holder(secret, NOW + DAY_MS - 1)
    assert key is not None
    assert (key.tenant, key.sources, key.scopes) == ("acme", ("//a",), {"events"})
    assert file.holder(secret, NOW + DAY_MS) is None
    assert secret.split("_", 2)[2] not in file.path.read_text()
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_another_replica_hears_of_it_and_of_its_end(file: KeyFile) -> None:
    other = KeyFile(file.path)
    id_, secret = made(file)
    assert other.holder(secret, NOW) is not None
    file.revoke(id_, NOW)
    assert other.holder(secret, NOW) is None
    assert file.revoke(id_, NOW + 5).revoked_at == NOW
    with pytest.raises(KeyError):
        file.revoke("0" * 12, NOW)


def test_a_key_taken_back_while_another_is_made_stays_taken_back(file: KeyFile) -> None:
    id_, secret = made(file)
    writing, goes_on = threading.Event(), threading.Event()

    class Slow(FileOps):
        def write_whole(self, path: Path, data: bytes) -> None:
            writing.set()
            assert goes_on.wait(60)
            super().write_whole(path, data)

    slow = KeyFile(file.path, Slow())
    threads = [threading.Thread(target=made, args=(slow,))]
    threads[0].start()
    assert writing.wait(60)
    threads.append(threading.Thread(target=file.revoke, args=(id_, NOW)))
    threads[1].start()
    threads[1].join(0.3)
    goes_on.set()
    for thread in threads:
        thread.join(60)
    last = KeyFile(file.path)
    assert last.holder(secret, NOW) is None
    assert len(last.all()) == 2


@pytest.mark.parametrize("damage", ["", "{}", "[{}]", '[{"id":1}]', "\x00"])
def test_a_damaged_file_lets_nobody_in(file: KeyFile, damage: str) -> None:
    _, secret = made(file)
    row = json.loads(file.path.read_text())[0]
    file.path.write_text(damage)
    if damage != "{}":
        with pytest.raises(KeyFileError):
            file.holder(secret, NOW)
    else:
        assert file.holder(secret, NOW) is None
    file.path.write_text(json.dumps([row | {"scopes": ["everything"]}]))
    with pytest.raises(KeyFileError):
        file.all()


def test_without_a_file_there_are_no_keys(file: KeyFile) -> None:
    assert file.all() == {}
    assert file.holder("sgk_" + "0" * 12 + "_" + "A" * 43, NOW) is None


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = ("--set", f"data_dir={tmp_path}")
    assert (
        main(["api", "make-key", *here, "--tenant", "acme", "--source", "//a", "--by", "li"]) == 0
    )
    secret = capsys.readouterr().out.strip()
    assert main(["api", "keys", *here, "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["tenant"], row["scopes"], row["state"]) == (
        "acme",
        ["decisions", "events"],
        "lets in",
    )
    assert "sha256" not in row
    assert main(["api", "revoke-key", *here, row["id"]]) == 0
    assert main(["api", "keys", *here]) == 0
    assert "revoked" in capsys.readouterr().out
    assert (
        KeyFile(Settings.load(environ={}, data_dir=tmp_path).api_keys_path).holder(secret, 1)
        is None
    )
    assert main(["api", "revoke-key", *here, "nobody"]) == 1
    wrong = ["--tenant", "a", "--source", "b", "--by", "c", "--days", "0"]
    assert main(["api", "make-key", *here, *wrong]) == 78


def test_a_bucket_fills_again_and_a_large_batch_is_paid_for() -> None:
    now = [0.0]
    buckets = Buckets(seconds=2.0, clock=lambda: now[0])
    assert [buckets.take("a", 1, 1.0) for _ in range(2)] == [0.0, 0.0]
    assert buckets.take("a", 1, 1.0) == pytest.approx(1.0)
    assert buckets.take("b", 50, 1.0) == 0.0
    now[0] = 10.0
    assert buckets.take("a", 1, 1.0) == 0.0
    assert buckets.take("b", 1, 1.0) > 30
    for number in range(KNOWN_MAX + 5):
        buckets.take(str(number), 1, 1.0)
    assert len(buckets._left) == KNOWN_MAX
