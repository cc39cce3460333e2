"""What tests of hostile files share: named when read, refused when written, soon."""

import time

import pytest

from effects.carriers.builders import (
    LABEL,
    XMP,
    jpeg,
    of_every_carrier,
)
from synthgate.effects.carriers import catalogue
from synthgate.effects.carriers.carrier import CarrierError
from synthgate.effects.carriers.conclusion import Conclusion, conclude

LABELLED = {good.carrier.name: good.carrier.write(good.data, LABEL) for good in of_every_carrier()}


def read(data: bytes, name: str = ""):
    return catalogue.of(data, name).read(data)


def refused(data: bytes, code: str, name: str = "") -> None:
    """Named when read, refused when written, each within a second."""
    carrier = catalogue.of(data, name)
    begun = time.process_time()
    reading = carrier.read(data)
    read_at = time.process_time()
    assert read_at - begun < 1
    assert conclude(reading)[0] is Conclusion.INCONCLUSIVE, reading
    assert reading.faults[0].startswith(f"{code}: "), reading.faults
    with pytest.raises(CarrierError) as error:
        carrier.write(data, LABEL)
    assert time.process_time() - read_at < 1
    assert error.value.code == code


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body


def in_jpeg(*segments: bytes) -> bytes:
    whole = jpeg()
    return whole[:2] + b"".join(segments) + whole[2:]


def xmp_segment(packet: bytes) -> bytes:
    return segment(0xE1, b"http://ns.adobe.com/xap/1.0/\x00" + packet)


def packet_with(value: str) -> bytes:
    return XMP.replace(b"</rdf:RDF>", value.encode() + b"</rdf:RDF>")


ELEMENT = (
    '<rdf:Description rdf:about="" xmlns:T="http://www.tc260.org.cn/ns/AIGC/1.0/"><T:AIGC>{}</T:AIGC>'
    "</rdf:Description>"
)
BARE = LABEL.bare().decode().replace('"', "&quot;")
