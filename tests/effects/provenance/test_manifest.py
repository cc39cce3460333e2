"""A manifest is the last thing in a file, verifies, and leaves the label alone; those of others are read."""

import io
import json
import sys
from dataclasses import replace

import c2pa
import pytest
from PIL import Image

from effects.carriers.builders import FILES, LABEL, jpeg
from effects.provenance.chains import made, signer
from programs import need, output
from synthgate.effects import files
from synthgate.effects.carriers import catalogue
from synthgate.effects.files import Order, Refused
from synthgate.effects.provenance import library, manifest
from synthgate.effects.provenance.manifest import ManifestError
from synthgate.effects.provider_code import SAMPLE_CODE

SIGNED = (
    "rich.jpg", "exif.png", "animated.png", "lossless.webp", "animated.gif", "rich.wav", "tone.mp3",
    "tone.flac", "tone.m4a", "faststart.mp4", "film.mov",
)  # fmt: skip
UNSIGNED = ("tone.opus", "film.webm", "plain.pdf", "rich.docx", "plain.md")


def put(name: str, by) -> tuple[bytes, bytes, object]:
    data = (FILES / name).read_bytes()
    carrier = catalogue.of(data, name)
    labelled = carrier.write(data, LABEL)
    return labelled, manifest.put(labelled, carrier, LABEL, by, data), carrier


def told(data: bytes, carrier) -> dict:
    """By the library itself, with our roots."""
    context = library.context(c2pa, made()["roots.pem"])
    with c2pa.Reader(carrier.media_type, io.BytesIO(data), context=context) as reader:
        assert reader.get_validation_state() == "Trusted"
        return json.loads(reader.json())


@pytest.mark.parametrize("name", SIGNED)
def test_it_verifies_and_the_label_is_still_the_one(name, tmp_path):
    labelled, signed, carrier = put(name, signer(tmp_path))
    assert carrier.read(signed).labels == (LABEL,)
    assert len(carrier.read(signed).places) == 1
    store = told(signed, carrier)
    active = store["manifests"][store["active_manifest"]]
    by_label = {one["label"]: one["data"] for one in active["assertions"]}
    (action,) = by_label["c2pa.actions.v2"]["actions"]
    assert action["action"] == "c2pa.created"
    assert action["digitalSourceType"].endswith("/trainedAlgorithmicMedia")
    assert by_label["org.synthgate.label"]["ProduceID"] == LABEL.produce_id
    assert signed.count(b"AIGC") == labelled.count(b"AIGC")
    roots = made()["roots.pem"]
    assert [*manifest.notes(signed, carrier, roots)] == [f"{manifest.SAYS_GENERATED}, trusted"]
    assert [*manifest.notes(signed, carrier)] == [f"{manifest.SAYS_GENERATED}, valid"]


@pytest.mark.parametrize("name", UNSIGNED)
def test_what_can_have_none_goes_without(name, tmp_path):
    labelled, signed, _ = put(name, signer(tmp_path))
    assert signed == labelled


def test_pixels_are_what_they_were_and_exiftool_sees_it(tmp_path):
    need("exiftool")
    labelled, signed, _ = put("rich.jpg", signer(tmp_path))
    before, after = (Image.open(io.BytesIO(data)).tobytes() for data in (labelled, signed))
    assert before == after
    (tmp_path / "a.jpg").write_bytes(signed)
    assert "c2pa.actions.v2" in output("exiftool", "-v3", tmp_path / "a.jpg")


def test_one_byte_changed_behind_it_is_invalid(tmp_path):
    _, signed, carrier = put("rich.wav", signer(tmp_path))
    at = signed.index(b"data") + 20
    spoilt = signed[:at] + bytes([signed[at] ^ 1]) + signed[at + 1 :]
    assert [*manifest.notes(spoilt, carrier)] == [f"{manifest.SAYS_GENERATED}, invalid"]


def test_what_the_model_signed_is_kept_as_what_ours_was_made_from(tmp_path):
    by = signer(tmp_path)
    data = jpeg()
    carrier = catalogue.of(data)
    labelled = carrier.write(data, LABEL)
    first = manifest.put(labelled, carrier, LABEL, by, data)
    again = manifest.put(carrier.write(first, LABEL), carrier, LABEL, by, first)
    store = told(again, carrier)
    assert len(store["manifests"]) == 2
    active = store["manifests"][store["active_manifest"]]
    actions = next(one["data"] for one in active["assertions"] if one["label"] == "c2pa.actions.v2")
    assert [one["action"] for one in actions["actions"]] == ["c2pa.opened", "c2pa.edited"]
    assert active["ingredients"][0]["relationship"] == "parentOf"


def test_certificates_of_another_authority_are_noticed_after_signing(tmp_path):
    by = replace(signer(tmp_path), roots=made(1)["roots.pem"])
    with pytest.raises(ManifestError, match=r"valid|invalid"):
        put("rich.jpg", by)


def test_a_label_that_is_not_the_one_behind_the_manifest_is_noticed(tmp_path):
    data = (FILES / "rich.jpg").read_bytes()
    carrier = catalogue.of(data)
    with pytest.raises(ManifestError, match="not the one it was"):
        manifest.put(data, carrier, LABEL, signer(tmp_path), data)


def test_a_broken_file_is_refused_and_no_other_error_comes_through(tmp_path):
    data = (FILES / "rich.jpg").read_bytes()
    with pytest.raises(ManifestError, match="cannot be signed"):
        manifest.put(data[:40], catalogue.of(data), LABEL, signer(tmp_path), data)


def test_where_it_is_not_installed_it_is_named(tmp_path, monkeypatch):
    by = signer(tmp_path)
    _, signed, carrier = put("rich.jpg", by)
    monkeypatch.setitem(sys.modules, "c2pa", None)
    assert not library.installed()
    assert [*manifest.notes(signed, carrier)] == [
        f"{manifest.SAYS_GENERATED}, unverified",
        library.ABSENT,
    ]
    packed = signed.replace(b"/trainedAlgorithmicMedia", b"/somethingElseOfSameSize")
    assert [*manifest.notes(packed, carrier)] == ["C2PA manifest, not read", library.ABSENT]
    assert [*manifest.notes(jpeg(), carrier)] == []
    with pytest.raises(ManifestError, match="c2pa-python is not installed"):
        put("rich.jpg", by)
    with pytest.raises(Refused, match="c2pa-python is not installed") as refused:
        files.label(jpeg(), "a.jpg", Order(SAMPLE_CODE, signer=by))
    assert refused.value.code == "manifest"


def test_a_store_that_cannot_be_read_is_said_so(monkeypatch):
    data = jpeg(comment=b"jumb c2pa\x00")
    assert [*manifest.notes(data, catalogue.of(data))] == ["C2PA manifest that cannot be read"]
    monkeypatch.setattr(manifest, "_said", lambda *_: {}["gone"])
    assert [*manifest.notes(data, catalogue.of(data))] == ["C2PA manifest that cannot be read"]


def test_labelled_and_inspected_as_files_are(tmp_path):
    done = files.label(jpeg(), "a.jpg", Order(SAMPLE_CODE, signer=signer(tmp_path)))
    found = files.inspect(done.files[""], "a.jpg", roots=made()["roots.pem"])
    assert found.conclusion.value == "compliant"
    assert f"{manifest.SAYS_GENERATED}, trusted" in found.reading.notes
    assert "C2PA manifest" not in found.reading.notes
