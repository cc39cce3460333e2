"""Streamed answers: what a part must bring along, so that it is judged with what stands before it.

A part carries in ``content.shown`` the end of what was shown so far, and the pass of the part before it, which
holds a keyed hash of exactly that. So moderation sees a phrase split over two parts, and remembers nothing.
"""

import hmac
from typing import Final

SHOWN_CHARS: Final = 512
"""Characters of the end: twice the longest entry of a feature library, so that a disguised one fits too."""


def shown_after(shown: str, text: str) -> str:
    """The end of what is shown once a part ``text`` is: ``content.shown`` of the next part."""
    return (shown + text)[-SHOWN_CHARS:]


def shown_mac(token_key: bytes, shown: str) -> str:
    """What a pass says of it; without the key nobody can try words against it."""
    return hmac.digest(
        token_key, b"shown " + shown.encode("utf-8", "surrogatepass"), "sha256"
    ).hex()
