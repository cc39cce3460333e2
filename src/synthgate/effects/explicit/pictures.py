"""A picture with its badge: decoded within limits, drawn on upright in its own mode, encoded as it was.

JPEG keeps its tables and its sampling, PNG its samples; every frame of an animation carries the badge. What
would lose by it is refused by name: 16 bits a channel, modes without letters, pictures too small.
"""

import io
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from PIL import Image, ImageSequence, JpegImagePlugin

from synthgate.effects.carriers import catalogue
from synthgate.effects.carriers.carrier import CarrierError
from synthgate.effects.explicit import badge as badges
from synthgate.effects.explicit import kept
from synthgate.effects.explicit.badge import Badge, Corner
from synthgate.effects.explicit.errors import ExplicitError

PIXELS_MAX: Final = 89_000_000
"""Of one frame: what Pillow itself takes without a warning."""
FRAMES_MAX: Final = 1_000
FRAME_PIXELS_MAX: Final = 200_000_000
"""Of all frames together."""
_FORMATS: Final = {"jpeg": "JPEG", "png": "PNG", "webp": "WEBP", "gif": "GIF"}
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a picture of an EXIF orientation stand upright."""
_DEEP: Final = 16
_INK_PX_READ: Final = 20
"""Letters of this height are measured to a twentieth; between the 6 % we write and 5 % lies a sixth."""
_WEBP_QUALITY: Final = 90
_WEBP_METHOD: Final = 2
_PNG_LEVEL: Final = 3


class Badged(NamedTuple):
    """A picture's new bytes, and the badge in it."""

    data: bytes
    badge: Badge


def put(data: bytes, text: str, corner: Corner = "bottom-right") -> Badged:
    """The picture with a badge, read back and measured.

    Raises:
        ExplicitError: it cannot be decoded within the limits, drawn on without loss, or is too small.
    """
    kind = _checked(data)
    try:
        plain = kept.bare(kind, data)
        image = _open(plain.data, kind)
        if getattr(image, "n_frames", 1) > 1:
            made, badge = _animation(image, kind, text, corner)
        else:
            made, badge = _still(image, kind, plain, text, corner)
        made = kept.kept(kind, data, made)
        _read_back(made, kind, badge)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ExplicitError("too_much", str(error)) from None
    except (OSError, ValueError, SyntaxError, EOFError, RuntimeError, CarrierError) as error:
        raise ExplicitError("broken", f"the picture cannot be decoded: {error}") from None
    return Badged(made, badge)


def _checked(data: bytes) -> str:
    """Its format; walked first, for Pillow takes seconds over a thousand segments."""
    try:
        carrier = catalogue.of(data)
    except CarrierError as error:
        raise ExplicitError("unsupported", str(error)) from None
    if carrier.name not in _FORMATS:
        raise ExplicitError("unsupported", f"{carrier.name} is no picture")
    if faults := carrier.read(data).faults:
        raise ExplicitError("broken", faults[0])
    if carrier.name == "png" and data[24] == _DEEP:
        raise ExplicitError(
            "unsupported",
            "a PNG of 16 bits a channel would lose half of them: write the implicit label alone and show"
            " the label beside it",
        )
    return carrier.name


def _open(data: bytes, kind: str) -> Image.Image:
    image = Image.open(io.BytesIO(data), formats=(_FORMATS[kind],))
    pixels, frames = image.width * image.height, getattr(image, "n_frames", 1)
    if pixels > PIXELS_MAX or frames > FRAMES_MAX or pixels * frames > FRAME_PIXELS_MAX:
        raise ExplicitError("too_much", f"{frames} frames of {image.width} x {image.height} pixels")
    return image


def _still(
    image: Image.Image, kind: str, plain: kept.Bare, text: str, corner: Corner
) -> tuple[bytes, Badge]:
    options = _options(image, kind, plain.data)
    image.load()
    turn = _TURNS.get(plain.orientation)
    upright = _drawable(image if turn is None else image.transpose(turn))
    badge = badges.plan(upright.size, text, corner)
    badges.draw(upright, badge)
    out = io.BytesIO()
    upright.info = {}
    upright.save(out, _FORMATS[kind], **options)
    return out.getvalue(), badge


def _options(image: Image.Image, kind: str, data: bytes) -> dict[str, Any]:
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        sampling = JpegImagePlugin.get_sampling(image)
        more = {"progressive": True} if image.info.get("progressive") else {}
        subsampling = {"subsampling": sampling} if sampling >= 0 else {}
        return {"qtables": image.quantization, **subsampling, **more}
    if kind == "webp":
        lossless = b"VP8L" in data[:64]
        return {"lossless": lossless, "quality": _WEBP_QUALITY, "method": _WEBP_METHOD}
    return {"compress_level": _PNG_LEVEL} if kind == "png" else {}


def _drawable(image: Image.Image) -> Image.Image:
    if image.mode in badges.MODES:
        return image
    if image.mode in ("P", "PA"):
        return image.convert(
            "RGBA" if "transparency" in image.info or image.mode == "PA" else "RGB"
        )
    if image.mode == "1":
        return image.convert("L")
    raise ExplicitError("unsupported", f"a picture of mode {image.mode} cannot be drawn on")


def _animation(image: Image.Image, kind: str, text: str, corner: Corner) -> tuple[bytes, Badge]:
    badge = badges.plan(image.size, text, corner)
    durations: list[int] = []
    frames = _frames(image, badge, durations)
    first = next(frames)
    rest = list(frames)
    more: dict[str, Any] = {"loop": image.info["loop"]} if "loop" in image.info else {}
    if kind == "webp":
        more |= {"quality": _WEBP_QUALITY, "method": _WEBP_METHOD}
    if kind == "gif":
        more |= {"disposal": 2, "optimize": False}
    if kind == "png":
        more |= {"blend": 0, "disposal": 0, "compress_level": _PNG_LEVEL}
    out = io.BytesIO()
    first.info = {}
    first.save(out, _FORMATS[kind], save_all=True, append_images=rest, duration=durations, **more)
    return out.getvalue(), badge


def _frames(image: Image.Image, badge: Badge, durations: list[int]) -> Iterator[Image.Image]:
    for frame in ImageSequence.Iterator(image):
        durations.append(int(frame.info.get("duration", 0)))
        whole = frame.convert("RGBA")
        badges.draw(whole, badge)
        yield whole


def _read_back(data: bytes, kind: str, badge: Badge) -> None:
    """Decode what was made and measure the letters in it.

    Raises:
        ExplicitError: the lowest glyph is below the 5 % of the standard.
    """
    with _open(kept.bare(kind, data).data, kind) as image:
        scale = 1
        if kind == "jpeg" and image.mode != "CMYK":
            # The brightness alone, and as small as the letters allow: it costs half of what the whole does.
            scale = next(
                by for by in (8, 4, 2, 1) if by == 1 or badge.line.ink_px >= by * _INK_PX_READ
            )
            image.draft("L", (image.width // scale, image.height // scale))
        image.load()
        found = badges.measured(_drawable(image), badge, scale)
    if found < badge.short_px * badges.INK_LEAST:
        raise ExplicitError("readback", f"letters of {found} pixels on {badge.short_px}")
