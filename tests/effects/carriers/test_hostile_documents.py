"""Hostile documents: slips, bombs, entities, circles; signed and encrypted ones refused by name."""

import io
import time
import zipfile
import zlib

import pytest

from effects.carriers.builders import (
    FILES,
    LABEL,
    OTHER,
    Good,
    of_every_carrier,
    office,
)
from effects.carriers.hostile import (
    LABELLED,
    read,
    refused,
)
from synthgate.effects.carriers import catalogue
from synthgate.effects.carriers.carrier import CarrierError
from synthgate.effects.carriers.conclusion import Conclusion, conclude


def pdf(data: bytes, **changes: bytes) -> bytes:
    for old, new in changes.items():
        data = data.replace(old.encode(), new)
    return data


def test_encrypted_and_signed_documents_are_refused_by_name():
    refused((FILES / "encrypted.pdf").read_bytes(), "encrypted")
    signed = (FILES / "plain.pdf").read_bytes() + b"%/ByteRange [0 1 2 3]\n"
    tail = signed[signed.rindex(b"startxref", 0, -30) : -22]
    with pytest.raises(CarrierError) as error:
        catalogue.of(signed + tail).write(signed + tail, LABEL)
    assert error.value.code == "signed"
    for kind in ("docx", "xlsx", "pptx"):
        document = office(kind, parts={"_xmlsignatures/sig1.xml": b"<x/>"})
        assert read(document).notes == ("signed",)
        with pytest.raises(CarrierError) as error:
            catalogue.of(document).write(document, LABEL)
        assert error.value.code == "signed"
    with pytest.raises(CarrierError, match="encrypted or old"):
        catalogue.of(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))


def test_pdf_cross_references_in_circles_or_out_of_the_file():
    for offset in (b"9999999", b"0", b"1"):
        refused(b"%PDF-1.7\n" + b"x" * 64 + b"\nstartxref\n" + offset + b"\n%%EOF\n", "broken")
    loop = b"%PDF-1.7\nxref\n0 0\ntrailer\n<< /Size 1 /Root 1 0 R /Prev 9 >>\nstartxref\n9\n%%EOF\n"
    refused(loop, "broken")


def test_pdf_objects_without_end():
    head = b"%PDF-1.7\nxref\n0 0\ntrailer\n"
    tail = b"\nstartxref\n9\n%%EOF\n"
    refused(head + b"<< /A " + b"[" * 5_000 + b" >>" + tail, "too_much")
    refused(head + b"<< /A [" + b"1 " * 500_000 + b"] >>" + tail, "too_much")
    refused(head + b"<< /A (" + b"\\(" * 500_000 + tail, "truncated")
    refused(head + b"<< /A 1 /A 2 >>" + tail, "broken")
    rows = b"0000000000 65535 f \n" * 600_000
    refused(b"%PDF-1.7\nxref\n0 600000\n" + rows + b"trailer\n<< >>" + tail, "too_much")


def test_pdf_stream_bombs_are_bounded():
    bomb = zlib.compress(bytes(64 << 20))
    head = b"%PDF-1.7\n1 0 obj\n<< /Type /XRef /W [1 8 2] /Size 9 /Filter /FlateDecode /Length "
    body = head + b"%d >>\nstream\n" % len(bomb) + bomb
    refused(body + b"\nendstream\nendobj\nstartxref\n9\n%%EOF\n", "too_much")


def test_pdf_a_label_that_was_replaced_is_overwritten_where_it_stood():
    data = (FILES / "plain.pdf").read_bytes()
    carrier = catalogue.of(data)
    made = carrier.write(carrier.write(data, OTHER), LABEL)
    assert made.count(b"/AIGC") == 1
    assert b"P-2." not in made
    assert made.startswith(data)


