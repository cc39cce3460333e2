"""The adapter of an object store, on a real S3-compatible server and on one that says what we want."""

import json
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from buckets import StepClient, a_bucket, a_place, a_server_that_says, lost, shared, slow_down
from ledger.ops import at_step
from synthgate import bucket as bucket_module
from synthgate.__main__ import main
from synthgate.broker.object_store import ObjectServer
from synthgate.bucket import Absent, Bucket, BucketAway, BucketWrong
from synthgate.bucket_access import Place
from synthgate.settings import Settings, SettingsError

SECRET = "wJalrXUtnFEMI-EXAMPLE-SECRET"
SLOW = (
    b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Reduce your rate</Message></Error>"
)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_module, "PAUSES_S", (0.01, 0.01, 0.01))


def there(endpoint: str, **more: object) -> Bucket:
    settings = Settings.load(
        environ={}, bucket="s3://acme/x", s3_endpoint=endpoint, s3_access_key="key",
        s3_secret_key=SECRET, s3_timeout_s=0.3, **more,
    )  # fmt: skip
    return Bucket.open(settings, a_place(settings), "ledger")


def test_what_is_there_is_read_whole_in_part_and_from_its_end(bucket_settings: Settings) -> None:
    bucket = a_bucket(bucket_settings)
    bucket.check(creates=True)
    bucket.check(creates=True)
    assert bucket.create("a/b", b"0123456789")
    assert bucket.get("a/b") == b"0123456789"
    assert (bucket.get("a/b", 3, 2), bucket.get("a/b", 8, 9), bucket.get("a/b", 8)) == (
        b"34", b"89", b"89",
    )  # fmt: skip
    assert bucket.get("a/b", 10, 1) == b""
    assert (bucket.tail("a/b", 3), bucket.tail("a/b", 30)) == ((b"789", 10), (b"0123456789", 10))
    assert (bucket.size("a/b"), bucket.size("a")) == (10, None)
    assert [(one.name, one.size) for one in bucket.names("a/")] == [("b", 10)]
    assert bucket.folders() == ["a"]
    with pytest.raises(Absent):
        bucket.get("a/c")
    bucket.remove("a/b")
    bucket.remove("a/b")
    assert bucket.size("a/b") is None


def test_of_many_at_once_one_creates_a_name(bucket_settings: Settings) -> None:
    """The server's word is the fence: it must be true also where two ask in one moment."""
    bucket, together = a_bucket(bucket_settings), Barrier(8)

    def create(name: str, who: int) -> bool:
        together.wait(60)
        return bucket.create(name, b"%d" % who)

    with ThreadPoolExecutor(8) as pool:
        for round_ in range(20):
            name = f"race-{round_}"
            won = list(pool.map(lambda who, name=name: create(name, who), range(8)))
            assert won.count(True) == 1
            assert bucket.get(name) == b"%d" % won.index(True)


def test_a_listing_goes_on_over_its_pages(
    bucket_settings: Settings,
) -> None:
    bucket = a_bucket(bucket_settings)
    for number in range(7):
        bucket.create(f"n/{number}", b"x" * number)
    pages = list(bucket._pages("n/", limit=3))
    assert [len(page["Contents"]) for page in pages] == [3, 3, 1]
    found = [(one.name, one.size) for one in bucket.names("n/")]
    assert found == [(str(number), number) for number in range(7)]


def test_an_answer_that_was_lost_is_no_stranger(bucket_settings: Settings) -> None:
    """412 on the second try: the same bytes are our own creation, others are not."""
    bucket = a_bucket(bucket_settings, after=at_step(0, lost))
    assert bucket.create("mine", b"mine")
    assert bucket._client.counts["put_object"] == 2
    assert a_bucket(bucket_settings).create("theirs", b"theirs")
    stranger = a_bucket(bucket_settings, before=at_step(0, lost))
    assert not stranger.create("theirs", b"mine..")
    assert bucket.get("theirs") == b"theirs"


