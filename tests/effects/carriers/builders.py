"""Good files of every carrier, each with metadata of somebody else's that has to survive."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageCms, PngImagePlugin

from synthgate.effects.carriers import catalogue
from synthgate.effects.carriers.carrier import Carrier
from synthgate.effects.label import Label
from synthgate.effects.provider_code import SAMPLE_CODE

FILES = Path(__file__).parent / "files"
LABEL = Label.first(SAMPLE_CODE, "P-1")
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
OTHER = Label.first(SAMPLE_CODE, "P-2." + "x" * 400)
XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="uuid:7" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="x">'
    '<dc:title><rdf:Alt><rdf:li xml:lang="x-default">外来 Foreign</rdf:li></rdf:Alt></dc:title>'
    "</rdf:Description></rdf:RDF></x:xmpmeta>\n" + " " * 200 + '\n<?xpacket end="w"?>'
).encode()


class Good(NamedTuple):
    """A good file. ``foreign``: bytes of somebody else's metadata that have to be there afterwards."""

    name: str
    data: bytes
    foreign: tuple[bytes, ...] = ()

    @property
    def carrier(self) -> Carrier:
        return catalogue.of(self.data, self.name)


def picture(mode: str = "RGB", size: tuple[int, int] = (96, 64)) -> Image.Image:
    """A picture with a value of its own at every place."""
    width, height = size
    flat = Image.new("RGB", size)
    flat.putdata(
        [(x * 5 % 256, y * 7 % 256, (x * y) % 256) for y in range(height) for x in range(width)]
    )
    return flat.convert(mode)


def exif_of(comment: bytes = b"") -> bytes:
    """An EXIF block with a camera, and a user comment if one is given."""
    exif = Image.Exif()
    exif[0x010F] = "ForeignCamera"
    if comment:
        exif.get_ifd(0x8769)[0x9286] = b"ASCII\x00\x00\x00" + comment
    return exif.tobytes()


def saved(kind: str, image: Image.Image | None = None, **more: object) -> bytes:
    out = io.BytesIO()
    (image or picture()).save(out, kind, **more)
    return out.getvalue()


def jpeg(**more: object) -> bytes:
    return saved("JPEG", quality=80, **more)


def png(image: Image.Image | None = None, **texts: str) -> bytes:
    info = PngImagePlugin.PngInfo()
    for key, value in texts.items():
        info.add_text(key, value)
    return saved("PNG", image, pnginfo=info)


def png_with_xmp(packet: bytes, *, packed: bool = False) -> bytes:
    whole = png()
    body = zlib.compress(packet) if packed else packet
    text = b"XML:com.adobe.xmp\x00" + (b"\x01\x00" if packed else b"\x00\x00") + b"\x00\x00" + body
    return whole[:33] + png_chunk(b"iTXt", text) + whole[33:]


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def frames(count: int = 3) -> list[Image.Image]:
    return [picture("RGB", (80, 80)).rotate(90 * at) for at in range(count)]


def wav(*, foreign: bytes = b"", seconds: float = 0.2) -> bytes:
    """16 bit, mono, 8 kHz. ``foreign``: a chunk in front of the samples."""
    samples = b"".join(
        (at % 4000 - 2000).to_bytes(2, "little", signed=True) for at in range(int(8000 * seconds))
    )
    body = (
        b"WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00"
    )
    body += foreign + b"data" + len(samples).to_bytes(4, "little") + samples
    return b"RIFF" + len(body).to_bytes(4, "little") + body


_TYPES = (
    '<?xml version="1.0" encoding="UTF-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>{custom}</Types>'
)
_RELATIONS = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"'
    ' Target="{main}"/>{custom}</Relationships>'
)
_CUSTOM = (
    '<?xml version="1.0" encoding="UTF-8"?><Properties'
    ' xmlns="http://schemas.openxmlformats.org/officeDocument/2006/custom-properties"'
    ' xmlns:vt="http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes">'
    '<property fmtid="{D5CDD505-2E9C-101B-9397-08002B2CF9AE}" pid="2" name="Foreign"><vt:lpwstr>'
    "外来</vt:lpwstr></property></Properties>"
)
_MAIN = {"docx": "word/document.xml", "xlsx": "xl/workbook.xml", "pptx": "ppt/presentation.xml"}
_DOCUMENT = (
    '<?xml version="1.0" encoding="UTF-8"?><w:document'
    ' xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
    "<w:p><w:r><w:t>正文 Text</w:t></w:r></w:p></w:body></w:document>"
)


