"""The picture side of ``synthgate bench moderation``: a bank of hashes, and hashing beside pdqhash alone."""

import io
import random
import statistics
import time
from typing import Any, Final

HASHES: Final = 1_000_000
QUICK_HASHES: Final = 100_000
QUERIES: Final = 200
PICTURES: Final = 10
LOOK_UP_MS_MAX: Final = 5.0
_DISTANCE: Final = 31


def measure(*, quick: bool) -> dict[str, Any] | None:
    """What was found; None without the extra ``images``."""
    try:
        import numpy as np
        import pdqhash
        from PIL import Image

        from synthgate.library.pictures import HashBank, hashes_of
    except ImportError:
        return None
    chance = random.Random(20_261_126)
    count = QUICK_HASHES if quick else HASHES
    raw = chance.randbytes(count * 32)
    begun = time.thread_time()
    bank = HashBank(raw, np.full(count, _DISTANCE))
    build_seconds = time.thread_time() - begun
    spent = []
    for at in (chance.randrange(count) for _ in range(QUERIES)):
        # Half of them near an entry, half far from all.
        value = raw[at * 32 : at * 32 + 32] if at % 2 else chance.randbytes(32)
        begun = time.thread_time()
        bank.near(value)
        spent.append((time.thread_time() - begun) * 1000)
    ours, alone = [], []
    for _ in range(PICTURES):
        image = Image.frombytes("RGB", (24, 24), chance.randbytes(24 * 24 * 3)).resize((512, 512))
        file = io.BytesIO()
        image.save(file, "JPEG")
        begun = time.thread_time()
        hashes_of(file.getvalue())
        ours.append((time.thread_time() - begun) * 1000)
        pixels = np.asarray(image)
        begun = time.thread_time()
        pdqhash.compute(pixels)
        alone.append((time.thread_time() - begun) * 1000)
    spent.sort()
    return {
        "hashes": count,
        "build_cpu_seconds": round(build_seconds, 2),
        "look_up_p50_ms": round(statistics.median(spent), 2),
        "look_up_p99_ms": round(spent[int(len(spent) * 0.99)], 2),
        "look_up_aim_ms": LOOK_UP_MS_MAX,
        "decode_and_four_hashes_ms": round(statistics.median(ours), 2),
        "pdqhash_alone_ms": round(statistics.median(alone), 2),
    }
