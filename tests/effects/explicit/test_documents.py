"""A DOCX says what it is in its first paragraph; everything else keeps its bytes."""

import io
import zipfile
from xml.etree import ElementTree

import pytest

from effects.carriers.builders import office
from synthgate.effects import files
from synthgate.effects.carriers import zip_parts
from synthgate.effects.carriers.conclusion import Conclusion
from synthgate.effects.explicit import documents
from synthgate.effects.explicit.errors import ExplicitError
from synthgate.effects.files import Order
from synthgate.effects.provider_code import SAMPLE_CODE

WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
MAIN = "word/document.xml"


def parts(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("custom", [True, False])
def test_the_first_paragraph_is_the_label_and_nothing_else_changes(custom):
    data = office("docx", custom=custom)
    made, row = documents.put(data, "本内容由AI生成")
    assert row == {"text": "本内容由AI生成", "place": "start"}
    now, before = parts(made), parts(data)
    main = now.pop("word/document.xml").decode()
    assert "&#26412;" in main
    assert main.index("<w:body><w:p xmlns:w=") < main.index("正文 Text")
    assert (
        main.replace(main[main.index("<w:p xmlns") : main.index("</w:p>") + 6], "", 1)
        == before.pop("word/document.xml").decode()
    )
    assert now == before


def test_the_label_does_not_look_as_the_document_would_have_words_look():
    """What is said of the run itself wins over a hidden, tiny or white default (ISO 29500-1, 17.3.2)."""
    main = ElementTree.fromstring(parts(documents.put(office("docx"), "AI生成")[0])[MAIN])
    (run,) = main.findall(f"{WORD}body/{WORD}p[1]/{WORD}r")
    look = {one.tag.removeprefix(WORD): one.get(f"{WORD}val") for one in run.find(f"{WORD}rPr")}
    assert {look[name] for name in ("vanish", "webHidden", "strike", "dstrike")} == {"0"}
    assert look["color"] == "000000" and int(look["sz"]) >= 24 and look["w"] == "100"
    assert run.find(f"{WORD}rPr/{WORD}shd").get(f"{WORD}fill") == "FFFFFF"
    space = main.find(f"{WORD}body/{WORD}p[1]/{WORD}pPr/{WORD}spacing")
    assert space.get(f"{WORD}lineRule") == "auto", "an exact height of a point would cut it"


def test_labelled_whole_it_is_compliant():
    done = files.label(office("docx"), "a.docx", Order(SAMPLE_CODE))
    assert done.explicit is not None
    assert files.inspect(done.files[""], "a.docx").conclusion is Conclusion.COMPLIANT


def test_a_document_without_a_body_is_refused():
    data = office("docx")
    bare = zip_parts.replaced(zip_parts.open_parts(data), {"word/document.xml": b"<a/>"})
    with pytest.raises(ExplicitError, match="no body"):
        documents.put(bare, "AI生成")


def test_a_body_of_one_tag_holds_no_paragraph():
    words = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    main = f'<w:document xmlns:w="{words}"><w:body/></w:document>'.encode()
    bare = zip_parts.replaced(zip_parts.open_parts(office("docx")), {"word/document.xml": main})
    with pytest.raises(ExplicitError, match="no body"):
        documents.put(bare, "AI生成")
