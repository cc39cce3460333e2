"""Fuzzing of carriers: damaged files, read and written, with what may happen to them held to account.

A carrier may refuse a file with ``CarrierError`` and nothing else, within a second of processor time and a
bounded rise of memory; what it writes must read back as that one label. Damage follows a seed, so every find
comes again. A parser that does not come back at all is interrupted (on the main thread alone).
"""

import random
import resource
import signal
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from synthgate.effects.carriers import ogg, png
from synthgate.effects.carriers.carrier import Carrier, CarrierError
from synthgate.effects.explicit.errors import ExplicitError
from synthgate.effects.label import Label

SECONDS_EACH_MAX: Final = 1.0
SECONDS_HANG: Final = 4.0
MEMORY_MIB_MAX: Final = 512
"""The rise of the largest memory of the process, over a whole run."""
_WRITE_EVERY: Final = 3
_DAMAGES_MAX: Final = 6
_GROWN_BYTES_MAX: Final = 1 << 20
_PIECES: Final = (
    b"AIGC", b'{"AIGC":{}}', b"\x00" * 8, b"\xff" * 8, b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00",
    b"\xff\xff\xff\xff", b"\x00\x00\x00\x01", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"TC260:AIGC='1'",
    b"moov", b"meta", b"ilst", b"OggS", b"IEND", b"obj <<", b"endobj", b"/Prev 9", b"/Length 9 0 R",
    b"PK\x01\x02", b"../", b"---\nAIGC:\n", b"\x12\x54\xc3\x67", b"\x01\xff", b"TXXX", b"\x01AIGC\x00",
)  # fmt: skip


Put = Callable[[bytes], bytes]


class Hang(BaseException):
    """Raised into a parser that does not come back; no ``except Exception`` of its holds it."""


class Find(NamedTuple):
    """One input that broke a promise."""

    why: str
    data: bytes


@dataclass
class Tally:
    """What a run did. ``finds``: at most one for each kind of break."""

    inputs: int = 0
    read: int = 0
    written: int = 0
    put: int = 0
    slowest_seconds: float = 0.0
    memory_mib: float = 0.0
    finds: dict[str, Find] = field(default_factory=dict)


def run(
    carrier: Carrier,
    seeds: Sequence[bytes],
    label: Label,
    *,
    count: int,
    seconds: float,
    seed: int,
    put: Put | None = None,
) -> Tally:
    """So many inputs, or as many as fit into the time. put: gives a file a label people see, tried too."""
    tally = Tally()
    chance = random.Random(f"{carrier.name}/{seed}")
    labelled = [carrier.write(data, label) for data in seeds]
    before = _memory_mib()
    until = time.monotonic() + seconds
    kept = signal.signal(signal.SIGVTALRM, _interrupt)
    try:
        for data in damaged([*seeds, *labelled], chance, MENDERS.get(carrier.name)):
            if tally.inputs >= count or time.monotonic() >= until:
                break
            tally.inputs += 1
            signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS_HANG)
            try:
                _try(carrier, data, label, tally, put)
            except Hang:
                _keep(tally, "hang", data)
            tally.memory_mib = _memory_mib() - before
            if tally.memory_mib > MEMORY_MIB_MAX and "memory" not in tally.finds:
                tally.finds["memory"] = Find("memory", data)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, kept)
    return tally


def _interrupt(*_: object) -> None:
    raise Hang


def _try(carrier: Carrier, data: bytes, label: Label, tally: Tally, put: Put | None = None) -> None:
    begun = time.process_time()
    try:
        carrier.parse(data)
        tally.read += 1
    except CarrierError:
        pass
    except Exception as error:  # noqa: BLE001 (whatever it is, it is a find)
        _keep(tally, f"read {type(error).__name__}", data)
    if tally.inputs % _WRITE_EVERY == 0:
        try:
            carrier.write(data, label)
            tally.written += 1
        except CarrierError as error:
            if error.code == "readback" or isinstance(error.__cause__, Exception):
                _keep(tally, f"write {error.code} {type(error.__cause__).__name__}", data)
    if put is not None and tally.inputs % _WRITE_EVERY == 1:
        _perceived(carrier, data, tally, put)
    spent = time.process_time() - begun
    tally.slowest_seconds = max(tally.slowest_seconds, spent)
    if spent > SECONDS_EACH_MAX:
        _keep(tally, "slow", data)


def _perceived(carrier: Carrier, data: bytes, tally: Tally, put: Put) -> None:
    """Labels people see are refused with two errors and no other, and what was whole still is."""
    try:
        made = put(data)
    except (CarrierError, ExplicitError):
        return
    except Exception as error:  # noqa: BLE001 (whatever it is, it is a find)
        _keep(tally, f"put {type(error).__name__}", data)
        return
    tally.put += 1
    faults = carrier.read(made).faults
    if faults and not carrier.read(data).faults:
        _keep(tally, f"put, and then {faults[0][:40]}", data)


