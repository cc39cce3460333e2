"""Fonts made for a test: every letter a square."""

import io
from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTCollection, TTFont


def square(side: int) -> object:
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for point in ((0, side), (side, side), (side, 0)):
        pen.lineTo(point)
    pen.closePath()
    return pen.glyph()


def built(letters: str, family: str = "Made", *, variable: bool = False) -> TTFont:
    """A TrueType font of squares."""
    names = [".notdef", *(f"u{ord(letter):04X}" for letter in letters)]
    made = FontBuilder(2000, isTTF=True)
    made.setupGlyphOrder(names)
    made.setupCharacterMap({ord(letter): f"u{ord(letter):04X}" for letter in letters})
    made.setupGlyf(dict.fromkeys(names, square(1000)))
    made.setupHorizontalMetrics(dict.fromkeys(names, (1500, 0)))
    made.setupHorizontalHeader(ascent=1600, descent=-400)
    made.setupNameTable({"familyName": family, "styleName": "Regular"})
    made.setupOS2()
    made.setupPost()
    if variable:
        made.setupFvar([("wght", 100, 100, 900, "Weight")], [])
        made.setupGvar({name: [] for name in names})
    return made.font


def placed(font: TTFont | TTCollection, path: Path) -> Path:
    out = io.BytesIO()
    font.save(out)
    path.write_bytes(out.getvalue())
    return path
