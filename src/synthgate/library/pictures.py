"""Pictures: PDQ hashes of an image and its mirror images, looked up in a bank of known ones.

A hash that is not in the bank says nothing for a picture: "no hit" alone is never a pass. Needs the extra
``images`` (numpy and pdqhash).

The bank is exact. 256 bits are cut into 16 bands; of two hashes that differ in at most ``d`` bits, some band
differs in at most ``d // 16``. So a look-up takes the few hashes that nearly share a band, and counts the bits
of these alone.
"""

import io
import itertools
import warnings
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pdqhash
from PIL import Image, UnidentifiedImageError

from synthgate.events.facts import FeatureRow
from synthgate.library.entries import two_people

BANDS: Final = 16
BITS: Final = 256
PIXELS_MAX: Final = 64_000_000
"""A picture that says it is larger is not opened: a small file can claim any size."""
FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")
"""No others are opened: each decoder is one more way in."""
SIDE: Final = 512
"""Larger pictures are made smaller first, as PDQ's own reference does."""
QUALITY_MIN: Final = 50
"""Of 100, by PDQ's own measure; what is nearly of one colour looks like anything else that is."""

_Array = np.ndarray[Any, Any]


class PictureError(Exception):
    """Bytes that cannot be hashed. ``code``: not_an_image | too_large | truncated | featureless."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class PictureHit(NamedTuple):
    """An entry whose hash is near. distance: bits that differ; flip: how the picture was turned.

    since: the version the entry came with.
    """

    entry: str
    risk: str
    severity: int
    distance: int
    flip: str
    share: int = 100
    since: int = 0


FLIPS: Final = ("as_is", "mirrored", "upside_down", "turned")


def hashes_of(data: bytes) -> list[bytes]:
    """PDQ hashes (32 bytes) of an image and its mirror images, in the order of ``FLIPS``.

    Raises:
        PictureError: no image, too large, cut off, or without features.
    """
    pixels = _pixels(data)
    found = []
    for turned in (pixels, pixels[:, ::-1], pixels[::-1], pixels[::-1, ::-1]):
        bits, quality = pdqhash.compute(np.ascontiguousarray(turned))
        if quality < QUALITY_MIN:
            raise PictureError(
                "featureless", f"PDQ quality {quality} of 100 is under {QUALITY_MIN}"
            )
        found.append(np.packbits(bits).tobytes())
    return found


def _opened(data: bytes) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit is ours
        return Image.open(io.BytesIO(data), formats=FORMATS)


def _pixels(data: bytes) -> _Array:
    try:
        with _opened(data) as image:
            if image.width * image.height > PIXELS_MAX:
                size = f"{image.width} x {image.height}"
                raise PictureError("too_large", f"{size} pixels, more than {PIXELS_MAX:,}")
            image.draft("RGB", (SIDE, SIDE))
            image.load()
            plain = image.convert("RGB")
            plain.thumbnail((SIDE, SIDE))
            return np.asarray(plain)
    except UnidentifiedImageError as error:
        raise PictureError("not_an_image", "no image format that is known") from error
    except Image.DecompressionBombError as error:
        raise PictureError("too_large", "the picture claims too many pixels") from error
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, MemoryError) as error:
        raise PictureError("truncated", f"it cannot be decoded ({type(error).__name__})") from error


def is_known_picture(row: FeatureRow) -> bool:
    """Whether an entry counts in a bank: a hash with a risk, by two people, not switched off."""
    counts = row.state != "off" and row.risk is not None
    return row.kind == "pdq" and counts and two_people(row)


class PictureBank:
    """The entries of kind ``pdq``, built once and never changed."""

    def __init__(self, rows: Iterable[FeatureRow]) -> None:
        self._rows = [row for row in rows if is_known_picture(row)]
        raw = b"".join(bytes.fromhex(row.value) for row in self._rows)
        self._hashes = HashBank(raw, [row.distance for row in self._rows])

    def __len__(self) -> int:
        return len(self._rows)

    def look_up(self, hashes: Iterable[bytes]) -> list[PictureHit]:
        """Entries near any of these hashes (``hashes_of``), each in the way it is nearest, by entry."""
        best: dict[str, PictureHit] = {}
        for flip, value in zip(FLIPS, hashes, strict=True):
            for at, distance in self._hashes.near(value):
                row = self._rows[at]
                held = best.get(row.entry)
                if held is None or distance < held.distance:
                    share = {"on": 100, "shadow": 0}.get(row.state, row.percent)
                    best[row.entry] = PictureHit(
                        row.entry,
                        row.risk or "",
                        row.severity,
                        distance,
                        flip,
                        share,
                        row.from_version,
                    )
        return [best[entry] for entry in sorted(best)]


class HashBank:
    """Hashes of 32 bytes one behind the other, and of each the bits that may differ."""

    def __init__(self, raw: bytes, allowed: Sequence[int] | _Array) -> None:
        count = len(raw) // (BITS // 8)
        self._allowed = np.asarray(allowed, dtype=np.int64)
        self._words = np.frombuffer(raw, dtype=np.uint64).reshape(count, BITS // 64)
        bands = np.frombuffer(raw, dtype=np.uint16).reshape(count, BANDS)
        self._masks = _masks(int(self._allowed.max()) // BANDS if count else 0)
        self._order: list[_Array] = []
        self._starts: list[_Array] = []
        for band in range(BANDS):
            # Places by the band's value, and where each value begins.
            self._order.append(np.argsort(bands[:, band], kind="stable").astype(np.uint32))
            counts = np.bincount(bands[:, band], minlength=1 << 16)
            self._starts.append(np.concatenate(([0], np.cumsum(counts))))

    def near(self, value: bytes) -> list[tuple[int, int]]:
        """(place, bits that differ) of every hash within its own distance."""
        if not len(self._words):
            return []
        bands = np.frombuffer(value, dtype=np.uint16)
        pieces: list[_Array] = []
        for band, (order, starts) in enumerate(zip(self._order, self._starts, strict=True)):
            keys = (self._masks ^ bands[band]).astype(np.int64)
            ends = zip(starts[keys].tolist(), starts[keys + 1].tolist(), strict=True)
            pieces.extend(order[first:last] for first, last in ends if last > first)
        if not pieces:
            return []
        places = np.concatenate(pieces)
        query = np.frombuffer(value, dtype=np.uint64)
        distances = np.bitwise_count(self._words[places] ^ query).sum(axis=1, dtype=np.int64)
        near = distances <= self._allowed[places]
        found = dict(zip(places[near].tolist(), distances[near].tolist(), strict=True))
        return sorted(found.items())


def _masks(reach: int) -> _Array:
    """All bands' differences of up to ``reach`` bits."""
    places = range(BITS // BANDS)
    found = [
        sum(1 << bit for bit in bits)
        for count in range(reach + 1)
        for bits in itertools.combinations(places, count)
    ]
    return np.array(found, dtype=np.uint16)
