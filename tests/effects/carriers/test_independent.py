"""What we wrote, read by programs of other people; and pixels and samples, decoded before and after."""

import hashlib
import html
import io
import json
import wave
from pathlib import Path

import pytest
from PIL import Image, ImageSequence

from effects.carriers.builders import GOOD, LABEL, OTHER, Good
from programs import need, output
from synthgate.effects.carriers.page import READERS

PICTURES = [good for good in GOOD if good.carrier.medium == "image"]
MEDIA = [good for good in GOOD if good.carrier.medium in ("audio", "video")]
OFFICE = [good for good in GOOD if good.carrier.name in ("docx", "xlsx", "pptx")]
BARE = LABEL.bare().decode()


def read_by(program: str, *names: str) -> list[Good]:
    """Good files of the carriers ``src/CARRIERS.md`` says a program reads; of these alone, if named."""
    claimed = [good for good in GOOD if program in READERS[good.carrier.name]]
    return [good for good in claimed if not names or good.carrier.name in names]


def named(goods: list[Good]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("good", goods, ids=lambda good: good.name)


@pytest.fixture
def file(good: Good, tmp_path: Path) -> Path:
    """The file labelled, replaced and replaced back, on disk."""
    made = good.carrier.write(good.carrier.write(good.data, OTHER), LABEL)
    path = tmp_path / good.name
    path.write_bytes(made)
    return path


def pixels(data: bytes) -> list[tuple[str, bytes]]:
    with Image.open(io.BytesIO(data)) as image:
        return [
            (frame.mode, hashlib.sha256(frame.tobytes()).digest())
            for frame in ImageSequence.Iterator(image)
        ]


@named(PICTURES)
def test_pixels_and_foreign_metadata_are_untouched(good: Good, file: Path):
    made = file.read_bytes()
    assert pixels(made) == pixels(good.data)
    with Image.open(io.BytesIO(made)) as now, Image.open(io.BytesIO(good.data)) as before:
        assert dict(now.getexif()) == dict(before.getexif())
        kept = {key: value for key, value in before.info.items() if "xmp" not in key.lower()}
        for of_pillow in ("version", "extension"):  # GIF: 87a becomes 89a; the last extension
            kept.pop(of_pillow, None)
        assert {key: now.info.get(key) for key in kept} == kept


@named(read_by("exiftool", "jpeg", "png", "webp", "gif"))
def test_exiftool_reads_the_label_of_a_picture(good: Good, file: Path):
    need("exiftool")
    (row,) = json.loads(output("exiftool", "-j", "-G1", "-XMP-TC260:all", file))
    assert row["XMP-TC260:Aigc"] == BARE
    (row,) = json.loads(output("exiftool", "-j", "-validate", "-warning", "-a", file))
    (before,) = json.loads(output_of(good, file, "exiftool", "-j", "-validate", "-warning", "-a"))
    assert row["Validate"] == before["Validate"], row


def output_of(good: Good, file: Path, *command: str) -> str:
    """What a program says of the file before it was labelled."""
    path = file.with_name(f"before-{good.name}")
    path.write_bytes(good.data)
    return output(*command, path)


@named(read_by("exiv2"))
def test_exiv2_reads_the_label_of_a_picture(good: Good, file: Path):
    need("exiv2")
    said = output("exiv2", "-PXkv", file, good=(0, 1, 253))
    (line,) = [line for line in said.splitlines() if "TC260" in line]
    assert line.split(None, 1) == ["Xmp.TC260.AIGC", BARE]


@named(read_by("webpinfo"))
def test_webpinfo_finds_no_fault(good: Good, file: Path):
    need("webpinfo")
    said = output("webpinfo", file)
    assert "No error detected." in said
    assert said.count("Chunk XMP") == 1


@named(read_by("pngcheck"))
def test_pngcheck_finds_no_fault(good: Good, file: Path):
    need("pngcheck")
    assert output("pngcheck", "-q", file).count("XML:com.adobe.xmp") == 0


def decoded(data: bytes, folder: Path) -> str:
    path = folder / "any"
    path.write_bytes(data)
    return output("ffmpeg", "-v", "error", "-i", path, "-f", "framemd5", "-")


@named(MEDIA)
def test_samples_are_untouched(good: Good, file: Path, tmp_path: Path):
    if good.carrier.name == "wav":
        with wave.open(str(file)) as now, wave.open(io.BytesIO(good.data)) as before:
            assert now.getparams() == before.getparams()
            assert now.readframes(1 << 20) == before.readframes(1 << 20)
    need("ffmpeg")
    assert decoded(file.read_bytes(), tmp_path) == decoded(good.data, tmp_path)


@named(read_by("ffprobe"))
def test_ffprobe_reads_the_label_and_the_foreign_tags(good: Good, file: Path):
    need("ffprobe")
    form = ("ffprobe", "-v", "error", "-show_entries", "format_tags:stream_tags", "-of", "json")
    told = json.loads(output(*form, file))
    before = json.loads(output_of(good, file, *form))
    tags = told["format"].get("tags", {}) | told["streams"][0].get("tags", {})
    assert tags["AIGC"] == BARE
    del tags["AIGC"]
    foreign = before["format"].get("tags", {}) | before["streams"][0].get("tags", {})
    assert tags == foreign


@named(read_by("mediainfo"))
def test_mediainfo_reads_the_label_once(good: Good, file: Path):
    need("mediainfo")
    tracks = json.loads(output("mediainfo", "--Output=JSON", file))["media"]["track"]
    found = [track["extra"]["AIGC"] for track in tracks if "AIGC" in track.get("extra", {})]
    assert found == [BARE]


@named(read_by("exiftool", "mp4", "mov", "m4a"))
def test_exiftool_finds_the_label_among_the_keys(good: Good, file: Path):
    need("exiftool")
    (row,) = json.loads(output("exiftool", "-j", "-G1", "-a", file))
    assert {key: value for key, value in row.items() if "AIGC" in key} == {"Keys:AIGC": BARE}


@named(read_by("exiftool", "wav"))
def test_exiftool_reads_the_chunk_of_a_wav(good: Good, file: Path):
    need("exiftool")
    assert output("exiftool", "-u", "-b", "-Unknown_AIGC", file).rstrip("\0") == BARE


@named(read_by("pdfinfo"))
def test_pdf_readers_read_the_label_and_find_no_fault(good: Good, file: Path):
    need("pdfinfo", "qpdf", "exiftool")
    (line,) = [row for row in output("pdfinfo", "-custom", file).splitlines() if "AIGC" in row]
    assert line.split(None, 1)[1] == BARE
    assert "Foreign" in output("pdfinfo", file)
    assert "No syntax or stream encoding errors found" in output("qpdf", "--check", file)
    (row,) = json.loads(output("exiftool", "-j", "-PDF:all", "-AIGC", file))
    assert row["AIGC"] == BARE
    assert qpdf_pages(file) == qpdf_pages(before_on_disk(good, file))


def before_on_disk(good: Good, file: Path) -> Path:
    path = file.with_name(f"before-{good.name}")
    path.write_bytes(good.data)
    return path


def qpdf_pages(path: Path) -> list[str]:
    """The pages' contents as qpdf lays them out anew: the same for the same pages."""
    rows = json.loads(
        output("qpdf", "--json=2", "--json-key=qpdf", "--json-stream-data=inline", path)
    )
    found = rows["qpdf"][1]
    return sorted(
        hashlib.sha256(json.dumps(row["stream"]["data"]).encode()).hexdigest()
        for row in found.values()
        if "stream" in row and row["stream"]["dict"].get("/Type") not in ("/XRef", "/ObjStm")
    )


@named(read_by("unzip"))
def test_unzip_and_an_xml_reader_find_the_property(good: Good, file: Path):
    need("unzip")
    output("unzip", "-tqq", file)
    custom = output("unzip", "-p", file, "docProps/custom.xml")
    assert html.unescape(custom).count(BARE) == 1
    for part in ("\\[Content_Types\\].xml", "_rels/.rels"):
        assert output("unzip", "-p", file, part).count("custom.xml") == 1


@named(read_by("exiftool", "docx", "xlsx", "pptx"))
def test_exiftool_reads_the_property(good: Good, file: Path):
    need("exiftool")
    said = output("exiftool", "-j", "-AIGC", file)
    (row,) = json.loads(said)
    assert row["AIGC"] == BARE


@named(OFFICE)
def test_other_parts_keep_their_bytes(good: Good, file: Path):
    import zipfile

    with zipfile.ZipFile(file) as now, zipfile.ZipFile(io.BytesIO(good.data)) as before:
        assert now.testzip() is None
        for name in before.namelist():
            if name not in ("[Content_Types].xml", "_rels/.rels", "docProps/custom.xml"):
                assert now.read(name) == before.read(name)


@named(read_by("PyYAML"))
def test_a_yaml_parser_reads_the_mapping(good: Good, file: Path):
    import yaml

    front = file.read_text(encoding="utf-8").split("---")[1]
    read = yaml.safe_load(front)
    assert read["AIGC"] == LABEL.row()
    assert list(read["AIGC"]) == list(LABEL.row())
    if good.name == "rich.md":
        assert read["title"] == "外来"
        assert read["tags"] == ["a", "b"]
