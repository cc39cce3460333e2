"""The font a page is printed with: which one, what it has, and the part of it that a document embeds.

Outlines may be TrueType or CFF, alone or in a collection. The parts that are kept are fontTools' work.
"""

import hashlib
import importlib.util
import io
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

PACKAGE: Final = "pylopdf_fonts_zh_cn"
PACKAGE_FONT: Final = "NotoSansSC-Regular.otf"
"""Noto Sans SC (OFL 1.1), from the package that the extra ``pdf`` installs."""
LETTERS: Final = "的一是中国内容报告放行拒绝，。：（）AZaz09#%"
"""What a font must have to be of any use: without these it is no font for Chinese pages."""
_COLLECTIONS: Final = (".ttc", ".otc")
_EM: Final = 1000
_REGULAR: Final = 400


class CannotPrint(Exception):
    """No PDF can be made here; the sentence names what is missing and how to mend it."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """What a document needs of a font. codes: two-byte code by character. widths: by code, in 1/1000 em."""

    name: str
    file: bytes
    cff: bool
    codes: dict[str, int]
    widths: dict[int, int]
    ascent: int
    descent: int
    box: tuple[int, int, int, int]


class Face:
    """One font, read once. digest: SHA-256 of its file."""

    def __init__(self, path: Path, data: bytes, font: Any) -> None:
        self.path = path
        self.digest = hashlib.sha256(data).hexdigest()
        self._data = data
        self._font = font
        self._glyphs: dict[int, str] = font.getBestCmap() or {}
        self._scale = _EM / font["head"].unitsPerEm

    def means(self) -> dict[str, str]:
        """What a document's bytes depend on beside its page: with the same, the same page gives the same."""
        import zlib

        import fontTools

        return {
            "font_sha256": self.digest, "fonttools": str(fontTools.version),
            "zlib": zlib.ZLIB_RUNTIME_VERSION,
        }  # fmt: skip

    def has(self, letter: str) -> bool:
        """Whether the font draws it."""
        return ord(letter) in self._glyphs

    def width(self, letter: str) -> float:
        """How far it moves, in 1/1000 em; 0 for what the font lacks."""
        name = self._glyphs.get(ord(letter))
        return 0.0 if name is None else self._font["hmtx"][name][0] * self._scale

    def embedded(self, letters: Iterable[str]) -> Embedded:
        """The font with these characters alone."""
        from fontTools import subset

        wanted = sorted({ord(letter) for letter in letters if self.has(letter)})
        options = subset.Options(
            layout_features=[], hinting=False, name_IDs=[], notdef_outline=True, glyph_names=False,
            recalc_timestamp=False, drop_tables=["vhea", "vmtx", "VORG", "BASE", "DSIG", "meta"],
        )  # fmt: skip
        font = _read(self.path, self._data)
        cutter = subset.Subsetter(options)
        cutter.populate(unicodes=wanted)
        cutter.subset(font)
        if "fvar" in font:
            font = _pinned(font)
        cff = "CFF " in font
        codes = _codes(font, wanted)
        hmtx, names = font["hmtx"], font.getBestCmap()
        widths = {
            codes[chr(one)]: round(hmtx[names[one]][0] * self._scale) for one in wanted
        }  # fmt: skip
        out = io.BytesIO()
        font.save(out, reorderTables=None)
        file = _table(out.getvalue(), "CFF ") if cff else out.getvalue()
        head, hhea = font["head"], font["hhea"]
        box = tuple(round(n * self._scale) for n in (head.xMin, head.yMin, head.xMax, head.yMax))
        return Embedded(
            f"SYNTHG+{hashlib.sha256(file).hexdigest()[:8]}", file, cff, codes, widths,
            round(hhea.ascent * self._scale), round(hhea.descent * self._scale), box,
        )  # fmt: skip


def find_face(path: Path | None) -> Face:
    """The font at a path, or the one the extra brings.

    Raises:
        CannotPrint: nothing to print with, or it is no font for Chinese; what to do stands in it.
    """
    try:
        import fontTools  # noqa: F401
    except ImportError:
        raise CannotPrint(
            "printing needs fontTools: install Synthgate with its extra `pdf` (pip install 'synthgate[pdf]')"
        ) from None
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    path = path or _of_package()
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CannotPrint(f"the font {path} cannot be read: {error.strerror}; {_MEND}") from None
    try:
        face = Face(path, data, _read(path, data))
        face.width("A")
    except Exception as error:  # noqa: BLE001 (fontTools raises whatever a broken table makes it)
        raise CannotPrint(f"{path} is no font that can be read: {error}; {_MEND}") from None
    lacking = "".join(letter for letter in LETTERS if not face.has(letter))
    if lacking:
        raise CannotPrint(f"the font {path} lacks {lacking}: it is no font for Chinese; {_MEND}")
    return face


_MEND: Final = (
    "set pdf_font to a Chinese font (TTF, OTF, TTC), for instance NotoSansCJK-Regular.ttc of the Debian"
    " package fonts-noto-cjk, or install the extra `pdf`"
)


def _of_package() -> Path:
    found = importlib.util.find_spec(PACKAGE)
    for folder in (found.submodule_search_locations or ()) if found is not None else ():
        return Path(folder) / PACKAGE_FONT
    raise CannotPrint(f"there is no font to print with; {_MEND}")


def _read(path: Path, data: bytes) -> Any:
    """A font; of a collection its simplified Chinese face, or else its first."""
    from fontTools.ttLib import TTCollection, TTFont

    if path.suffix.lower() not in _COLLECTIONS:
        return TTFont(io.BytesIO(data), recalcTimestamp=False, lazy=True)
    every = TTCollection(io.BytesIO(data), lazy=True).fonts
    names = [one["name"].getDebugName(1) or "" for one in every]
    number = next((n for n, name in enumerate(names) if name.endswith(" SC")), 0)
    return TTFont(io.BytesIO(data), fontNumber=number, recalcTimestamp=False, lazy=True)


def _pinned(font: Any) -> Any:
    """A variable font at its regular weight."""
    from fontTools.varLib.instancer import instantiateVariableFont

    axes = {
        axis.axisTag: min(max(_REGULAR, axis.minValue), axis.maxValue)
        if axis.axisTag == "wght" else axis.defaultValue
        for axis in font["fvar"].axes
    }  # fmt: skip
    return instantiateVariableFont(font, axes)


def _codes(font: Any, wanted: list[int]) -> dict[str, int]:
    """Code by character: the glyph's number, or its CID where the font is keyed by them."""
    names = font.getBestCmap()
    keyed = "CFF " in font and hasattr(font["CFF "].cff[0], "ROS")
    numbers = (
        {name: int(name[3:]) for name in font.getGlyphOrder() if name.startswith("cid")}
        if keyed
        else font.getReverseGlyphMap()
    )
    return {chr(one): numbers[names[one]] for one in wanted}


def _table(file: bytes, tag: str) -> bytes:
    from fontTools.ttLib import TTFont

    data: bytes = TTFont(io.BytesIO(file)).reader[tag]
    return data
