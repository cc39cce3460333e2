"""A worker that can be hurt from outside: ``python -m chaos.worker worker …``, arguments as ``synthgate``'s.

Files in ``<data_dir>/chaos`` say what is wrong now; without them the worker is a plain one:

* ``full``: no file can be written, neither of the log nor an object (ENOSPC)
* ``stalled``: registry copies do not read on; ``stalls-<instance>`` says that they stand
* ``cut``: ``<n> all|synced``: at the n-th file operation of the log from now the power goes. Beside the log's
  folder, under ``.cut``, lies what a machine would wake up with: of a file the synced bytes alone; of a folder
  the synced names, or all. Then the process is gone.

Wrapping is done here, at the start of the process; the shipped code knows nothing of it.
"""

import asyncio
import contextlib
import errno
import functools
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chaos.plants import PLANTED, plant
from ledger.ops import STEPS, PowerCutOps
from synthgate.__main__ import main
from synthgate.effects import objects
from synthgate.ledger import LocalStore, files
from synthgate.runtime import app
from synthgate.runtime.copies import Copies
from synthgate.settings import Settings

PRODUCE_SECONDS_MAX = 4.0
"""Instead of 30: a produce that is not acknowledged by then ends the worker."""


class Disk(PowerCutOps):
    """The log's file operations: one at a time, as full and as short of power as the flags say."""

    def __init__(self, settings: Settings, flags: Path) -> None:
        super().__init__()
        self._folder = settings.ledger_dir
        self._flags = flags
        self._left: int | None = None
        self.lock = threading.RLock()
        self.before = self._hook
        self.adopt(self._folder)  # what is there at the start has outlived whatever came before

    def _hook(self, step: str) -> None:
        if step in ("create", "write"):
            fail_if_full(self._flags)
        with contextlib.suppress(FileNotFoundError):
            number, names = (self._flags / "cut").read_text().split()
            self._left = int(number) if self._left is None else self._left - 1
            if self._left <= 0:
                target = self._folder.with_suffix(".cut")
                self.cut(self._folder, target, all_names=names == "all")
                os.kill(os.getpid(), signal.SIGKILL)


def _one_at_a_time(step: str) -> Callable[..., Any]:
    """A step under the lock: whoever comes after the power went, comes never."""
    inner = getattr(PowerCutOps, step)

    @functools.wraps(inner)
    def locked(self: Disk, *args: Any) -> Any:
        with self.lock:
            return inner(self, *args)

    return locked


for each in STEPS:
    setattr(Disk, each, _one_at_a_time(each))


def fail_if_full(flags: Path) -> None:
    """OSError as long as the disk is full."""
    if (flags / "full").exists():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def hurt(settings: Settings) -> None:
    """Put the wrappings in place."""
    flags = settings.data_dir / "chaos"
    flags.mkdir(parents=True, exist_ok=True)
    disk = Disk(settings, flags)
    for module in [m for name, m in sys.modules.items() if name.startswith("synthgate.ledger.")]:
        if hasattr(module, "FileOps") and module is not files:
            module.FileOps = lambda: disk
    assert LocalStore(settings.ledger_dir)._ops is disk, "the log's file operations are others"

    write_new = objects._write_new

    def write_unless_full(path: str, data: bytes) -> None:
        fail_if_full(flags)
        write_new(path, data)

    objects._write_new = write_unless_full
    read = Copies._read

    async def read_unless_stalled(self: Copies) -> None:
        if (flags / "stalled").exists():
            (flags / f"stalls-{settings.instance}").touch()
            await asyncio.sleep(0.05)
        else:
            await read(self)

    Copies._read = read_unless_stalled  # type: ignore[method-assign]
    app.PRODUCE_SECONDS_MAX = PRODUCE_SECONDS_MAX


if __name__ == "__main__":
    hurt(Settings.load())
    plant(os.environ.get(PLANTED, ""))
    sys.exit(main(sys.argv[1:]))
