"""From a screenshot without a label back to what was decided: by likeness, said as such, or not at all."""

import io
import json
import random
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from cli_commands import run
from local_bus import LocalBus, local_settings
from rule_players import LocalTeller
from rule_stories_media import output
from synthgate.demo.acts import Story
from synthgate.demo.facts import facts
from synthgate.demo.media import MediaFile
from synthgate.events.decision import Decision
from synthgate.ledger.bundle import decode_bundle


def painted(seed: int) -> Image.Image:
    """A picture with features, the same for a seed."""
    chance = random.Random(seed)
    image = Image.new("RGB", (480, 320), tuple(chance.randrange(256) for _ in range(3)))
    draw = ImageDraw.Draw(image)
    for _ in range(40):
        x, y, size = chance.randrange(480), chance.randrange(320), chance.randrange(20, 120)
        draw.ellipse((x, y, x + size, y + size), tuple(chance.randrange(256) for _ in range(3)))
    return image


def as_png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def screenshot(path: Path, image: Image.Image, scale: float = 0.6) -> str:
    """Smaller, as a JPEG of low quality, and without any metadata."""
    size = (round(image.width * scale), round(image.height * scale))
    image.convert("RGB").resize(size).save(path, "JPEG", quality=55)
    return str(path)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[LocalBus, list[Decision]]:
    """Labelled pictures of two people; the second one's differs from the first's by a patch."""
    bus = LocalBus(local_settings(tmp_path_factory.mktemp("alike")))
    for topic, row in facts(bus.now_ms):
        bus.fact(topic, row)
    changed = painted(1)
    ImageDraw.Draw(changed).rectangle((90, 60, 330, 190), (240, 240, 20))
    made = []
    for number, image in enumerate((painted(1), changed)):
        file = MediaFile(f"made-{number}.png", "image", "image/png", lambda one=image: as_png(one))
        teller = LocalTeller(bus)
        teller.play(Story(f"u-{number}", "", output(f"u-{number}", file)))
        made.append(teller.said[f"u-{number}-done"])
    assert [one.action for one in made] == ["release", "release"]
    return bus, made


@pytest.fixture
def home(told: tuple[LocalBus, list[Decision]], capsys: Any) -> list[str]:
    rows = told[0].settings.model_dump(mode="json", exclude={"instance", "web_port"})
    options = [part for name, value in rows.items() for part in ("--set", f"{name}={value}")]
    assert run(capsys, *options, "log", "build")[0] == 0
    return options


@pytest.fixture
def shot(told: tuple[LocalBus, list[Decision]], tmp_path: Path) -> str:
    """Of the first picture, badge and all, as it lies in the store."""
    bus, (first, _) = told
    with Image.open(bus.settings.objects_dir / first.objects[0].name) as served:
        return screenshot(tmp_path / "shot.jpg", served)


def places(rows: Any) -> list[tuple[int, int]]:
    return [(row["receipt"]["log"], row["receipt"]["index"]) for row in rows]


def test_a_screenshot_leads_to_the_passage_and_says_how_near_it_is(
    told: tuple[LocalBus, list[Decision]], home: list[str], shot: str, capsys: Any
) -> None:
    first, second = told[1]
    code, said, _ = run(capsys, *home, "trace", shot, "--json")
    found = json.loads(said)
    rows = found["entries"]
    assert (code, found["likeness"]) == (0, {"compared": 2, "not_compared": None})
    assert places(rows) == [(one.receipt.log, one.receipt.index) for one in (first, second)]
    near, far = (row["likeness"]["distance"] for row in rows)
    assert near <= 31 and near < far <= 60
    assert rows[0]["likeness"] == {
        "distance": near, "of_bits": 256, "turned": "as_is", "object": first.objects[0].name,
        "sha256": first.objects[0].sha256,
    }  # fmt: skip
    assert [one["obligation"] for one in rows[0]["verdicts"]][-1] == "retention"
    assert rows[0]["proof"]["path"] and rows[0]["parent"]
    code, said, _ = run(capsys, *home, "trace", shot)
    assert code == 0 and "a likeness, for a person to judge, and not the same file" in said
    assert said.index(f"{near} of 256 bits differ") < said.index(f"{far} of 256 bits differ")


