"""Let in by a real Kafka with TLS and SASL, by every mechanism; and told why not."""

import asyncio
import logging
import ssl
from pathlib import Path

import pytest
from aiohttp import web
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError

from certificates import Authority
from guarded import ADMIN, Guarded
from synthgate import connection
from synthgate.client import Gate, GateError
from synthgate.connection import NotLetIn
from synthgate.runtime.exits import CONFIGURATION, TRY_LATER, Refused
from synthgate.runtime.offsets import Offsets
from synthgate.settings import Settings, SettingsError

pytestmark = pytest.mark.kafka


async def topics(settings: Settings) -> list[str]:
    client = AIOKafkaAdminClient(**connection.arguments(settings))
    try:
        await connection.start(client, settings)
        return list(await client.list_topics())
    finally:
        await client.close()


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"])
async def test_let_in_by_password(guarded: Guarded, tmp_path: Path, mechanism: str) -> None:
    assert isinstance(
        await topics(guarded.settings(ADMIN, "", tmp_path, sasl_mechanism=mechanism)), list
    )


def bearer(guarded: Guarded, folder: Path, **over: object) -> Settings:
    given = {"sasl_username": "", "sasl_password_file": "", "sasl_mechanism": "OAUTHBEARER"}
    return guarded.settings(ADMIN, "", folder, **{**given, **over})


async def test_let_in_by_a_token_in_a_file_that_changes(guarded: Guarded, tmp_path: Path) -> None:
    file = tmp_path / "token"
    settings = bearer(guarded, tmp_path, oauth_token_file=str(file))
    with pytest.raises(SettingsError, match=r"oauth_token_file.*No such file"):
        connection.arguments(settings)
    file.write_text(guarded.issuer.token(ADMIN, seconds=-60))
    with pytest.raises(NotLetIn, match="does not accept the bearer of this token"):
        await topics(settings)
    client = connection.security(settings)["sasl_oauth_token_provider"]
    file.write_text(guarded.issuer.token(ADMIN) + "\n")
    assert await client.token() == file.read_text().strip()
    await topics(settings)


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({"sasl_username": "nobody"}, "does not accept nobody with SCRAM-SHA-512"),
        ({"tls_ca_file": ""}, "certificate of 127.0.0.1:.* is not accepted"),
        ({"tls_ca_file": "other"}, "certificate of 127.0.0.1:.* is not accepted"),
        ({"brokers": "localhost"}, "is not accepted .*Hostname mismatch"),
    ],
)
async def test_told_what_is_not_accepted(
    guarded: Guarded, tmp_path: Path, over: dict[str, str], words: str,
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    over = dict(over)
    if over.get("tls_ca_file") == "other":
        over["tls_ca_file"] = str(Authority(tmp_path, "other").file)
    if "brokers" in over:
        over["brokers"] = guarded.cluster.bootstrap.replace("127.0.0.1", "localhost")
    settings = guarded.settings(ADMIN, "", tmp_path, **over)
    with pytest.raises(NotLetIn, match=words):
        await topics(settings)
    with pytest.raises(Refused, match=words) as refused:
        await Offsets(settings, committed=True).start()
    assert refused.value.code == CONFIGURATION
    with pytest.raises(GateError, match=words):
        async with Gate.from_settings(settings, tenant="acme", source="s"):
            pass
    secret = guarded.words[ADMIN]
    assert secret not in caplog.text
    assert secret not in "".join(capsys.readouterr())


async def test_a_plain_client_at_a_guarded_listener(guarded: Guarded, tmp_path: Path) -> None:
    plain = Settings.load(None, {}, brokers=guarded.cluster.bootstrap)
    with pytest.raises(Refused, match="SYNTHGATE_SECURITY_PROTOCOL") as refused:
        await Offsets(plain, committed=True).start()
    assert refused.value.code == TRY_LATER


async def test_a_certificate_of_ours_is_shown_and_the_key_opened(tmp_path: Path) -> None:
    """A listener that asks for one: Kafka's own needs nothing else of a client."""
    authority = Authority(tmp_path)
    certificate, key = authority.sign("listener")
    mine, my_key = authority.sign("consent", password=b"opens it")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.file))
    context.load_cert_chain(certificate, key)
    context.verify_mode = ssl.CERT_REQUIRED
    seen: list[object] = []

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(dict(x[0] for x in writer.get_extra_info("peercert")["subject"]))
        writer.close()

    given = {
        "security_protocol": "SSL", "tls_ca_file": str(authority.file),
        "tls_cert_file": str(mine), "tls_key_file": str(my_key),
    }  # fmt: skip
    with pytest.raises(SettingsError, match="tls_cert_file, tls_key_file"):
        connection.security(Settings.load(None, {}, **given, tls_key_password="wrong"))
    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        settings = Settings.load(
            None, {}, **given, tls_key_password="opens it", brokers=f"127.0.0.1:{port}"
        )
        producer = AIOKafkaProducer(**connection.arguments(settings), request_timeout_ms=30_000)
        with pytest.raises(KafkaConnectionError):
            await producer.start()
        await producer.stop()
    assert {"commonName": "consent"} in seen


async def test_client_credentials_become_a_token_that_is_kept_for_a_while() -> None:
    asked: list[tuple[str, str | None]] = []
    answers = [
        (500, {}),
        (200, {"access_token": "t-1", "expires_in": 3600}),
        (200, {"no": "token"}),
    ]

    async def give(request: web.Request) -> web.Response:
        asked.append((await request.text(), request.headers.get("Authorization")))
        status, body = answers[min(len(asked), len(answers)) - 1]
        return web.json_response(body, status=status)

    app = web.Application()
    app.router.add_post("/token", give)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    settings = Settings.load(
        None, {}, security_protocol="SASL_SSL", sasl_mechanism="OAUTHBEARER", oauth_scope="kafka",
        oauth_token_url=f"http://127.0.0.1:{port}/token", oauth_client_id="c",
        oauth_client_secret="s",
    )  # fmt: skip
    provider = connection.security(settings)["sasl_oauth_token_provider"]
    try:
        with pytest.raises(KafkaConnectionError, match="no token from oauth_token_url"):
            await provider.token()
        assert [await provider.token(), await provider.token()] == ["t-1", "t-1"]
        assert asked[1:] == [("grant_type=client_credentials&scope=kafka", "Basic Yzpz")]
        with pytest.raises(KafkaConnectionError):
            await connection.security(settings)["sasl_oauth_token_provider"].token()
    finally:
        await runner.cleanup()
