"""WAV: the label is a chunk ``AIGC`` of its own, in front of the samples (readers miss it behind them)."""

from typing import Final

from synthgate.effects.carriers import id3, riff, xmp
from synthgate.effects.carriers.carrier import (
    KEY,
    VALUE_BYTES_MAX,
    Carrier,
    CarrierError,
    Parsed,
    place,
    trailing,
)  # fmt: skip

_PLACE: Final = "RIFF chunk AIGC"
_KIND: Final = KEY.encode()


def _claims(head: bytes) -> bool:
    return head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE"


def taken_apart(data: bytes) -> tuple[list[riff.Chunk], int]:
    """All chunks, and where the file ends.

    Raises:
        CarrierError: no whole WAV with format and samples.
    """
    if data[:4] != b"RIFF":
        raise CarrierError("unsupported", "a WAV of more than 4 GiB (RF64)")
    found, end = riff.chunks(data, "WAV")
    kinds = [chunk.kind for chunk in found]
    if b"fmt " not in kinds or b"data" not in kinds:
        raise CarrierError("broken", "a WAV without format or samples")
    return found, end


def _parse(data: bytes) -> Parsed:
    chunks, end = taken_apart(data)
    parsed = Parsed([], [])
    samples = next(chunk.start for chunk in chunks if chunk.kind == b"data")
    for chunk in chunks:
        if chunk.kind == _KIND:
            value = data[chunk.body : min(chunk.body_end, chunk.body + VALUE_BYTES_MAX)]
            ahead = chunk.start < samples
            where = _PLACE if ahead else f"{_PLACE} behind the samples"
            parsed.places.append(place(where, value.rstrip(b"\x00")))
        elif chunk.kind in (b"id3 ", b"ID3 "):
            found = id3.read(data[chunk.body : chunk.body_end], "id3 chunk")
            parsed.places.extend(one._replace(proper=False) for one in found)
        elif chunk.kind == b"_PMX":
            body = data[chunk.body : chunk.body_end]
            parsed.places.extend(xmp.read(body, "XMP chunk", proper=False))
        elif chunk.kind == b"LIST" and data.find(_KIND, chunk.body, chunk.body_end) >= 0:
            raise CarrierError("unsupported", "the label's name stands in a LIST chunk")
        elif chunk.kind == b"C2PA":
            parsed.notes.append("C2PA manifest")
    trailing(data, end, parsed)
    return parsed


def _rewrite(data: bytes, value: bytes) -> bytes:
    chunks, _ = taken_apart(data)
    samples = next(chunk for chunk in chunks if chunk.kind == b"data")
    pieces: list[bytes | memoryview] = []
    for chunk in chunks:
        if chunk is samples:
            # A view: what is large is copied once, into the new file.
            pieces += [riff.chunk(_KIND, value), memoryview(data)[chunk.start : chunk.end]]
            continue
        body = data[chunk.body : chunk.body_end]
        if chunk.kind in (b"id3 ", b"ID3 ") and id3.read(body, ""):
            pieces.append(riff.chunk(chunk.kind, id3.write(body, None)))
        elif chunk.kind == b"_PMX" and xmp.mentions(body):
            pieces.append(riff.chunk(chunk.kind, xmp.write(body, None)))
        elif chunk.kind != _KIND:
            pieces.append(data[chunk.start : chunk.end])
    return riff.form(b"WAVE", pieces)


CARRIER: Final = Carrier(
    "wav", "audio", "audio/wav", (".wav",), _PLACE, "TC260-PG-202510A", _claims, _parse, _rewrite
)
