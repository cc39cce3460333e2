"""File operations that a test can interrupt at any step."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

from synthgate.ledger.files import FileOps

STEPS = ("create", "write", "sync", "close", "link", "sync_folder", "unlink", "rename")


class StepOps(FileOps):
    """Calls ``before(step)`` ahead of every step and ``after(step)`` behind it."""

    def __init__(
        self,
        before: Callable[[str], None] = lambda step: None,
        after: Callable[[str], None] = lambda step: None,
    ) -> None:
        self.before, self.after = before, after

    def create(self, path: Path) -> int:
        self.before("create")
        fd = super().create(path)
        self.after("create")
        return fd

    def write(self, fd: int, data: bytes | memoryview) -> int:
        self.before("write")
        # In two halves, so that there is a torn file to be killed over.
        count = super().write(fd, data[: max(1, len(data) // 2)])
        self.after("write")
        return count

    def sync(self, fd: int) -> None:
        self.before("sync")
        super().sync(fd)
        self.after("sync")

    def close(self, fd: int) -> None:
        self.before("close")
        super().close(fd)
        self.after("close")

    def link(self, source: Path, target: Path) -> None:
        self.before("link")
        super().link(source, target)
        self.after("link")

    def unlink(self, path: Path) -> None:
        self.before("unlink")
        super().unlink(path)
        self.after("unlink")

    def rename(self, source: Path, target: Path) -> None:
        self.before("rename")
        super().rename(source, target)
        self.after("rename")

    def sync_folder(self, path: Path) -> None:
        self.before("sync_folder")
        super().sync_folder(path)
        self.after("sync_folder")


def steps_of(act: Callable[[FileOps], object]) -> list[str]:
    """The steps that ``act`` takes, in order."""
    taken: list[str] = []
    act(StepOps(before=taken.append))
    return taken


def at_step(number: int, act: Callable[[], object]) -> Callable[[str], None]:
    """A hook that does ``act`` at the step of this number, once."""
    left = number

    def hook(step: str) -> None:
        nonlocal left
        if left == 0:
            left = -1
            act()
        left -= left > 0

    return hook


def failing(number: int, code: int) -> Callable[[str], None]:
    """A hook that raises OSError at the step of this number, once."""

    def fail() -> None:
        raise OSError(code, os.strerror(code))

    return at_step(number, fail)


def killed(act: Callable[[], bytes]) -> tuple[bool, bytes]:
    """Run ``act`` in a forked process: whether it was killed by SIGKILL, and what it returned."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        try:
            os.write(theirs, act())
        finally:
            os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as file:
        said = file.read()
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, said


def kill_this_process() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class PowerCutOps(StepOps):
    """Keeps what is on stable storage apart from what only the running system sees.

    ``cut`` builds the folder a machine might wake up with: names that were synced at least, all
    names at most; of each file only the bytes that were synced.
    """

    def __init__(self) -> None:
        super().__init__()
        self._synced_bytes: dict[int, bytes] = {}
        self._synced_names: dict[Path, dict[str, int]] = {}

    def sync(self, fd: int) -> None:
        super().sync(fd)
        self._synced_bytes[os.fstat(fd).st_ino] = Path(f"/proc/self/fd/{fd}").read_bytes()

    def sync_folder(self, path: Path) -> None:
        super().sync_folder(path)
        self._synced_names[path] = _names(path)

    def cut(
        self, folder: Path, target: Path, *, all_names: bool, removals: bool | None = None
    ) -> None:
        """``all_names``: whether names that were not synced are there; ``removals``: whether removals
        that were not synced have happened (as ``all_names`` by default).
        """
        now, synced = _names(folder), self._synced_names.get(folder, {})
        happened = all_names if removals is None else removals
        names = {name: inode for name, inode in synced.items() if name in now or not happened}
        if all_names:
            names |= now
        target.mkdir(parents=True)
        for name, inode in names.items():
            if inode < 0:
                self.cut(folder / name, target / name, all_names=all_names, removals=removals)
            else:
                (target / name).write_bytes(self._synced_bytes.get(inode, b""))


def _names(folder: Path) -> dict[str, int]:
    return {path.name: -1 if path.is_dir() else path.stat().st_ino for path in folder.iterdir()}
