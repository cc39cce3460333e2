"""SOAK.md and its graph are what the figures make them, and say when they are not."""

import hashlib
from io import BytesIO
from pathlib import Path

import orjson
import pytest
from PIL import Image

from bench.soak_made import judged
from synthgate.bench import soak_page
from synthgate.bench.soak_picture import COLOURS, HEAD, PANEL, WIDTH, figures_of, picture
from synthgate.bench.table_soak import of_soak

FLAT = judged(lambda _: 100.0, lambda _: 300.0)
LEAKS = judged(lambda at: 100 + at / 60, lambda _: 300.0)


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("PAGE", "PICTURE", "FIGURES"):
        monkeypatch.setattr(soak_page, name, tmp_path / getattr(soak_page, name).name)
    (tmp_path / "soak.json").write_bytes(orjson.dumps(FLAT))
    return tmp_path


def test_the_pages_of_the_tree_are_fresh() -> None:
    assert soak_page.main(["--check"]) == 0


def test_page_and_picture_are_told_when_stale(
    pages: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert soak_page.main([]) == 0
    assert soak_page.main(["--check"]) == 0
    (pages / "soak.json").write_bytes(orjson.dumps(FLAT | {"rate": 701.0}))
    assert soak_page.main(["--check"]) == 1
    said = capsys.readouterr().err
    assert "SOAK.md is stale" in said and "soak.png is stale" in said
    (pages / "soak.png").unlink()
    (pages / "soak.json").write_bytes(orjson.dumps(FLAT))
    assert soak_page.main(["--check"]) == 1


def test_what_is_flat_and_what_grows_is_on_the_page_and_in_the_table() -> None:
    page, table = soak_page.render(FLAT), of_soak(FLAT)
    assert "**Memory flat: yes.**" in page and "memory flat: yes" in table
    assert "127.0.0.1" not in page
    page, table = soak_page.render(LEAKS), of_soak(LEAKS)
    assert "**Memory flat: NO.**" in page and "memory flat: NO" in table
    assert (
        "| consent | 120.0 | +60.00 | +20.00 | 0.00 | grows | 300 | +0 | flat | 18 to 18 | 5 to 5 |"
        in page
    )
    assert "| (records) | | | | | | 300 | +0 | flat | | |" in page
    rows = [line for line in table.splitlines() if line.endswith("flat")]
    assert rows[-1].startswith("(records)") and len({len(row) for row in rows}) == 1


def test_the_picture_shows_lines_and_is_small() -> None:
    png = picture(LEAKS, "f" * 64)
    assert len(png) < 100_000
    assert figures_of(png) == "f" * 64
    with Image.open(BytesIO(png)) as image:
        assert image.size == (WIDTH, HEAD + 3 * PANEL)
        shown = {f"#{red:02x}{green:02x}{blue:02x}" for _, (red, green, blue) in _colours(image)}
    assert set(COLOURS[:2]) & shown


def _colours(image: Image.Image) -> list[tuple[int, tuple[int, int, int]]]:
    return image.convert("RGB").getcolors(1 << 20)  # type: ignore[return-value]


def test_nothing_waiting_draws_an_axis_too() -> None:
    still = judged(lambda _: 100.0, lambda _: 0.0)
    assert figures_of(picture(still, hashlib.sha256(b"").hexdigest())) is not None
