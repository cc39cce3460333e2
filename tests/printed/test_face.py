"""Which font is printed with; without a fit one it is said what to do."""

import builtins
import io
from pathlib import Path

import pytest
from fontTools.ttLib import TTCollection, TTFont

from printed.fonts import built, placed
from synthgate.printed import face
from synthgate.printed.face import LETTERS, CannotPrint, find_face


def test_the_font_of_the_extra_has_the_letters_of_gb_2312() -> None:
    found = find_face(None)
    lacking = [
        letter
        for row in range(0xA1, 0xF8)
        for cell in range(0xA1, 0xFF)
        for letter in bytes([row, cell]).decode("gb2312", "ignore")
        if not found.has(letter)
    ]
    assert lacking == []
    assert found.width("中") == 1000 and 0 < found.width("i") < found.width("M") < 1000
    assert found.width("\U0001f600") == 0


def test_only_what_is_drawn_is_embedded_and_the_same_each_time() -> None:
    found = find_face(None)
    part = found.embedded("违法和不良信息 报告 42\U0001f600")
    assert len(part.file) < 20_000 and part.cff
    assert set(part.codes) == set("违法和不良信息 报告 42")
    assert len(set(part.codes.values())) == len(part.codes)
    assert part.file == found.embedded("42 报告信息良不和法违").file != found.embedded("4").file


@pytest.mark.parametrize("variable", [False, True])
def test_a_font_of_the_operators_is_taken_whatever_its_outlines(
    tmp_path: Path, variable: bool
) -> None:
    path = placed(built(LETTERS, variable=variable), tmp_path / "own.ttf")
    found = find_face(path)
    part = found.embedded("中A")
    assert not part.cff and found.width("A") == 750 and part.widths[part.codes["A"]] == 750
    assert part.ascent == 800
    held = TTFont(io.BytesIO(part.file))
    assert "fvar" not in held and len(held.getGlyphOrder()) == 3


def test_of_a_collection_the_simplified_chinese_face_is_taken(tmp_path: Path) -> None:
    every = TTCollection()
    every.fonts = [built("AZ", "Made JP"), built(LETTERS, "Made SC")]
    assert find_face(placed(every, tmp_path / "all.ttc")).has("国")
    every.fonts = [built(LETTERS, "Made"), built("AZ", "Other")]
    assert find_face(placed(every, tmp_path / "all.ttc")).has("国")


def test_what_is_missing_is_named_with_the_way_to_mend_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CannotPrint, match=r"none\.ttf cannot be read: No such file.*set pdf_font"):
        find_face(tmp_path / "none.ttf")
    no_font = tmp_path / "no.ttf"
    for data in (b"", b"not a font", placed(built(LETTERS), no_font).read_bytes()[:300]):
        no_font.write_bytes(data)
        with pytest.raises(CannotPrint, match=r"no font that can be read: .*fonts-noto-cjk"):
            find_face(no_font)
    latin = placed(built("AZaz09#%"), tmp_path / "latin.ttf")
    with pytest.raises(CannotPrint, match=r"lacks 的一是中.*: it is no font for Chinese; set"):
        find_face(latin)
    monkeypatch.setattr(face, "PACKAGE", "no_such_package")
    with pytest.raises(CannotPrint, match=r"no font to print with; set pdf_font .* extra `pdf`"):
        find_face(None)
    real = builtins.__import__

    def without(name: str, *args: object, **kwargs: object) -> object:
        if name == "fontTools":
            raise ImportError(name)
        return real(name, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(CannotPrint, match=r"install Synthgate with its extra `pdf`"):
        find_face(None)
