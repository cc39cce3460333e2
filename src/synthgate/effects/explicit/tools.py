"""ffmpeg, which is no part of us: asked for by name, given files and a time, never a network.

What only it can do (encode sound and film) is refused with its name where it is not installed.
"""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from synthgate.effects.explicit.errors import ExplicitError

SECONDS_MAX: Final = 600
_QUIET: Final = ("-hide_banner", "-nostdin", "-v", "error")
_LOCAL: Final = ("-protocol_whitelist", "file,pipe")
"""A playlist or a reference inside a file reaches nothing but this file."""


def missing() -> str | None:
    """What is not installed of what is needed, as a sentence; None if nothing is."""
    gone = [name for name in ("ffmpeg", "ffprobe") if shutil.which(name) is None]
    return f"{' and '.join(gone)} not installed (Debian: ffmpeg)" if gone else None


@contextmanager
def folder() -> Iterator[Path]:
    """A folder of its own for one file's work."""
    with TemporaryDirectory(prefix="synthgate-explicit-") as name:
        yield Path(name)


def ffmpeg(*arguments: str | Path, bytes_max: int = 1 << 32) -> bytes:
    """Run ffmpeg; its standard output. Inputs follow ``-i`` in the arguments.

    Raises:
        ExplicitError: not installed, failed, or not done in time.
    """
    given: list[str] = []
    for argument in map(str, arguments):
        given += [*_LOCAL, argument] if argument == "-i" else [argument]
    output = given[-1:]
    return _run(["ffmpeg", *_QUIET, *given[:-1], "-fs", str(bytes_max), *output])


def ffprobe(*arguments: str | Path) -> bytes:
    """Run ffprobe; its standard output. Raises as ``ffmpeg``."""
    return _run(["ffprobe", "-hide_banner", "-v", "error", *_LOCAL, *map(str, arguments)])


def _run(command: list[str]) -> bytes:
    if sentence := missing():
        raise ExplicitError("program", sentence)
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=SECONDS_MAX)
    except subprocess.TimeoutExpired:
        raise ExplicitError("too_much", f"{command[0]} was not done in {SECONDS_MAX} s") from None
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ExplicitError("broken", f"{command[0]}: {said[-1][:200] if said else 'failed'}")
    return done.stdout
