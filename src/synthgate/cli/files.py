"""Files and folders named on a command line: walked, read within limits, in parallel."""

import os
import stat
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from synthgate.cli.errors import CONFIGURATION, CommandError

Result = TypeVar("Result")
MIB_MAX: Final = 256
"""A file is read whole, and written whole once more."""
FILES_MAX: Final = 1_000_000
_PARALLEL_FROM: Final = 8
"""Fewer files are done sooner than processes start."""


class FileError(Exception):
    """A file that cannot be read; the sentence says why."""


def arguments(leaf: Any) -> None:
    """What commands over files share."""
    leaf.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a file, or a folder")
    leaf.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    leaf.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes (the cores)"
    )
    leaf.add_argument(
        "--max-mib", type=int, default=MIB_MAX, metavar="N", help=f"largest file ({MIB_MAX} MiB)"
    )


def listed(paths: Sequence[Path]) -> list[Path]:
    """The files named, and in folders those whose names belong to formats known here, sorted.

    Raises:
        CommandError: a name that is not there, or more than a million files.
    """
    from synthgate.effects.carriers.catalogue import CARRIERS, TEXT_SUFFIXES

    suffixes = (*TEXT_SUFFIXES, *(suffix for carrier in CARRIERS for suffix in carrier.suffixes))
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found |= dict.fromkeys(sorted(_in_folder(path, suffixes)))
        elif path.exists() or path.is_symlink():
            found[path] = None
        else:
            raise CommandError(f"{path}: no such file or folder", CONFIGURATION)
        if len(found) > FILES_MAX:
            raise CommandError(f"more than {FILES_MAX:,} files: name fewer", CONFIGURATION)
    return list(found)


def _in_folder(folder: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(root, name)
            if not name.startswith(".") and name.lower().endswith(suffixes) and path.is_file():
                yield path


def read(path: Path, mib_max: int) -> bytes:
    """The bytes of a file.

    Raises:
        FileError: no plain file, too large, or not to be read.
    """
    try:
        # Not to wait for a pipe that nobody writes to.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as file:  # noqa: PTH123 (a descriptor, not a path)
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode):
                raise FileError("no plain file")
            if about.st_size > mib_max << 20:
                raise FileError(f"larger than {mib_max} MiB; --max-mib raises the limit")
            data = file.read((mib_max << 20) + 1)
    except OSError as error:
        raise FileError(error.strerror or type(error).__name__) from None
    if len(data) > mib_max << 20:
        raise FileError(f"larger than {mib_max} MiB; --max-mib raises the limit")
    return data


def beside(path: Path, suffix: str, mib_max: int) -> bytes | None:
    """The bytes of the file beside a file, or None if there is none."""
    other = path.with_name(path.name + suffix)
    return read(other, mib_max) if other.is_file() else None


def each(work: Callable[[Path], Result], paths: Sequence[Path], jobs: int) -> Iterator[Result]:
    """The result for each path, in order; in processes if there are enough of them."""
    if jobs < 1:
        raise CommandError("--jobs: at least 1", CONFIGURATION)
    if jobs == 1 or len(paths) < _PARALLEL_FROM:
        yield from _told(map(work, paths), len(paths))
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(paths)), mp_context=context) as pool:
        yield from _told(pool.map(work, paths, chunksize=4), len(paths))


def _told(results: Iterator[Result], count: int) -> Iterator[Result]:
    """Progress on a terminal's stderr, and nowhere else."""
    shown = sys.stderr.isatty() and count >= _PARALLEL_FROM
    for done, result in enumerate(results, 1):
        if shown:
            sys.stderr.write(f"\r{done}/{count}")
        yield result
    if shown:
        sys.stderr.write("\r" + " " * 24 + "\r")


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows in columns; the last column is as long as it is."""
    widths = [max(_width(row[at]) for row in rows) for at in range(len(rows[0]) - 1)]
    lines = []
    for row in rows:
        cells = [
            cell + " " * (wide - _width(cell)) for cell, wide in zip(row, widths, strict=False)
        ]
        lines.append("  ".join([*cells, row[-1]]).rstrip())
    return "\n".join(lines)


def shown(path: Path) -> str:
    """A path as it may be printed: a name with line breaks or escape codes in it is quoted."""
    text = str(path)
    return text if text.isprintable() else ascii(text)


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
