"""A small PPTX with two slides, the second shown first."""

import io
import zipfile

from effects.carriers.builders import office

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
