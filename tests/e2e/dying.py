"""A worker that dies by its own SIGKILL where it is told: ``python -m e2e.dying worker retention``.

``<data_dir>/die-at`` holds ``{"boundary": …, "passage": n}``: at the n-th passage since it was written the
process is gone, and the file with it. Without the file the worker is a plain one. The wrapping is done here,
at the start of the child; the shipped code knows nothing of it.
"""

import asyncio
import functools
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from synthgate.__main__ import main
from synthgate.ledger import Log
from synthgate.ledger.files import FileOps
from synthgate.ledger.log_ids import is_records
from synthgate.ledger.userkeys import KeyRing
from synthgate.registries.entries import RocksEntries
from synthgate.runtime.stages import Runner
from synthgate.runtime.transport import Consumer, Producer
from synthgate.settings import Settings
from synthgate.steps.retention import RetentionStep


def of_decisions(log: Any) -> bool:
    """Of a log, by its id: not the one of records, which is written in the same process."""
    return not is_records(int(log))


def of_retention(args: tuple[Any, ...]) -> bool:
    """Of the arguments of a method of a runner: it is retention's."""
    return bool(args[0].duty == "retention")


def for_decisions(_: tuple[Any, ...]) -> bool:
    """Whether this is asked for by an append to a log of decisions."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        found = frame.f_locals.get("self")
        if isinstance(found, Log):
            return of_decisions(found.log_id)
        frame = frame.f_back
    return False


def says_decisions(args: tuple[Any, ...]) -> bool:
    """Of the arguments of ``Runner.publish``: not a tick, which owes nothing as a rule."""
    return "decisions" in args[1].by_topic


def of_segment(args: tuple[Any, ...]) -> bool:
    """Of the arguments of a file operation: it makes a segment; provers and key rings make files too."""
    what = args[1]
    path = Path(f"/proc/self/fd/{what}").readlink() if isinstance(what, int) else what
    log = path if path.is_dir() else path.parent
    if log.parent.name != "ledger" or not log.name.isdigit() or not of_decisions(log.name):
        return False
    return any(log.glob("*.tmp")) if path.is_dir() else path.suffix == ".tmp"


class Boundary(NamedTuple):
    """Before or after one call. ``passage``: which one is deadly, of those that count."""

    owner: type
    method: str
    before: bool
    passage: int
    counts: Callable[[tuple[Any, ...]], bool] = lambda _: True


BOUNDARIES = {
    "before gather": Boundary(RetentionStep, "run", before=True, passage=3),
    "after facts, before append": Boundary(
        Log, "append", before=True, passage=3, counts=lambda args: of_decisions(args[0].log_id)
    ),
    "user keys made": Boundary(
        KeyRing, "_make_file", before=False, passage=1, counts=for_decisions
    ),
    "temporary file written": Boundary(
        FileOps, "write", before=False, passage=2, counts=of_segment
    ),
    "temporary file synced": Boundary(FileOps, "sync", before=False, passage=2, counts=of_segment),
    "segment linked": Boundary(FileOps, "link", before=False, passage=2, counts=of_segment),
    "folder synced": Boundary(FileOps, "sync_folder", before=False, passage=2, counts=of_segment),
    "temporary name removed": Boundary(
        FileOps, "unlink", before=False, passage=2, counts=of_segment
    ),
    "appended, not published": Boundary(
        Runner, "publish", before=True, passage=3, counts=says_decisions
    ),
    "sent, not acknowledged by the broker": Boundary(Producer, "publish", before=False, passage=3),
    "published, not acknowledged": Boundary(
        Runner, "publish", before=False, passage=2, counts=says_decisions
    ),
    "acknowledged, not committed": Boundary(
        Runner, "ack", before=False, passage=3, counts=of_retention
    ),
    "committed": Boundary(Consumer, "_send_commit", before=False, passage=1),
}


def of_consents(args: tuple[Any, ...]) -> bool:
    """Of the arguments of a method of a store: the one of consents."""
    return bool(args[0]._folder.name == "facts.consents")


IN_RESTORE = {
    "a batch of a copy written": Boundary(
        RocksEntries, "save", before=False, passage=2, counts=of_consents
    ),
    "a row of a copy taken": Boundary(
        RocksEntries, "__setitem__", before=False, passage=1000, counts=of_consents
    ),
}


def order(folder: Path) -> Path:
    """Where a test writes what to die of."""
    return folder / "die-at"


def give_order(folder: Path, boundary: str) -> Path:
    """Arm the boundary; the file that holds the order until it is carried out."""
    file = order(folder)
    told = {"boundary": boundary, "passage": (BOUNDARIES | IN_RESTORE)[boundary].passage}
    file.with_suffix(".new").write_text(json.dumps(told))
    file.with_suffix(".new").rename(file)
    return file


def python_path() -> str:
    """For a child that is to find this module."""
    here = str(Path(__file__).parents[1])
    return os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH", ""), here)))


class Death:
    """Counts passages since the order was given, and carries it out."""

    def __init__(self, folder: Path) -> None:
        self._file = order(folder)
        self._passed = 0

    def pass_by(self, boundary: str) -> None:
        """Die here, if told so."""
        try:
            told = json.loads(self._file.read_text())
        except FileNotFoundError:
            return
        if told["boundary"] != boundary:
            return
        self._passed += 1
        if self._passed >= told["passage"]:
            self._file.unlink()
            os.kill(os.getpid(), signal.SIGKILL)


def wrap(name: str, boundary: Boundary, death: Death) -> None:
    """Put a boundary before or after the method, sync or async."""
    inner: Callable[..., Any] = getattr(boundary.owner, boundary.method)

    def passed(args: tuple[Any, ...], *, before: bool) -> None:
        if before == boundary.before and boundary.counts(args):
            death.pass_by(name)

    if asyncio.iscoroutinefunction(inner):

        @functools.wraps(inner)
        async def slow(*args: Any, **kwargs: Any) -> Any:
            passed(args, before=True)
            result = await inner(*args, **kwargs)
            passed(args, before=False)
            return result

        setattr(boundary.owner, boundary.method, slow)
        return

    @functools.wraps(inner)
    def quick(*args: Any, **kwargs: Any) -> Any:
        passed(args, before=True)
        result = inner(*args, **kwargs)
        passed(args, before=False)
        return result

    setattr(boundary.owner, boundary.method, quick)


if __name__ == "__main__":
    deadly = Death(Settings.load().data_dir)
    for place, row in (BOUNDARIES | IN_RESTORE).items():
        wrap(place, row, deadly)
    sys.exit(main(sys.argv[1:]))
