"""All carriers, in a list, and which one a file belongs to: by its first bytes, never by its name alone."""

from typing import Final

from synthgate.effects.carriers import (
    flac,
    gif,
    jpeg,
    markdown,
    matroska,
    mp3,
    mp4,
    ogg,
    ooxml,
    pdf,
    png,
    wav,
    webp,
)  # fmt: skip
from synthgate.effects.carriers.carrier import Carrier, CarrierError

CARRIERS: Final[tuple[Carrier, ...]] = (
    jpeg.CARRIER, png.CARRIER, webp.CARRIER, gif.CARRIER,
    wav.CARRIER, flac.CARRIER, mp3.CARRIER, ogg.CARRIER, mp4.M4A,
    mp4.MOV, mp4.MP4, matroska.CARRIER,
    pdf.CARRIER, ooxml.DOCX, ooxml.XLSX, ooxml.PPTX, markdown.CARRIER,
)  # fmt: skip
"""The first that claims a file has it: FLAC before MP3, both may begin with an ID3 tag."""
TEXT_SUFFIXES: Final = (".txt", ".text")
"""Plain text: no place for a label, so it travels beside the file in a sidecar."""
_REFUSED: Final = (
    (0, b"II*\x00", "TIFF"), (0, b"MM\x00*", "TIFF"), (0, b"BM", "BMP"), (0, b"FLV", "FLV"),
    (8, b"AVI ", "AVI"), (0, b"\xd0\xcf\x11\xe0", "an encrypted or old (binary) Office document"),
    (4, b"ftypavi", "AVIF"), (4, b"ftyphe", "HEIF"), (4, b"ftypmif1", "HEIF"),
    (0, b"\x00\x00\x00\x0cJXL ", "JPEG XL"), (0, b"\xff\x0a", "JPEG XL"), (0, b"{\\rtf", "RTF"),
    (0, b"PK", "a ZIP that is no Office document"), (0, b"<svg", "SVG"), (0, b"glTF", "GLB"),
    (0, b"8BPS", "Photoshop"), (0, b"%!PS", "PostScript"), (0, b"\x30\x26\xb2\x75", "ASF (WMV, WMA)"),
)  # fmt: skip
_TS_PACKET: Final = 188


def of(data: bytes, name: str = "") -> Carrier:
    """The carrier of a file; its name decides only between texts.

    Raises:
        CarrierError: a format that cannot carry a label here, by name.
    """
    for carrier in CARRIERS:
        if carrier.claims(data):
            return carrier
    for at, magic, what in _REFUSED:
        if data.startswith(magic, at):
            raise CarrierError("unsupported", f"{what} cannot carry a label here")
    if data[:1] == b"G" and data[_TS_PACKET : _TS_PACKET + 1] == b"G":
        raise CarrierError("unsupported", "MPEG-TS cannot carry a label: its tags get lost")
    if name.lower().endswith(markdown.CARRIER.suffixes):
        return markdown.CARRIER
    raise CarrierError("unsupported", "no format known here")


def refused() -> tuple[str, ...]:
    """Formats known by name that cannot carry a label here."""
    return tuple(dict.fromkeys([*(what for _, _, what in _REFUSED), "MPEG-TS"]))


def is_text(data: bytes, name: str) -> bool:
    """Whether a file is plain text by its name and its bytes."""
    if not name.lower().endswith(TEXT_SUFFIXES) or b"\x00" in data:
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
