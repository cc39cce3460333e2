"""Where it listens and how: never in the clear for everybody, and every file of TLS is looked at."""

import ssl
from pathlib import Path
from urllib.error import URLError
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
