"""Film with the badge: on every frame, measured; sound and tags as they were; without ffmpeg named."""

import json
from pathlib import Path

import pytest

from effects.carriers.builders import FILES
from programs import need, output
from synthgate.effects import files
from synthgate.effects.carriers.conclusion import Conclusion
from synthgate.effects.explicit import badge as badges
from synthgate.effects.files import Order, Refused
from synthgate.effects.provider_code import SAMPLE_CODE

OURS = Order(SAMPLE_CODE)


def film(folder: Path, name: str, *more: str, seconds: float = 2.4) -> bytes:
    need("ffmpeg", "ffprobe")
    path = folder / name
    source = f"testsrc=size=240x160:rate=5:duration={seconds}"
    sound = f"sine=frequency=440:duration={seconds}"
    output(
        "ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-f", "lavfi", "-i", sound,
        "-metadata", "title=Foreign", *more, path,
    )  # fmt: skip
    return path.read_bytes()


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.webm"])
def test_labelled_whole(name, tmp_path):
    data = film(tmp_path, name)
    done = files.label(data, name, OURS)
    assert done.explicit["text"] == "AI生成"
    assert done.explicit["height_ratio"] >= 0.05
    assert done.explicit["duration_s"] >= 2
    made = tmp_path / f"made-{name}"
    made.write_bytes(done.files[""])
    assert files.inspect(done.files[""], name).conclusion is Conclusion.COMPLIANT
    form = ("ffprobe", "-v", "error", "-show_entries", "format=duration:format_tags", "-of", "json")
    told, before = (json.loads(output(*form, path))["format"] for path in (made, tmp_path / name))
    assert told["tags"]["title"] == "Foreign"
    assert float(told["duration"]) == pytest.approx(float(before["duration"]), abs=0.1)
    assert output("ffmpeg", "-v", "error", "-xerror", "-i", made, "-f", "null", "-") == ""


def test_a_film_that_was_turned_has_the_badge_upright(tmp_path):
    film(tmp_path, "flat.mp4")
    output(
        "ffmpeg", "-v", "error", "-i", tmp_path / "flat.mp4", "-c", "copy",
        "-metadata:s:v:0", "rotate=90", tmp_path / "turned.mp4",
    )  # fmt: skip
    done = files.label((tmp_path / "turned.mp4").read_bytes(), "turned.mp4", OURS)
    _, _, right, bottom = done.explicit["box_px"]
    assert right <= 160 and bottom <= 240 and bottom > 200


def test_letters_below_five_percent_are_never_let_through(tmp_path, monkeypatch):
    data = film(tmp_path, "a.mp4")
    monkeypatch.setattr(badges, "INK_LEAST", 0.2)
    with pytest.raises(Refused, match="letters of"):
        files.label(data, "a.mp4", OURS)


def test_too_short_for_two_seconds_is_refused():
    need("ffmpeg", "ffprobe")
    with pytest.raises(Refused, match="two seconds"):
        files.label((FILES / "film.mp4").read_bytes(), "film.mp4", OURS)


def test_without_ffmpeg_it_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Refused, match="ffmpeg"):
        files.label((FILES / "film.mp4").read_bytes(), "film.mp4", OURS)