def rezipped(data: bytes, change) -> bytes:
    """A package with each part written anew; change gives name and bytes."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for info in old.infolist():
            name, body = change(info.filename, old.read(info))
            new.writestr(name, body)
    return out.getvalue()


@pytest.mark.parametrize(
    "name", ["../evil.xml", "/etc/evil", "a/../../evil", "..\\evil", "C:evil", "a\\b"]
)
def test_zip_slip_is_refused(name):
    refused(office("docx", parts={name: b"x"}), "broken")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_zip_oddities_are_refused():
    data = office("docx", custom=True)
    twice = rezipped(
        data, lambda name, body: ("word/a" if "media" in name or "custom" in name else name, body)
    )
    refused(twice, "broken")
    directory = data.index(b"PK\x01\x02")
    assert read(b"PK\x03\x04" + data).faults
    refused(data + b"trailing", "broken")
    encrypted = bytearray(data)
    encrypted[directory + 8] |= 1
    refused(bytes(encrypted), "encrypted")
    overlapping = bytearray(data)
    second = data.index(b"PK\x01\x02", directory + 4)
    overlapping[second + 42 : second + 46] = bytes(4)
    refused(bytes(overlapping), "broken")


def test_bombs_and_entities_in_office_parts():
    zeros = bytes(64 << 20)
    bomb = rezipped(office("docx"), lambda n, b: (n, zeros if n == "_rels/.rels" else b))
    refused(bomb, "too_much")
    laughing = b'<!DOCTYPE a [<!ENTITY b "c">]><Relationships>&b;</Relationships>'
    refused(
        rezipped(office("docx"), lambda n, b: (n, laughing if n == "_rels/.rels" else b)), "broken"
    )
    refused(office("docx", parts={"docProps/custom.xml": b"AIGC"}), "broken")


def test_office_duplicates_become_one():
    data = LABELLED["docx"]

    def doubled(name: str, body: bytes) -> tuple[str, bytes]:
        if name != "docProps/custom.xml":
            return name, body
        start, end = body.index(b"<property"), body.index(b"</property>") + 11
        return name, body[:end] + body[start:end].replace(b'pid="2"', b'pid="3"') + body[end:]

    double = rezipped(data, doubled)
    assert conclude(read(double))[0] is Conclusion.NON_COMPLIANT
    assert read(catalogue.of(double).write(double, OTHER)).labels == (OTHER,)


FRONT = """---
title: x
AIGC:
  Label: "1"
  ContentProducer: abc
  ProduceID: '7'
  ReservedCode1: ""
  ContentPropagator: "abc"
  PropagateID: "7"
  ReservedCode2:
---
text
"""


def test_markdown_forms_people_write():
    one = read(FRONT.encode(), "a.md").labels
    braces = "---\nAIGC: " + LABEL.bare().decode() + "\n---\n"
    quoted = "---\nAIGC: '" + LABEL.bare().decode() + "'\n---\n"
    assert len(one) == 1
    for text in (braces, quoted, "\ufeff" + braces, braces.replace("\n", "\r\n")):
        assert read(text.encode(), "a.md").labels == (LABEL,)
    for text in (FRONT, braces, quoted):
        made = catalogue.of(text.encode(), "a.md").write(text.encode(), OTHER)
        assert read(made, "a.md").labels == (OTHER,)
        assert b"P-1" not in made


@pytest.mark.parametrize(
    "text",
    [
        FRONT.replace('"1"', "1"), FRONT.replace("abc", "&a abc"), FRONT.replace("abc", "|\n    abc"),
        FRONT.replace("abc", "[a]"), "---\nAIGC: *x\n---\n", "---\nAIGC: true\n---\n", "---\nAIGC:\n---\n",
        "---\nAIGC: {a: b}\n---\n", FRONT.replace("AIGC:\n", "AIGC:\n" + " " * 9_000 + "x\n"),
    ],
)  # fmt: skip
def test_markdown_what_is_no_plain_mapping_is_named_not_guessed(text):
    begun = time.process_time()
    assert conclude(read(text.encode(), "a.md"))[0] is Conclusion.NON_COMPLIANT
    assert time.process_time() - begun < 1


def test_markdown_a_rule_is_no_front_matter():
    data = b"---\nno front matter, a rule above\n"
    made = catalogue.of(data, "a.md").write(data, LABEL)
    assert made.endswith(b"---\n" + data)
    assert read(b"a\0b", "a.md").faults
    assert read(b"\xff\xff", "a.md").faults


def test_polyglots_keep_only_the_picture():
    tail = office("docx")
    for good in of_every_carrier():
        if good.carrier.medium == "image":
            both = good.data + tail
            assert any("after the end" in note for note in good.carrier.read(both).notes)
            made = good.carrier.write(both, LABEL)
            assert made == good.carrier.write(good.data, LABEL)


IN_SIGHT = [
    good
    for good in of_every_carrier()
    if good.carrier.name not in ("png", "ogg", "markdown", "docx", "xlsx", "pptx")
]  # the others pack, spread or check their values


@pytest.mark.parametrize("good", IN_SIGHT, ids=lambda good: good.carrier.name)
def test_a_value_that_is_no_label_is_named(good: Good):
    marked = good.carrier.write(good.data, LABEL)
    changes = ((b"Label", b"Babel"), (b'"1"', b'"9"'), (b"&quot;1&quot;", b"&quot;9&quot;"))
    damaged = {marked.replace(old, new, 1) for old, new in changes} - {marked}
    assert damaged
    for broken in damaged:
        assert conclude(good.carrier.read(broken))[0] is Conclusion.NON_COMPLIANT
