"""File operations that a test can interrupt at any step."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
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
        self._made: dict[int, int] = {}
        """How often an inode was given: a file is known by both, for inodes are given again."""
        self._synced_bytes: dict[tuple[int, int], bytes] = {}
        self._synced_names: dict[Path, dict[str, tuple[int, int]]] = {}

    def create(self, path: Path) -> int:
        fd = super().create(path)
        inode = os.fstat(fd).st_ino
        self._made[inode] = self._made.get(inode, 0) + 1
        return fd

    def sync(self, fd: int) -> None:
        super().sync(fd)
        inode = os.fstat(fd).st_ino
        data = Path(f"/proc/self/fd/{fd}").read_bytes()
        self._synced_bytes[inode, self._made.get(inode, 0)] = data

    def sync_folder(self, path: Path) -> None:
        super().sync_folder(path)
        self._synced_names[path] = self._names(path)

    def adopt(self, folder: Path) -> None:
        """A machine that was up before: all that is there is on stable storage."""
        for path in (folder, *folder.rglob("*")):
            if path.is_dir():
                self._synced_names[path] = self._names(path)
                continue
            with suppress(FileNotFoundError):  # nothing there yet, or another worker removed it
                self._synced_bytes[path.stat().st_ino, 0] = path.read_bytes()

    def cut(
        self, folder: Path, target: Path, *, all_names: bool, removals: bool | None = None
    ) -> None:
        """``all_names``: whether names that were not synced are there; ``removals``: whether removals
        that were not synced have happened (as ``all_names`` by default).
        """
        now, synced = self._names(folder), self._synced_names.get(folder, {})
        happened = all_names if removals is None else removals
        names = {name: file for name, file in synced.items() if name in now or not happened}
        if all_names:
            names |= now
        target.mkdir(parents=True)
        for name, file in names.items():
            if file == _FOLDER:
                self.cut(folder / name, target / name, all_names=all_names, removals=removals)
            else:
                (target / name).write_bytes(self._synced_bytes.get(file, b""))

    def _names(self, folder: Path) -> dict[str, tuple[int, int]]:
        if not folder.is_dir():  # removed, and its removal may not have happened
            return {}
        found = {}
        for path in folder.iterdir():
            with suppress(FileNotFoundError):  # as above
                inode = path.stat().st_ino
                found[path.name] = _FOLDER if path.is_dir() else (inode, self._made.get(inode, 0))
        return found


_FOLDER = (-1, 0)
