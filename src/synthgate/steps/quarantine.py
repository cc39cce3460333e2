"""Quarantine and stubs: what cannot be processed is sealed to the operator, named, logged and answered.

The one function through which every duty writes to the quarantine topic. The bytes are readable only with
the operator's private key, which no worker holds.
"""

import hashlib

import orjson

from synthgate.crypto.seal import seal
from synthgate.events.event import STUB
from synthgate.events.passage import Passage
from synthgate.step import Work

UNKNOWN_TENANT = "_unknown"
_DETAIL_CHARS_MAX = 300
SEALED_BYTES_MAX = 1_048_576
"""A compressed batch may unpack into more than the topic takes; then only the beginning is kept."""


class Quarantine:
    """Seals bytes to the operator's public key (X25519, 32 bytes), with the batch's other outputs."""

    def __init__(self, operator: bytes) -> None:
        self._operator = operator

    def put(
        self, work: Work, *, origin: str, code: str, tenant: str, data: bytes, why: str = "",
        keyed: bool = False,
    ) -> None:  # fmt: skip
        """Queue one sealed record; the headers say what it is, never what it holds.

        ``sg_sha256`` is of all of ``data``, also where only its beginning can be kept. why: which rule or
        expression of the operator's failed. keyed: on the partition of its key, for a batch of a topic that
        may have more partitions than ours.
        """
        headers = [
            ("sg_origin", origin.encode()),
            ("sg_code", code.encode()),
            ("sg_sha256", hashlib.sha256(data).hexdigest().encode()),
        ]
        if why:
            headers.append(("sg_why", why[:_DETAIL_CHARS_MAX].encode()))
        sealed = seal(self._operator, data[:SEALED_BYTES_MAX], origin.encode())
        work.outputs.stubs[code] += 1
        if keyed:
            rows = work.outputs.keyed.setdefault("quarantine", [])
            rows.append((tenant.encode(), sealed, headers))
        else:
            work.outputs.add("quarantine", tenant.encode(), sealed, headers)

    def stub(self, work: Work, passage: Passage, code: str, detail: str, data: bytes) -> None:
        """Turn a passage into a stub in place; ``data`` is what is sealed away."""
        event = passage.attrs
        tenant = _tenant(passage)
        origin = str(passage.origin)
        self.put(work, origin=origin, code=code, tenant=tenant, data=data)
        passage.event_bytes = stub_event(code, detail, data, tenant, str(event.get("type", "")))
        passage.attrs = {**event, "type": STUB}
        for cached in ("event", "verdicts"):
            passage.__dict__.pop(cached, None)


def stub_event(code: str, detail: str, data: bytes, tenant: str, of: str) -> bytes:
    """Event data of a stub: what is known, none of what it holds. ``of``: the type it claimed."""
    return orjson.dumps(
        {
            "tenant": tenant,
            "code": code,
            "sha256": hashlib.sha256(data).hexdigest(),
            "size_bytes": len(data),
            "detail": detail[:_DETAIL_CHARS_MAX],
            "of": of[:100],
        }
    )


def _tenant(passage: Passage) -> str:
    try:
        return passage.event.tenant
    except (KeyError, ValueError, TypeError, AttributeError):
        return UNKNOWN_TENANT
