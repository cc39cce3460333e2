"""A PPTX says what it is on its first slide, on top of all else; everything else keeps its bytes."""

import re

import pytest

from effects.carriers.builders import office
from effects.presentations import MAIN, RELATIONS, SLIDE, P, R, parts, presentation
from synthgate.effects import files
from synthgate.effects.carriers import zip_parts
from synthgate.effects.carriers.carrier import CarrierError
from synthgate.effects.carriers.conclusion import Conclusion
from synthgate.effects.explicit import slides
from synthgate.effects.explicit.errors import ExplicitError
from synthgate.effects.files import Order
from synthgate.effects.label import Label
from synthgate.effects.labelled_file import mark
from synthgate.effects.provider_code import SAMPLE_CODE


def test_the_slide_shown_first_bears_the_label_on_top_and_nothing_else_changes():
    data = presentation()
    made, row = slides.put(data, "本内容由AI生成")
    assert (row["text"], row["place"]) == ("本内容由AI生成", "start")
    now, before = parts(made), parts(data)
    slide = now.pop("ppt/slides/slide2.xml").decode()
    box = slide[slide.index("<p:sp xmlns:p") : slide.index("</p:spTree>")]
    assert slide.replace(box, "", 1) == before.pop("ppt/slides/slide2.xml").decode()
    assert now == before
    assert 'id="8"' in box
    assert "&#26412;" in box


def test_its_letters_are_as_tall_as_those_of_a_picture_must_be():
    _, row = slides.put(presentation(), "AI生成")
    assert row["height_points"] * 0.7 >= 0.05 * 6858000 / 12700
    box = parts(slides.put(presentation(), "AI生成")[0])["ppt/slides/slide2.xml"].decode()
    assert f'sz="{row["height_points"] * 100}"' in box


def test_labelled_whole_it_is_compliant():
    done = files.label(presentation(), "a.pptx", Order(SAMPLE_CODE))
    assert done.explicit is not None
    assert files.inspect(done.files[""], "a.pptx").conclusion is Conclusion.COMPLIANT
    marked = mark(presentation(), "a.pptx", "text", "AI生成", Label.first(SAMPLE_CODE, "P-1"))
    assert (marked.unshown, marked.explicit["text"]) == (None, "AI生成")


@pytest.mark.parametrize(
    "wrong",
    [
        {"main": MAIN.replace("p:sldId ", "p:sldNo ")},
        {"main": MAIN.replace('r:id="rId9"', "")},
        {"main": MAIN.replace('cy="6858000"', "")},
        {"main": MAIN.replace('cy="6858000"', 'cy="9"')},
        {"main": re.sub("<p:sldSz[^>]*>", "", MAIN)},
        {"relations": RELATIONS.replace("rId9", "rId8")},
        {"relations": RELATIONS.replace("/ppt/slides/slide2.xml", "../../etc/passwd")},
        {"relations": RELATIONS.replace("/ppt/slides/slide2.xml", "slides/slide3.xml")},
        {"slide": "<a/>"},
        {"slide": f'<p:sld xmlns:p="{P}"><p:cSld><p:spTree/></p:cSld></p:sld>'},
    ],
)
def test_one_without_a_slide_to_put_it_on_is_refused(wrong):
    with pytest.raises(ExplicitError):
        slides.put(presentation(**wrong), "AI生成")


def test_a_signed_one_and_words_that_are_no_label_are_refused():
    signed = zip_parts.replaced(
        zip_parts.open_parts(presentation()), {"_xmlsignatures/sig1.xml": b"<a/>"}
    )
    with pytest.raises(ExplicitError, match="signed"):
        slides.put(signed, "AI生成")
    with pytest.raises(ExplicitError, match="names AI"):
        slides.put(presentation(), "机器写作")
    with pytest.raises(ExplicitError, match="no slide"):
        slides.put(office("pptx"), "AI生成")


def test_a_slide_that_is_no_xml_or_names_entities_is_refused():
    for slide in ("<p:sld", f'<!DOCTYPE a [<!ENTITY b "c">]>{SLIDE}'):
        with pytest.raises(CarrierError):
            slides.put(presentation(slide=slide), "AI生成")


