"""Pictures with badges: as they were but for the badge; hostile ones refused by name, soon."""

import io
import time
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageOps, ImageSequence, ImageStat

from effects.carriers.builders import (
    GOOD,
    ICC,
    XMP,
    Good,
    exif_of,
    jpeg,
    picture,
    png,
    png_chunk,
    saved,
)
from synthgate.effects.carriers import jpeg as jpeg_carrier
from synthgate.effects.explicit import badge as badges
from synthgate.effects.explicit import pictures
from synthgate.effects.explicit.errors import ExplicitError

PICTURES = [good for good in GOOD if good.carrier.medium == "image" and good.name != "deep.png"]


def frames(data: bytes) -> list[Image.Image]:
    with Image.open(io.BytesIO(data)) as image:
        return [frame.convert("RGBA") for frame in ImageSequence.Iterator(image)]


def without(image: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    image = image.copy()
    image.paste((0, 0, 0, 0), box)
    return image


@pytest.mark.parametrize("good", PICTURES, ids=lambda good: good.name)
def test_every_frame_carries_the_badge_and_nothing_else_changed(good: Good):
    made, badge = pictures.put(good.data, "AI生成")
    now, before = frames(made), frames(good.data)
    assert len(now) == len(before)
    for new, old in zip(now, before, strict=True):
        assert new.size == old.size
        assert badges.measured(new, badge) >= 0.05 * badge.short_px
        apart = ImageChops.difference(without(new, badge.box), without(old, badge.box))
        worst = max(high for _, high in apart.convert("RGB").getextrema())
        mean = max(ImageStat.Stat(apart.convert("RGB")).mean)
        if good.carrier.name == "png" or good.name == "lossless.webp":
            assert worst == 0
        else:
            assert mean < 12
    for foreign in good.foreign:
        assert foreign in made or good.name == "packed-xmp.png"


@pytest.mark.parametrize("good", PICTURES, ids=lambda good: good.name)
def test_durations_and_loops_are_kept(good: Good):
    made, _ = pictures.put(good.data, "AI生成")
    with Image.open(io.BytesIO(made)) as now, Image.open(io.BytesIO(good.data)) as before:
        assert now.format == before.format
        assert now.info.get("loop") == before.info.get("loop")
        for at in range(getattr(before, "n_frames", 1)):
            now.seek(at)
            before.seek(at)
            assert now.info.get("duration", 0) == before.info.get("duration", 0)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_corner_is_that_of_the_picture_as_it_is_seen(orientation, kind):
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "ForeignCamera"
    image = Image.linear_gradient("L").resize((300, 200)).convert("RGB")
    data = saved(kind, image, exif=exif.tobytes())
    made, badge = pictures.put(data, "AI生成")
    with Image.open(io.BytesIO(data)) as before:
        seen = ImageOps.exif_transpose(before).convert("RGB")
    with Image.open(io.BytesIO(made)) as now:
        assert now.getexif().get(0x0112, 1) == 1
        assert now.getexif()[0x010F] == "ForeignCamera"
        shown = ImageOps.exif_transpose(now).convert("RGB")
    assert shown.size == seen.size
    assert (badge.box[2] > 0.9 * seen.width) and (badge.box[3] > 0.9 * seen.height)
    assert badges.measured(shown, badge) >= 0.05 * 200
    black = Image.new("RGB", (badge.box[2] - badge.box[0], badge.box[3] - badge.box[1]))
    for image in (shown, seen):
        image.paste(black, badge.box)
    assert max(ImageStat.Stat(ImageChops.difference(shown, seen)).mean) < 3


def test_jpeg_keeps_its_tables_sampling_and_way():
    for sampling in (0, 1, 2):
        data = saved(
            "JPEG", picture(size=(200, 200)), quality=77, subsampling=sampling, progressive=True
        )
        made, _ = pictures.put(data, "AI生成")
        with Image.open(io.BytesIO(made)) as now, Image.open(io.BytesIO(data)) as before:
            assert now.quantization == before.quantization
            assert now.info["progressive"]
            assert now.layer == before.layer


def test_foreign_metadata_is_laid_over_byte_for_byte():
    data = jpeg(xmp=XMP, exif=exif_of(), icc_profile=ICC, comment=b"hello")
    before = [
        data[one.start : one.end] for one in jpeg_carrier.taken_apart(data)[0] if one.marker >= 0xE1
    ]
    made, _ = pictures.put(data, "AI生成")
    now = [
        made[one.start : one.end] for one in jpeg_carrier.taken_apart(made)[0] if one.marker >= 0xE1
    ]
    assert now == before


def deep(colour: int) -> bytes:
    head = (96).to_bytes(4, "big") * 2 + bytes([16, colour, 0, 0, 0])
    whole = png()
    return whole[:8] + png_chunk(b"IHDR", head) + whole[33:]


@pytest.mark.parametrize("data", [saved("PNG", picture("I;16")), deep(2), deep(6)])
def test_sixteen_bits_are_refused_aloud(data):
    with pytest.raises(ExplicitError, match="16 bits"):
        pictures.put(data, "AI生成")


def test_letters_below_five_percent_are_never_let_through(monkeypatch):
    monkeypatch.setattr(badges, "INK_AIM", 0.03)
    with pytest.raises(ExplicitError) as refused:
        pictures.put(saved("PNG", picture(size=(600, 600))), "AI生成")
    assert refused.value.code == "readback"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_cut_and_damaged_pictures_are_refused(kind):
    data = saved(kind)
    for at in range(20, len(data) - 1, max(1, len(data) // 40)):
        with pytest.raises(ExplicitError):
            pictures.put(data[:at], "AI生成")


@pytest.mark.parametrize("error", [RuntimeError, OSError, SyntaxError, EOFError, ValueError])
def test_whatever_a_decoder_raises_is_a_refusal(error, monkeypatch):
    def fails(*_, **__):
        raise error("could not create decoder object")

    monkeypatch.setattr(pictures, "_open", fails)
    with pytest.raises(ExplicitError) as refused:
        pictures.put(saved("WEBP"), "AI生成")
    assert refused.value.code == "broken"


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parent / "finds").iterdir()), ids=lambda it: it.name
)
def test_what_fuzzing_found_stays_refused(path):
    with pytest.raises(ExplicitError):
        pictures.put(path.read_bytes(), "AI生成")


