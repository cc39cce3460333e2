"""The keys of consents come from a file or the one address the settings name, and from nowhere else."""

import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from local_bus import LocalBus, local_settings
from synthgate.cli.errors import CONFIGURATION, TRY_LATER, told
from synthgate.crypto.receipts import ReceiptKeys, ReceiptKeysError, public_jwk
from synthgate.steps import consent_keys as module
from synthgate.steps.consent_keys import ReceiptKeysAwayError, consent_keys

SET = json.dumps({"keys": [public_jwk(bytes(range(32)), "k1")]}).encode()
ANSWERS: Mapping[str, tuple[int, bytes]] = {
    "/set": (200, SET), "/moved": (302, b""), "/gone": (404, b""), "/tired": (503, SET),
    "/busy": (429, b""), "/page": (200, b"<html>"),
}  # fmt: skip


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, body = ANSWERS[self.path]
        self.send_response(status)
        if status == 302:
            self.send_header("location", "/set")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Answering) as served:
        thread = threading.Thread(target=served.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{served.server_port}"
        served.shutdown()
        thread.join()


def test_a_set_is_the_same_from_a_file_and_from_an_address(server: str, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(SET)
    for place in (str(path), f"{server}/set"):
        keys = consent_keys(place)
        assert keys is not None
        assert list(keys.keys) == list(ReceiptKeys.read(SET, "").keys) == ["k1"]
    assert consent_keys("") is None


@pytest.mark.parametrize(
    ("path", "words", "code"),
    [
        ("/moved", "status 302", CONFIGURATION),
        ("/gone", "status 404", CONFIGURATION),
        ("/page", "not a JWK set", CONFIGURATION),
        ("/tired", "status 503", TRY_LATER),
        ("/busy", "status 429", TRY_LATER),
    ],
)
def test_what_is_no_set_is_named_and_whether_to_try_again(
    server: str, path: str, words: str, code: int
) -> None:
    with pytest.raises(ReceiptKeysError, match=words) as caught:
        consent_keys(f"{server}{path}")
    said = told(caught.value)
    assert said is not None
    assert (said[1], path in said[0]) == (code, True)


def test_nobody_there_is_asked_again_and_nobody_in_the_clear() -> None:
    with pytest.raises(ReceiptKeysAwayError, match="no answer"):
        consent_keys("http://127.0.0.1:1/set")
    with pytest.raises(ReceiptKeysError, match="https"):
        consent_keys("http://keys.example/set")


def test_a_set_has_a_bound(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SET_BYTES_MAX", len(SET) - 1)
    with pytest.raises(ReceiptKeysError, match="more than"):
        consent_keys(f"{server}/set")


def test_a_worker_takes_its_keys_from_there(server: str, tmp_path: Path) -> None:
    LocalBus(local_settings(tmp_path, consent_keys=f"{server}/set"))
    with pytest.raises(ReceiptKeysError, match="status 404"):
        LocalBus(local_settings(tmp_path / "other", consent_keys=f"{server}/gone"))
