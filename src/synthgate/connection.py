"""The one place where a Kafka client is told where the brokers are and how to be let in.

Every client of the package takes its arguments from here. Host names in certificates are always checked,
and there is no switch for it. Files are read when a client is made, a bearer token at every connection.
"""

import asyncio
import base64
import contextlib
import ssl
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote_plus

from aiokafka.abc import AbstractTokenProvider
from aiokafka.client import ConnectionGroup, collect_hosts
from aiokafka.conn import create_conn
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    RequestTimedOutError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.group import JoinGroupRequest, SyncGroupRequest
from aiokafka.protocol.metadata import MetadataRequest
from pydantic import SecretStr

from synthgate.access import Access
from synthgate.settings import Settings, SettingsError

ASK_MS_MAX: Final = 5_000
ANSWER_MS_MAX: Final = 10_000
"""How long we wait for an answer to anything but a join: as long as a cluster takes, by default, to miss a
frozen broker and to give its partitions to others. A closed connection is noticed at once."""
JOINS: Final = (JoinGroupRequest, SyncGroupRequest)
TOKEN_SECONDS_MAX: Final = 10
TOKEN_LEFT_SECONDS_MIN: Final = 30
"""A token that ends sooner is fetched anew."""
SECRET_BYTES_MAX: Final = 65_536


class NotLetIn(Exception):
    """A broker answers and does not let us in: certificate, mechanism, password or token."""


def arguments(settings: Settings) -> dict[str, Any]:
    """Where the brokers are and how to be let in, by aiokafka's names.

    Raises:
        SettingsError: a file that a setting names cannot be used.
    """
    return {"bootstrap_servers": settings.brokers.split(","), **security(settings)}


def watch(client: Any, answer_ms: int = ANSWER_MS_MAX, join_ms: int | None = None) -> None:
    """Bound how long a client of aiokafka, not connected yet, waits for an answer; then ask who leads.

    aiokafka 0.14.0 asks a broker that does not answer again and again, until its metadata is five minutes
    old: one frozen broker of three stops whoever needs a partition it led. And it has one time-out for all
    requests: as long as a join may take, it keeps a heartbeat waiting for longer than the group does. And
    when two requests over one connection are not answered, it looks for the second one for the connection it
    dropped for the first: a KeyError, which ends its fetching (decision 0063).
    """
    client._request_timeout_ms = answer_ms  # noqa: SLF001
    send = client.send

    async def sent(node_id: Any, request: Any, *, group: Any = ConnectionGroup.DEFAULT) -> Any:
        if join_ms is not None and await client.ready(node_id, group=group):
            patience_ms = join_ms if isinstance(request, JOINS) else answer_ms
            client._conns[node_id, group]._request_timeout = patience_ms / 1000  # noqa: SLF001
        try:
            return await send(node_id, request, group=group)
        except RequestTimedOutError:
            client.force_metadata_update()
            raise
        except KeyError:
            if (node_id, group) in client._conns:  # noqa: SLF001
                raise
            client.force_metadata_update()
            raise RequestTimedOutError from None

    client.send = sent


def security(access: Access) -> dict[str, Any]:
    """How to be let in, by aiokafka's names; empty for a listener that lets everybody in.

    Raises:
        SettingsError: a file that a setting names cannot be used.
    """
    if access.security_protocol == "PLAINTEXT":
        return {}
    given: dict[str, Any] = {"security_protocol": access.security_protocol}
    if access.security_protocol in ("SSL", "SASL_SSL"):
        given["ssl_context"] = _tls(access)
    if access.sasl_mechanism:
        given["sasl_mechanism"] = access.sasl_mechanism
    if access.sasl_mechanism == "OAUTHBEARER":
        given["sasl_oauth_token_provider"] = _tokens(access)
    elif access.sasl_mechanism:
        given["sasl_plain_username"] = access.sasl_username
        given["sasl_plain_password"] = _secret(
            "sasl_password_file", access.sasl_password, access.sasl_password_file
        )
    return given


async def start(client: Any, settings: Settings) -> None:
    """Start a client.

    Raises:
        NotLetIn: a broker answers and does not let us in; says what it did not accept.
        KafkaConnectionError: no broker answers.
    """
    if settings.sasl_mechanism == "OAUTHBEARER":
        # A token that is not accepted goes unseen by aiokafka: the client would start, and get nowhere.
        await explain(settings.brokers, security(settings))
    try:
        await client.start()
    except KafkaConnectionError:
        # aiokafka only logs why. Asked once more, of each broker.
        await explain(settings.brokers, security(settings))
        raise