def test_a_file_is_created_whole_also_on_the_second_try(
    bucket_settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "large"
    path.write_bytes(b"synthgate" * 300_000)
    for hooks in ({"after": at_step(0, lost)}, {"before": at_step(0, slow_down)}):
        name = next(iter(hooks))
        with path.open("rb") as file:
            assert a_bucket(bucket_settings, **hooks).create(name, file)
        assert a_bucket(bucket_settings).get(name) == path.read_bytes()
    path.write_bytes(b"synthgate" * 300_000 + b"x")
    with path.open("rb") as file:
        assert not a_bucket(bucket_settings).create("after", file)


def test_slow_down_is_waited_for_a_little_and_then_declared(
    bucket_settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    once = a_bucket(bucket_settings, before=at_step(0, slow_down))
    assert once.create("a", b"a")
    always = a_bucket(bucket_settings, before=slow_down)
    with pytest.raises(BucketAway, match=r"waiting for ledger: .*SlowDown") as caught:
        always.create("b", b"b")
    assert caught.value.what == "ledger"
    assert "SlowDown" in caplog.text
    assert once.size("b") is None


@pytest.mark.parametrize("status", [500, 503, 429])
def test_what_a_real_answer_of_a_busy_store_says(status: int) -> None:
    with a_server_that_says(status, SLOW) as (endpoint, asked):
        with pytest.raises(BucketAway, match="SlowDown"):
            there(endpoint).get("a")
        assert len(asked) > 1


def test_a_store_that_does_not_answer_or_is_not_there_is_away() -> None:
    begun = time.monotonic()
    with pytest.raises(BucketAway, match="EndpointConnectionError"):
        there("http://127.0.0.1:9").get("a")
    assert time.monotonic() - begun < 30


def test_an_answer_that_makes_no_sense_is_no_answer() -> None:
    """A proxy's page, or half of an answer."""
    with a_server_that_says(200, b"<html>sign in first") as (endpoint, _):
        with pytest.raises(BucketAway, match="does not list"):
            list(there(endpoint).names())
        with pytest.raises(BucketAway):
            there(endpoint).check(creates=False)
    with (
        a_server_that_says(200) as (endpoint, _),
        pytest.raises(BucketAway, match="no ETag"),
    ):
        there(endpoint).create("a", b"a")
    with (
        a_server_that_says(307, Location="http://127.0.0.1:9/") as (endpoint, _),
        pytest.raises(BucketWrong, match="s3://acme/x/: the store refuses"),
    ):
        there(endpoint).check(creates=False)


def test_a_name_that_was_taken_and_is_gone_is_nobodys(bucket_settings: Settings) -> None:
    bucket = a_bucket(bucket_settings)
    bucket.create("a", b"theirs")
    remove = at_step(0, lambda: a_bucket(bucket_settings).remove("a"))
    late = a_bucket(
        bucket_settings, before=lambda step: remove(step) if step == "get_object" else None
    )
    with pytest.raises(BucketAway, match="was there and is gone"):
        late.create("a", b"ours")


def test_no_client_is_said_and_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody-has-this-profile")
    with pytest.raises(BucketWrong, match="no client of the object store can be made"):
        there("https://store.example", s3_region="")


def test_a_store_that_gives_the_whole_for_a_part_is_understood() -> None:
    """RFC 9110, 14.2: a server may ignore Range."""
    with a_server_that_says(200, b"0123456789") as (endpoint, _):
        bucket = there(endpoint)
        assert (bucket.get("a", 3, 2), bucket.get("a", 8)) == (b"34", b"89")
        assert (bucket.tail("a", 3), bucket.size("a")) == ((b"789", 10), 10)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_answer_sends_us_elsewhere(status: int) -> None:
    """Neither with our signature nor without: a bucket is asked at the address that was set."""
    with a_server_that_says(200, b"stolen") as (elsewhere, stolen):
        with (
            a_server_that_says(status, Location=f"{elsewhere}/acme/x/a") as (endpoint, asked),
            pytest.raises(BucketAway),
        ):
            there(endpoint).get("a")
        assert asked == ["GET /acme/x/a"]
        assert stolen == []


def test_a_store_that_lets_a_name_be_created_twice_is_refused() -> None:
    with a_server_that_says(200, ETag='"1"') as (endpoint, asked):
        with pytest.raises(BucketWrong, match="s3://acme/x/: the store lets a name be created"):
            there(endpoint).check(creates=True)
        assert asked.count("PUT /acme/x/created-once") == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"bucket": "s3://no-such-bucket/x"}, "no-such-bucket/x/: there is no such bucket"),
        ({"s3_secret_key": "wrong"}, "the secret is not the access key's"),
        ({"s3_access_key": "stranger"}, "does not know this access key|may not use it"),
    ],
)
def test_what_is_wrong_is_named_at_the_start(
    object_server: ObjectServer, bucket_settings: Settings, change: dict[str, str], said: str
) -> None:
    values = {"bucket": bucket_settings.bucket, **object_server.settings, **change}
    settings = Settings.load(environ={}, **values)
    with pytest.raises(BucketWrong, match=said) as caught:
        Bucket.open(settings, a_place(settings), "ledger").check(creates=True)
    assert object_server.secret_key not in str(caught.value)


