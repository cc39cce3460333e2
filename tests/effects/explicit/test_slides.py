"""A PPTX says what it is on its first slide, on top of all else; everything else keeps its bytes."""

import io
import re
import zipfile

import pytest

from effects.carriers.builders import office
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

OFFICE = "http://schemas.openxmlformats.org"
P, A = f"{OFFICE}/presentationml/2006/main", f"{OFFICE}/drawingml/2006/main"
R = f"{OFFICE}/officeDocument/2006/relationships"
MAIN = (
    f'<?xml version="1.0" encoding="UTF-8"?><p:presentation xmlns:p="{P}" xmlns:r="{R}"><p:sldIdLst>'
    '<p:sldId id="257" r:id="rId9"/><p:sldId id="256" r:id="rId2"/></p:sldIdLst>'
    '<p:sldSz cx="9144000" cy="6858000"/></p:presentation>'
)
RELATIONS = (
    f'<Relationships xmlns="{OFFICE}/package/2006/relationships">'
    f'<Relationship Id="rId2" Type="{R}/slide" Target="slides/slide1.xml"/>'
    f'<Relationship Id="rId9" Type="{R}/slide" Target="/ppt/slides/slide2.xml"/></Relationships>'
)
SLIDE = (
    f'<p:sld xmlns:p="{P}" xmlns:a="{A}"><p:cSld><p:spTree><p:nvGrpSpPr><p:cNvPr id="1" name=""/></p:nvGrpSpPr>'
    '<p:sp><p:nvSpPr><p:cNvPr id="7" name="Title"/></p:nvSpPr><p:txBody><a:p><a:r><a:t>标题</a:t></a:r></a:p>'
    "</p:txBody></p:sp></p:spTree></p:cSld></p:sld>"
)


def presentation(main=MAIN, relations=RELATIONS, slide=SLIDE):
    held = parts(office("pptx"))
    held |= {
        "ppt/presentation.xml": main.encode(), "ppt/_rels/presentation.xml.rels": relations.encode(),
        "ppt/slides/slide1.xml": SLIDE.encode(), "ppt/slides/slide2.xml": slide.encode(),
    }  # fmt: skip
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in held.items():
            archive.writestr(name, data)
    return out.getvalue()


def parts(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


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
