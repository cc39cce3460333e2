"""A table in a local store answers as one in memory does, across restarts, kills and releases."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registries.rows import HASH, SUBJECT, T0_MS, a_consent, a_fact_event, an_account, put
from synthgate.cli.scan_places import Place, in_stores
from synthgate.events.facts import ROWS, AccountRow, ConsentRow, UserRow
from synthgate.registries import UNREADABLE, Registries, packed
from synthgate.registries.accounts import Accounts
from synthgate.registries.consents import Consents
from synthgate.registries.copies import STORED
from synthgate.registries.entries import RocksEntries, StoreError
from synthgate.registries.users import Users


def accounts(folder: Path, epoch: int = 1) -> Accounts:
    return Accounts(RocksEntries(folder, AccountRow, epoch))


USERS = ["u0", "u1", "u2"]
STEPS = st.one_of(
    st.tuples(
        st.just("row"), st.sampled_from(USERS), st.integers(1, 4), st.sampled_from(["ok", "closed"])
    ),
    st.tuples(st.just("gone"), st.sampled_from(USERS)),
    st.tuples(st.just("bad"), st.sampled_from([*USERS, "\ud800"])),
    st.tuples(st.just("save")),
    st.tuples(st.just("reopen")),
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(STEPS, max_size=25))
def test_it_answers_as_memory_does(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Any]
) -> None:
    folder = tmp_path_factory.mktemp("store")
    memory, stored, unsaved, at = Accounts(), accounts(folder), [], 0
    for step in steps:
        if step[0] in ("save", "reopen"):
            stored.save({0: at}, 5)
            unsaved.clear()
            if step[0] == "reopen":
                stored.close()
                stored = accounts(folder)
                assert stored.saved is not None
                assert stored.saved.positions == {0: at}
            continue
        key, value = f"acme/{step[1]}".encode(errors="surrogatepass"), b"?"
        if step[0] == "row":
            value = (
                an_account(user=step[1], version=step[2], standing=step[3])
                .model_dump_json()
                .encode()
            )
        for table in (memory, stored):
            table.apply(0, at, key, None if step[0] == "gone" else value)
        at += 1
        for user in USERS:
            assert stored.get("acme", user) == memory.get("acme", user)
        assert (stored.unreadable, len(stored)) == (memory.unreadable, len(memory))
        assert sorted(row.user for row in stored.rows()) == sorted(
            row.user for row in memory.rows()
        )
    stored.close()


def test_what_was_not_saved_is_gone_with_the_process_and_read_again(tmp_path: Path) -> None:
    table = accounts(tmp_path)
    put_one(table, an_account(standing="closed"), 0)
    table.save({0: 1}, 7)
    put_one(table, an_account(standing="ok", version=2), 1)
    table.close()
    again = accounts(tmp_path)
    assert again.get("acme", "u1") == an_account(standing="closed")
    assert (again.saved.positions, again.saved.at) == ({0: 1}, 7)
    put_one(again, an_account(standing="ok", version=2), 1)
    assert again.get("acme", "u1").standing == "ok"


def put_one(table: Any, row: Any, offset: int) -> None:
    key = f"{row.tenant}/{row.user}".encode()
    table.apply(0, offset, key, row.model_dump_json().encode())


def test_grants_of_a_person_are_found_by_the_beginning_of_the_key(tmp_path: Path) -> None:
    registries = Registries(
        ["facts.consents"], lambda topic: RocksEntries(tmp_path / topic, ROWS[topic], 1)
    )
    other = a_consent(subject=f"{SUBJECT}-x")
    put(registries, "facts.consents", a_consent(), a_consent(grant="g-2"), other)
    for _ in range(2):
        grants = registries.consents.grants("acme", SUBJECT)
        assert {row.grant for row in grants} == {"g-1", "g-2"}
        registries.save("facts.consents", {0: 3}, 1)
    registries.apply("facts.consents", 0, 3, f"acme/{SUBJECT}/g-1".encode(), None)
    registries.apply("facts.consents", 0, 4, f"acme/{SUBJECT}/g-2".encode(), b"?")
    assert registries.consents.grants("acme", SUBJECT) == ()
    registries.reset("facts.consents")
    assert registries.saved("facts.consents") is None
    assert registries.consents.grants("acme", f"{SUBJECT}-x") == ()
    assert isinstance(registries.consents, Consents)


def test_what_permits_a_user_outlives_the_process(tmp_path: Path) -> None:
    users = Users(RocksEntries(tmp_path, UserRow, 1))
    row = users.fold(a_fact_event("identity.verified"), HASH)
    assert row is not None
    put_one(users, row, 0)
    users.save({0: 1}, 1)
    users.close()
    again = Users(RocksEntries(tmp_path, UserRow, 1))
    assert again.permits("acme", "u1", T0_MS).verification is not None
    assert again.fold(a_fact_event("identity.verified"), HASH) is None


def test_what_is_to_be_said_again_outlives_the_process(tmp_path: Path) -> None:
    """The store begins behind the late word, so nobody would read it again (ADR 0024)."""
    users = Users(RocksEntries(tmp_path, UserRow, 1))
    row = users.fold(a_fact_event("identity.verified"), HASH)
    assert row is not None
    put_one(users, row.model_copy(update={"version": 3}), 0)
    put_one(users, row.model_copy(update={"facts": []}), 1)
    users.save({0: 2}, 1)
    users.close()
    again = Users(RocksEntries(tmp_path, UserRow, 1))
    (said,) = again.overspoken(0)
    assert (said.version, said.facts) == (3, row.facts)
    put_one(again, said, 2)
    assert not list(again.overspoken(0))
    again.save({0: 3}, 1)
    again.close()
    assert not list(Users(RocksEntries(tmp_path, UserRow, 1)).overspoken(0))


def test_a_store_of_another_epoch_or_row_model_is_built_anew(tmp_path: Path) -> None:
    for other in ("epoch", "model"):
        table = accounts(tmp_path)
        put_one(table, an_account(), 0)
        table.save({0: 1}, 1)
        table.close()
        with mock.patch.object(AccountRow, "model_json_schema", return_value={"other": other}):
            table = accounts(tmp_path, epoch=2 if other == "epoch" else 1)
            assert table.saved is None
            assert table.get("acme", "u1") is None
            table.close()


def test_few_rows_are_kept_parsed(tmp_path: Path) -> None:
    table = accounts(tmp_path)
    with mock.patch.object(packed, "CACHED_MAX", 20):
        for n in range(99):
            put_one(table, an_account(user=f"u{n}"), n)
        table.save({0: 99}, 1)
        assert not table._store._cached, "what nobody asked for is not kept parsed"
        assert all(table.get("acme", f"u{n}") is not None for n in range(99))
        assert len(table._store._cached) <= 20
    assert len(table) == 99


def test_a_store_in_use_or_spoilt_is_named(tmp_path: Path) -> None:
    table = accounts(tmp_path / "a")
    with pytest.raises(StoreError, match="in use"):
        accounts(tmp_path / "a")
    table.close()
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file"):
        accounts(tmp_path / "file")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "CURRENT").write_text("no manifest\n")
    with pytest.raises(StoreError, match="built anew"):
        accounts(tmp_path / "b")
    with (
        mock.patch.dict(sys.modules, {"rocksdict": None}),
        pytest.raises(StoreError, match="extra"),
    ):
        accounts(tmp_path / "c")


WRITER = """
import sys
from pathlib import Path
from registries.rows import an_account
from synthgate.events.facts import AccountRow
from synthgate.registries.accounts import Accounts
from synthgate.registries.entries import RocksEntries
table = Accounts(RocksEntries(Path(sys.argv[1]), AccountRow, 1))
at = table.saved.positions[0] if table.saved else 0
print("begun", at, flush=True)
while True:
    for _ in range(50):
        row = an_account(user=f"u{at % 700}", version=at + 1)
        table.apply(0, at, f"acme/u{at % 700}".encode(), row.model_dump_json().encode())
        at += 1
    table.save({0: at}, 1)