@pytest.mark.parametrize("show", ["0", "false"])
def test_a_hidden_slide_is_not_the_one_that_people_see_first(show):
    hidden = SLIDE.replace("<p:sld ", f'<p:sld show="{show}" ', 1)
    now = parts(slides.put(presentation(slide=hidden), "AI生成")[0])
    assert b"AIGC" not in now["ppt/slides/slide2.xml"]
    assert b'name="AIGC"' in now["ppt/slides/slide1.xml"]
    alone = MAIN.replace('<p:sldId id="256" r:id="rId2"/>', "")
    with pytest.raises(ExplicitError, match="hidden"):
        slides.put(presentation(main=alone, slide=hidden), "AI生成")


def test_shapes_and_slides_that_only_look_like_those_shown_get_no_label():
    tree = SLIDE[SLIDE.index("<p:cSld>") : SLIDE.index("</p:sld>")]
    decoy = SLIDE.replace("<p:cSld>", f'<x:never xmlns:x="urn:x">{tree}</x:never><p:cSld>', 1)
    made = parts(slides.put(presentation(slide=decoy), "AI生成")[0])["ppt/slides/slide2.xml"]
    assert b"AIGC" not in made[: made.index(b"</x:never>")]
    assert b"AIGC" in made
    listed = '<x:never xmlns:x="urn:x"><p:sldId id="1" r:id="rId2"/></x:never><p:sldIdLst>'
    first = parts(
        slides.put(presentation(main=MAIN.replace("<p:sldIdLst>", listed, 1)), "AI生成")[0]
    )
    assert b"AIGC" in first["ppt/slides/slide2.xml"]


PROPS = "ppt/presProps.xml"


def with_show(show: str, main: str = MAIN) -> bytes:
    """A presentation whose show is set like this."""
    relations = RELATIONS.replace(
        "</Relationships>",
        f'<Relationship Id="rId5" Type="{R}/presProps" Target="presProps.xml"/></Relationships>',
    )
    props = f'<p:presentationPr xmlns:p="{P}"><p:showPr>{show}</p:showPr></p:presentationPr>'
    data = presentation(main=main, relations=relations)
    return zip_parts.replaced(zip_parts.open_parts(data), {PROPS: props.encode()})


def labelled_slides(data: bytes) -> list[str]:
    held = parts(data)
    return sorted(name for name in held if "slides/slide" in name and b'name="AIGC"' in held[name])


BOTH = ["ppt/slides/slide1.xml", "ppt/slides/slide2.xml"]


@pytest.mark.parametrize(
    ("show", "slides_of"),
    [
        ('<p:sldRg st="2" end="2"/>', BOTH), ('<p:sldRg st="1" end="2"/>', BOTH[1:]),
        ('<p:sldRg st="9" end="9"/>', BOTH[1:]), ("<p:sldAll/>", BOTH[1:]), ('<p:sldRg st="x"/>', BOTH[1:]),
    ],
)  # fmt: skip
def test_a_show_that_begins_elsewhere_begins_with_the_label_too(show, slides_of):
    made, row = slides.put(with_show(show), "AI生成")
    assert labelled_slides(made) == slides_of
    assert row["slides"] == len(slides_of)


def test_every_custom_show_begins_with_the_label():
    shows = (
        '</p:sldIdLst><p:custShowLst><p:custShow name="a" id="0"><p:sldLst><p:sld r:id="rId2"/>'
        '<p:sld r:id="rId9"/></p:sldLst></p:custShow></p:custShowLst>'
    )
    made, _ = slides.put(presentation(main=MAIN.replace("</p:sldIdLst>", shows)), "AI生成")
    assert labelled_slides(made) == BOTH
    gone = shows.replace('"rId2"', '"rId77"')
    with pytest.raises(ExplicitError, match="not in the package"):
        slides.put(presentation(main=MAIN.replace("</p:sldIdLst>", gone)), "AI生成")
    many = shows.replace("<p:custShowLst>", "<p:custShowLst>" + "<p:custShow/>" * 100)
    with pytest.raises(ExplicitError, match="100 shows"):
        slides.put(presentation(main=MAIN.replace("</p:sldIdLst>", many)), "AI生成")


def test_an_animation_of_a_shape_that_is_not_there_does_not_find_the_label():
    timing = '</p:cSld><p:timing><p:spTgt spid="8"/></p:timing>'
    made, _ = slides.put(presentation(slide=SLIDE.replace("</p:cSld>", timing)), "AI生成")
    assert b'<p:cNvPr id="9" name="AIGC"/>' in parts(made)["ppt/slides/slide2.xml"]
