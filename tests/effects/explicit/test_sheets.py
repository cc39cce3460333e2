"""An XLSX opens on a last sheet that says what it is; the others keep their places and their cells."""

import xml.etree.ElementTree as ET

import pytest

from effects.carriers.builders import office
from effects.presentations import R, parts
from effects.workbooks import BOOK, RELATIONS, S, sheet, workbook
from programs import need, output
from synthgate.effects import files
from synthgate.effects.carriers import zip_parts
from synthgate.effects.carriers.carrier import CarrierError
from synthgate.effects.carriers.conclusion import Conclusion
from synthgate.effects.explicit import sheets
from synthgate.effects.explicit.errors import ExplicitError
from synthgate.effects.files import Order
from synthgate.effects.label import Label
from synthgate.effects.labelled_file import mark
from synthgate.effects.provider_code import SAMPLE_CODE


def listed(held: dict[str, bytes]) -> list[tuple[str, str, str]]:
    """Name, number and part of each sheet, read by Python's own reader."""
    targets = {
        one.get("Id"): one.get("Target")
        for one in ET.fromstring(held["xl/_rels/workbook.xml.rels"])
    }
    found = ET.fromstring(held["xl/workbook.xml"]).find(f"{{{S}}}sheets")
    return [(one.get("name"), one.get("sheetId"), targets[one.get(f"{{{R}}}id")]) for one in found]


def opens_on(held: dict[str, bytes]) -> list[str]:
    root = ET.fromstring(held["xl/workbook.xml"])
    return [one.get("activeTab") for one in root.iter(f"{{{S}}}workbookView")]


def test_it_opens_on_its_label_and_everything_else_keeps_its_place():
    data = workbook()
    made, row = sheets.put(data, "本内容由AI生成")
    assert row == {
        "text": "本内容由AI生成", "place": "end", "sheet": "本内容由AI生成", "opens_on_it": True,
    }  # fmt: skip
    now, before = parts(made), parts(data)
    assert listed(now) == [*listed(before), ("本内容由AI生成", "8", "/xl/worksheets/label1.xml")]
    assert opens_on(now) == ["2"]
    own = ET.fromstring(now.pop("xl/worksheets/label1.xml"))
    assert [one.text for one in own.iter(f"{{{S}}}t")] == ["本内容由AI生成"]
    assert b"label1.xml" in now.pop("[Content_Types].xml")
    closed = now["xl/worksheets/sheet2.xml"]
    assert closed == before["xl/worksheets/sheet2.xml"].replace(b' tabSelected="1"', b"")
    for changed in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/worksheets/sheet2.xml"):
        now.pop(changed)
    assert {name: before[name] for name in now} == now
    assert b'localSheetId="1"' in parts(made)["xl/workbook.xml"]


def test_labelled_whole_it_is_compliant_and_others_unpack_it(tmp_path):
    need("unzip")
    done = files.label(workbook(), "a.xlsx", Order(SAMPLE_CODE))
    assert files.inspect(done.files[""], "a.xlsx").conclusion is Conclusion.COMPLIANT
    marked = mark(workbook(), "a.xlsx", "other", "AI生成", Label.first(SAMPLE_CODE, "P-1"))
    assert (marked.unshown, marked.explicit["sheet"]) == (None, "AI生成")
    (tmp_path / "a.xlsx").write_bytes(marked.data)
    said = output("unzip", "-p", tmp_path / "a.xlsx", "xl/worksheets/label1.xml")
    assert "".join(ET.fromstring(said).itertext()) == "AI生成"


def test_a_workbook_that_names_no_window_gets_one():
    bare = BOOK[: BOOK.index("<bookViews>")] + BOOK[BOOK.index("<sheets>") :]
    assert opens_on(parts(sheets.put(workbook(bare), "AI生成")[0])) == ["2"]
    none = BOOK.replace(' activeTab="1"', "")
    assert opens_on(parts(sheets.put(workbook(none), "AI生成")[0])) == ["2"]


@pytest.mark.parametrize(
    ("text", "tabs", "tab"),
    [
        ("AI生成", ("ai生成", "More"), "AI生成 2"), ("AI生成", ("AI生成", "AI生成 2"), "AI生成 3"),
        ("AI生成 / AI-generated", ("Data", "More"), "AI生成"),
        ("由AI生成" + "的" * 30, ("Data", "More"), "AI生成"),
    ],
)  # fmt: skip
def test_its_tab_says_it_too_if_there_is_room(text, tabs, tab):
    book = BOOK.replace('"Data"', f'"{tabs[0]}"').replace('"More"', f'"{tabs[1]}"')
    made, row = sheets.put(workbook(book), text)
    assert row["sheet"] == tab
    assert [name for name, _, _ in listed(parts(made))] == [*tabs, tab]


@pytest.mark.parametrize(
    "wrong",
    [
        {"book": BOOK.replace('activeTab="1"', 'visibility="hidden"')},
        {"book": BOOK.replace("<workbookView", "<other")},
        {"book": BOOK.replace(S, S.replace("2006", "1999"))},
        {"book": BOOK.replace("<sheets>", '<sheets><sheet r:id="rId1"/></sheets><sheets>', 1)},
        {"relations": RELATIONS.replace("rId2", "rId8")},
        {"relations": RELATIONS.replace("worksheets/sheet1.xml", "../../etc/passwd")},
        {"book": "<a/>"},
    ],
)  # fmt: skip
def test_one_without_sheets_a_label_could_follow_is_refused(wrong):
    with pytest.raises(ExplicitError):
        sheets.put(workbook(**wrong), "AI生成")


def test_a_signed_one_words_that_are_no_label_and_what_is_no_workbook_are_refused():
    signed = zip_parts.replaced(
        zip_parts.open_parts(workbook()), {"_xmlsignatures/sig1.xml": b"<a/>"}
    )
    with pytest.raises(ExplicitError, match="signed"):
        sheets.put(signed, "AI生成")
    with pytest.raises(ExplicitError, match="names AI"):
        sheets.put(workbook(), "机器写作")
    with pytest.raises(ExplicitError, match="not where"):
        sheets.put(office("xlsx"), "AI生成")
    with pytest.raises(CarrierError):
        sheets.put(workbook(f'<!DOCTYPE a [<!ENTITY b "c">]>{BOOK}'), "AI生成")


def test_cells_are_not_read_however_many_there_are():
    # Broken behind its views: whoever read on would stumble.
    made, _ = sheets.put(workbook(second=sheet('tabSelected="true"') + "<<<"), "AI生成")
    assert b"tabSelected" not in parts(made)["xl/worksheets/sheet2.xml"]


def test_another_sheet_left_open_is_noticed(monkeypatch):
    closed, calls = sheets._closed, []

    def late(archive, part):
        calls.append(part)
        return closed(archive, part) if len(calls) > 2 else None

    monkeypatch.setattr(sheets, "_closed", late)
    with pytest.raises(ExplicitError, match="another sheet") as refused:
        sheets.put(workbook(), "AI生成")
    assert refused.value.code == "readback"