EMPTY_EXIF = b"Exif\x00\x00II*\x00\x08\x00\x00\x00"


def test_a_thousand_segments_cost_no_seconds():
    whole = jpeg()
    segment = b"\xff\xe1" + (30_008).to_bytes(2, "big") + b"Exif\x00\x00" + bytes(30_000)
    hostile = whole[:2] + segment * 1_000 + whole[2:]
    begun = time.process_time()
    made, _ = pictures.put(hostile.replace(b"Exif\x00\x00" + bytes(8), EMPTY_EXIF), "AI生成")
    assert made.count(b"Exif\x00\x00") == 1_000
    assert time.process_time() - begun < 1


def test_a_bomb_is_refused_before_it_is_decoded():
    head = (30_000).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    whole = png()
    begun = time.process_time()
    for side in (30_000, 9_600):
        head = side.to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
        with pytest.raises(ExplicitError) as refused:
            pictures.put(whole[:8] + png_chunk(b"IHDR", head) + whole[33:], "AI生成")
        assert refused.value.code == "too_much"
    assert time.process_time() - begun < 1


def test_too_many_frames_are_refused(monkeypatch):
    monkeypatch.setattr(pictures, "FRAMES_MAX", 2)
    with pytest.raises(ExplicitError, match="3 frames"):
        pictures.put(next(good.data for good in GOOD if good.name == "animated.png"), "AI生成")


@pytest.mark.parametrize(
    "data", [b"", b"%!PS-Adobe", b"II*\x00" + bytes(99), b"<svg></svg>", b"hello"]
)
def test_what_is_no_picture_of_ours_is_refused_by_name(data):
    with pytest.raises(ExplicitError) as refused:
        pictures.put(data, "AI生成")
    assert refused.value.code == "unsupported"
