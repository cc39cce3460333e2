"""A PDF says, read out by others, what its page says; all of it is drawn; the same page is the same bytes."""

import html
import random
import re
import unicodedata
from pathlib import Path

import pytest
from PIL import Image

from printed.fonts import built, placed
from printed.reading import read_out, said
from programs import need, output
from synthgate.printed.document import pdf
from synthgate.printed.face import LETTERS, Face, find_face

LONG = (
    "sha256 "
    + "0123456789abcdef-" * 40
    + " 长文，「引文」" * 300
    + " é “x” — … ⼀一\u00a0a  b 😀\x07"
)


def page(*texts: str) -> str:
    rows = "".join(
        f"<tr><th>{n}. 条目</th><td>{html.escape(t)}</td></tr>" for n, t in enumerate(texts)
    )
    return (
        '<!doctype html>\n<html lang="zh-CN"><head><title>x</title></head><body><h1>报告 (1)</h1>\n'
        f"<p>to</p>\n<table>\n{rows}\n</table>\n</body></html>\n"
    )


@pytest.fixture(scope="module")
def face() -> Face:
    return find_face(None)


def test_others_read_out_what_the_page_says(face: Face, tmp_path: Path) -> None:
    text = page(LONG, "<script>alert(1)</script>", "a\nb", LONG)
    assert read_out(pdf(text, face), tmp_path) == said(text)


def anything(chance: random.Random) -> str:
    """Text as people write it, and as they do not."""
    ranges = [(0x20, 0x58F), (0x3000, 0x9FFF), (0x1F300, 0x1F6FF), (0x20000, 0x20010), (0x30, 0x39)]
    letters = []
    for _ in range(chance.randrange(120)):
        letter = chr(chance.randint(*chance.choice(ranges)))
        if unicodedata.category(letter)[0] not in "CM":
            letters.append(letter + "-" * (chance.random() < 0.1))
    return "".join(letters)


def test_whatever_is_written_is_read_out(face: Face, tmp_path: Path) -> None:
    chance = random.Random(8)
    text = page(*(anything(chance) for _ in range(60)))
    assert read_out(pdf(text, face), tmp_path) == said(text)


def test_the_operators_font_is_read_out_too(tmp_path: Path) -> None:
    letters = sorted(set(page("AZ 中国内容") + LETTERS + "0123456789") - {"\n"})
    own = find_face(placed(built("".join(letters)), tmp_path / "own.ttf"))
    text = page("AZ 中国内容")
    assert read_out(pdf(text, own), tmp_path) == said(text)


def test_the_file_is_sound_and_has_its_font_in_it(face: Face, tmp_path: Path) -> None:
    need("pdfinfo", "qpdf")
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf(page(LONG), face))
    assert "No syntax or stream encoding errors" in output("qpdf", "--check", path)
    about = output("pdfinfo", path)
    assert re.search(r"Title:\s+报告 \(1\)", about) and re.search(r"Pages:\s+[2-9]", about)
    assert re.search(r"Page size:\s+595 x 842 pts \(A4\)", about)


def test_no_letter_is_a_box_for_a_missing_one(face: Face) -> None:
    """Every code that is drawn is a glyph of the font that is not the box, and no other's."""
    part = face.embedded("报告①é…😀")
    assert 0 not in part.codes.values() and set(part.codes) == set("报告①é…")


def test_a_picture_of_it_has_ink_where_letters_stand(face: Face, tmp_path: Path) -> None:
    need("pdftoppm")
    (tmp_path / "a.pdf").write_bytes(pdf(page("中"), face))
    output("pdftoppm", "-r", "72", "-png", tmp_path / "a.pdf", tmp_path / "a")
    (found,) = tmp_path.glob("a-*.png")
    picture = Image.open(found).convert("L")
    ink = [
        y for y in range(picture.height) if picture.crop((0, y, 595, y + 1)).getextrema()[0] < 128
    ]
    assert len(ink) > 30 and min(ink) > 50


def test_the_same_page_is_the_same_bytes_and_another_is_not(tmp_path: Path) -> None:
    letters = "".join(sorted(set(LETTERS + "报告条目to()/ 0123456789.ab")))
    path = placed(built(letters), tmp_path / "own.ttf")
    own = find_face(path)
    assert pdf(page("a"), own) == pdf(page("a"), find_face(path)) != pdf(page("b"), own)
    assert set(own.means()) == {"font_sha256", "fonttools", "zlib"}
