"""Files that stand for a model's output: made here, small, and nobody's."""

import io
import struct
import subprocess
import wave
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from PIL import Image

from synthgate.effects.carriers import catalogue
from synthgate.effects.explicit import tools
from synthgate.effects.label import Label
from synthgate.law import load as load_law
from synthgate.steps.reviewed import medium_of

_RATE: Final = 16_000


@dataclass(frozen=True)
class MediaFile:
    """A file by its path below the tenant's folder. ``make``: its bytes."""

    name: str
    medium: str
    media_type: str
    make: Callable[[], bytes]

    @cached_property
    def data(self) -> bytes:
        """Its bytes, made once."""
        return self.make()

    def row(self) -> dict[str, Any]:
        """As an event names it."""
        return {
            "name": self.name,
            "sha256": sha256(self.data).hexdigest(),
            "media_type": self.media_type,
            "size_bytes": len(self.data),
        }

    def place(self, folder: Path) -> None:
        """Write it whole where the chain takes it from."""
        path = folder / self.name
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        part.write_bytes(self.data)
        part.replace(path)


def looked_at(media_type: str, at_ms: int) -> list[str]:
    """What a reviewer of a file must have looked at, by house policy."""
    needs: Mapping[str, tuple[str, ...]] = load_law().at(at_ms).policy.moderation.needs
    return list(needs[medium_of({"media_type": media_type})])


@cache
def picture(width: int = 480, height: int = 320) -> bytes:
    """A PNG: a shape out of numbers."""
    image = Image.effect_mandelbrot((width, height), (-2.2, -1.2, 1.0, 1.2), 100)
    out = io.BytesIO()
    Image.merge("RGB", (image, image.transpose(Image.Transpose.ROTATE_180), image)).save(out, "PNG")
    return out.getvalue()


@cache
def sound() -> bytes:
    """A WAV: one second of a rising tone."""
    samples = [((n * n) // 90 & 0x3FFF) - 0x2000 for n in range(_RATE)]
    out = io.BytesIO()
    with wave.open(out, "wb") as made:
        made.setnchannels(1)
        made.setsampwidth(2)
        made.setframerate(_RATE)
        made.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return out.getvalue()


@cache
def film() -> bytes:
    """An MP4 of three seconds. Needs ffmpeg."""
    with TemporaryDirectory(prefix="synthgate-demo-film-") as folder:
        path = Path(folder) / "film.mp4"
        subprocess.run(
            ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=12:duration=3",
             "-pix_fmt", "yuv420p", str(path)],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip
        return path.read_bytes()


def film_missing() -> str | None:
    """Why no film can be shown here; None if one can."""
    return tools.missing()


@cache
def pdf() -> bytes:
    """A PDF of one page."""
    text = b"BT /F1 18 Tf 72 720 Td (A page nobody wrote.) Tj ET"
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    made, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    rows = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    return made + (
        b"xref\n0 %d\n0000000000 65535 f \n%btrailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (count, rows, count, len(made))
    )


@cache
def docx() -> bytes:
    """A DOCX of one paragraph."""
    package = "application/vnd.openxmlformats-package.relationships+xml"
    main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    schemas = "http://schemas.openxmlformats.org"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{schemas}/package/2006/content-types">'
        f'<Default Extension="rels" ContentType="{package}"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{main}"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{schemas}/package/2006/relationships"><Relationship Id="rId1"'
        f' Type="{schemas}/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/>'
        "</Relationships>",
        "word/document.xml": f'<w:document xmlns:w="{schemas}/wordprocessingml/2006/main"><w:body><w:p><w:r>'
        "<w:t>A letter nobody wrote.</w:t></w:r></w:p></w:body></w:document>",
    }  # fmt: skip
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in parts.items():
            # A moment of its own would make other bytes each time.
            made.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return out.getvalue()


@cache
def labelled_elsewhere() -> bytes:
    """A PNG with the label of another provider: a code that is nobody's."""
    data = picture(240, 160)
    return catalogue.of(data).write(data, Label.first(ELSEWHERE, "DEMO-1"))


ELSEWHERE: Final = "00DEMO0000ELSEWHERE00000000"
PICTURE: Final = MediaFile("pictures/harbour.png", "image", "image/png", picture)
BLOT: Final = MediaFile("pictures/blot.png", "image", "image/png", lambda: picture(20, 20))
SOUND: Final = MediaFile("sounds/greeting.wav", "audio", "audio/wav", sound)
FILM: Final = MediaFile("films/clip.mp4", "video", "video/mp4", film)
FOUND: Final = MediaFile("found/labelled.png", "image", "image/png", labelled_elsewhere)
PDF: Final = MediaFile("papers/page.pdf", "other", "application/pdf", pdf)
DOCX: Final = MediaFile(
    "papers/letter.docx", "other",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document", docx,
)  # fmt: skip