def _keep(tally: Tally, why: str, data: bytes) -> None:
    known = tally.finds.get(why)
    if known is None or len(data) < len(known.data):
        tally.finds[why] = Find(why, data)


def damaged(
    seeds: Sequence[bytes], chance: random.Random, mend: Callable[[bytes], bytes] | None
) -> Iterator[bytes]:
    """Damaged files without end. mend: makes checksums right again, so that damage goes deeper."""
    while True:
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(1, _DAMAGES_MAX)):
            chance.choice(_DAMAGES)(data, chance, seeds)
        made = bytes(data)
        yield mend(made) if mend is not None and chance.random() < 0.5 else made


def _flip(data: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    if data:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _early(data: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    """A byte of the head: where sizes and kinds stand."""
    if data:
        data[chance.randrange(min(len(data), 256))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, 0x20))


def _number(data: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    if len(data) > 8:
        at, width = chance.randrange(len(data) - 8), chance.choice((1, 2, 4, 8))
        number = chance.choice((0, 1, len(data), chance.randrange(1 << 16), (1 << 8 * width) - 1))
        order = chance.choice(("big", "little"))
        data[at : at + width] = (number % (1 << 8 * width)).to_bytes(width, order)  # type: ignore[arg-type]


def _cut(data: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    if data:
        del data[chance.randrange(len(data)) :]


def _remove(data: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    if data:
        at = chance.randrange(len(data))
        del data[at : at + chance.choice((1, 2, 4, 8, 64))]


def _repeat(data: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    at = chance.randrange(len(data) + 1)
    part = data[at : at + chance.choice((1, 4, 16, 256, 2048))]
    times = chance.choice((1, 2, 50))
    if len(data) + len(part) * times < _GROWN_BYTES_MAX:
        data[at:at] = part * times


def _insert(data: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    at = chance.randrange(len(data) + 1)
    data[at:at] = chance.choice(_PIECES)


def _overwrite(data: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    at, piece = chance.randrange(len(data) + 1), chance.choice(_PIECES)
    data[at : at + len(piece)] = piece


def _splice(data: bytearray, chance: random.Random, seeds: Sequence[bytes]) -> None:
    other = chance.choice(seeds)
    at, start = chance.randrange(len(data) + 1), chance.randrange(len(other) + 1)
    data[at:] = other[start:]


_DAMAGES: Final = (
    _flip, _flip, _early, _number, _number, _cut, _remove, _repeat, _insert, _overwrite, _splice,
)  # fmt: skip


def _mend_png(data: bytes) -> bytes:
    made, at = bytearray(data), len(png.SIGNATURE)
    while at + 12 <= len(made):
        end = at + 12 + int.from_bytes(made[at : at + 4], "big")
        if end > len(made):
            break
        made[end - 4 : end] = zlib.crc32(made[at + 4 : end - 4]).to_bytes(4, "big")
        at = end
    return bytes(made)


def _mend_ogg(data: bytes) -> bytes:
    made, at = bytearray(data), 0
    while at + 27 < len(made) and made[at : at + 4] == b"OggS":
        body = at + 27 + made[at + 26]
        end = body + sum(made[at + 27 : body])
        page = bytes(made[at : at + 22]) + bytes(4) + bytes(made[at + 26 : end])
        made[at + 22 : at + 26] = ogg.checksum(page).to_bytes(4, "little")
        at = end
    return bytes(made)


def _mend_zip(data: bytes) -> bytes:
    """Checksums and lengths of the parts that are not packed, by what the directory says."""
    made, at = bytearray(data), data.find(b"PK\x01\x02")
    while at >= 0 and at + 46 <= len(made) and made[at : at + 4] == b"PK\x01\x02":
        size, local = (int.from_bytes(made[at + to : at + to + 4], "little") for to in (24, 42))
        name, more, comment = (
            int.from_bytes(made[at + to : at + to + 2], "little") for to in (28, 30, 32)
        )
        body = local + 30 + sum(made[local + 26 : local + 27]) + sum(made[local + 28 : local + 29])
        if made[at + 10 : at + 12] == b"\0\0" and body + size <= len(made):
            right = zlib.crc32(made[body : body + size]).to_bytes(4, "little")
            made[at + 16 : at + 20] = made[local + 14 : local + 18] = right
        at += 46 + name + more + comment
    return bytes(made)


MENDERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "png": _mend_png, "ogg": _mend_ogg, "docx": _mend_zip, "xlsx": _mend_zip, "pptx": _mend_zip,
}  # fmt: skip


def _memory_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