def test_no_secret_is_said_whatever_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with a_server_that_says(403, SLOW.replace(b"SlowDown", b"AccessDenied")) as (endpoint, _):
        with pytest.raises(BucketAway) as caught:
            there(endpoint).get("a")
        said = caplog.text + str(caught.value) + repr(caught.value)
    assert "AccessDenied" in said
    assert SECRET not in said


def test_the_secret_is_never_shown_and_comes_from_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SYNTHGATE_S3_ACCESS_KEY", "AKIAEXAMPLE")
    monkeypatch.setenv("SYNTHGATE_S3_SECRET_KEY", SECRET)
    assert main(["config", "show"]) == 0
    assert main(["config", "show", "--json"]) == 0
    assert SECRET not in capsys.readouterr().out
    assert main(["--set", f"s3_secret_key={SECRET}", "config", "show"]) == 78
    assert SECRET not in capsys.readouterr().err
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    monkeypatch.delenv("SYNTHGATE_S3_SECRET_KEY")
    settings = Settings.load(s3_secret_key_file=str(file))
    client = Bucket.open(settings, Place("acme", ""), "ledger")._client
    assert client._request_signer._credentials.secret_key == SECRET
    assert SECRET not in json.dumps(settings.model_dump(mode="json")) + repr(settings)


@pytest.mark.parametrize(
    "wrong",
    [
        {"bucket": "acme/x"},
        {"bucket": "s3://acme/../x"},
        {"bucket": "s3://acme//x"},
        {"bucket": "s3://AC"},
        {"s3_endpoint": "http://store.example"},
        {"s3_endpoint": "https://user:secret@store.example"},
        {"s3_endpoint": "https://store.example/bucket"},
        {"s3_endpoint": "store.example"},
        {"s3_access_key": "key"},
        {"s3_secret_key": SECRET},
        {"s3_access_key": "key", "s3_secret_key": SECRET, "s3_secret_key_file": "f"},
    ],
)
def test_settings_that_do_not_fit_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load(environ={}, **wrong)
    assert SECRET not in str(caught.value)


def test_places() -> None:
    assert Place.parse("s3://acme") == Place("acme", "")
    assert Place.parse("s3://acme/a/b/") == Place.parse("s3://acme/a/b") == Place("acme", "a/b/")
    assert str(Place.parse("s3://acme/a").below("ledger")) == "s3://acme/a/ledger/"


def test_a_request_is_counted_as_the_server_sees_it(bucket_settings: Settings) -> None:
    """The bench counts by it: one creation is one PUT."""
    client = StepClient(shared(bucket_settings))
    Bucket(client, a_place(bucket_settings), "ledger").create("one", b"1")
    assert client.counts == {"put_object": 1}
