"""A small XLSX with two sheets, the second open, and names that count sheets."""

import io
import zipfile

from effects.carriers.builders import office
from effects.presentations import OFFICE, R, parts

S = f"{OFFICE}/spreadsheetml/2006/main"
BOOK = (
    f'<?xml version="1.0" encoding="UTF-8"?><workbook xmlns="{S}" xmlns:r="{R}"><bookViews>'
    '<workbookView xWindow="0" activeTab="1"/></bookViews><sheets><sheet name="Data" sheetId="7" r:id="rId1"/>'
    '<sheet name="More" sheetId="3" r:id="rId2"/></sheets><definedNames>'
    '<definedName name="_xlnm.Print_Titles" localSheetId="1">More!$1:$1</definedName></definedNames></workbook>'
)
RELATIONS = (
    f'<Relationships xmlns="{OFFICE}/package/2006/relationships">'
    f'<Relationship Id="rId1" Type="{R}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{R}/worksheet" Target="/xl/worksheets/sheet2.xml"/></Relationships>'
)


def sheet(view: str = "") -> str:
    return (
        f'<worksheet xmlns="{S}"><sheetViews><sheetView {view} workbookViewId="0"/></sheetViews><sheetData>'
        '<row r="1"><c r="A1"><v>1</v></c><c r="B1"><f>A1*2</f></c></row></sheetData></worksheet>'
    )


def workbook(book: str = BOOK, relations: str = RELATIONS, second: str | None = None) -> bytes:
    held = parts(office("xlsx"))
    held |= {
        "xl/workbook.xml": book.encode(), "xl/_rels/workbook.xml.rels": relations.encode(),
        "xl/worksheets/sheet1.xml": sheet().encode(),
        "xl/worksheets/sheet2.xml": (second or sheet('tabSelected="1"')).encode(),
    }  # fmt: skip
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in held.items():
            archive.writestr(name, data)
    return out.getvalue()
