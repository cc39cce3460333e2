"""An office document opened to be given words people see: read whole, and not signed by anybody."""

from typing import Final

from synthgate.effects.carriers import zip_parts
from synthgate.effects.carriers.xml_spans import Element, Name
from synthgate.effects.carriers.zip_parts import Parts
from synthgate.effects.explicit import words
from synthgate.effects.explicit.errors import ExplicitError

XML_BYTES_MAX: Final = 64 << 20
ELEMENTS_MAX: Final = 300_000
"""Of one part that is read whole."""
OFFICE: Final = "http://schemas.openxmlformats.org"


def opened(data: bytes, text: str) -> Parts:
    """The document's parts.

    Raises:
        ExplicitError: the words are no label, or the document is signed.
        CarrierError: the package cannot be read.
    """
    words.check(text)
    archive = zip_parts.open_parts(data)
    if any(name.startswith("_xmlsignatures/") for name in archive.parts):
        raise ExplicitError("signed", "a signed document: a label would break its signature")
    return archive


def stands(one: Element | None, *names: Name) -> bool:
    """Whether an element stands under these, from itself up to the root: elsewhere it is not shown."""
    for name in names:
        if one is None or one.name != name:
            return False
        one = one.parent
    return one is None
