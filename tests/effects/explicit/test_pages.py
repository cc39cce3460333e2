"""A PDF says what it is on its first page, drawn last, upright, seen upper left; all else is kept."""

import base64
import zlib
from pathlib import Path

import pytest

from synthgate.demo import media
from synthgate.effects import files
from synthgate.effects.carriers import pdf
from synthgate.effects.carriers.carrier import CarrierError
from synthgate.effects.carriers.conclusion import Conclusion
from synthgate.effects.carriers.pdf_tokens import Reference
from synthgate.effects.explicit import pages
from synthgate.effects.explicit.errors import ExplicitError
from synthgate.effects.files import Order
from synthgate.effects.label import Label
from synthgate.effects.labelled_file import mark
from synthgate.effects.provider_code import SAMPLE_CODE

FILES = Path(__file__).parents[1] / "carriers" / "files"
NAMES = ["plain.pdf", "packed.pdf", "linear.pdf", "packed-linear.pdf"]


def built(*objects: bytes, trailer: bytes = b"/Root 1 0 R") -> bytes:
    """A PDF of these objects, numbered from 1."""
    made, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    rows = b"".join(b"%010d 00000 n \n" % at for at in places)
    table = b"xref\n0 %d\n0000000000 65535 f \n%b" % (len(places) + 1, rows)
    end = b"trailer\n<< /Size %d %b >>\nstartxref\n%d\n%%%%EOF\n"
    return made + table + end % (len(places) + 1, trailer, len(made))


ROOT = b"<< /Type /Catalog /Pages 2 0 R >>"
STREAM = b"<< /Length 3 >>\nstream\n0 g\nendstream"


def page(
    entries=b"/Contents 4 0 R", above=b"/MediaBox [0 0 400 600]", *more, trailer=b"/Root 1 0 R"
):
    kids = b"<< /Type /Pages /Kids [3 0 R] /Count 1 %b >>" % above
    return built(
        ROOT, kids, b"<< /Type /Page /Parent 2 0 R %b >>" % entries, STREAM, *more, trailer=trailer
    )


def drawn(made):
    """What the first page draws last, and its entries."""
    document = pdf.opened(made)
    first = pages._first_page(document)
    return document.body(list(pages._contents(first, document))[-1]), first, document


@pytest.mark.parametrize("name", NAMES)
def test_every_byte_is_kept_and_the_line_is_added(name):
    data = (FILES / name).read_bytes()
    made, row = pages.put(data, "AI生成")
    assert made.startswith(data.rstrip())
    assert row == {"text": "AI生成", "place": "start", "corner": "top-left", "ink_points": 9.0}
    before, after = pdf.opened(data), pdf.opened(made)
    old, new = pages._first_page(before), pages._first_page(after)
    assert new.reference == old.reference
    assert list(pages._contents(new, after))[1:-1] == list(pages._contents(old, before))
    assert {key: new.own.raw(key) for key in old.own if key not in (b"Contents", b"Resources")} == {
        key: old.own.raw(key) for key in old.own if key not in (b"Contents", b"Resources")
    }
    assert pdf.CARRIER.read(made).faults == pdf.CARRIER.read(data).faults


@pytest.mark.parametrize("name", NAMES)
def test_labelled_whole_it_is_compliant(name):
    done = files.label((FILES / name).read_bytes(), name, Order(SAMPLE_CODE))
    assert done.explicit is not None
    assert files.inspect(done.files[""], name).conclusion is Conclusion.COMPLIANT
    marked = mark(media.PDF.data, "a.pdf", "other", "AI生成", Label.first(SAMPLE_CODE, "P-1"))
    assert (marked.unshown, marked.explicit["text"]) == (None, "AI生成")


