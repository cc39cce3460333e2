"""The one place where c2pa-python is loaded: an extra, named where it is not installed.

It reaches no network here: no manifest is fetched from where a file says, no certificate asked about.
"""

import importlib
from collections.abc import Mapping
from typing import Any, Final

PACKAGE: Final = "c2pa"
ABSENT: Final = "c2pa-python is not installed (pip install 'synthgate[c2pa]')"


def installed() -> bool:
    """Whether it can be loaded."""
    return load() is not None


def load() -> Any:
    """The module; None if it is not installed, or cannot run on this machine."""
    try:
        return importlib.import_module(PACKAGE)
    except (ImportError, OSError):
        return None


def context(c2pa: Any, roots: bytes) -> Any:
    """What signing and reading go by. roots: certificates that are trusted, PEM; none is none."""
    settings: dict[str, Mapping[str, Any]] = {
        "verify": {
            "verify_trust": bool(roots), "remote_manifest_fetch": False, "ocsp_fetch": False,
        },
        "builder": {"thumbnail": {"enabled": False}},
    }  # fmt: skip
    if roots:
        settings["trust"] = {"trust_anchors": roots.decode("ascii")}
    return c2pa.Context(c2pa.Settings.from_dict(settings))
