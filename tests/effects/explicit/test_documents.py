"""A DOCX says what it is in its first paragraph; everything else keeps its bytes."""

import io
import zipfile

import pytest

from effects.carriers.builders import office
from synthgate.effects import files
from synthgate.effects.carriers import zip_parts
from synthgate.effects.carriers.conclusion import Conclusion
from synthgate.effects.explicit import documents
from synthgate.effects.explicit.errors import ExplicitError
from synthgate.effects.files import Order
from synthgate.effects.provider_code import SAMPLE_CODE


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
