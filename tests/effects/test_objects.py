"""The object store: created only if absent, whole, never changed, never outside its folder."""

import multiprocessing
import os
import resource

import pytest

from synthgate.effects.objects import LocalObjects, ObjectConflict, WrongName, object_name
from synthgate.events.origin import Origin
from synthgate.step import Waiting


@pytest.fixture
def store(tmp_path):
    return LocalObjects(tmp_path / "objects")


def test_what_is_put_is_there_and_stays(store, tmp_path):
    assert store.get("3/a.txt") is None
    assert not store.exists("3/a.txt")
    store.put("3/a.txt", b"one")
    store.put("3/a.txt", b"one")
    with pytest.raises(ObjectConflict):
        store.put("3/a.txt", b"two")
    assert store.get("3/a.txt") == b"one"
    assert store.exists("3/a.txt")
    assert list((tmp_path / "objects" / ".parts").iterdir()) == []


def test_a_batch_names_its_conflicts_and_writes_the_rest(store):
    store.put("0/b", b"old")
    batch = {f"0/{letter}": letter.encode() for letter in "abcdefgh"}
    assert store.put_all(batch) == {"0/b"}
    assert [store.get(name) for name in batch] == [b"a", b"old", *(c.encode() for c in "cdefgh")]
    assert store.put_all({}) == frozenset()


@pytest.mark.parametrize(
    "name",
    ["", "/etc/passwd", "../x", "a/../../x", "a//b", ".parts/x", "a/.b", "a\x00b", "a\nb", "a b", "名字",
     "x" * 300,
     "a/", "1/2/3/4/5/6/7", "\ud800"],
)  # fmt: skip
def test_names_that_lead_elsewhere_are_none(store, name):
    with pytest.raises(WrongName):
        store.put(name, b"x")
    assert store.get(name) is None
    assert not store.exists(name)


def test_a_name_that_is_a_folder_or_below_a_file_is_no_object(store):
    store.put("0/a", b"x")
    assert store.get("0") is None
    assert not store.exists("0")
    assert store.get("0/a/b") is None
    assert not store.exists("0/a/b")


def test_a_full_disk_is_waited_for_and_leaves_nothing_half_there(store, tmp_path):
    store.put("0/first", b"x")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
    try:
        with pytest.raises(Waiting) as caught:
            store.put("0/big", b"x" * (2 << 20))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.what == "object store"
    assert not store.exists("0/big")
    assert list((tmp_path / "objects" / ".parts").iterdir()) == []
    store.put("0/big", b"x" * (2 << 20))


def test_a_folder_that_cannot_be_is_waited_for(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Waiting):
        LocalObjects(tmp_path / "file" / "objects").put("0/a", b"x")


def test_objects_can_be_read_by_the_file_server(store, tmp_path):
    store.put("0/a", b"x")
    assert (tmp_path / "objects/0/a").stat().st_mode & 0o777 == 0o644


def _race(folder, number, barrier):
    store = LocalObjects(folder)
    barrier.wait()
    won = store.put_all({f"0/{name}": f"{number}".encode() * 1000 for name in range(50)})
    os._exit(len(won))


def test_of_many_writers_one_wins_each_name(tmp_path):
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(4)
    writers = [context.Process(target=_race, args=(tmp_path, n, barrier)) for n in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    lost = sum(writer.exitcode for writer in writers)
    assert lost == 150  # 4 x 50 tries, 50 names
    store = LocalObjects(tmp_path)
    for name in range(50):
        data = store.get(f"0/{name}")
        assert len(data) == 1000
        assert len(set(data)) == 1


def test_names_say_origin_and_hash():
    name = object_name(3, Origin(1, "generation.events", 3, 17), b"x")
    assert name.startswith("3/1-generation.events-3-17-2d711642b726b04401627ca9fbac32f5")
    assert name.endswith("4881.txt")
