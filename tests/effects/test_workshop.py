"""Files are labelled once, a few at a time; slow ones hold nobody up; what runs away is ended by name."""

import hashlib
import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from effects.provenance import chains
from effects.provenance.chains import signer
from synthgate.effects import isolated, workshop
from synthgate.effects.carriers import png
from synthgate.effects.isolated import Limits, apart
from synthgate.effects.label import Label
from synthgate.effects.labelled_file import LabelledFile, Unlabelled, mark
from synthgate.effects.objects import LocalObjects
from synthgate.effects.provenance import manifest
from synthgate.effects.sources import Sources
from synthgate.effects.workshop import Outcome, Task, Workshop
from synthgate.events.origin import Origin
from synthgate.step import Waiting

FILES = Path(__file__).parent / "carriers" / "files"
LABEL = Label.first("001191110000600037341L10001", "SG1-A")
SOON = 60.0


def key(offset=1, number=0):
    return Origin(1, "generation.events", 0, offset), number


@pytest.fixture
def home(tmp_path):
    (tmp_path / "in").mkdir()
    Image.new("RGB", (320, 200), "green").save(tmp_path / "in" / "a.png")
    return tmp_path


@pytest.fixture
def store(home):
    return LocalObjects(home / "objects")


@pytest.fixture
def shop(home, store):
    made = Workshop(Sources({"acme": home / "in"}, 10_000_000), store, Limits())
    yield made
    made.close()