def office(kind: str, *, custom: bool = False, parts: dict[str, bytes] | None = None) -> bytes:
    """A small package of a kind, with custom properties of somebody else's or none."""
    out = io.BytesIO()
    main = _MAIN[kind]
    override = (
        '<Override PartName="/docProps/custom.xml" ContentType='
        '"application/vnd.openxmlformats-officedocument.custom-properties+xml"/>'
    )
    relation = (
        '<Relationship Id="rId2" Type='
        '"http://schemas.openxmlformats.org/officeDocument/2006/relationships/custom-properties"'
        ' Target="docProps/custom.xml"/>'
    )
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", _TYPES.format(custom=override if custom else ""))
        archive.writestr(
            "_rels/.rels", _RELATIONS.format(main=main, custom=relation if custom else "")
        )
        archive.writestr(main, _DOCUMENT)
        archive.writestr(f"{main.split('/')[0]}/media/image1.png", png(), zipfile.ZIP_STORED)
        if custom:
            archive.writestr("docProps/custom.xml", _CUSTOM)
        for name, body in (parts or {}).items():
            archive.writestr(name, body)
    return out.getvalue()


RIFF_INFO = b"LIST\x14\x00\x00\x00INFOINAM\x08\x00\x00\x00Foreign\x00"
MARKDOWN = "---\r\ntitle: 外来\r\ntags: [a, b]\r\n---\r\n# 标题\r\n正文\r\n".encode()


def good_files() -> list[Good]:
    """All of them, every carrier at least once."""
    exif = exif_of()
    animated = {"save_all": True, "append_images": frames()[1:], "duration": 40, "loop": 0}
    first = frames()[0]
    return [
        Good("plain.jpg", jpeg()),
        Good("rich.jpg", jpeg(xmp=XMP, exif=exif, icc_profile=ICC, comment=b"hello"),
             (b"ForeignCamera", ICC[64:200], b"hello", "外来 Foreign".encode())),
        Good("progressive.jpg", jpeg(progressive=True, exif=exif), (b"ForeignCamera",)),
        Good("gray.jpeg", saved("JPEG", picture("L"))),
        Good("cmyk.jpg", saved("JPEG", picture("CMYK"))),
        Good("plain.png", png()),
        Good("rich.png", png(Title="Foreign", Author="外来"), (b"Foreign", "外来".encode())),
        Good("xmp.png", png_with_xmp(XMP), ("外来 Foreign".encode(),)),
        Good("packed-xmp.png", png_with_xmp(XMP, packed=True), ("外来 Foreign".encode(),)),
        Good("exif.png", saved("PNG", exif=exif), (b"ForeignCamera",)),
        Good("palette.png", png(picture("P"))),
        Good("deep.png", saved("PNG", picture("I;16"))),
        Good("animated.png", saved("PNG", first, **animated), (b"acTL", b"fcTL", b"fdAT")),
        Good("lossy.webp", saved("WEBP")),
        Good("lossless.webp", saved("WEBP", picture("RGBA"), lossless=True)),
        Good("rich.webp", saved("WEBP", xmp=XMP, exif=exif, icc_profile=ICC),
             (b"ForeignCamera", ICC, "外来 Foreign".encode())),
        Good("animated.webp", saved("WEBP", first, **animated), (b"ANMF",)),
        Good("plain.gif", saved("GIF", comment=b"hello"), (b"hello",)),
        Good("animated.gif", saved("GIF", first, **animated), (b"NETSCAPE2.0",)),
        Good("plain.wav", wav()),
        Good("rich.wav", wav(foreign=RIFF_INFO), (b"Foreign",)),
        *(Good(name, (FILES / name).read_bytes(), foreign) for name, foreign in _KEPT),
        *(Good(f"plain.{kind}", office(kind)) for kind in _MAIN),
        *(Good(f"rich.{kind}", office(kind, custom=True)) for kind in _MAIN),
        Good("plain.md", "# 标题\n正文\n".encode()),
        Good("rich.md", MARKDOWN, ("title: 外来\r\n".encode(), "# 标题\r\n正文\r\n".encode())),
    ]  # fmt: skip


_PERSON = "一个人".encode()
_KEPT = (
    ("tone.mp3", (b"Foreign",)), ("tone-v24.mp3", (b"Foreign", _PERSON)), ("bare.mp3", ()),
    ("tone.flac", (b"Foreign", _PERSON)), ("tone.opus", (b"Foreign", _PERSON)),
    ("tone.ogg", (b"Foreign", _PERSON)), ("tone.m4a", (b"Foreign", _PERSON)),
    ("film.mp4", (b"Foreign", _PERSON)), ("faststart.mp4", (b"Foreign", _PERSON)),
    ("keyed.mp4", (b"Foreign", _PERSON)), ("fragmented.mp4", (b"Foreign", _PERSON)),
    ("film.mov", (b"Foreign", _PERSON)), ("film.mkv", (b"Foreign", _PERSON)),
    ("film.webm", (b"Foreign", _PERSON)), ("live.webm", ()),
    ("plain.pdf", (b"/Title",)), ("packed.pdf", ()), ("linear.pdf", (b"/Title",)), ("packed-linear.pdf", ()),
)  # fmt: skip

GOOD = good_files()


def of_every_carrier() -> Iterator[Good]:
    """One good file of each carrier: the smallest."""
    for carrier in catalogue.CARRIERS:
        yield min(
            (good for good in GOOD if good.carrier is carrier), key=lambda good: len(good.data)
        )
