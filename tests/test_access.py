"""TLS and SASL settings: what does not fit together is refused, and no secret is ever told."""

import ast
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import synthgate
from synthgate.__main__ import main
from synthgate.access import Access
from synthgate.settings import SECRETS, Settings, SettingsError

SECRET = "geheim-7c1f"
SCRAM = {
    "security_protocol": "SASL_SSL", "sasl_mechanism": "SCRAM-SHA-512", "sasl_username": "u",
    "sasl_password": SECRET,
}  # fmt: skip
TOKEN = {"security_protocol": "SASL_SSL", "sasl_mechanism": "OAUTHBEARER"}
FETCHED = {
    **TOKEN, "oauth_token_url": "https://id.example/token", "oauth_client_id": "c",
    "oauth_client_secret": SECRET,
}  # fmt: skip


@pytest.mark.parametrize(
    "fits",
    [
        {},
        {"security_protocol": "SSL"},
        {"security_protocol": "SSL", "tls_cert_file": "a", "tls_key_file": "b"},
        SCRAM,
        {**SCRAM, "security_protocol": "SASL_PLAINTEXT"},
        {**SCRAM, "sasl_mechanism": "PLAIN"},
        {**TOKEN, "oauth_token_file": "t"},
        FETCHED,
        {**FETCHED, "oauth_token_url": "http://127.0.0.1:8080/token"},
    ],
)
def test_what_fits(fits: dict[str, str]) -> None:
    Settings.load(None, {}, **fits)


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({"tls_ca_file": "x"}, "tls_ca_file does nothing over PLAINTEXT"),
        ({"sasl_password": SECRET}, "sasl_password does nothing over PLAINTEXT"),
        ({**SCRAM, "security_protocol": "SSL"}, "sasl_mechanism does nothing over SSL"),
        ({"security_protocol": "SASL_SSL"}, "needs a sasl_mechanism"),
        ({"security_protocol": "SSL", "tls_cert_file": "x"}, "belong together"),
        ({"security_protocol": "SSL", "tls_key_password": SECRET}, "opens nothing"),
        ({**SCRAM, "sasl_username": ""}, "needs sasl_username"),
        ({**SCRAM, "sasl_password": ""}, "needs sasl_password or sasl_password_file"),
        ({**SCRAM, "sasl_password_file": "f"}, "both given"),
        ({**SCRAM, "oauth_scope": "s"}, "it is for OAUTHBEARER"),
        (
            {**SCRAM, "sasl_mechanism": "PLAIN", "security_protocol": "SASL_PLAINTEXT"},
            "sends the secret itself",
        ),
        (TOKEN, "needs oauth_token_file or oauth_token_url"),
        ({**FETCHED, "oauth_token_file": "t"}, "both given"),
        ({**FETCHED, "sasl_username": "u"}, "it is for PLAIN and SCRAM"),
        ({**FETCHED, "oauth_client_id": ""}, "needs oauth_client_id"),
        ({**FETCHED, "oauth_client_secret": ""}, "needs oauth_client_secret"),
        ({**FETCHED, "oauth_token_url": "http://id.example/t"}, "must be https"),
        ({**FETCHED, "oauth_token_url": f"https://c:{SECRET}@id.example/t"}, "holds a secret"),
        ({**FETCHED, "oauth_token_url": "https://[x"}, "is no address"),
        ({**TOKEN, "oauth_token_file": "t", "oauth_scope": "s"}, "it is for oauth_token_url"),
        ({"security_protocol": "TLS"}, "'SSL'"),
        ({**SCRAM, "sasl_password": [SECRET]}, "sasl_password"),
        (
            {"otel_endpoint": f"https://me:{SECRET}@spans.example/v1"},
            "otel_endpoint holds a secret",
        ),
        ({"otel_endpoint": f"ftp://me:{SECRET}@spans.example"}, "otel_endpoint holds a secret"),
        ({"otel_endpoint": f"{SECRET}"}, "otel_endpoint is no address"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(over: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.load(None, {}, **over)
    said = str(refused.value)
    assert words in said
    assert SECRET not in said
    assert "\n" not in said


NAMES = sorted(Access.model_fields)


@given(st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["", SECRET, "SSL", "SASL_SSL"])))
def test_any_settings_are_taken_or_refused_and_no_secret_told(values: dict[str, str]) -> None:
    secrets_only = {k: v for k, v in values.items() if k in SECRETS or v != SECRET}
    try:
        settings = Settings.load(None, {}, **secrets_only)
        said = repr(settings) + settings.model_dump_json() + str(settings)
    except SettingsError as error:
        said = str(error)
    assert SECRET not in said


def test_config_show_tells_that_a_secret_is_set_and_not_which(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SCRAM.items():
        monkeypatch.setenv(f"SYNTHGATE_{name.upper()}", value)
    assert main(["config", "show"]) == 0
    said = capsys.readouterr().out
    assert "# sasl_password is set and not shown  # SYNTHGATE_SASL_PASSWORD" in said
    assert main(["config", "show", "--json"]) == 0
    assert main(["config", "check"]) == 78
    said += "".join(capsys.readouterr())
    assert SECRET not in said
    assert "\nsasl_password =" not in said


def test_a_secret_on_the_command_line_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show", "--set", f"sasl_password={SECRET}"]) == 78
    said = capsys.readouterr().err
    assert "everybody on this machine can read a command line" in said
    assert SECRET not in said


def test_config_check_names_open_files_and_open_lines(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["config", "check", "--set", "brokers=kafka.example:9092"]) == 78
    assert "events travel readable to kafka.example:9092" in capsys.readouterr().out
    word = tmp_path / "word"
    word.write_text("w")
    word.chmod(0o644)
    given = {**SCRAM, "sasl_password": "", "sasl_password_file": str(word), "tls_ca_file": "/no"}
    argv = [part for name, value in given.items() for part in ("--set", f"{name}={value}")]
    assert main(["config", "check", *argv]) == 78
    said = capsys.readouterr().out
    assert "setting tls_ca_file: No such file or directory" in said
    assert f"everybody on this machine can read {word}" in said


def test_every_kafka_client_takes_its_arguments_from_one_place() -> None:
    """Who makes a client hands it ``**connection.arguments(…)``, or the client library's ``security``."""
    root = Path(synthgate.__path__[0])
    made = 0
    for path in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in CLIENTS:
                made += 1
                spread = [ast.unparse(word.value) for word in node.keywords if word.arg is None]
                where = f"{path.relative_to(root)}:{node.lineno}"
                assert any(GIVEN & set(words.replace("(", ".").split(".")) for words in spread), (
                    where
                )
    assert made >= 10


def test_every_command_that_writes_is_let_in_as_the_settings_say() -> None:
    root = Path(synthgate.__path__[0]) / "cli"
    calls = [
        f"{path.name}: {ast.unparse(node.func)}"
        for path in sorted(root.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and "Writer" in ast.unparse(node.func).split(".")
    ]
    assert len(calls) >= 9
    assert [call for call in calls if not call.endswith(": Writer.from_settings")] == []


CLIENTS = {"AIOKafkaConsumer", "AIOKafkaProducer", "AIOKafkaAdminClient", "AIOKafkaClient"}
GIVEN = {"arguments", "given", "security", "_security"}
