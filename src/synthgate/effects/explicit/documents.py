"""A DOCX whose first paragraph says what it is (GB 45438-2025 5.1); everything else keeps its bytes."""

from collections.abc import Mapping
from typing import Any, Final

from synthgate.effects.carriers import xml_spans, zip_parts
from synthgate.effects.explicit import packages
from synthgate.effects.explicit.errors import ExplicitError
from synthgate.effects.explicit.packages import ELEMENTS_MAX, OFFICE, XML_BYTES_MAX

_MAIN: Final = "word/document.xml"
_WORDS: Final = f"{OFFICE}/wordprocessingml/2006/main"


def put(data: bytes, text: str) -> tuple[bytes, Mapping[str, Any]]:
    """The document with a paragraph in front, read back, and what is recorded of it.

    Raises:
        ExplicitError: the words are no label, or the document has no body where one is expected.
        CarrierError: the package or its main part cannot be read.
    """
    archive = packages.opened(data, text)
    main = archive.read(_MAIN, XML_BYTES_MAX)
    at = _body(main)
    paragraph = (
        f'<w:p xmlns:w="{_WORDS}"><w:r><w:t>{xml_spans.quoted(text)}</w:t></w:r></w:p>'
    ).encode("ascii", "xmlcharrefreplace")
    made = zip_parts.replaced(archive, {_MAIN: main[:at] + paragraph + main[at:]})
    if _first_words(made) != text:
        raise ExplicitError("readback", "the first paragraph is not the label")
    return made, {"text": text, "place": "start"}


def _body(main: bytes) -> int:
    """Where the body's first tag ends."""
    for element in xml_spans.scan(main, _MAIN, ELEMENTS_MAX):
        if element.name == (_WORDS, "body") and not xml_spans.is_empty(main, element):
            return xml_spans.tag_end(main, element.start)
    raise ExplicitError("unsupported", "the document has no body to put a paragraph into")


def _first_words(data: bytes) -> str:
    main = zip_parts.open_parts(data).read(_MAIN, XML_BYTES_MAX)
    texts = (one for one in xml_spans.scan(main, _MAIN, ELEMENTS_MAX) if one.name == (_WORDS, "t"))
    first = next(texts, None)
    return "" if first is None else first.text