def test_what_was_released_itself_is_no_likeness(
    told: tuple[LocalBus, list[Decision]], home: list[str], capsys: Any
) -> None:
    bus, (first, _) = told
    released = str(bus.settings.objects_dir / first.objects[0].name)
    code, said, _ = run(capsys, *home, "trace", released, "--json")
    found = json.loads(said)
    assert (code, "likeness" in found, len(found["entries"])) == (0, False, 1)
    assert "likeness" not in found["entries"][0]


def test_another_picture_is_not_found_and_it_is_said_what_it_was_held_against(
    home: list[str], tmp_path: Path, capsys: Any
) -> None:
    other = screenshot(tmp_path / "other.jpg", painted(99))
    code, said, _ = run(capsys, *home, "trace", other)
    assert code == 1 and "of 2 released pictures none looks like it" in said
    code, said, _ = run(capsys, *home, "trace", other, "--json")
    assert (code, json.loads(said)["found"]) == (1, 0)


def test_what_cannot_be_compared_is_said_and_what_is_no_picture_is_not_compared(
    home: list[str], tmp_path: Path, capsys: Any
) -> None:
    plain = screenshot(tmp_path / "plain.jpg", Image.new("RGB", (300, 300), (10, 10, 10)))
    code, said, _ = run(capsys, *home, "trace", plain)
    assert code == 1 and "it cannot be compared: PDQ quality" in said
    for name in ("words.txt", "no-picture.bmp"):
        (tmp_path / name).write_text("no picture")
        code, said, _ = run(capsys, *home, "trace", str(tmp_path / name), "--json")
        assert (code, json.loads(said)) == (1, {"found": 0, "entries": []})


def test_without_the_extra_it_is_said_that_nobody_looked(
    home: list[str], shot: str, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "synthgate.library.pictures", None)
    monkeypatch.delitem(sys.modules, "synthgate.steps.likeness", raising=False)
    (tmp_path / "words.txt").write_text("no picture")
    for command in (
        ("trace",),
        ("evidence", "--out", str(tmp_path / "b"), "--by", "a", "--reason", "r"),
    ):
        code, _, why = run(capsys, *home, *command, shot)
        assert code == 78 and "nothing in the logs by hash or label" in why
        assert 'pip install "synthgate[images]"' in why
        assert run(capsys, *home, *command, str(tmp_path / "words.txt"))[0] == 1


def test_a_bundle_holds_what_is_near_and_says_by_which_likeness(
    told: tuple[LocalBus, list[Decision]], home: list[str], shot: str, tmp_path: Path, capsys: Any
) -> None:
    bus, (first, second) = told
    out = tmp_path / "bundle.zip"
    asked = ("evidence", shot, "--out", str(out), "--by", "a", "--reason", "order 1")
    code, said, why = run(capsys, *home, *asked)
    assert code == 0, said + why
    assert "not the same file" in said
    assert first.objects[0].name in said and second.objects[0].name in said
    public = bus.parts.keys.checkpoint_public
    bundle = decode_bundle(out.read_bytes(), public, "x")
    (like,) = bundle.manifest["asked"]["likeness"]
    assert (like["sha256"], like["distance"] <= 31) == (first.objects[0].sha256, True)
    held = {row["event_id"] for row in json.loads(bundle.files["report.json"])["rows"]}
    assert first.event_id in held and second.event_id not in held
    key = str(bus.settings.keys_dir / "checkpoint.pub")
    assert run(capsys, *home, "verify", str(out), "--key", key)[0] == 0
    other = screenshot(tmp_path / "other.jpg", painted(99))
    none = ("evidence", other, "--out", str(tmp_path / "none.zip"), "--by", "a", "--reason", "r")
    code, said, _ = run(capsys, *home, *none)
    assert (code, "none looks like it" in said) == (1, True)
