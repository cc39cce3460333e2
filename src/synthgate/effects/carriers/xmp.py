"""XMP packets: the property AIGC of TC260's namespace, found by namespace and edited in place."""

import re
from typing import Final

from synthgate.effects.carriers import xml_spans
from synthgate.effects.carriers.carrier import KEY, CarrierError, Place, place
from synthgate.effects.carriers.xml_spans import Element

NAMESPACE: Final = "http://www.tc260.org.cn/ns/AIGC/1.0/"
PACKET_BYTES_MAX: Final = 1 << 20
PACKETS_MAX: Final = 16
"""More packets than this in one file are named and not read: reading them would cost seconds."""
TRACES: Final = (b"trainedAlgorithmicMedia", b"compositeWithTrainedAlgorithmicMedia")
"""IPTC's digital source types of generated content."""
_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_OWN: Final = (NAMESPACE, KEY)
_ELEMENTS_MAX: Final = 20_000
_WHAT: Final = "the XMP packet"
_EMPTY: Final = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="' + _RDF.encode() + b'">'
    b'</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)
_LEFT_OVER: Final = re.compile(
    rb'<rdf:Description xmlns:rdf="[^"<]*+" rdf:about="[^"<]*+" xmlns:TC260="[^"<]*+"></rdf:Description>'
)
"""What a removed label of ours leaves of the description written around it."""


def mentions(block: bytes) -> bool:
    """Whether the label's name occurs at all, in UTF-8 or UTF-16. Names in XML cannot be written otherwise."""
    return b"AIGC" in block or b"A\x00I\x00G\x00C" in block


def read(packet: bytes, where: str, *, proper: bool = True) -> list[Place]:
    """The labels of a packet, in element or attribute form.

    Raises:
        CarrierError: the packet names the label and cannot be read: see ``xml_spans.scan``.
    """
    if not mentions(packet):
        return []
    found = []
    for element in _elements(packet.rstrip(b"\x00 \t\r\n")):
        if element.name == _OWN:
            found.append(place(f"{where} TC260:AIGC", element.text, proper=proper))
        if _OWN in element.attributes:
            value = element.attributes[_OWN]
            found.append(place(f"{where} TC260:AIGC attribute", value, proper=proper))
    return found


def write(packet: bytes | None, value: bytes | None) -> bytes:
    """The packet with this label alone; None as packet makes one, None as value only removes.

    Raises:
        CarrierError: as ``read``; or there is nowhere to add to.
    """
    packet = _EMPTY if packet is None else packet.rstrip(b"\x00 \t\r\n")
    elements = _elements(packet)
    edits: list[tuple[int, int, bytes]] = []
    for element in elements:
        if element.name == _OWN and not _is_inside_own(element):
            edits.append((element.start, element.end, b""))
        elif _OWN in element.attributes:
            spans = xml_spans.attribute_spans(packet, element, KEY)
            if len(spans) != 1:
                raise CarrierError("unsupported", "an XMP element with several AIGC attributes")
            edits.append((*spans[0], b""))
    if value is not None:
        root = next((one for one in elements if one.name == (_RDF, "RDF")), None)
        if root is None or xml_spans.is_empty(packet, root):
            raise CarrierError("unsupported", "the XMP packet has no rdf:RDF to add to")
        edits.append((root.close, root.close, _description(_about(elements), value)))
    return _LEFT_OVER.sub(b"", xml_spans.edited(packet, edits))


def _elements(packet: bytes) -> list[Element]:
    if len(packet) > PACKET_BYTES_MAX:
        raise CarrierError("too_much", f"an XMP packet of more than {PACKET_BYTES_MAX} bytes")
    return xml_spans.scan(packet, _WHAT, _ELEMENTS_MAX)


def _is_inside_own(element: Element) -> bool:
    parent = element.parent
    while parent is not None:
        if parent.name == _OWN:
            return True
        parent = parent.parent
    return False


def _about(elements: list[Element]) -> str:
    """What the packet is about; all its descriptions must say the same."""
    for element in elements:
        if element.name == (_RDF, "Description"):
            for name in ((_RDF, "about"), ("", "about")):
                if element.attributes.get(name):
                    return element.attributes[name]
    return ""


def _description(about: str, value: bytes) -> bytes:
    return (
        f'<rdf:Description xmlns:rdf="{_RDF}" rdf:about="{xml_spans.quoted(about)}"'
        f' xmlns:TC260="{NAMESPACE}"><TC260:AIGC>{xml_spans.quoted(value.decode())}</TC260:AIGC>'
        "</rdf:Description>"
    ).encode("ascii", "xmlcharrefreplace")