@pytest.mark.parametrize(
    ("turned", "corner"),
    [(0, (0, 600)), (90, (0, 0)), (180, (400, 0)), (270, (400, 600)), (-90, (400, 600)), (450, (0, 0))],
)  # fmt: skip
def test_it_is_upright_in_the_corner_that_is_seen_upper_left(turned, corner):
    made, _ = pages.put(page(b"/Contents 4 0 R /Rotate %d" % turned), "AI生成")
    text, *_ = drawn(made)
    a, b, c, d, e, f = map(float, text.split(b"q\n")[1].split(b" cm")[0].split())
    # Up and left of the picture's unit square is its upper left corner.
    assert (round(e + c), round(f + d)) == corner
    seen_right, seen_up = {0: ((1, 0), (0, 1)), 90: ((0, 1), (-1, 0)), 180: ((-1, 0), (0, -1)),
                           270: ((0, -1), (1, 0))}[turned % 360]  # fmt: skip
    assert (a > 0) - (a < 0) == seen_right[0]
    assert (b > 0) - (b < 0) == seen_right[1]
    assert (c > 0) - (c < 0) == seen_up[0]
    assert (d > 0) - (d < 0) == seen_up[1]


def test_the_visible_part_counts_and_large_pages_get_large_letters():
    small, _ = pages.put(page(b"/Contents 4 0 R /CropBox [50 60 350 560]"), "AI生成")
    numbers = drawn(small)[0].split(b"q\n")[1].split(b" cm")[0].split()
    assert float(numbers[4]) == 50
    assert round(float(numbers[3]) + float(numbers[5])) == 560
    _, row = pages.put(page(above=b"/MediaBox [0 0 4000 6000]"), "AI生成")
    assert row["ink_points"] == 80.0


@pytest.mark.parametrize(
    ("entries", "above", "more"),
    [
        (b"", b"/MediaBox [0 0 400 600]", ()),
        (b"/Contents [4 0 R 4 0 R]", b"/MediaBox [0 0 400 600] /Resources << /Font << /F 4 0 R >> >>", ()),
        (b"/Contents 5 0 R /Resources 6 0 R", b"/MediaBox 7 0 R",
         (b"[4 0 R]", b"<< /XObject 8 0 R /Font << >> >>", b"[0 0 400 600]", b"<< /Im 4 0 R >>")),
        (b"/Contents 4 0 R /Resources << /XObject << /SynthgateLabel 4 0 R /Im 4 0 R >> >>",
         b"/MediaBox [400 600 0 0]", ()),
    ],
)  # fmt: skip
def test_contents_and_resources_are_found_wherever_they_stand(entries, above, more):
    made, _ = pages.put(page(entries, above, *more), "AI生成")
    text, first, document = drawn(made)
    assert pages.NAME in text
    resources = document.resolve(first.inherited[b"Resources"])
    named = document.resolve(resources.value(b"XObject"))
    assert isinstance(named.value(b"SynthgateLabel"), Reference)
    assert (b"Im" in named) == (b"/Im" in entries or bool(more))
    assert (b"Font" in resources) == (b"/Font" in above or bool(more))
    # Once more: the line of before is drawn still, and the new one last.
    again, _ = pages.put(made, "AI生成")
    assert pages.NAME in drawn(again)[0]


def contents(text, *, packed=False):
    """A PDF whose first page is drawn by this."""
    more = b""
    if packed:
        text, more = (
            base64.a85encode(zlib.compress(text)) + b"~>",
            b"/Filter [/ASCII85Decode /FlateDecode]",
        )
    body = b"<< /Length %d %b >>\nstream\n%b\nendstream" % (len(text), more, text)
    return page(b"/Contents 5 0 R", b"/MediaBox [0 0 400 600]", body)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("text", "left"),
    [
        (b"q 1 0 0 1 9 9 cm Q 0 g", 0),
        (b"0.1 0 0 0.1 500 500 cm q 1 0 0 rg", 1),
        (b"q 0 0 1 1 re W n q q", 3),
        (b"BT (q Q \\( BT) Tj <71> Tj /q gs [(q)] TJ ET % q Q BT\n/P <</q 1>> BDC EMC", 0),
        (b"q BI /W 1 /H 1 /BPC 8 /CS /G ID q EI Q", 0),
    ],
)
def test_states_the_page_leaves_saved_are_restored_before_the_line(text, left, packed):
    """Else the line is drawn small, clipped or far outside, and nobody sees it."""
    made, _ = pages.put(contents(text, packed=packed), "AI生成")
    assert drawn(made)[0].split(b"q\n")[0].split() == [b"Q"] * (left + 1)


