"""A file of any medium with a label people perceive: which of our ways is taken (GB 45438-2025 5)."""

from collections.abc import Mapping
from typing import Any, Final

from synthgate.effects import text_label
from synthgate.effects.carriers import markdown
from synthgate.effects.carriers.carrier import Carrier
from synthgate.effects.explicit import (
    documents,
    films,
    pages,
    pictures,
    sheets,
    slides,
    sounds,
    words,
)
from synthgate.effects.explicit.badge import Corner
from synthgate.effects.explicit.errors import ExplicitError
from synthgate.effects.explicit.speech import Clip

_DOCUMENTS: Final = {
    "docx": documents.put, "pdf": pages.put, "pptx": slides.put, "xlsx": sheets.put,
}  # fmt: skip
"""How each document is given words people see."""


def put(
    carrier: Carrier,
    data: bytes,
    sentence: str,
    corner: Corner = "bottom-right",
    clip: Clip | None = None,
) -> tuple[bytes, Mapping[str, Any]]:
    """The file with a label people perceive, read back, and what is recorded of it.

    Raises:
        CarrierError, ExplicitError: it cannot be put in, or is not found again.
    """
    if carrier.medium == "image":
        made, badge = pictures.put(data, sentence, corner)
        return made, badge.row()
    if carrier is markdown.CARRIER:
        return _markdown(data, sentence)
    if carrier.name in _DOCUMENTS:
        return _DOCUMENTS[carrier.name](data, sentence)
    if carrier.name in sounds.KINDS:
        return sounds.put(data, carrier.name, clip)
    if carrier.medium == "video":
        return films.put(data, carrier.name, sentence, corner)
    raise ExplicitError("unsupported", f"no explicit label can be put into {carrier.name} here")


def _markdown(data: bytes, sentence: str) -> tuple[bytes, Mapping[str, Any]]:
    words.check(sentence)
    front = markdown.front(data)
    head = data.decode()[: len(data.decode()) - len(front.body)]
    body, place = text_label.put(front.body, sentence)
    if body != front.body:
        # A line of its own in the source is none when rendered: an empty line sets the paragraph off.
        body = sentence + front.newline * 2 + front.body
    return (head + body).encode(), {"text": sentence, **place._asdict()}