async def explain(brokers: str, given: dict[str, Any]) -> None:
    """Ask each broker to let us in; nothing if one does, or if none of them says why not.

    Raises:
        NotLetIn: what one of them did not accept.
    """
    if not given:
        return
    for host, port, _ in collect_hosts(brokers.split(",")):
        who = given.get("sasl_plain_username") or "the bearer of this token"
        refused = NotLetIn(
            f"{host}:{port} does not accept {who} with {given.get('sasl_mechanism')}: check user and"
            " password, or the token"
        )
        try:
            connection = await create_conn(host, port, request_timeout_ms=ASK_MS_MAX, **given)
            told = await connection.send(MetadataRequest([]))
            connection.close()
            if not told.brokers:  # what Kafka says to whoever sent a bad bearer token
                raise refused
            return
        except ssl.SSLCertVerificationError as error:
            raise NotLetIn(
                f"the certificate of {host}:{port} is not accepted ({error.verify_message}): does"
                " tls_ca_file name the authority that signed it, and `brokers` the host it is for?"
            ) from None
        except ssl.SSLError as error:
            raise NotLetIn(
                f"no TLS with {host}:{port} ({error.reason}): is security_protocol that of this"
                " listener, and does it ask for a certificate (tls_cert_file)?"
            ) from None
        except UnsupportedSaslMechanismError:
            raise NotLetIn(f"{host}:{port} does not offer {given['sasl_mechanism']}") from None
        except SaslAuthenticationFailed:
            raise refused from None
        except (OSError, KafkaError, TimeoutError):
            continue


def _tls(access: Access) -> ssl.SSLContext:
    name = "tls_ca_file"
    try:
        context = ssl.create_default_context(cafile=access.tls_ca_file or None)
        if access.tls_cert_file:
            name = "tls_cert_file, tls_key_file"
            # An empty password rather than none: OpenSSL would ask for one at the terminal.
            password = access.tls_key_password.get_secret_value()
            context.load_cert_chain(access.tls_cert_file, access.tls_key_file, password)
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", None) or getattr(error, "strerror", None) or "not usable"
        raise SettingsError(f"setting {name}: {why}; PEM files are wanted") from None
    return context


def _secret(name: str, given: SecretStr, file: str) -> str:
    if not file:
        return given.get_secret_value()
    text = _text(name, file)
    if not text:
        raise SettingsError(f"setting {name}: {file} is empty")
    return text


def _text(name: str, file: str) -> str:
    try:
        with Path(file).open(encoding="utf-8") as opened:
            return opened.read(SECRET_BYTES_MAX).strip()
    except OSError as error:
        raise SettingsError(f"setting {name}: {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"setting {name}: {file} is no text") from None


def _tokens(access: Access) -> AbstractTokenProvider:
    if access.oauth_token_file:
        return _FileTokens(access.oauth_token_file)
    secret = _secret(
        "oauth_client_secret_file", access.oauth_client_secret, access.oauth_client_secret_file
    )
    return _FetchedTokens(access, secret)


class _FileTokens(AbstractTokenProvider):  # type: ignore[misc]
    """A token somebody else keeps fresh in a file: a projected service account, a sidecar."""

    def __init__(self, file: str) -> None:
        self._file = file
        _text("oauth_token_file", file)  # a name that is wrong is told at once

    async def token(self) -> str:
        """The token as it stands in the file now."""
        return await asyncio.to_thread(_text, "oauth_token_file", self._file)


class _FetchedTokens(AbstractTokenProvider):  # type: ignore[misc]
    """Client credentials for a token (RFC 6749, 4.4), kept until shortly before it ends."""

    def __init__(self, access: Access, secret: str) -> None:
        self._access = access
        self._secret = secret
        self._tls = _tls(access)
        self._token = ""
        self._until = 0.0

    async def token(self) -> str:
        """A token that is good for a while.

        Raises:
            KafkaConnectionError: none was given; the connection is tried again later.
        """
        if time.monotonic() < self._until - TOKEN_LEFT_SECONDS_MIN:
            return self._token
        import aiohttp

        asked = {"grant_type": "client_credentials"}
        if self._access.oauth_scope:
            asked["scope"] = self._access.oauth_scope
        limit = aiohttp.ClientTimeout(total=TOKEN_SECONDS_MAX)
        # RFC 6749, 2.3.1: both are form-encoded before they are joined.
        pair = f"{quote_plus(self._access.oauth_client_id)}:{quote_plus(self._secret)}"
        headers = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        row: Any = None
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, ValueError):
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.post(
                    self._access.oauth_token_url, data=asked, headers=headers, ssl=self._tls,
                    allow_redirects=False,
                ) as answer,
            ):  # fmt: skip
                row = await answer.json(content_type=None) if answer.status == 200 else None
        token = row.get("access_token") if isinstance(row, dict) else None
        if not isinstance(token, str) or not token:
            raise KafkaConnectionError("no token from oauth_token_url")
        left = row.get("expires_in")
        self._token = token
        self._until = time.monotonic() + (left if isinstance(left, int | float) else 0)
        return token
