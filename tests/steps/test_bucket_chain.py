"""The chain with its log, its objects and a tenant's files in buckets, on a real S3-compatible server."""

import hashlib
import os
import threading
import traceback
from pathlib import Path
from typing import Any

import pytest

from acts_at_hand import a_bus, accept, decide
from buckets import BUCKET, a_place
from local_bus import LocalBus
from synthgate import bucket as bucket_module
from synthgate.__main__ import main
from synthgate.broker.object_store import ObjectServer
from synthgate.bucket import Bucket, BucketAway
from synthgate.demo import media
from synthgate.demo.acts import Act, Cited, Story, event_of
from synthgate.demo.facts import facts
from synthgate.effects.bucket_objects import BucketObjects
from synthgate.effects.labelled_file import LabelledFile
from synthgate.effects.objects import WrongName
from synthgate.effects.places import open_objects, open_sources
from synthgate.effects.sources import SourceError, Sources
from synthgate.events.decision import Decision
from synthgate.ledger import Packer
from synthgate.ledger.packer import HOUR_MS
from synthgate.ledger.rings import open_ring
from synthgate.ledger.stores import open_store
from synthgate.settings import Settings
from synthgate.step import Waiting
from synthgate.steps.places import check_places
from synthgate.steps.sweeping import sweep

WHO = Story("painter", "", (), accepts=False)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_module, "PAUSES_S", (0.01,))


@pytest.fixture
def bus(object_server: ObjectServer, tmp_path: Path) -> LocalBus:
    """Log and objects below one prefix, the tenant's files below another."""
    own = f"s3://{BUCKET}/{os.urandom(6).hex()}"
    places = {"bucket": f"{own}/ours", "media_roots": f"demo={own}/theirs"}
    bus = a_bus(tmp_path / "data", **object_server.settings, **places)
    for topic, row in facts(bus.now_ms):
        bus.fact(topic, row)
    accept(bus, "painter", "demo")
    decide(bus, event(bus, Act("v", "", "identity.verified")))
    theirs(bus.settings).create(media.PICTURE.name, media.PICTURE.data)
    return bus


def theirs(settings: Settings) -> Bucket:
    return Bucket.open(settings, settings.media_buckets["demo"], "media root")


def event(bus: LocalBus, act: Act, cited: Decision | None = None) -> dict[str, Any]:
    bus.now_ms += 1000
    brought = cited and Cited(cited.pass_, tuple(o.model_dump() for o in cited.objects))
    return event_of(WHO, act, bus.now_ms, brought, "r")


def painting(id: str, kind: str, **more: Any) -> Act:
    return Act(id, id, kind, generation="g", template="studio", medium="image", **more)


def painted(bus: LocalBus) -> Decision:
    asked = decide(bus, event(bus, painting("ask", "generation.requested", prompt="画一座山")))
    return decide(
        bus,
        event(bus, painting("done", "generation.completed", files=(media.PICTURE,)), asked),
    )


def cli(bus: LocalBus, tmp_path: Path, *words: str) -> int:
    """A command with the chain's settings, as an operator gives them: in a file."""
    given = bus.settings.model_dump(mode="json", exclude_defaults=True)
    given["s3_secret_key"] = bus.settings.s3_secret_key.get_secret_value()
    given["s3_access_key"] = bus.settings.s3_access_key.get_secret_value()
    rows = "".join(
        f"{name} = {str(value).lower() if isinstance(value, bool) else repr(value)}\n"
        for name, value in given.items()
    )
    (tmp_path / "settings.toml").write_text(rows.replace("'", '"'))
    return main(["--config", str(tmp_path / "settings.toml"), *words])


