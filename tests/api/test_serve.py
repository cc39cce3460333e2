"""Where it listens and how: never in the clear for everybody, and every file of TLS is looked at."""

from pathlib import Path

import pytest

from api.service import Api
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
