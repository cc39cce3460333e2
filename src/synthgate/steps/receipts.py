"""Consents that travel in the event: checked once, kept under their hash."""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from pydantic import ValidationError

from synthgate.crypto.receipts import ReceiptError, ReceiptKeys, check_receipt
from synthgate.events.event import Subject, time_ms
from synthgate.events.facts import ConsentRow

CACHED_MAX: Final = 50_000
"""Receipts kept, about 1.5 KB each; the one not met for longest goes first."""


class Receipts:
    """Answers by hash of tenant and text. Keys are those of the start; without keys no receipt counts."""

    def __init__(self, keys: ReceiptKeys | None) -> None:
        self._keys = keys
        self._known: OrderedDict[bytes, ConsentRow | str] = OrderedDict()

    def signed(self, tenant: str, subjects: Iterable[Subject]) -> dict[str, ConsentRow | str]:
        """What the receipts in an event say, by subject; of two for one person the genuine one."""
        found: dict[str, ConsentRow | str] = {}
        for subject in subjects:
            if subject.receipt is not None and isinstance(found.get(subject.token), str | None):
                found[subject.token] = self.grant(subject.receipt, tenant, subject.token)
        return found

    def grant(self, text: str, tenant: str, subject: str) -> ConsentRow | str:
        """The row a genuine receipt stands for, or the code of what is wrong with it."""
        if self._keys is None:
            return "unknown_key"
        name = hashlib.sha256(f"{tenant}\x00{text}".encode(errors="surrogatepass")).digest()
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = _checked(self._keys, text, tenant)
            if len(self._known) > CACHED_MAX:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(name)
        if not isinstance(known, str) and known.subject != subject:
            return "wrong_subject"
        return known


def _checked(keys: ReceiptKeys, text: str, tenant: str) -> ConsentRow | str:
    try:
        claims = check_receipt(keys, text, tenant)
        row = ConsentRow.model_validate(claims.consent)
    except ReceiptError as error:
        return error.code
    except ValidationError:
        return "malformed"
    if row.expires_at is None or time_ms(row.expires_at) > claims.expires_at:
        ends = datetime.fromtimestamp(claims.expires_at / 1000, UTC).isoformat()
        return row.model_copy(update={"expires_at": ends})
    return row