"""


def test_after_kill_9_a_store_holds_what_its_positions_say(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    for kill in range(4):
        child = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, env=environment
        )
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(0.05 + 0.07 * kill)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        table = accounts(tmp_path)
        at = table.saved.positions[0] if table.saved else 0
        for n in range(700):
            newest = max((v for v in range(n, at, 700)), default=None)
            row = table.get("acme", f"u{n}")
            assert row is not UNREADABLE
            assert (None if row is None else row.version) == (
                None if newest is None else newest + 1
            )
        table.close()
    assert at > 0


def test_a_store_is_searched_for_numbers_while_a_worker_holds_it(tmp_path: Path) -> None:
    """DSP-9-4: keys and rows of every store below the folder."""
    table = accounts(tmp_path / "one" / "facts.accounts")
    put_one(table, an_account(), 0)
    table.save({0: 1}, 1)
    place = Place("stores")
    in_stores(tmp_path, place)
    assert (place.searched, place.found) == (2, [])
    put_one(table, an_account(user="13800138000"), 1)
    table.save({0: 2}, 1)
    place = Place("stores")
    in_stores(tmp_path, place)
    assert (place.searched, len(place.found)) == (3, 1)
    assert "1380013" not in str(place.found)
    table.close()


def test_what_grows_with_people_is_stored() -> None:
    assert ConsentRow is ROWS["facts.consents"]
    assert set(ROWS) > STORED
