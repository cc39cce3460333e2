"""Who signs consents: a JWK set (RFC 7517) from a file, or from the one address that the settings name.

That address is the whole list of allowed ones: no receipt can name another (a ``jku`` in its header is refused,
RFC 7515 4.1.2), and a redirect is not followed. The set is read once, at the start: after a change of keys
workers are started again.
"""

import http.client
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, build_opener

from synthgate.access import LOOPBACK
from synthgate.crypto.receipts import ReceiptKeys, ReceiptKeysError

SET_BYTES_MAX: Final = 1 << 20
ANSWER_S: Final = 10.0
_LATER: Final = frozenset({408, 425, 429})


class ReceiptKeysAwayError(ReceiptKeysError):
    """The address gave no answer; the set may be had later."""


class _Straight(HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow none."""


def consent_keys(place: str) -> ReceiptKeys | None:
    """The keys at a path or an address; None if no place is named: then no receipt counts.

    Raises:
        ReceiptKeysError: no such file, no such set, or an address in the clear.
        ReceiptKeysAwayError: the address gave no answer.
    """
    if not place:
        return None
    address = urlsplit(place)
    if address.scheme not in ("http", "https"):
        return ReceiptKeys.load(Path(place))
    if address.scheme == "http" and address.hostname not in LOOPBACK:
        raise ReceiptKeysError(f"consent keys {place}: the address must begin with https://")
    return ReceiptKeys.read(_fetched(place), place)


def _fetched(place: str) -> bytes:
    try:
        with build_opener(_Straight).open(place, timeout=ANSWER_S) as answer:
            raw: bytes = answer.read(SET_BYTES_MAX + 1)
    except HTTPError as error:
        fault = f"consent keys {place}: status {error.code}"
        if error.code >= 500 or error.code in _LATER:
            raise ReceiptKeysAwayError(fault) from None
        raise ReceiptKeysError(fault) from None
    except (OSError, http.client.HTTPException) as error:
        raise ReceiptKeysAwayError(
            f"consent keys {place}: no answer ({type(error).__name__})"
        ) from None
    if len(raw) > SET_BYTES_MAX:
        raise ReceiptKeysError(f"consent keys {place}: more than {SET_BYTES_MAX} bytes")
    return raw
