"""``synthgate api``: the service on uvicorn, until SIGTERM or until answers are not heard any more."""

import asyncio
import contextlib
import logging
import signal
import ssl
from collections.abc import Iterator
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from synthgate.access import LOOPBACK
from synthgate.api.app import Service, create
from synthgate.api.bus import Bus
from synthgate.api.keys import KeyFile
from synthgate.runtime.web import Server as Metrics
from synthgate.settings import Settings, SettingsError

log = logging.getLogger(__name__)

CONNECTIONS_MAX: Final = 1000
IDLE_S: Final = 15
"""A connection on which no request begins for this long, or up to twice as long, is closed."""
END_S: Final = 5
HEAD_BYTES_MAX: Final = 16_384
LOOK_S: Final = 0.5


class Door(H11Protocol):
    """Uvicorn's, with an end to waiting for a request.

    Its own time-out begins after the first answer and is put off by every byte: without this a thousand
    connections that say nothing, or their head a byte at a time, keep everybody out without a key.
    """

    _look: asyncio.TimerHandle | None = None
    _seen: object = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As uvicorn's."""
        super().connection_made(transport)
        self._look = self.loop.call_later(IDLE_S, self._end_of_patience)

    def connection_lost(self, exc: Exception | None) -> None:
        """As uvicorn's."""
        if self._look is not None:
            self._look.cancel()
        super().connection_lost(exc)

    def _end_of_patience(self) -> None:
        waits = self.cycle is None or self.cycle.response_complete
        if waits and self.cycle is self._seen:
            # What was never asked for, or is sent behind an answer, is owed none.
            self.transport.abort()
            return
        self._seen = self.cycle
        self._look = self.loop.call_later(IDLE_S, self._end_of_patience)


class Http(uvicorn.Server):
    """Uvicorn, whose signals are ours: it would end the process by the signal itself."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None."""
        yield


def checked(settings: Settings) -> None:
    """Raise SettingsError if what is asked for would be heard by everybody, or fits nothing."""
    if bool(settings.api_tls_cert_file) != bool(settings.api_tls_key_file):
        raise SettingsError("api_tls_cert_file and api_tls_key_file belong together")
    if settings.api_tls_client_ca_file and not settings.api_tls_cert_file:
        raise SettingsError("api_tls_client_ca_file does nothing without api_tls_cert_file")
    plain = not settings.api_tls_cert_file and not settings.api_behind_proxy
    if plain and settings.api_host not in LOOPBACK:
        raise SettingsError(
            f"api_host is {settings.api_host} and keys would cross the network in the clear: set"
            " api_tls_cert_file and api_tls_key_file, or api_behind_proxy=true where a proxy ends TLS"
        )


def configured(service: Service, settings: Settings) -> uvicorn.Config:
    """How it listens.

    Raises:
        SettingsError: a file of TLS cannot be used.
    """
    tls: dict[str, Any] = {}
    if settings.api_tls_cert_file:
        tls = {"ssl_certfile": settings.api_tls_cert_file, "ssl_keyfile": settings.api_tls_key_file}
    if settings.api_tls_client_ca_file:
        tls |= {
            "ssl_ca_certs": settings.api_tls_client_ca_file,
            "ssl_cert_reqs": ssl.CERT_REQUIRED,
        }
    config = uvicorn.Config(
        create(service), host=settings.api_host, port=settings.api_port, http=Door, log_config=None,
        access_log=False, server_header=False, proxy_headers=False, lifespan="off", ws="none",
        limit_concurrency=CONNECTIONS_MAX, timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=END_S, h11_max_incomplete_event_size=HEAD_BYTES_MAX, **tls,
    )  # fmt: skip
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"a file of api_tls_… cannot be used: {type(error).__name__}") from None
    return config


async def run(settings: Settings) -> int:
    """Serve; 0 after SIGTERM, 1 if it ended otherwise.

    Raises:
        SettingsError: settings that do not fit.
        GateError: the broker does not answer, or does not let us in.
        Refused: the address of /metrics cannot be had.
    """
    checked(settings)
    # An unauthenticated line to uvicorn's own log would hold what was sent.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    async with Bus(settings) as bus:
        service = Service(bus, KeyFile(settings.api_keys_path), settings)
        http = Http(configured(service, settings))
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, _stop, http)

        def state() -> dict[str, Any]:
            return {"ready": http.started and bus.ready, "joining": [], "waits": []}

        metrics = Metrics(settings, state, stores=False)
        await metrics.start()
        try:
            return await _served(http, bus, settings)
        finally:
            await metrics.stop()


def _stop(http: Http) -> None:
    http.should_exit = True


async def _served(http: Http, bus: Bus, settings: Settings) -> int:
    serving = asyncio.create_task(http.serve())
    said = False
    while not serving.done():
        if http.started and not said:
            said = True
            scheme = "https" if settings.api_tls_cert_file else "http"
            for server in http.servers:
                for socket in server.sockets:
                    host, port = socket.getsockname()[:2]
                    log.info("api at %s://%s:%s", scheme, host, port)
        if not bus.ready:
            log.error("decisions are not heard any more; leaving")
            http.should_exit = True
        await asyncio.wait([serving], timeout=LOOK_S if said else 0.02)
    await serving
    return 0 if said and bus.ready else 1
