"""Where it listens and how: never in the clear for everybody, and every file of TLS is looked at."""

import contextlib
import socket
import ssl
import time
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from api.service import Api, served
from certificates import Authority
from synthgate.__main__ import main
from synthgate.api.serve import checked, configured
from synthgate.settings import Settings, SettingsError


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({"api_host": "0.0.0.0"}, "in the clear"),
        ({"api_tls_cert_file": "a"}, "belong together"),
        ({"api_tls_client_ca_file": "a"}, "does nothing without"),
    ],
)
def test_what_does_not_fit(over: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        checked(Settings.load(environ={}, **over))


def test_the_loopback_and_behind_a_proxy() -> None:
    checked(Settings.load(environ={}))
    checked(Settings.load(environ={}, api_host="0.0.0.0", api_behind_proxy=True))


def test_a_file_of_tls_that_is_not_there(tmp_path: Path) -> None:
    api = Api(tmp_path)
    settings = Settings.load(environ={}, api_tls_cert_file="no", api_tls_key_file="no")
    with pytest.raises(SettingsError, match="api_tls"):
        configured(api.service, settings)


def test_the_command_says_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["api", "--set", "api_host=0.0.0.0"]) == 78
    assert "in the clear" in capsys.readouterr().err


def test_clients_without_a_certificate_that_was_asked_for_are_not_let_in(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.sign("api")
    api = Api(
        tmp_path / "data", api_port=0, api_tls_cert_file=str(certificate),
        api_tls_key_file=str(key), api_tls_client_ca_file=str(authority.file),
    )  # fmt: skip
    with served(api) as url:
        stranger = ssl.create_default_context(cafile=str(authority.file))
        with pytest.raises((URLError, OSError)):
            urlopen(f"{url}/livez", timeout=30, context=stranger).read()
        known = ssl.create_default_context(cafile=str(authority.file))
        known.load_cert_chain(*authority.sign("client"))
        with urlopen(f"{url}/livez", timeout=30, context=known) as said:
            assert said.status == 200
            assert "server" not in said.headers


@pytest.mark.parametrize("said", [b"", b"GET /livez HTTP/1.1\r\nX-A: ", b"dribble"])
def test_who_asks_nothing_keeps_no_place(
    said: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synthgate.api.serve.IDLE_S", 0.5)
    with served(Api(tmp_path, api_port=0)) as url:
        at = urlsplit(url)
        with socket.create_connection((at.hostname, at.port), timeout=60) as idle:
            if said == b"dribble":
                # A body nobody reads, behind the answer to a request without a key.
                asked = b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n\r\n"
                with contextlib.suppress(ConnectionError):  # on a slow machine it is closed by now
                    idle.sendall(asked)
                    assert idle.recv(4096)[:12] in (b"HTTP/1.1 401", b"")
            else:
                idle.sendall(said)
            assert _closed(idle)


def _closed(connection: socket.socket) -> bool:
    """Whether the other end closes it although a byte comes now and then."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        time.sleep(0.02)
        try:
            connection.sendall(b"a")
        except OSError:
            return True
    return False
