"""The produce id: our number for one piece of content (GB 45438 Annex E, ProduceID).

A hash over what makes the act unique: where its first record stood, and its CloudEvents identity. So the same
record always gets the same number, different records never share one (160 bits), other chains of the same
provider do not collide, and nothing of the user can be read off it. It is looked up in the log, not decoded.
"""

import base64
import hashlib
from typing import Final

import orjson

from synthgate.events.origin import Origin

_PREFIX: Final = "SG1-"
_HASH_BYTES: Final = 20


def produce_id(root: Origin, tenant: str, source: str, event_id: str) -> str:
    """The number: ``SG1-`` and 32 characters of A-Z and 2-7."""
    act = orjson.dumps(["produce", str(root), tenant, source, event_id])
    return _PREFIX + base64.b32encode(hashlib.sha256(act).digest()[:_HASH_BYTES]).decode()
