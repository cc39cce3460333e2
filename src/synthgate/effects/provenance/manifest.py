"""A manifest in a file, as the last thing that is done to it; and what those of others say.

Ours says that trained algorithms made it, and which number it has; the label itself stays where it is, for a
file carries one (GB 45438-2025 6.1 c). A manifest the model's file had is kept as what ours was made from.
"""

import io
import json
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any, Final, NamedTuple

from synthgate.effects.carriers.carrier import Carrier
from synthgate.effects.label import Label
from synthgate.effects.provenance import library
from synthgate.effects.provenance.signer import Signer

KINDS: Final = ("jpeg", "png", "webp", "gif", "wav", "mp3", "flac", "m4a", "mp4", "mov")
"""Carriers a manifest can be put into. All others go without; a PDF would be written anew from end to end."""
SAYS_GENERATED: Final = "C2PA manifest says trained algorithmic media"
_TRAINED: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
_SOURCES: Final = ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia")
_BOX: Final = b"jumb"
_STORE: Final = b"c2pa\x00"
_OWN_ASSERTION: Final = "org.synthgate.label"
_SOURCE: Final = "source"
_MANIFESTS_MAX: Final = 1_000


class ManifestError(Exception):
    """A manifest that could not be signed, or does not verify."""


class Said(NamedTuple):
    """What a file's manifest says. state: trusted | valid | invalid. generated: that algorithms made it."""

    state: str
    generated: bool


def put(data: bytes, carrier: Carrier, label: Label, signer: Signer, source: bytes) -> bytes:
    """The labelled file with a manifest, verified. source: the file it was made of. Of other kinds: as it is.

    Raises:
        ManifestError: it cannot be signed, does not verify, or the label is no longer the one it was.
    """
    if carrier.name not in KINDS:
        return data
    c2pa = library.load()
    if c2pa is None:
        raise ManifestError(library.ABSENT)
    kind = carrier.media_type
    try:
        made = _signed(c2pa, data, kind, label, signer, source)
        said = _said(c2pa, made, kind, signer.roots)
    except (c2pa.C2paError, ValueError) as error:
        raise ManifestError(f"the manifest cannot be signed: {str(error)[:200]}") from None
    wanted = ("trusted",) if signer.roots else ("trusted", "valid")
    if said.state not in wanted:
        raise ManifestError(f"the manifest was signed and is {said.state}, not {wanted[0]}")
    reading = carrier.read(made)
    if reading.faults or reading.labels != (label,) or len(reading.places) != 1:
        raise ManifestError("behind the manifest the label is not the one it was")
    return made


def notes(data: bytes, carrier: Carrier, roots: bytes = b"") -> Iterator[str]:
    """What is to be said of a file's manifest, for people; nothing if it has none."""
    if not _may_have(data):
        return
    c2pa = library.load()
    try:
        said = None if c2pa is None else _said(c2pa, data, carrier.media_type, roots)
    except Exception:  # noqa: BLE001 (a stranger's file: whatever is raised means that it was not read)
        yield "C2PA manifest that cannot be read"
        return
    if said is None:
        # Packed manifests hide it; that is why there is the extra.
        generated = any(f"/{one}".encode() in data for one in _SOURCES)
        yield f"{SAYS_GENERATED}, unverified" if generated else "C2PA manifest, not read"
        yield library.ABSENT
        return
    yield f"{SAYS_GENERATED}, {said.state}" if said.generated else f"C2PA manifest, {said.state}"


def _may_have(data: bytes) -> bool:
    return _BOX in data and _STORE in data


def _signed(
    c2pa: Any, data: bytes, kind: str, label: Label, signer: Signer, source: bytes
) -> bytes:
    info = c2pa.C2paSignerInfo(
        alg=signer.algorithm.encode(), sign_cert=signer.chain, private_key=signer.key, ta_url=None
    )
    parent = source if _may_have(source) else None
    out = io.BytesIO()
    with (
        c2pa.Signer.from_info(info) as key,
        c2pa.Builder.from_json(
            _claim(kind, label, parent=parent is not None), library.context(c2pa, signer.roots)
        ) as builder,
    ):
        if parent is not None:
            row = {"title": _SOURCE, "label": _SOURCE, "relationship": "parentOf"}
            builder.add_ingredient(row, kind, io.BytesIO(parent))
        builder.sign(key, kind, io.BytesIO(data), out)
    return out.getvalue()


def _claim(kind: str, label: Label, *, parent: bool) -> dict[str, Any]:
    agent = {"name": "Synthgate", "version": version("synthgate")}
    made = {"digitalSourceType": _TRAINED, "softwareAgent": agent}
    opened = {"action": "c2pa.opened", "parameters": {"ingredientIds": [_SOURCE]}}
    actions = (
        [opened, {"action": "c2pa.edited", **made}]
        if parent
        else [{"action": "c2pa.created", **made}]
    )
    number = {"ContentProducer": label.content_producer, "ProduceID": label.produce_id}
    return {
        "claim_generator_info": [agent],
        "format": kind,
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": actions}},
            {"label": _OWN_ASSERTION, "data": number},
        ],
    }


def _said(c2pa: Any, data: bytes, kind: str, roots: bytes) -> Said:
    with c2pa.Reader(kind, io.BytesIO(data), context=library.context(c2pa, roots)) as reader:
        state = str(reader.get_validation_state()).lower()
        store = json.loads(reader.json())
    generated = any(
        str(action.get("digitalSourceType", "")).rpartition("/")[2] in _SOURCES
        for action in _actions(store)
    )
    return Said(state if state in ("trusted", "valid") else "invalid", generated)


def _actions(store: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every action any manifest of a store tells of."""
    manifests = store.get("manifests")
    for manifest in (
        list(manifests.values())[:_MANIFESTS_MAX] if isinstance(manifests, dict) else ()
    ):
        for assertion in manifest.get("assertions", ()):
            data = assertion.get("data")
            actions = data.get("actions") if isinstance(data, dict) else None
            yield from (one for one in actions or () if isinstance(one, dict))
