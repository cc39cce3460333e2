"""A PDF of a page: text that can be read out again as it was written, and one font, embedded (ISO 32000).

The same page and font give the same bytes: no clock, no chance.
"""

import hashlib
import zlib
from collections.abc import Iterable
from typing import Final

from synthgate.printed.blocks import Page
from synthgate.printed.face import Embedded, Face
from synthgate.printed.layout import PAGE, Line, Piece, lay_out

_BOLD_EM: Final = 0.02
_RULE: Final = "0.75 G 0.5 w {x} {y} m {end} {y} l S 0 G"
_CODES_AT_ONCE: Final = 100


def pdf(page: str, face: Face) -> bytes:
    """One of our HTML pages as PDF.

    Letters the font lacks are drawn as their number, [U+1F600], and read out as themselves.
    """
    read = Page(page)
    pages = lay_out(read.blocks, face.width)
    numbers = [f"{number} / {len(pages)}" for number in range(1, len(pages) + 1)]
    shown = {
        letter for page_ in pages for line in page_ for one in line.pieces for letter in one.shown
    }
    font = face.embedded(shown.union(*numbers))
    codes = _Codes(font)
    return _file(
        [_content(lines, number, codes) for lines, number in zip(pages, numbers, strict=True)],
        font, codes, read.title, read.lang,
    )  # fmt: skip


class _Codes:
    """What is written for a letter, and what is read back for a code."""

    def __init__(self, font: Embedded) -> None:
        self._codes = font.codes
        self.letters: dict[int, str] = {}
        for letter in sorted(font.codes):
            self.letters.setdefault(font.codes[letter], letter)

    def text(self, shown: str) -> str:
        """As a string of codes."""
        return "<" + "".join(f"{self._codes[letter]:04X}" for letter in shown) + ">"

    def runs(self, pieces: Iterable[Piece]) -> list[Piece]:
        """Neighbours that need no word of their own in one run; a letter that shares a glyph needs one."""
        runs: list[Piece] = []
        for piece in pieces:
            own = piece.said is None and self.letters[self._codes[piece.shown]] == piece.shown
            if own and runs and runs[-1].said is None:
                runs[-1] = Piece(runs[-1].shown + piece.shown)
            else:
                runs.append(piece if own else Piece(piece.shown, piece.said or piece.shown))
        return runs


def _content(lines: list[Line], number: str, codes: _Codes) -> bytes:
    """The drawing of one page. Its number is drawn and not read out."""
    parts = []
    for line in lines:
        size = line.style.size
        if line.rule:
            parts.append(_RULE.format(x=line.x, y=line.y + size + 3, end=PAGE[0] - line.x))
        bold = f"2 Tr {size * _BOLD_EM:.3f} w" if line.style.bold else "0 Tr"
        parts.append(f"BT /F {size} Tf {bold} 1 0 0 1 {line.x:.2f} {line.y:.2f} Tm")
        parts += [_run(run, codes) for run in codes.runs(line.pieces)]
        parts.append("ET")
    parts.append(
        f"/Span <</ActualText <FEFF>>> BDC BT /F 8 Tf 0 Tr 1 0 0 1 {PAGE[0] / 2 - 10} 24 Tm"
    )
    parts.append(f"{codes.text(number)} Tj ET EMC")
    return "\n".join(parts).encode("ascii")


def _run(run: Piece, codes: _Codes) -> str:
    if run.said is None:
        return f"{codes.text(run.shown)} Tj"
    return f"/Span <</ActualText {_string(run.said)}>> BDC {codes.text(run.shown)} Tj EMC"


def _string(text: str) -> str:
    """A text string: UTF-16 with its mark."""
    return f"<FEFF{text.encode('utf-16-be', 'surrogatepass').hex().upper()}>"


def _file(
    contents: list[bytes], font: Embedded, codes: _Codes, title: str, lang: str
) -> bytes:  # fmt: skip
    """The objects of the file, its table and its end."""
    first = 9
    kids = " ".join(f"{first + 2 * n} 0 R" for n in range(len(contents)))
    objects = [
        f"<</Type/Catalog/Pages 2 0 R/Lang({lang})/ViewerPreferences<</DisplayDocTitle true>>>>".encode(),
        f"<</Type/Pages/Count {len(contents)}/Kids[{kids}]>>".encode(),
        f"<</Title {_string(title)}/Producer(Synthgate)>>".encode(),
        *_font(font, codes),
    ]  # fmt: skip
    for number, content in enumerate(contents):
        objects.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {PAGE[0]} {PAGE[1]}]/Resources<</Font<</F 4 0 R>>>>"
            f"/Contents {first + 2 * number + 1} 0 R>>".encode()
        )
        objects.append(_stream(content))
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table, name = len(out), hashlib.sha256(out).hexdigest()[:32].upper()
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{place:010d} 00000 n \n".encode() for place in places)
    out += (
        f"trailer\n<</Size {len(objects) + 1}/Root 1 0 R/Info 3 0 R/ID[<{name}><{name}>]>>\n"
        f"startxref\n{table}\n%%EOF\n"
    ).encode()
    return bytes(out)


def _font(font: Embedded, codes: _Codes) -> list[bytes]:
    """Objects 4 to 8: the composite font, its descendant, descriptor, file, and the way back to letters."""
    kind, key = ("CIDFontType0", "FontFile3") if font.cff else ("CIDFontType2", "FontFile2")
    widths = " ".join(f"{code}[{font.widths[code]}]" for code in sorted(font.widths))
    glyphs = "" if font.cff else "/CIDToGIDMap/Identity"
    box = " ".join(map(str, font.box))
    return [
        f"<</Type/Font/Subtype/Type0/BaseFont/{font.name}/Encoding/Identity-H/DescendantFonts[5 0 R]"
        "/ToUnicode 8 0 R>>".encode(),
        f"<</Type/Font/Subtype/{kind}/BaseFont/{font.name}/CIDSystemInfo<</Registry(Adobe)"
        f"/Ordering(Identity)/Supplement 0>>/FontDescriptor 6 0 R/DW 1000/W[{widths}]{glyphs}>>".encode(),
        f"<</Type/FontDescriptor/FontName/{font.name}/Flags 4/FontBBox[{box}]/ItalicAngle 0"
        f"/Ascent {font.ascent}/Descent {font.descent}/CapHeight {font.ascent}/StemV 80/{key} 7 0 R>>".encode(),
        _stream(font.file, "/Subtype/CIDFontType0C" if font.cff else f"/Length1 {len(font.file)}"),
        _stream(_way_back(codes.letters)),
    ]  # fmt: skip


def _way_back(letters: dict[int, str]) -> bytes:
    rows = [f"<{code:04X}> <{_string(letter)[5:-1]}>" for code, letter in sorted(letters.items())]
    parts = [
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap",
        "/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def",
        "/CMapName /Adobe-Identity-UCS def /CMapType 2 def",
        "1 begincodespacerange <0000> <FFFF> endcodespacerange",
    ]
    for at in range(0, len(rows), _CODES_AT_ONCE):
        some = rows[at : at + _CODES_AT_ONCE]
        parts += [f"{len(some)} beginbfchar", *some, "endbfchar"]
    parts.append("endcmap CMapName currentdict /CMap defineresource pop end end")
    return "\n".join(parts).encode("ascii")


def _stream(data: bytes, more: str = "") -> bytes:
    packed = zlib.compress(data, 9)
    head = f"<</Length {len(packed)}/Filter/FlateDecode{more}>>\nstream\n".encode()
    return head + packed + b"\nendstream"
