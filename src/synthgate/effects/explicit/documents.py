"""A DOCX whose first paragraph says what it is (GB 45438-2025 5.1); everything else keeps its bytes."""

from collections.abc import Mapping
from typing import Any, Final

from synthgate.effects.carriers import xml_spans, zip_parts
from synthgate.effects.explicit import packages
from synthgate.effects.explicit.errors import ExplicitError
from synthgate.effects.explicit.packages import ELEMENTS_MAX, OFFICE, XML_BYTES_MAX

_MAIN: Final = "word/document.xml"
_WORDS: Final = f"{OFFICE}/wordprocessingml/2006/main"
_PLAIN: Final = (
    '<w:pPr><w:shd w:val="clear" w:color="auto" w:fill="FFFFFF"/>'
    '<w:spacing w:before="0" w:after="120" w:line="240" w:lineRule="auto"/>'
    '<w:ind w:left="0" w:right="0" w:firstLine="0"/><w:jc w:val="left"/></w:pPr>'
)
_SHOWN: Final = (
    '<w:rPr><w:strike w:val="0"/><w:dstrike w:val="0"/><w:vanish w:val="0"/><w:webHidden w:val="0"/>'
    '<w:color w:val="000000"/><w:spacing w:val="0"/><w:w w:val="100"/><w:position w:val="0"/>'
    '<w:sz w:val="28"/><w:szCs w:val="28"/><w:shd w:val="clear" w:color="auto" w:fill="FFFFFF"/></w:rPr>'
)
"""14 points, black on white: a document whose own default is hidden, tiny or white would hide the label."""


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
        f'<w:p xmlns:w="{_WORDS}">{_PLAIN}<w:r>{_SHOWN}<w:t>{xml_spans.quoted(text)}</w:t></w:r></w:p>'
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
