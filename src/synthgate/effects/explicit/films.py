"""Film with the badge on every frame from the first (GB 45438-2025 5.4), its sound copied as it is.

The picture is encoded anew by ffmpeg; so this is for who encodes films anyway, and slow. Read back: the letters
are measured on the first frame and on that at two seconds, and the sound's packets are compared.
"""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from PIL import Image

from synthgate.effects.explicit import badge as badges
from synthgate.effects.explicit import tools
from synthgate.effects.explicit.badge import Badge, Corner
from synthgate.effects.explicit.errors import ExplicitError

SECONDS_LEAST: Final = 2.0
"""How long the standard wants it to be seen."""
PIXELS_MAX: Final = 40_000_000
_X264: Final = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p")
_VP9: Final = (
    "-c:v",
    "libvpx-vp9",
    "-deadline",
    "realtime",
    "-cpu-used",
    "6",
    "-crf",
    "30",
    "-b:v",
    "0",
)
_KINDS: Final[dict[str, tuple[str, str, tuple[str, ...]]]] = {
    "mp4": ("mov", "mp4", (*_X264, "-movflags", "+faststart")),
    "mov": ("mov", "mov", (*_X264, "-movflags", "+faststart")),
    "mkv": ("matroska", "matroska", _X264),
    "webm": ("matroska", "webm", _VP9),
}
"""By kind: how it is read, how it is written, how its picture is encoded."""


def put(data: bytes, carrier: str, text: str, corner: Corner) -> tuple[bytes, Mapping[str, Any]]:
    """The film with its badge, and what is recorded of it. carrier: mp4, mov or matroska.

    Raises:
        ExplicitError: ffmpeg is not installed or fails; too small, too large, shorter than two seconds.
    """
    kind = carrier if carrier != "matroska" else "webm" if b"webm" in data[:64] else "mkv"
    reads, writes, encoding = _KINDS[kind]
    with tools.folder() as home:
        source, plate, target = home / "source", home / "plate.png", home / f"made.{kind}"
        source.write_bytes(data)
        size, duration = _about(source, reads)
        badge = badges.plan(size, text, corner)
        _plate(badge).save(plate)
        left, top = badge.box[:2]
        tools.ffmpeg(
            "-f", reads, "-i", source, "-i", plate,
            "-filter_complex", f"[0:v:0][1:v]overlay={left}:{top}[v]",
            "-map", "[v]", "-map", "0:a?", "-c:a", "copy", "-map_metadata", "0", *encoding,
            "-f", writes, target,
        )  # fmt: skip
        for at in (0.0, min(SECONDS_LEAST, duration - 0.2)):
            _read_back(target, reads, at, badge)
        if _sound(source, reads) != _sound(target, reads):
            raise ExplicitError("readback", "the sound is not what it was")
        made = target.read_bytes()
    return made, badge.row() | {"start_s": 0.0, "duration_s": round(duration, 2)}


def _about(path: Path, reads: str) -> tuple[tuple[int, int], float]:
    """Size of the picture as it is seen, and seconds."""
    told = json.loads(
        tools.ffprobe(
            "-f", reads, "-select_streams", "v:0", "-show_entries",
            "stream=width,height:stream_side_data=rotation:format=duration", "-of", "json", "-i", path,
        )
    )  # fmt: skip
    streams = told.get("streams") or []
    if not streams:
        raise ExplicitError("unsupported", "a film without a picture")
    width, height = streams[0]["width"], streams[0]["height"]
    turned = [side.get("rotation", 0) for side in streams[0].get("side_data_list", [])]
    if any(abs(int(angle)) % 180 == 90 for angle in turned):
        width, height = height, width
    duration = float(told["format"].get("duration", 0))
    if duration < SECONDS_LEAST:
        raise ExplicitError(
            "too_small",
            "a film shorter than the two seconds its label is to be seen: show it beside",
        )
    if width * height > PIXELS_MAX:
        raise ExplicitError("too_much", f"a film of {width} x {height} pixels")
    return (width, height), duration


def _plate(badge: Badge) -> Image.Image:
    """The badge alone: what lies beneath changes, so the plate is dark and opaque."""
    left, top, right, bottom = badge.box
    image = Image.new("RGB", (right - left, bottom - top), "black")
    image.paste((255, 255, 255), (badge.letters[0] - left, badge.letters[1] - top), badge.line.mask)
    return image


def _read_back(path: Path, reads: str, at: float, badge: Badge) -> None:
    shot = tools.ffmpeg(
        "-f", reads, "-ss", f"{at:.3f}", "-i", path, "-map", "0:v:0", "-frames:v", "1",
        "-c:v", "png", "-f", "image2pipe", "pipe:1",
    )  # fmt: skip
    with Image.open(io.BytesIO(shot), formats=("PNG",)) as frame:
        found = badges.measured(frame.convert("RGB"), badge)
    if found < badge.short_px * badges.INK_LEAST:
        raise ExplicitError("readback", f"letters of {found} pixels at {at:.1f} s")


def _sound(path: Path, reads: str) -> bytes:
    """A hash of each sound stream's packets; empty if there is none."""
    told = json.loads(
        tools.ffprobe("-f", reads, "-show_entries", "stream=codec_type", "-of", "json", "-i", path)
    )
    if not any(stream.get("codec_type") == "audio" for stream in told.get("streams", [])):
        return b""
    return tools.ffmpeg(
        "-f", reads, "-i", path, "-map", "0:a", "-c", "copy", "-f", "streamhash", "pipe:1"
    )