@pytest.mark.parametrize(
    "text",
    [
        b"Q 0.01 0 0 0.01 900 900 cm q",
        b"q Q Q q",
        b"q " * 101,
        b"BT (open) Tj",
        b"/OC /hidden BDC 0 g",
        b"0 g (never closed",
        b"<41",
        b"BI /W 9 ID abc",
    ],
)
def test_after_what_would_hide_the_line_none_is_claimed(text):
    with pytest.raises(ExplicitError):
        pages.put(contents(text), "AI生成")
    marked = mark(contents(text), "a.pdf", "other", "AI生成", Label.first(SAMPLE_CODE, "P-1"))
    assert (marked.explicit, marked.unshown) == (None, "label_unplaceable")


def test_contents_that_cannot_be_read_or_are_too_many_carry_no_line():
    packed = b"<< /Length 3 /Filter /LZWDecode >>\nstream\nabc\nendstream"
    with pytest.raises(ExplicitError, match="cannot be read"):
        pages.put(page(b"/Contents 5 0 R", b"/MediaBox [0 0 400 600]", packed), "AI生成")
    text = zlib.compress(bytes(5_000_000))
    large = b"<< /Length %d /Filter /FlateDecode >>\nstream\n%b\nendstream" % (len(text), text)
    many = b"/Contents [%b]" % (b"5 0 R " * 9)
    with pytest.raises(ExplicitError, match="too much"):
        pages.put(page(many, b"/MediaBox [0 0 400 600]", large), "AI生成")


def test_a_crop_beyond_the_medium_shows_no_more_than_the_medium():
    made, _ = pages.put(page(b"/Contents 4 0 R /CropBox [-900 -900 9000 9000]"), "AI生成")
    numbers = drawn(made)[0].split(b"q\n")[1].split(b" cm")[0].split()
    assert float(numbers[4]) == 0
    assert round(float(numbers[3]) + float(numbers[5])) == 600
    with pytest.raises(ExplicitError):
        pages.put(page(b"/Contents 4 0 R /CropBox [900 900 950 950]"), "AI生成")


def test_a_file_without_information_gets_none_by_this():
    made, _ = pages.put(page(), "AI生成")
    assert pdf.opened(made).trailer.value(b"Info") is None
    assert pdf.CARRIER.read(made).places == ()


@pytest.mark.parametrize(
    "data",
    [
        page(above=b""),
        page(above=b"/MediaBox [0 0 (a) (b)]"),
        page(above=b"/MediaBox 5"),
        page(above=b"/MediaBox (abcd)"),
        page(above=b"/MediaBox [0 0 400 600]", entries=b"/Contents 4 0 R /Rotate /Left"),
        page(above=b"/MediaBox [0 0 20 30]"),
        page(above=b"/MediaBox [0 0 0 0]"),
        page(b"/Contents (no stream)"),
        page(b"/Contents 4 0 R /Rotate 45"),
        page(b"/Contents 4 0 R /Rotate 90", b"/MediaBox [0 0 600 20]"),
        built(ROOT, b"<< /Type /Pages /Kids [] /Count 0 >>"),
        built(ROOT, b"<< /Type /Pages /Kids [2 0 R] /Count 1 >>"),
        built(ROOT, b"<< /Type /Pages /Kids 5 >>"),
        built(b"<< /Type /Catalog >>"),
    ],
)
def test_one_without_a_page_to_draw_it_on_is_refused(data):
    with pytest.raises(ExplicitError):
        pages.put(data, "AI生成")


def test_an_encrypted_or_signed_one_and_words_that_are_no_label_are_refused():
    with pytest.raises(CarrierError, match="encrypted"):
        pages.put((FILES / "encrypted.pdf").read_bytes(), "AI生成")
    signed = page(b"/Contents 4 0 R", b"/MediaBox [0 0 400 600]", b"<< /ByteRange [0 1 2 3] >>")
    with pytest.raises(CarrierError, match="signed"):
        pages.put(signed, "AI生成")
    with pytest.raises(ExplicitError, match="names AI"):
        pages.put(page(), "机器写作")
    with pytest.raises(CarrierError, match="no catalogue"):
        pages.put(built(b"[]"), "AI生成")


