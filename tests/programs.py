"""Programs of other people that check our files. Who lacks one is told which; in CI that is a failure."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PACKAGES = {
    "exiftool": "libimage-exiftool-perl", "exiv2": "exiv2", "webpinfo": "webp", "ffmpeg": "ffmpeg",
    "ffprobe": "ffmpeg", "mediainfo": "mediainfo", "pdfinfo": "poppler-utils",
    "pdftotext": "poppler-utils", "pdftoppm": "poppler-utils", "qpdf": "qpdf",
    "go": "golang-go", "java": "default-jdk-headless",
    "javac": "default-jdk-headless",
    "unzip": "unzip", "pngcheck": "pngcheck", "promtool": "prometheus", "prometheus": "prometheus",
    "kubectl": "kubernetes-client",
}  # fmt: skip
"""Programs, and the Debian packages that hold them; deploy/test installs these in CI."""


def need(*names: str) -> None:
    """Skip, or fail in CI, unless all of these are installed."""
    missing = [name for name in names if shutil.which(name) is None]
    if missing:
        packages = " ".join(dict.fromkeys(PACKAGES[name] for name in missing))
        sentence = f"{', '.join(missing)} not installed (Debian: {packages})"
        if os.environ.get("CI") == "true":
            pytest.fail(sentence)
        pytest.skip(sentence)


def output(*command: str | Path, good: tuple[int, ...] = (0,)) -> str:
    """What a program says; it must end with one of the codes named."""
    done = subprocess.run(list(map(str, command)), capture_output=True, check=False, timeout=60)
    said = done.stdout.decode("utf-8", "replace")
    assert done.returncode in good, (
        f"{command[0]} ended with {done.returncode}: {done.stderr[-500:]!r}"
    )
    return said
