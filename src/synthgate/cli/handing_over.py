"""Handing a report to a platform's own gateway: signed, under an idempotency key, again until it is taken.

A gateway's 200 says that the gateway has it, not that the authority has: the case notes ``handed_over`` and its
clock runs on until the receipt is entered.
"""

import hashlib
import hmac
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from synthgate.cli.errors import CONFIGURATION, CommandError

ATTEMPTS: Final = 5
FIRST_WAIT_S: Final = 1.0
TIMEOUT_S: Final = 20.0
KEY_BYTES_MIN: Final = 32
RETRY: Final = 75
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_AGAIN: Final = (408, 425, 429)


@dataclass(frozen=True, slots=True)
class Handed:
    """What the gateway said in the end, and after how many attempts."""

    status: int
    attempts: int
    sha256: str


def hand_over(
    url: str, body: bytes, *, report: str, key: bytes, wait: Callable[[float], None] = time.sleep
) -> Handed:
    """POST the report until the gateway takes it.

    The signature is HMAC-SHA-256 over the idempotency key, a newline and the body, in hex; the idempotency key
    derives from the report's id, so the same report sent twice is one to whoever looks at it.

    Raises:
        CommandError: no such gateway, no answer after all attempts, or an answer that will not change.
    """
    _check(url)
    digest = hashlib.sha256(body).hexdigest()
    once = hashlib.sha256(report.encode()).hexdigest()
    signature = hmac.new(key, once.encode() + b"\n" + body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json", "Idempotency-Key": once, "Synthgate-Signature": signature,
    }  # fmt: skip
    said = ""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return Handed(_post(url, body, headers), attempt, digest)
        except urllib.error.HTTPError as error:
            said = f"HTTP {error.code}"
            if error.code < 500 and error.code not in _AGAIN:
                raise CommandError(f"{url}: {said}: the gateway refuses it as it is") from None
        except (urllib.error.URLError, OSError) as error:
            said = str(getattr(error, "reason", error))
        if attempt < ATTEMPTS:
            wait(FIRST_WAIT_S * 2 ** (attempt - 1))
    raise CommandError(
        f"{url}: {said}, {ATTEMPTS} times; nothing is lost: run it again, or submit the report by hand",
        RETRY,
    )


def read_key(path: str) -> bytes:
    """The key shared with the gateway.

    Raises:
        CommandError: no such file, or too short to be a key.
    """
    try:
        key = Path(path).read_bytes().strip()
    except OSError as error:
        raise CommandError(f"--key-file {path}: {error.strerror}", CONFIGURATION) from None
    if len(key) < KEY_BYTES_MIN:
        raise CommandError(
            f"--key-file {path}: at least {KEY_BYTES_MIN} bytes make a key", CONFIGURATION
        )
    return key


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A report goes where it was sent, nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    request = urllib.request.Request(url, body, dict(headers), method="POST")
    opener = urllib.request.build_opener(_NoRedirect)
    with opener.open(request, timeout=TIMEOUT_S) as answer:
        return int(answer.status)


def _check(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return
    raise CommandError(f"--to {url}: a report goes over https", CONFIGURATION)
