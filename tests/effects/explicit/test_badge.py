"""The badge: the ink of every glyph measured on pixels, in every size; words that are labels; contrast."""

import math

import pytest
from PIL import Image

from synthgate.effects.explicit import badge as badges
from synthgate.effects.explicit import lettering
from synthgate.effects.explicit.errors import ExplicitError

SIZES = [
    (64, 64), (65, 97), (96, 64), (128, 128), (200, 150), (240, 320), (333, 500), (480, 640), (640, 480),
    (720, 1280), (800, 600), (1024, 1024), (1080, 1920), (1200, 1600), (1999, 1333), (2048, 3072),
    (3000, 2000), (4000, 3000), (5000, 7000), (12_000, 900), (900, 12_000),
]  # fmt: skip
WORDS = ("AI生成", "人工智能合成", "AI生成 AI-generated")


def glyph_heights(image: Image.Image, badge: badges.Badge) -> list[int]:
    """Ink heights by plain counting of rows, from the finished pixels; knows of no mask of ours."""
    dark_plate = image.getpixel((badge.box[0], badge.box[1])) < 128
    found = []
    for glyph in badge.line.glyphs:
        if glyph.counts:
            left, right = badge.letters[0] + glyph.left, badge.letters[0] + glyph.right
            part = image.crop((left, badge.box[1], right, badge.box[3]))
            rows = [
                y for y in range(part.height)
                if any((part.getpixel((x, y)) >= 128) == dark_plate for x in range(part.width))
            ]  # fmt: skip
            found.append(rows[-1] - rows[0] + 1)
    return found


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("ground", [20, 235])
def test_every_glyph_has_five_percent_of_the_shortest_side(size, ground):
    image = Image.new("L", size, ground)
    badge = badges.plan(size, "AI生成")
    badges.draw(image, badge)
    least = badges.measured(image, badge)
    assert least >= math.ceil(0.06 * min(size))
    assert least == badge.line.ink_px
    if min(size) <= 1024:
        assert min(glyph_heights(image, badge)) == least
    left, top, right, bottom = badge.box
    assert 0 <= left < right <= size[0]
    assert 0 <= top < bottom <= size[1]


@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize("corner", badges.CORNERS)
def test_it_stands_in_its_corner_and_touches_nothing_else(words, corner):
    size = (900, 600)
    image = Image.new("RGB", size, (200, 30, 90))
    badge = badges.plan(size, words, corner)
    badges.draw(image, badge)
    left, top, right, bottom = badge.box
    near = 0.02 * 600
    assert (size[0] - right if corner.endswith("right") else left) <= near
    assert (size[1] - bottom if corner.startswith("bottom") else top) <= near
    image.paste((200, 30, 90), badge.box)
    assert image.getcolors() == [(900 * 600, (200, 30, 90))]


@pytest.mark.parametrize("mode", badges.MODES)
@pytest.mark.parametrize("ground", [0, 255])
def test_letters_stand_out_in_every_mode_and_are_opaque(mode, ground):
    image = Image.new("L", (400, 300), ground).convert("CMYK" if mode == "CMYK" else mode)
    if mode in ("LA", "RGBA"):
        image.putalpha(0)
    badge = badges.plan(image.size, "AI生成")
    badges.draw(image, badge)
    assert badges.measured(image, badge) == badge.line.ink_px
    if mode in ("LA", "RGBA"):
        assert image.getchannel("A").crop(badge.box).getextrema() == (255, 255)


def test_what_was_not_drawn_is_not_measured():
    badge = badges.plan((400, 300), "AI生成")
    assert badges.measured(Image.new("L", (400, 300), 90), badge) == 0
    assert badges.measured(Image.effect_noise((400, 300), 10), badge) == 0


def test_one_glyph_wiped_out_is_noticed():
    image = Image.new("L", (400, 300), 255)
    badge = badges.plan(image.size, "AI生成")
    badges.draw(image, badge)
    last = badge.line.glyphs[-1]
    left = badge.letters[0] + last.left
    image.paste(0, (left, badge.box[1], badge.letters[0] + last.right, badge.box[3]))
    assert badges.measured(image, badge) == 0


@pytest.mark.parametrize("size", [(63, 20), (40, 4000), (32, 32), (1, 1), (12_000, 20)])
def test_too_small_is_refused_and_says_what_to_do(size):
    with pytest.raises(ExplicitError, match="show the label beside it") as refused:
        badges.plan(size, "AI生成")
    assert refused.value.code == "too_small"


@pytest.mark.parametrize(
    "words", ["AI", "生成", "AI-generated", "非AI生成", "AI生成\n", "", "AI生成" * 40]
)
def test_words_that_are_no_label_are_refused(words):
    with pytest.raises(ExplicitError, match="names AI"):
        badges.plan((400, 300), words)


def test_a_character_the_font_lacks_is_refused_by_name():
    with pytest.raises(ExplicitError, match="鱻"):
        badges.plan((900, 900), "AI生成鱻")


def test_the_font_has_every_character_of_a_label():
    assert (
        lettering.missing(lettering.LABEL_CHARACTERS + "本内容由AI生成 AI-generated 人工智能合成")
        == ""
    )


def test_a_font_without_them_is_refused_at_once(monkeypatch):
    monkeypatch.setattr(lettering, "LABEL_CHARACTERS", "AI生成龘")
    lettering.font.cache_clear()
    with pytest.raises(ExplicitError, match="龘"):
        lettering.font(31)
    lettering.font.cache_clear()
