"""``synthgate evidence --filing``: the pack for an app store or an authority, signed as a bundle (DSP 13)."""

import argparse
import hashlib
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from synthgate import __version__
from synthgate.cli.errors import CONFIGURATION, CommandError
from synthgate.cli.options import finish
from synthgate.cli.written import printing, written

if TYPE_CHECKING:
    from synthgate.settings import Settings
    from synthgate.steps.filing import Attached

_ATTACHED_MAX: Final = 64 << 20
_MIB_MAX: Final = 64


def pack(args: argparse.Namespace, settings: "Settings") -> tuple[dict[str, Any], bytes, list[Any]]:
    """What was asked, the bundle, and what is missing in it.

    Raises:
        CommandError: an attachment cannot be read or is too large.
    """
    from synthgate.cli.library_topic import copies
    from synthgate.cli.log import signing
    from synthgate.law import load as load_law
    from synthgate.ledger.bundle import encode_bundle
    from synthgate.steps import evidence, evidence_page, filing

    face = printing(settings) if args.pdf else None
    data = [_data(path) for path in args.attach]
    attached = [_attached(path, one) for path, one in zip(args.attach, data, strict=True)]
    provider = {"code": settings.provider_code, "sample": settings.provider_sample}
    at = time.time_ns() // 1_000_000
    registries = finish(copies(settings, *filing.TOPICS))
    said = filing.filing(args.filing, registries, provider, attached, at)
    asked = {"filing": args.filing}
    made = {"by": args.by, "reason": args.reason, "at": at, "version": __version__}
    report = evidence.report(asked, evidence.Gathered(), load_law(), made)
    files = {
        "report.json": json.dumps(report, ensure_ascii=False, indent=1).encode(),
        "filing.json": json.dumps(said, ensure_ascii=False, indent=1).encode(),
        **{f"attachments/{number}": one for number, one in enumerate(data)},
    }
    for one in evidence.LANGUAGES:
        pages = {"report": evidence_page.page(report, one), "filing": filing.page(said, one)}
        for kind, page in pages.items():
            files |= written(f"{kind}.{one}", page, face)
    manifest = {
        "asked": asked, "made": made, "content": False, "laws": [], "libraries": [], "media": [],
        "entries": [],
    }  # fmt: skip
    if face is not None:
        manifest["printed"] = face.means()
    key = signing(settings)
    return asked, encode_bundle(manifest, files, key.log_name, key.private), said["missing"]


def disagreements(files: dict[str, bytes]) -> list[str]:
    """What in a pack is not what its filing.json says: pages, attachments."""
    from synthgate.steps import evidence, filing

    said = json.loads(files["filing.json"])
    faults = [
        f"filing.{one}.html: is not the page of filing.json"
        for one in evidence.LANGUAGES
        if files.get(f"filing.{one}.html") != filing.page(said, one).encode()
    ]
    for number, one in enumerate(said["attached"]):
        held = files.get(f"attachments/{number}", b"")
        if hashlib.sha256(held).hexdigest() != one["sha256"]:
            faults.append(f"attachments/{number}: is not what filing.json names")
    return faults


def _data(path: Path) -> bytes:
    if not path.is_file() or path.stat().st_size > _ATTACHED_MAX:
        raise CommandError(f"{path}: no file, or more than 64 MiB", CONFIGURATION)
    return path.read_bytes()


def _attached(path: Path, data: bytes) -> "Attached":
    """With the label it bears, read back: a claim of a label is none."""
    from synthgate.cli.inspect import inspect_one
    from synthgate.steps.filing import Attached

    places = inspect_one(path, _MIB_MAX)["places"]
    label = next((one["label"] for one in places if one["label"]), None)
    return Attached(path.name, hashlib.sha256(data).hexdigest(), len(data), label)
