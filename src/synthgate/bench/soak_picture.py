"""The graph of a soak, as PNG: memory of each worker, lag of each duty, age of decisions, over time."""

import math
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import Any, Final, NamedTuple

from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

WIDTH: Final = 1_000
PANEL: Final = 240
"""Height of one panel, its title and the times below it included."""
HEAD: Final = 56
LEFT: Final = 76
RIGHT: Final = 150
TOP: Final = 30
BOTTOM: Final = 34
TICKS: Final = 5
COLOURS: Final = ("#1b6ca8", "#c8553d", "#4a8f3c", "#7a4fa3", "#b8860b", "#444444", "#2a9d8f")
INK: Final = "#202020"
FAINT: Final = "#d8d8d8"
WARM: Final = "#f3efe4"
FIGURES: Final = "figures"
"""Name of the text in the PNG that says of which figures it was drawn: their SHA-256."""


class Panel(NamedTuple):
    """Lines over one axis; ``lines``: name to values, one a sample."""

    title: str
    unit: str
    lines: Mapping[str, Sequence[float]]


def picture(found: Mapping[str, Any], figures: str) -> bytes:
    """The PNG. figures: SHA-256 of the JSON that ``found`` was read from."""
    samples = found["samples"]
    at = [row["at"] / 60 for row in samples]
    panels = (
        Panel("Memory of each worker (RSS)", "MiB", _by_name(samples, "rss_mib")),
        Panel("Lag of each stage", "records", _by_name(samples, "lag")),
        Panel(
            "Age of decisions, from when the event was due",
            "ms",
            {name: [row[f"{name}_ms"] for row in samples] for name in ("p50", "p99")},
        ),
    )
    image = Image.new("RGB", (WIDTH, HEAD + PANEL * len(panels)), "white")
    draw = ImageDraw.Draw(image)
    draw.text((LEFT, 10), _headline(found), INK, _font(17))
    draw.text((LEFT, 34), "Shaded: warm-up, not judged.", "#707070", _font(12))
    for number, panel in enumerate(panels):
        _panel(draw, HEAD + number * PANEL, panel, at, found["warm_seconds"] / 60)
    told = PngInfo()
    told.add_text(FIGURES, figures)
    data = BytesIO()
    image.quantize(64).save(data, "PNG", optimize=True, pnginfo=told)
    return data.getvalue()


def figures_of(png: bytes) -> str | None:
    """Of which figures a picture was drawn; None if it does not say."""
    with Image.open(BytesIO(png)) as image:
        said = image.info.get(FIGURES)
    return said if isinstance(said, str) else None


def _headline(found: Mapping[str, Any]) -> str:
    return (
        f"Soak: {found['seconds'] / 60:.3g} minutes at {found['rate']:,.0f} acts a second"
        f" ({found['share']:.0%} of what is sustained), {found['cores']} cores"
    )


def _by_name(samples: Sequence[Mapping[str, Any]], what: str) -> dict[str, list[float]]:
    return {name: [row[what][name] for row in samples] for name in samples[0][what]}


def _panel(
    draw: ImageDraw.ImageDraw, top: int, panel: Panel, at: Sequence[float], warm: float
) -> None:
    """One set of axes with its lines."""
    low, high = top + PANEL - BOTTOM, top + TOP
    most, end = _round_up(max(map(max, panel.lines.values()))), max(at)

    def across(minutes: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * minutes / end

    def up(value: float) -> float:
        return low - (low - high) * value / most

    small = _font(12)
    draw.rectangle((LEFT, high, across(min(warm, end)), low), fill=WARM)
    draw.text((LEFT, top + 6), f"{panel.title}, {panel.unit}", INK, _font(14))
    for tick in range(TICKS + 1):
        value, minutes = most * tick / TICKS, end * tick / TICKS
        draw.line((LEFT, up(value), WIDTH - RIGHT, up(value)), FAINT)
        draw.text((LEFT - 8, up(value)), f"{value:,.4g}", INK, small, anchor="rm")
        draw.text((across(minutes), low + 6), f"{minutes:.3g}", INK, small, anchor="ma")
    draw.text((WIDTH - RIGHT + 40, low + 6), "minutes", INK, small)
    draw.line((LEFT, high, LEFT, low, WIDTH - RIGHT, low), INK)
    _lines(draw, panel, at, across, up)
    for row, (name, colour) in enumerate(zip(panel.lines, COLOURS, strict=False)):
        y = high + 8 + row * 20
        draw.line((WIDTH - RIGHT + 14, y, WIDTH - RIGHT + 34, y), colour, 3)
        draw.text((WIDTH - RIGHT + 40, y), name, INK, _font(13), anchor="lm")


def _lines(
    draw: ImageDraw.ImageDraw,
    panel: Panel,
    at: Sequence[float],
    across: Callable[[float], float],
    up: Callable[[float], float],
) -> None:
    for values, colour in zip(panel.lines.values(), COLOURS, strict=False):
        points = [(across(x), up(y)) for x, y in zip(at, values, strict=True)]
        draw.line(points, colour, 2)


def _round_up(value: float) -> float:
    """The next of 1, 2, 2.5, 5 times a power of ten, at or above."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(
        power * step for step in (1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10) if power * step >= value
    )


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
