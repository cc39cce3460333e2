"""``synthgate bench labelling``: labels beside the least the same media cost without them.

Turn by turn in one process: the bare work (a file read and written; a picture decoded and encoded by Pillow
with the same tables), then the same with the label, read back. Ratios are medians of turns.
Processor time; for the two threads, time by the clock.
"""

import io
import os
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from PIL import Image, JpegImagePlugin

from synthgate.bench.place import place
from synthgate.effects.carriers import catalogue, riff
from synthgate.effects.carriers.mp4_boxes import box
from synthgate.effects.explicit import pictures
from synthgate.effects.label import Label
from synthgate.effects.provider_code import SAMPLE_CODE

QUICK_TURNS: Final = 7
LONG_TURNS: Final = 41
_SIDE: Final = 1_024
_LONG_SIDE: Final = 3_464
"""1 and 12 megapixels."""
_LABEL: Final = Label.first(SAMPLE_CODE, "SG1-BENCH")
_SOUND_BYTES: Final = 10_584_000
_FILM_BYTES: Final = 20_000_000
_THREADED: Final = 12


def measure(*, quick: bool, folder: Path | None = None) -> dict[str, Any]:
    """Everything that was found, ready for JSON. ``folder``: on the disk that is to be measured."""
    home = Path(tempfile.mkdtemp(prefix="synthgate-bench-", dir=folder))
    try:
        turns = QUICK_TURNS if quick else LONG_TURNS
        sides = (_SIDE,) if quick else (_SIDE, _LONG_SIDE)
        rows = [row for side in sides for row in _pictures(side, turns)]
        rows += [_file(home, name, data, turns) for name, data in _media().items()]
        return {
            "bench": "labelling", "quick": quick, **place(), "pillow": version("pillow"),
            "turns": turns, "rows": rows, "two_threads": _two_threads(turns),
        }  # fmt: skip
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _photo(side: int) -> Image.Image:
    """Smooth shapes under noise: what an encoder meets in a photograph, and not the same in any two rows."""
    chance = random.Random(7)
    small = Image.frombytes("RGB", (64, 64), chance.randbytes(64 * 64 * 3))
    noise = Image.effect_noise((side, side), 24).convert("RGB")
    return Image.blend(small.resize((side, side), Image.Resampling.BICUBIC), noise, 0.25)


def _encoded(image: Image.Image, kind: str) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **({"quality": 90} if kind != "PNG" else {"compress_level": 1}))
    return out.getvalue()


def _pictures(side: int, turns: int) -> list[dict[str, Any]]:
    megapixels = side * side / 1e6
    image = _photo(side)
    rows = []
    for kind in ("JPEG", "PNG", "WEBP"):
        data = _encoded(image, kind)
        spent, copied = _turns(turns, partial(_implicit, data), partial(bytearray, data))
        rows.append(
            _row(f"{kind.lower()} fields, in memory", spent, copied, megapixels, aim_ms=1.0)
        )
    jpeg = _encoded(image, "JPEG")
    spent, bare = _turns(
        max(3, turns // 2),
        lambda: _implicit(pictures.put(jpeg, "AI生成").data),
        lambda: _bare(jpeg),
    )
    rows.append(_row("jpeg badge and fields, read back", spent, bare, megapixels, aim=1.3))
    return rows


def _implicit(data: bytes) -> bytes:
    return catalogue.of(data).write(data, _LABEL)


def _bare(data: bytes) -> bytes:
    """Pillow alone: decode, encode with the same tables."""
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        out = io.BytesIO()
        sampling = JpegImagePlugin.get_sampling(image)
        image.save(out, "JPEG", qtables=getattr(image, "quantization", None), subsampling=sampling)
    return out.getvalue()


def _media() -> dict[str, bytes]:
    """A minute of sound as WAV and MP3, and a film, all well formed and of the usual size."""
    noise = random.Random(7).randbytes(1 << 20)
    sound = (noise * (_SOUND_BYTES // len(noise) + 1))[:_SOUND_BYTES]
    head = bytes.fromhex("0100020044ac000010b1020004001000")
    frame = b"\xff\xfb\x90\x64" + bytes(413)
    table = box(b"stco", bytes(4), (1000).to_bytes(4, "big"), (200).to_bytes(4, "big") * 1000)
    track = box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", table))))
    film = (noise * (_FILM_BYTES // len(noise) + 1))[:_FILM_BYTES]
    return {
        "wav": riff.form(b"WAVE", [riff.chunk(b"fmt ", head), riff.chunk(b"data", sound)]),
        "mp3": frame * 2_300,
        "mp4": box(b"ftyp", b"isom\0\0\0\0")
        + box(b"moov", box(b"mvhd", bytes(100)), track)
        + box(b"mdat", film),
    }


def _file(home: Path, name: str, data: bytes, turns: int) -> dict[str, Any]:
    source, target = home / f"source.{name}", home / f"target.{name}"
    source.write_bytes(data)
    spent, copied = _turns(
        turns,
        lambda: target.write_bytes(_implicit(source.read_bytes())),
        lambda: target.write_bytes(source.read_bytes()),
    )
    what = f"{name} fields, {len(data) / 1e6:.0f} MB file to file"
    return _row(what, spent, copied, None, aim=1.2)


def _turns(
    turns: int, ours: Callable[[], object], bare: Callable[[], object],
    clock: Callable[[], float] = time.process_time,
) -> tuple[float, float]:  # fmt: skip
    """Median seconds of both, turn by turn; of the processor, for others share the machine."""
    mine: list[float] = []
    theirs: list[float] = []
    for work in (ours, bare):
        work()
    for _ in range(turns):
        for work, spent in ((bare, theirs), (ours, mine)):
            begun = clock()
            work()
            spent.append(clock() - begun)
    return statistics.median(mine), statistics.median(theirs)


def _row(
    what: str, ours: float, bare: float, megapixels: float | None,
    *, aim: float | None = None, aim_ms: float | None = None,
) -> dict[str, Any]:  # fmt: skip
    return {
        "what": what,
        "megapixels": None if megapixels is None else round(megapixels, 1),
        "ms": round(ours * 1e3, 3),
        "bare_ms": round(bare * 1e3, 3),
        "ratio": round(ours / bare, 2),
        "ms_per_megapixel": None if megapixels is None else round(ours * 1e3 / megapixels, 3),
        "aim_ratio_most": aim,
        "aim_ms_per_megapixel_most": aim_ms,
    }


def _all(over: Callable[..., Iterable[bytes]], work: list[bytes]) -> None:
    list(over(_badge_and_fields, work))


def _badge_and_fields(data: bytes) -> bytes:
    return _implicit(pictures.put(data, "AI生成").data)


def _two_threads(turns: int) -> dict[str, Any]:
    """Badges on two threads beside one: Pillow lets others run while it decodes and encodes."""
    image = _photo(_SIDE)
    found: dict[str, float] = {}
    for kind in ("JPEG", "PNG", "WEBP"):
        work = [_encoded(image, kind)] * _THREADED
        with ThreadPoolExecutor(2) as pool:
            two, alone = _turns(
                max(1, turns // 10), partial(_all, pool.map, work), partial(_all, map, work),
                time.perf_counter,
            )  # fmt: skip
        found[kind.lower()] = round(alone / two, 2)
    return found | {"cores": os.cpu_count(), "aim_least": 1.7}
