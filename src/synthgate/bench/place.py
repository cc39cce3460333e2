"""Where it was measured: what a figure means nothing without."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Final

LIBRARIES: Final = ("faust-streaming", "aiokafka", "orjson", "pydantic", "cryptography")


def place() -> dict[str, object]:
    """Cores, interpreter and libraries."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def file_system(folder: Path) -> str:
    """Kind of the file system a folder lies on, as Linux names it; on ``tmpfs`` fsync costs nothing."""
    best, kind = "", "unknown"
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return kind
    at = str(folder.resolve())
    for line in mounts.read_text(encoding="utf-8").splitlines():
        _, point, fs, *_ = line.split(" ")
        inside = at == point or at.startswith(point.rstrip("/") + "/")
        if inside and len(point) > len(best):
            best, kind = point, fs
    return kind
