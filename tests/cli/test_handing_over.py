"""A gateway that is down, that fails and then takes it twice, that refuses: against one that really listens."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from cli_commands import Running, run
from synthgate.cli.errors import CommandError
from synthgate.cli.handing_over import ATTEMPTS, hand_over, read_key

KEY = b"k" * 32
BODY = b'{"report":"r"}'


class Gateway(HTTPServer):
    """Answers by a list of statuses, the last one for ever."""

    def __init__(self, statuses: list[int]) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.statuses = statuses
        self.got: list[tuple[dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/reports"


class Answer(BaseHTTPRequestHandler):
    server: Gateway

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers), body))
        left = self.server.statuses
        status = left.pop(0) if len(left) > 1 else left[0]
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "http://127.0.0.1:9/")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def gateway(request: pytest.FixtureRequest) -> Iterator[Gateway]:
    server = Gateway(list(request.param))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def sent(url: str, waits: list[float]) -> Any:
    return hand_over(url, BODY, report="case@3", key=KEY, wait=waits.append)


@pytest.mark.parametrize("gateway", [[500, 503, 200]], indirect=True)
def test_it_is_sent_again_until_it_is_taken_under_one_key(gateway: Gateway) -> None:
    waits: list[float] = []
    done = sent(gateway.url, waits)
    assert (done.status, done.attempts, waits) == (200, 3, [1.0, 2.0])
    sent(gateway.url, waits)  # and once more: the gateway can tell that it is the same
    assert len({headers["Idempotency-Key"] for headers, _ in gateway.got}) == 1
    for headers, body in gateway.got:
        signed = headers["Idempotency-Key"].encode() + b"\n" + body
        wanted = hmac.new(KEY, signed, hashlib.sha256).hexdigest()
        assert hmac.compare_digest(headers["Synthgate-Signature"], wanted)
    assert hashlib.sha256(BODY).hexdigest() == done.sha256


@pytest.mark.parametrize("gateway", [[400], [302]], indirect=True)
def test_what_will_not_change_is_said_at_once(gateway: Gateway) -> None:
    waits: list[float] = []
    with pytest.raises(CommandError, match=r"HTTP (400|302)"):
        sent(gateway.url, waits)
    assert waits == [] and len(gateway.got) == 1


def test_a_gateway_that_is_down_is_tried_and_said(free_port: int) -> None:
    waits: list[float] = []
    with pytest.raises(CommandError, match="nothing is lost") as caught:
        sent(f"http://127.0.0.1:{free_port}/", waits)
    assert caught.value.code == 75 and len(waits) == ATTEMPTS - 1


@pytest.fixture
def free_port() -> int:
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    port = server.server_port
    server.server_close()
    return port


@pytest.mark.parametrize("url", ["http://example.org/", "ftp://127.0.0.1/", "file:///etc/passwd"])
def test_a_report_goes_over_https(url: str) -> None:
    with pytest.raises(CommandError, match="over https"):
        sent(url, [])


def test_a_key_is_a_key(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        read_key(str(tmp_path / "none"))
    short = tmp_path / "short"
    short.write_bytes(b"k")
    with pytest.raises(CommandError, match="32 bytes"):
        read_key(str(short))


@pytest.mark.parametrize("gateway", [[500, 200]], indirect=True)
def test_the_clock_runs_on_after_a_200_and_stops_at_the_receipt(
    gateway: Gateway, chain: Running, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    case = "incident/gateway/i-1"
    found = ("incident.detected", "i-1", "--tenant", "gateway")
    assert run(capsys, "case", "find", *found, *chain.options)[1].strip() == f"{case}: found"
    key = tmp_path / "key"
    key.write_bytes(KEY)
    by = ("--by", "ann", "--json")
    there = ("--unit", "u", "--to", gateway.url, "--key-file", str(key))
    code, out, why = run(capsys, "report", "hand-over", case, *there, *by, *chain.options)
    assert (code, json.loads(out)["refused"]) == (0, None), why

    def clock() -> tuple[str, bool]:
        row = json.loads(run(capsys, "case", "show", case, "--json", *chain.options)[1])
        (deadline,) = row["deadlines"]
        return row["status"], deadline["met_at"] is not None

    assert clock() == ("found", False)
    assert run(capsys, "report", "hand-over", case, *there, *by, *chain.options)[0] == 0
    once = {(headers["Idempotency-Key"], body) for headers, body in gateway.got}
    assert len(once) == 1, "the same report, whoever hands it over again"
    assert clock() == ("found", False)
    told = ("--channel", "12387", "--reference", "CN-1")
    assert run(capsys, "report", "receipt", case, *told, *by, *chain.options)[0] == 0
    assert clock() == ("reported", True)
    assert len(gateway.got) == 3
