"""How the process ends: the exit codes, and the one door out.

A worker that can no longer be trusted leaves at once; its supervisor starts a new one, which reads again
from the last acknowledged batch. Nothing is mended in place.
"""

import asyncio
import logging
import os
import sys
import traceback
from typing import Final, NoReturn

OK: Final = 0
CRASHED: Final = 1
"""Start me again."""
TRY_LATER: Final = 75
"""EX_TEMPFAIL: the broker cannot be reached."""
CONFIGURATION: Final = 78
"""EX_CONFIG: a person must change something first."""

CAUSES_MAX: Final = 4
"""Errors named in one line: what went wrong, what caused it, and so on."""

log = logging.getLogger("synthgate.runtime")


class Refused(Exception):
    """The worker must not go on. ``code`` is the exit code; the message names what and how to mend it."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Fate:
    """How this worker ends: set once, by whoever sees first that it must."""

    def __init__(self) -> None:
        self._code: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def settle(self, code: int) -> None:
        """Say the exit code, unless somebody already has."""
        if not self._code.done():
            self._code.set_result(code)

    def fail(self, error: BaseException, where: str) -> None:
        """Log one line without content and settle on the error's exit code."""
        if self._code.done():
            return
        if isinstance(error, Refused):
            log.critical("%s: %s", where, error)
            self.settle(error.code)
        else:
            log.critical("%s: %s; leaving, the last acknowledged batch stands", where, told(error))
            self.settle(CRASHED)

    @property
    def settled(self) -> bool:
        """Whether the end is decided."""
        return self._code.done()

    async def wait(self) -> int:
        """The exit code, once settled."""
        return await asyncio.shield(self._code)


def told(error: BaseException) -> str:
    """What may be said of an error in a log: its type and place, and those of what caused it; never its text.

    Texts of errors quote values (pydantic's do), and values may be content.
    """
    chain: list[str] = []
    at: BaseException | None = error
    while at is not None and len(chain) < CAUSES_MAX:  # an error can be made its own cause
        chain.append(_told(at))
        at = at.__cause__
    return ", caused by ".join(chain)


def _told(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/synthgate/" in frame.filename]
    places = list(dict.fromkeys(_place(frame) for frame in (*frames[-1:], *ours[-1:])))
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    return name + (" at " + ", from ".join(places) if places else "")


def _place(frame: traceback.FrameSummary) -> str:
    """``folder/file.py:line in function``."""
    return f"{'/'.join(frame.filename.split('/')[-2:])}:{frame.lineno} in {frame.name}"


def leave(code: int) -> NoReturn:
    """End the process now: no clean-up, no waiting for threads, nothing more acknowledged."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