UP_LEFT, ALL = b"[0 580 60 600]", b"[0 0 400 600]"


def note(rect=UP_LEFT, entries=b"/Subtype /Square"):
    return b"<< /Type /Annot /Rect %b %b >>" % (rect, entries)


def noted(*rows, turned=0):
    return page(
        b"/Contents 4 0 R /Rotate %d /Annots [%b]" % (turned, b" ".join(rows)),
        b"/MediaBox [0 0 400 600]",
    )


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
@pytest.mark.parametrize(
    ("rects", "corner"),
    [
        ([], "top-left"),
        ([b"[150 250 250 350]"], "top-left"),
        ([b"[-9 -9 90 70]"], None), ([b"[310 530 500 700]"], None), ([b"[310 0 400 70]"], None),
    ],
)  # fmt: skip
def test_the_corner_is_one_no_note_lies_over(turned, rects, corner):
    made, row = pages.put(noted(*map(note, rects), turned=turned), "AI生成")
    text, *_ = drawn(made)
    a, b, c, d, e, f = map(float, text.split(b"q\n")[1].split(b" cm")[0].split())
    left, right = sorted((e, e + a + c))
    bottom, top = sorted((f, f + b + d))
    assert 0 <= left < right <= 400
    assert 0 <= bottom < top <= 600
    assert corner in (None, row["corner"])
    for rect in rects:
        x0, y0, x1, y1 = map(float, rect.strip(b"[]").split())
        assert right <= x0 or x1 <= left or top <= y0 or y1 <= bottom


@pytest.mark.parametrize(
    "entries",
    [
        b"/Subtype /Square /F 2", b"/Subtype /Widget", b"/Subtype /Stamp", b"/Subtype /Link /AP << >>",
        b"/Subtype /Popup /Open true", b"/Subtype /Link /#41P << >>", b"",
    ],
)  # fmt: skip
def test_whatever_may_cover_it_moves_it(entries):
    assert pages.put(noted(note(UP_LEFT, entries)), "AI生成")[1]["corner"] == "top-right"


@pytest.mark.parametrize(
    "entries", [b"/Subtype /Link", b"/Subtype /Popup", b"/Subtype /Popup /Open false"]
)
def test_what_covers_nothing_does_not_move_it(entries):
    assert pages.put(noted(note(ALL, entries)), "AI生成")[1]["corner"] == "top-left"


def test_icons_are_larger_than_they_say():
    beside = b"[100 560 101 561]"
    assert pages.put(noted(note(beside)), "AI生成")[1]["corner"] == "top-left"
    # A name may be written in hexadecimal (ISO 32000-1, 7.3.5).
    for entries in (b"/Subtype /Text", b"/Subtype /T#65xt", b"/Subtype /Square /F 16"):
        assert (
            pages.put(noted(note(b"[70 560 71 561]", entries)), "AI生成")[1]["corner"] != "top-left"
        )


@pytest.mark.parametrize(
    "rows",
    [
        [note(ALL)], [note(b"[0 0]")], [b"7"], [b"<< /Subtype /Square >>"],
        [note(b"[0 0 90 90]"), note(b"[0 500 90 600]"), note(b"[310 0 400 90]"), note(b"[310 500 400 600]")],
    ],
)  # fmt: skip
def test_notes_over_every_corner_or_nowhere_refuse_it(rows):
    with pytest.raises(ExplicitError) as refused:
        pages.put(noted(*rows), "AI生成")
    assert refused.value.code == "unsupported"


def test_notes_named_in_disguise_or_not_listed_are_noticed():
    with pytest.raises(ExplicitError, match="every corner"):
        pages.put(page(b"/Contents 4 0 R /#41nnots [%b]" % note(ALL)), "AI生成")
    with pytest.raises(ExplicitError, match="nobody can count"):
        pages.put(page(b"/Contents 4 0 R /Annots 9"), "AI生成")