def test_a_picture_goes_through_and_nothing_of_it_lies_in_the_folder(
    bus: LocalBus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check_places(bus.settings, ["labelling"])
    decision = painted(bus)
    assert decision.action == "release", decision.reasons
    (row,) = decision.objects
    store = open_objects(bus.settings)
    data = store.get(row.name)
    assert data is not None
    assert hashlib.sha256(data).hexdigest() == row.sha256
    assert LabelledFile.read(store, row.name) is not None
    left = list(bus.settings.data_dir.rglob("*.seg"))
    assert left == []
    assert not bus.settings.objects_dir.exists()
    bus.tick()
    assert cli(bus, tmp_path, "log", "build") == 0
    assert cli(bus, tmp_path, "verify") == 0
    assert "whole" in capsys.readouterr().out
    (tmp_path / "served.png").write_bytes(data)
    assert cli(bus, tmp_path, "trace", str(tmp_path / "served.png")) == 0
    assert decision.event_id in capsys.readouterr().out
    assert cli(bus, tmp_path, "scan") in (0, 75)
    assert cli(bus, tmp_path, "replay") == 0
    assert cli(bus, tmp_path, "sweep", "--dry-run") == 0
    assert cli(bus, tmp_path, "log", "expire", "--dry-run") == 0
    assert cli(bus, tmp_path, "log", "space") == 0
    assert "in a bucket" in capsys.readouterr().out


def test_the_loop_waits_for_no_request(bus: LocalBus, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store takes its time: the worker's other partitions, its group and its probes do not stand still."""
    real, waited = Bucket._ask, list[str]()

    def ask(self: Bucket, doing: str, call: Any) -> Any:
        if threading.current_thread() is threading.main_thread():
            waited.append("".join(traceback.format_stack(limit=12)))
        return real(self, doing, call)

    monkeypatch.setattr(Bucket, "_ask", ask)
    decision = painted(bus)
    told = event(bus, painting("out", "content.published"), decision)
    decide(bus, told)
    bus.now_ms += 1000
    bus.send(told)  # an act that is repeated is looked up in the log
    bus.run()
    bad = painting("bad", "generation.requested", prompt="出售枪支")
    assert decide(bus, event(bus, bad)).action == "refuse"  # incidents asks what it rests on
    bus.read.clear()
    bus.run()
    assert waited == [], f"{len(waited)} requests on the loop, the first: {waited[0]}"


def test_a_flipped_bit_in_the_bucket_is_found_by_the_command(
    bus: LocalBus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    painted(bus)
    assert cli(bus, tmp_path, "log", "build") == 0
    ours = Bucket.open(bus.settings, a_place(bus.settings).below("ledger"), "ledger")
    name = next(one.name for one in ours.names() if one.name.endswith(".seg"))
    data = bytearray(ours.get(name))
    data[100] ^= 4
    ours.replace(name, bytes(data))
    assert cli(bus, tmp_path, "verify", "--jobs", "1") == 1
    said = capsys.readouterr().out
    assert "NOT WHOLE" in said
    assert f"s3://{BUCKET}/" in said
    assert name in said


def test_packed_and_started_again_repeats_are_answered_from_the_log(bus: LocalBus) -> None:
    first = painted(bus)
    store = open_store(bus.settings)
    for log in store.logs():
        Packer(store, log).run(bus.now_ms + 3 * HOUR_MS)
    bus.read.clear()
    before = len(bus.decisions())
    bus.start()
    bus.run()
    again = [one for one in bus.decisions()[before:] if one.event_id == first.event_id]
    assert {(one.receipt, one.action) for one in again} == {(first.receipt, "release")}


@pytest.mark.parametrize("after", [False, True])
def test_a_store_that_goes_away_at_the_append_is_waited_for_and_nothing_is_doubled(
    bus: LocalBus, monkeypatch: pytest.MonkeyPatch, *, after: bool
) -> None:
    """The wait is declared, no worker ends; when the store is back the same log goes on."""
    away = True
    real = Bucket.create

    def create(self: Bucket, name: str, data: Any) -> bool:
        done = real(self, name, data) if after else False
        if away and name.endswith(".seg"):
            raise BucketAway("ledger", "SlowDown", "SlowDown", refused=False)
        return done or real(self, name, data)

    monkeypatch.setattr(Bucket, "create", create)
    with pytest.raises(Waiting) as caught:
        painted(bus)
    assert caught.value.what == "ledger"
    away = False
    bus.run()
    assert bus.decisions()[-1].event_id.endswith("ask")
    assert bus.decisions()[-1].action == "release"
    store = open_store(bus.settings)
    heads = {log: bus.parts.logs.get(log).head for log in store.logs()}
    origins = [
        bus.parts.logs.get(log).header(index)["origin"]
        for log, head in heads.items()
        for index in range(head)
    ]
    assert len(origins) == len(set(origins))


def test_what_no_entry_names_is_swept(bus: LocalBus) -> None:
    decision = painted(bus)
    store = open_objects(bus.settings)
    (row,) = decision.objects
    log, _, rest = row.name.partition("/")
    origin = rest[: rest.rindex("-")]
    stray = f"{log}/{origin}-{'0' * 64}.png"
    store.put_all({stray: b"made twice", f"{log}/7-generation.events-0-9-{'0' * 64}.png": b"yet"})
    ring = open_ring(bus.settings)
    assert sweep(store, open_store(bus.settings), ring, dry_run=True).objects == 1
    done = sweep(store, open_store(bus.settings), ring)
    assert (done.objects, done.unlogged) == (1, 1)
    assert not store.exists(stray)
    assert store.exists(row.name)


def test_an_object_is_created_once_and_never_outside(bus: LocalBus) -> None:
    store = open_objects(bus.settings)
    assert isinstance(store, BucketObjects)
    many = {f"0/{number}.txt": b"%d" % number for number in range(40)}
    assert store.put_all(many) == frozenset()
    assert store.put_all({**many, "0/3.txt": b"other"}) == {"0/3.txt"}
    assert store.get("0/3.txt") == b"3"
    assert dict(store.names(0))["0/39.txt"] == 2
    assert set(many) <= set(store.every())
    for name in ("../ledger/00000/x", "/a", "0/../../x", ".hidden"):
        assert store.get(name) is None
        assert not store.exists(name)
        with pytest.raises(WrongName):
            store.put_all({name: b"x"})
    assert (store.remove("0/3.txt"), store.remove("0/3.txt")) == (True, False)


@pytest.fixture
def sources(bus: LocalBus) -> Sources:
    return open_sources(bus.settings)


def row(name: str, data: bytes, **over: Any) -> dict[str, Any]:
    named = {"name": name, "sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}
    return named | over


def test_a_file_is_what_was_named_and_lies_where_the_tenant_may(
    bus: LocalBus, sources: Sources
) -> None:
    bucket = theirs(bus.settings)
    for name in ("a.png", "deep/er/图 1+2%?.png", "empty"):
        data = b"" if name == "empty" else b"a picture"
        bucket.create(name, data)
        sources.check("demo", row(name, data))
        assert sources.read("demo", row(name, data)) == data
    bucket.create("grown", b"a picture and more")
    outside = Bucket.open(bus.settings, a_place(bus.settings), "media root")
    outside.create("secret", b"a picture")
    for named, tenant, code in (
        (row("a.png", b"a pictura"), "demo", "source_differs"),
        (row("grown", b"a picture"), "demo", "source_differs"),
        (row("a.png", b"a picture!"), "demo", "source_differs"),
        (row("b.png", b"x"), "demo", "source_missing"),
        (row("deep", b"x"), "demo", "source_missing"),
        (row("../ours/secret", b"a picture"), "demo", "source_name"),
        (row("deep//a.png", b"x"), "demo", "source_name"),
        (row("/".join(["图" * 80] * 5), b"x"), "demo", "source_name"),
        (row("a.png", b"a picture", size_bytes=1 << 40), "demo", "source_too_large"),
        (row("a.png", b"a picture"), "other", "source_unlisted"),
    ):
        with pytest.raises(SourceError) as caught:
            sources.read(tenant, named)
        assert caught.value.code == code, named["name"][:40]


def test_a_bucket_that_is_away_is_waited_for_and_a_closed_object_is_not(
    bus: LocalBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One object that nobody may read holds up nobody else's."""
    sources = open_sources(bus.settings)

    def refused(self: Bucket, *_: Any) -> bytes:
        raise BucketAway("media root", "AccessDenied", "AccessDenied", refused=True)

    monkeypatch.setattr(Bucket, "get", refused)
    with pytest.raises(SourceError, match="source_unreadable"):
        sources.read("demo", row("a.png", b"x"))
    monkeypatch.setattr(Bucket, "lets_in", lambda self: False)
    with pytest.raises(Waiting, match="media root"):
        sources.read("demo", row("a.png", b"x"))


def test_a_wrong_bucket_ends_the_worker_with_its_name(
    bus: LocalBus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli(bus, tmp_path, "--set", "bucket=s3://no-such-bucket/x", "verify") == 75
    assert "no-such-bucket" in capsys.readouterr().err
    wrong = bus.settings.model_copy(update={"media_roots": "demo=s3://no-such-bucket/x"})
    with pytest.raises(bucket_module.BucketWrong, match="s3://no-such-bucket/x/: there is no such"):
        check_places(wrong, ["labelling"])
    check_places(wrong, ["consent"])
