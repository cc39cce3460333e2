"""The bounded form of fuzzing, and proof that it finds: crashes, hangs, slowness, memory, wrong labels."""

import random
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from effects.carriers.builders import FILES, LABEL, OTHER, png, wav
from synthgate.__main__ import main
from synthgate.effects.carriers import catalogue, fuzzing, zip_parts
from synthgate.effects.carriers import wav as wavs
from synthgate.effects.carriers.carrier import CarrierError, Parsed


@pytest.mark.slow
@pytest.mark.parametrize("carrier", catalogue.CARRIERS, ids=lambda one: one.name)
def test_a_second_of_damage_breaks_no_promise(carrier, capsys, tmp_path):
    where = ("--corpus", str(FILES), "--finds", str(tmp_path))
    if carrier.medium != "video" and carrier.name not in ("mp3", "flac"):  # these start programs
        where = (*where, "--explicit")
    code = main(["fuzz", carrier.name, "--seconds", "0.8", "--seed", "7", *where])
    said = capsys.readouterr().out
    assert code == 0, said
    assert " 0 finds" in said
    assert list(tmp_path.iterdir()) == []


def breaking(how: Callable[[bytes], Parsed]) -> fuzzing.Tally:
    """What a run finds in a carrier whose parser goes wrong on some inputs."""

    def parse(data: bytes) -> Parsed:
        return how(data) if b"\xff\xff\xff\xff" in data else wavs.CARRIER.parse(data)

    broken = replace(wavs.CARRIER, parse=parse)
    return fuzzing.run(broken, [wav()], LABEL, count=3_000, seconds=20, seed=1)


def test_a_crash_is_found():
    def crash(data: bytes) -> Parsed:
        raise KeyError(data[:1])

    assert "read KeyError" in breaking(crash).finds


def seen(put: Callable[[bytes], bytes]) -> fuzzing.Tally:
    return fuzzing.run(wavs.CARRIER, [wav()], LABEL, count=90, seconds=100, seed=1, put=put)


def test_a_label_people_see_that_crashes_or_breaks_a_file_is_found():
    def crash(data: bytes) -> bytes:
        raise KeyError(data[:1])

    assert list(seen(crash).finds) == ["put KeyError"]
    broken = seen(lambda data: data[:-9])
    assert {why.split(":", 1)[0] for why in broken.finds} <= {
        "put, and then truncated",
        "put, and then broken",
    }
    assert broken.finds
    assert broken.put == 30
    assert seen(lambda data: data).finds == {}


def test_damage_goes_through_the_checksums_of_a_zip():
    whole = (FILES / "slides.pptx").read_bytes()
    mend = fuzzing.MENDERS["pptx"]
    assert mend(whole) == whole
    spoilt = whole.replace(b"sldSz", b"sldXz")
    with pytest.raises(CarrierError, match="checksum"):
        zip_parts.open_parts(spoilt).read("ppt/presentation.xml", 1 << 20)
    again = zip_parts.open_parts(mend(spoilt)).read("ppt/presentation.xml", 1 << 20)
    assert b"sldXz" in again
    for at in range(0, len(whole), 7):
        mend(whole[:at])


def test_a_hang_is_found_and_ended(monkeypatch):
    monkeypatch.setattr(fuzzing, "SECONDS_HANG", 0.2)

    def hang(data: bytes) -> Parsed:
        while data:
            pass
        return Parsed([], [])

    monkeypatch.setattr(fuzzing, "damaged", lambda *_: iter([wav()]))
    tally = fuzzing.run(replace(wavs.CARRIER, parse=hang), [], LABEL, count=1, seconds=5, seed=1)
    assert list(tally.finds) == ["hang"]


def test_slowness_is_found(monkeypatch):
    monkeypatch.setattr(fuzzing, "SECONDS_EACH_MAX", 0.05)

    def slow(data: bytes) -> Parsed:
        until = time.process_time() + 0.1
        while time.process_time() < until:
            pass
        return wavs.CARRIER.parse(data)

    broken = replace(wavs.CARRIER, parse=slow)
    assert "slow" in fuzzing.run(broken, [wav()], LABEL, count=5, seconds=5, seed=1).finds


def test_memory_is_found(monkeypatch):
    monkeypatch.setattr(fuzzing, "MEMORY_MIB_MAX", 64)
    held = []

    def large(data: bytes) -> Parsed:
        held.append(bytearray(b"\x01") * (16 << 20))
        return wavs.CARRIER.parse(data)

    broken = replace(wavs.CARRIER, parse=large)
    assert "memory" in fuzzing.run(broken, [wav()], LABEL, count=60, seconds=10, seed=1).finds


def test_a_label_that_reads_back_otherwise_is_found():
    broken = replace(
        wavs.CARRIER, rewrite=lambda data, _: wavs.CARRIER.rewrite(data, OTHER.bare()), name="wav"
    )
    with pytest.raises(Exception, match="not read back"):
        broken.write(wav(), LABEL)
    tally = fuzzing.Tally(inputs=3)
    fuzzing._try(broken, wav(), LABEL, tally)
    assert list(tally.finds) == ["write readback NoneType"]


def test_the_same_seed_gives_the_same_damage():
    def some(seed: int) -> list[bytes]:
        stream = fuzzing.damaged([png()], random.Random(seed), fuzzing.MENDERS["png"])
        return [next(stream) for _ in range(50)]

    assert some(3) == some(3)
    assert some(3) != some(4)


@pytest.mark.parametrize(
    ("argv", "words"),
    [(("fuzz", "tiff"), "one of all, jpeg"), (("fuzz", "all", "--corpus", "nowhere"), "--corpus")],
)
def test_wrong_use_is_one_line(argv, words, capsys):
    assert main(argv) == 78
    assert words in capsys.readouterr().err
