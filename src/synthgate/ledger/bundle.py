"""Evidence bundles: entries of the logs with their proofs, signed, to be checked where the logs are not.

A ZIP file whose members are stored, not compressed::

    manifest.json            what was asked, which entries, which files with their hashes
    manifest.note            signed note over the manifest's hash (C2SP signed-note, the checkpoints' key)
    entries/<log>/<index>    entries as stored: the bytes the leaf hashes are of
    checkpoints/<log>        the signed checkpoint that the entries' proofs lead to
    report.json, report.zh.html, report.en.html, report.zh.pdf, report.en.pdf, case.json, keys.json

``src/FORMAT.md`` says it in full. Sealed to a recipient it is the whole file in one box (``crypto/seal.py``).
"""

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from synthgate.crypto.notes import NoteError, Verifier, open_note, sign

MANIFEST: Final = "manifest.json"
NOTE: Final = "manifest.note"
SEAL_CONTEXT: Final = b"synthgate evidence 1"
VERSION: Final = 1
_NAME: Final = re.compile(r"[a-z]+(/[0-9]+){0,2}(\.[a-z]{2})?(\.json|\.html|\.pdf|\.note)?")
_LOCAL_BYTES: Final = 30
_LISTED_BYTES: Final = 46
_END_BYTES: Final = 22
"""Of a ZIP file: a member's own header, its row in the list at the end, and the end, each without names."""
_DAY_ONE: Final = (1980, 1, 1, 0, 0, 0)


class BundleDamaged(ValueError):
    """The bytes are not an evidence bundle signed by this key; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Proved:
    """An entry's place in the log: ``path`` leads from its leaf to the root of ``size`` entries."""

    log: int
    index: int
    hash: str
    size: int
    path: list[str]
    state: str
    """kept, erased (the content's key is gone) or expired (the entry is gone, its hash stands)."""

    def row(self) -> dict[str, Any]:
        """As it stands in the manifest."""
        return {
            "log": self.log, "index": self.index, "hash": self.hash, "size": self.size,
            "path": self.path, "state": self.state,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle's files, and its manifest, as read: whole and signed, its entries not yet checked."""

    manifest: dict[str, Any]
    files: dict[str, bytes] = field(default_factory=dict)


def origin_of(log_name: str) -> str:
    """Whose word a manifest is: the key name of its note."""
    return f"{log_name}/evidence"


def entry_name(log: int, index: int) -> str:
    """Where an entry stands in a bundle."""
    return f"entries/{log:05d}/{index}"


def checkpoint_name(log: int) -> str:
    """Where a log's checkpoint stands in a bundle."""
    return f"checkpoints/{log:05d}"


def encode_bundle(
    manifest: Mapping[str, Any], files: Mapping[str, bytes], log_name: str, private: bytes
) -> bytes:
    """The whole file; the manifest gets the list of ``files``. ``private``: the checkpoints' key, raw."""
    listed = {
        name: {"sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}
        for name, data in sorted(files.items())
    }
    whole = {"v": VERSION, "log_name": log_name, **manifest, "files": listed}
    text = json.dumps(whole, ensure_ascii=False, indent=1).encode()
    origin = origin_of(log_name)
    note = sign(_signed(origin, text), origin, private).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, data in ((MANIFEST, text), (NOTE, note), *sorted(files.items())):
            archive.writestr(zipfile.ZipInfo(name, _DAY_ONE), data)
    return out.getvalue()


def decode_bundle(data: bytes, public: bytes, where: str) -> Bundle:
    """A bundle, its signature and every file's hash checked. Raises BundleDamaged."""
    found = _members(data, where)
    try:
        text, note = found.pop(MANIFEST), found.pop(NOTE)
    except KeyError as error:
        raise BundleDamaged(f"{where}: has no {error.args[0]}") from None
    try:
        manifest = json.loads(text)
        log_name = str(manifest["log_name"])
        listed = {name: str(row["sha256"]) for name, row in dict(manifest["files"]).items()}
        signed = open_note(
            note.decode("utf-8"), Verifier(origin_of(log_name), public), f"{where}: {NOTE}"
        )
    except NoteError as error:
        raise BundleDamaged(str(error)) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BundleDamaged(f"{where}: the manifest cannot be read") from error
    if signed != _signed(origin_of(log_name), text):
        raise BundleDamaged(f"{where}: the manifest is not the one that was signed")
    if manifest.get("v") != VERSION:
        raise BundleDamaged(f"{where}: version {manifest.get('v')} is not known here")
    if found.keys() != listed.keys():
        odd = sorted(found.keys() ^ listed.keys())
        raise BundleDamaged(
            f"{where}: files that the manifest does not list, or that are gone: {odd}"
        )
    for name, content in found.items():
        if hashlib.sha256(content).hexdigest() != listed[name]:
            raise BundleDamaged(f"{where}: {name} is not what was signed")
    return Bundle(manifest, found)


def _signed(origin: str, manifest: bytes) -> str:
    return f"{origin}\nevidence\n{hashlib.sha256(manifest).hexdigest()}\n"


def _members(data: bytes, where: str) -> dict[str, bytes]:
    """Every member, each once and stored as it is: so the file's own size bounds what it holds."""
    found: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if archive.comment:
                raise BundleDamaged(f"{where}: holds more than its members")
            if sum(info.file_size for info in archive.infolist()) > len(data):
                raise BundleDamaged(f"{where}: members lie over one another")
            for info in archive.infolist():
                if info.compress_type != zipfile.ZIP_STORED or info.extra or info.comment:
                    raise BundleDamaged(f"{where}: a member is not stored as it is")
                if info.filename in found or _NAME.fullmatch(info.filename) is None:
                    raise BundleDamaged(f"{where}: a member's name is odd or stands twice")
                found[info.filename] = archive.read(info)
            if _laid_out(archive) != len(data):
                raise BundleDamaged(f"{where}: holds more than its members")
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        EOFError,
        OSError,
        ValueError,
        RuntimeError,
    ) as error:
        if isinstance(error, BundleDamaged):
            raise
        raise BundleDamaged(f"{where}: not an evidence bundle: {error}") from error
    return found


def _laid_out(archive: zipfile.ZipFile) -> int:
    """How long a file is that holds these members one after another and nothing else; -1 if they lie otherwise.

    Else bytes that nobody signed could be read by other programs, as a page or as other members.
    """
    at = 0
    for info in sorted(archive.infolist(), key=lambda one: one.header_offset):
        if info.header_offset != at:
            return -1
        at += _LOCAL_BYTES + len(info.filename) + info.file_size
    if archive.start_dir != at:
        return -1
    return at + sum(_LISTED_BYTES + len(info.filename) for info in archive.infolist()) + _END_BYTES
