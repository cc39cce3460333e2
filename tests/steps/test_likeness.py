"""From a screenshot, re-encoded twice, back to the object that was released; and to no other."""

import hashlib
import io
import random
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from synthgate.effects.objects import LocalObjects
from synthgate.library.pictures import PictureError
from synthgate.steps.likeness import Likeness


def painted(seed: int, side: int = 320) -> Image.Image:
    """A picture with features: patches of colour, the same for a seed."""
    chance = random.Random(seed)
    image = Image.new("RGB", (side, side), tuple(chance.randrange(256) for _ in range(3)))
    draw = ImageDraw.Draw(image)
    for _ in range(40):
        x, y = chance.randrange(side), chance.randrange(side)
        size = chance.randrange(20, 120)
        draw.ellipse((x, y, x + size, y + size), tuple(chance.randrange(256) for _ in range(3)))
    return image


def encoded(image: Image.Image, form: str, **options: int) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def released(folder: Path, data: bytes) -> str:
    digest = hashlib.sha256(data).hexdigest()
    path = folder / "0" / f"1-generation.events-0-{digest[:3]}-{digest}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return digest


@pytest.fixture
def shelf(tmp_path: Path) -> tuple[Likeness, Path, list[str]]:
    folder = tmp_path / "objects"
    hashes = [released(folder, encoded(painted(seed), "PNG")) for seed in range(8)]
    (folder / "0" / f"1-x-0-1-{'a' * 64}.txt").write_text("no picture")
    released(folder, b"not a picture at all")
    index = Likeness(tmp_path / "likeness.sqlite3")
    assert index.update(LocalObjects(folder)) == 9
    return index, folder, hashes


@pytest.mark.parametrize("seed", range(8))
def test_a_screenshot_encoded_twice_and_made_smaller_is_found(
    shelf: tuple[Likeness, Path, list[str]], seed: int
) -> None:
    index, _, hashes = shelf
    once = Image.open(io.BytesIO(encoded(painted(seed), "JPEG", quality=60)))
    twice = encoded(once.resize((200, 200)), "WEBP", quality=50)
    found = index.near(twice)
    assert found[0].sha256 == hashes[seed] and found[0].distance <= 31
    assert [one.sha256 for one in found if one.distance <= 31] == [hashes[seed]]


def test_mirrored_it_is_found_too(shelf: tuple[Likeness, Path, list[str]]) -> None:
    index, _, hashes = shelf
    turned = painted(3).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    (found, *_) = index.near(encoded(turned, "JPEG", quality=70))
    assert (found.sha256, found.flip) == (hashes[3], "mirrored")


def test_another_picture_is_not_found(shelf: tuple[Likeness, Path, list[str]]) -> None:
    index, _, _ = shelf
    assert index.near(encoded(painted(99), "JPEG")) == []


def test_the_index_follows_the_store_and_is_made_again(
    shelf: tuple[Likeness, Path, list[str]], tmp_path: Path
) -> None:
    index, folder, hashes = shelf
    assert index.update(LocalObjects(folder)) == 0
    next(folder.rglob(f"*{hashes[0]}.png")).unlink()
    index.update(LocalObjects(folder))
    assert index.near(encoded(painted(0), "JPEG")) == []
    again = Likeness(tmp_path / "other.sqlite3")
    again.update(LocalObjects(folder))
    assert again.near(encoded(painted(1), "JPEG"))[0].sha256 == hashes[1]


def test_what_is_no_picture_is_said(shelf: tuple[Likeness, Path, list[str]]) -> None:
    with pytest.raises(PictureError):
        shelf[0].near(b"\x00" * 100)