def task(home, name="a.png", medium="image", **over):
    data = (home / "in" / name).read_bytes()
    row = {"name": name, "sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)} | over
    return Task(0, "acme", row, medium, "AI生成", LABEL)


def test_a_file_is_labelled_stored_and_named(shop, store, home):
    (outcome,) = shop.outcomes({key(): task(home)}, SOON).values()
    assert outcome.fault is None
    assert outcome.explicit["text"] == "AI生成"
    found = LabelledFile.read(store, outcome.object["name"])
    assert (found.row(), found.label) == (outcome.object, LABEL)


def test_the_same_file_again_is_the_same_object(shop, home):
    first = shop.outcomes({key(): task(home)}, SOON)
    assert shop.outcomes({key(): task(home)}, SOON) == first
    assert len(list((home / "objects" / "0").glob("*.png"))) == 1


def test_a_bad_file_is_named_and_harms_no_other(shop, home):
    (home / "in" / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    said = shop.outcomes(
        {key(1): task(home, "b.png"), key(2): task(home), key(3): task(home, sha256="0" * 64)}, SOON
    )
    assert [outcome.fault for outcome in said.values()] == ["file_broken", None, "source_differs"]
    assert len(list((home / "objects" / "0").glob("*.png"))) == 1


def test_other_bytes_under_its_name_are_not_released(shop, store, home):
    (good,) = shop.outcomes({key(): task(home)}, SOON).values()
    store.remove(good.object["name"])
    store.put(good.object["name"], b"something else")
    (outcome,) = shop.outcomes({key(): task(home)}, SOON).values()
    assert outcome == Outcome("label_unreadable")


def test_a_batch_may_wait_and_finds_what_was_done_meanwhile(shop, home, monkeypatch):
    gate, begun = threading.Event(), []

    def slow(*asked, **how):
        begun.append(asked[1])
        assert gate.wait(SOON)
        return mark(*asked, **how)

    monkeypatch.setattr(workshop, "mark", slow)
    tasks = {key(number): task(home) for number in (1, 2)}
    for _ in range(2):
        with pytest.raises(Waiting, match="media"):
            shop.outcomes(tasks, 0.01)
    gate.set()
    assert [one.fault for one in shop.outcomes(tasks, SOON).values()] == [None, None]
    assert begun == ["a.png", "a.png"]


def test_a_store_that_is_away_is_waited_for_and_then_tried_anew(home):
    (home / "objects").write_text("in the way")
    shop = Workshop(
        Sources({"acme": home / "in"}, 10_000_000), LocalObjects(home / "objects"), Limits()
    )
    with pytest.raises(Waiting, match="object store"):
        shop.outcomes({key(): task(home)}, SOON)
    (home / "objects").unlink()
    assert shop.outcomes({key(): task(home)}, SOON)[key()].fault is None


def test_slow_files_do_not_stand_in_the_way_of_quick_ones(shop, home, monkeypatch):
    gate = threading.Event()
    (home / "in" / "f.mp4").write_bytes((FILES / "film.mp4").read_bytes())

    def slow(*asked, **how):
        assert gate.wait(SOON)
        raise Unlabelled("file_too_slow")

    monkeypatch.setattr(workshop, "apart", slow)
    films = {key(number): task(home, "f.mp4", "video") for number in range(10, 14)}
    with pytest.raises(Waiting):
        shop.outcomes(films, 0.01)
    assert shop.outcomes({key(): task(home)}, SOON)[key()].fault is None
    gate.set()
    assert {one.fault for one in shop.outcomes(films, SOON).values()} == {"file_too_slow"}


class TestApart:
    """In a process of its own. A file that needs none of ffmpeg will do."""

    def test_it_comes_to_the_same_as_here(self, home):
        data = (FILES / "plain.wav").read_bytes()
        asked = (data, "plain.wav", "audio", "AI生成", LABEL)
        assert apart(*asked, Limits(60)) == mark(*asked)

    def test_a_fault_comes_back_by_name(self):
        with pytest.raises(Unlabelled, match="file_broken"):
            apart(b"\xff\xd8\xff", "a.jpg", "image", "AI生成", LABEL, Limits(60))

    def test_it_ends_when_its_time_is_over_with_all_it_started(self, tmp_path, monkeypatch):
        program = tmp_path / "python"
        program.write_text(f"#!/bin/sh\nsleep 120 & echo $! > {tmp_path}/pid\nwait\n")
        program.chmod(0o755)
        monkeypatch.setattr(isolated.sys, "executable", str(program))
        with pytest.raises(Unlabelled, match="file_too_slow"):
            apart(b"x", "a.png", "image", "AI生成", LABEL, Limits(3))
        assert _ends(int((tmp_path / "pid").read_text()))

    def test_what_wants_more_memory_than_it_may_have_is_refused(self):
        data = bytearray((FILES / "plain.wav").read_bytes()) + bytes(128 << 20)
        with pytest.raises(Unlabelled, match="file_too_large"):
            apart(bytes(data), "a.wav", "audio", "AI生成", LABEL, Limits(60, 130))

    def test_it_knows_no_setting_of_ours(self, tmp_path, monkeypatch):
        program = tmp_path / "python"
        program.write_text(f"#!/bin/sh\nenv > {tmp_path}/env\nexit 1\n")
        program.chmod(0o755)
        monkeypatch.setattr(isolated.sys, "executable", str(program))
        for name in ("SYNTHGATE_SASL_PASSWORD", "SYNTHGATE_S3_SECRET_KEY", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "hush")
        with pytest.raises(Unlabelled, match="file_broken"):
            apart(b"x", "a.png", "image", "AI生成", LABEL, Limits(60))
        assert "hush" not in (tmp_path / "env").read_text()


def _ends(pid):
    for _ in range(600):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_what_the_operator_signs_is_signed_last_of_all(home, store, tmp_path):
    made = Workshop(Sources({"acme": home / "in"}, 10_000_000), store, Limits(), signer(tmp_path))
    (outcome,) = made.outcomes({key(): task(home)}, SOON).values()
    made.close()
    found = LabelledFile.read(store, outcome.object["name"])
    assert found.label == LABEL
    notes = [*manifest.notes(found.data, png.CARRIER, chains.made()["roots.pem"])]
    assert notes == [f"{manifest.SAYS_GENERATED}, trusted"]


def test_what_cannot_be_signed_is_not_let_out(home, store, tmp_path):
    by = replace(signer(tmp_path), roots=chains.made(1)["roots.pem"])
    made = Workshop(Sources({"acme": home / "in"}, 10_000_000), store, Limits(), by)
    assert set(made.outcomes({key(): task(home)}, SOON).values()) == {Outcome("manifest_unsigned")}
    made.close()
    assert not list((home / "objects").rglob("*.png"))
