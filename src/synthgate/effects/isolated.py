"""One file labelled or read in a process of its own, which may be slow, greedy or crash without harm to ours.

``apart`` and ``inspected`` ask for it. The process, ``python -m synthgate.effects.isolated FOLDER``, is given
a task as JSON on standard input and the file in ``FOLDER/source``; it leaves a labelled one in
``FOLDER/marked`` and says on standard output what came of it. Memory, processor time and the size of files are
limited before a byte is looked at, for what it starts (ffmpeg) too.
"""

import asyncio
import contextlib
import ctypes
import os
import resource
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import orjson

from synthgate.effects import files
from synthgate.effects.explicit.speech import Clip
from synthgate.effects.label import Label
from synthgate.effects.labelled_file import Marked, Unlabelled, mark

_PR_SET_PDEATHSIG: Final = 1
_NICE: Final = 10
"""What is slow anyway gives way to the worker's other lanes."""
_MIB: Final = 1 << 20
_GROWTH: Final = 8
"""How much larger than its source a file of the work may be."""
_OF_OURS: Final = ("SYNTHGATE_", "AWS_")


@dataclass(frozen=True, slots=True)
class Limits:
    """seconds: of the clock, and of each core. memory_mib: address space of each process."""

    seconds: int = 300
    memory_mib: int = 4096


def apart(
    data: bytes,
    name: str,
    medium: str,
    sentence: str | None,
    label: Label,
    limits: Limits,
    *,
    restores: bool = False,
    clip: Clip | None = None,
) -> Marked:
    """``labelled_file.mark`` in a process of its own.

    Raises:
        Unlabelled: as ``mark``; or it was not done in time or in memory, or the process crashed.
    """
    with TemporaryDirectory(prefix="synthgate-media-") as folder:
        home = Path(folder)
        (home / "source").write_bytes(data)
        if clip is not None:
            (home / "clip").write_bytes(clip.data)
        task = {
            "name": name, "medium": medium, "sentence": sentence, "label": label.row(),
            "restores": restores, "clip": clip and [clip.text, clip.rate],
            "memory_bytes": limits.memory_mib * _MIB, "seconds": limits.seconds,
            "file_bytes": len(data) * _GROWTH + 64 * _MIB,
        }  # fmt: skip
        said = _run(home, orjson.dumps(task), limits.seconds)
        if "fault" in said:
            raise Unlabelled(said["fault"])
        return Marked(data=(home / "marked").read_bytes(), **said)


async def inspected(data: bytes, name: str, limits: Limits) -> dict[str, Any]:
    """The row of ``files.inspect``, read in a process of its own: inconclusive if that did not end well."""
    return await asyncio.to_thread(_inspected, data, name, limits)


def _inspected(data: bytes, name: str, limits: Limits) -> dict[str, Any]:
    with TemporaryDirectory(prefix="synthgate-check-") as folder:
        home = Path(folder)
        (home / "source").write_bytes(data)
        task = {
            "name": name, "inspect": True, "memory_bytes": limits.memory_mib * _MIB,
            "seconds": limits.seconds, "file_bytes": 64 * _MIB,
        }  # fmt: skip
        try:
            said = _run(home, orjson.dumps(task), limits.seconds)
        except Unlabelled as error:
            return files.unread(error.code)
        return files.unread(said["fault"]) if "fault" in said else said


def _run(home: Path, task: bytes, seconds: int) -> dict[str, Any]:
    # Settings hold secrets; a process that reads strangers' files needs none of them.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(_OF_OURS)}
    process = subprocess.Popen(
        [sys.executable, "-m", "synthgate.effects.isolated", str(home)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env=environment | {"TMPDIR": str(home)}, start_new_session=True,
    )  # fmt: skip
    try:
        out, _ = process.communicate(task, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Unlabelled("file_too_slow") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    if process.returncode == -signal.SIGXCPU:
        raise Unlabelled("file_too_slow")
    if process.returncode != 0:
        raise Unlabelled("file_broken")
    row: dict[str, Any] = orjson.loads(out)
    return row


def main(folder: str) -> int:
    """The process: 0 if it could say what came of the file."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.nice(_NICE)
    task = orjson.loads(sys.stdin.buffer.read())
    for kind, most in (
        (resource.RLIMIT_AS, task["memory_bytes"]),
        (resource.RLIMIT_CPU, task["seconds"] * (os.cpu_count() or 1)),
        (resource.RLIMIT_FSIZE, task["file_bytes"]),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))
    home = Path(folder)
    try:
        if "inspect" in task:
            row = files.inspect((home / "source").read_bytes(), task["name"]).row()
            sys.stdout.buffer.write(orjson.dumps(row))
            return 0
        made = mark(
            (home / "source").read_bytes(), task["name"], task["medium"], task["sentence"],
            Label.of(task["label"]), restores=task["restores"], clip=_clip(home, task["clip"]),
        )  # fmt: skip
        (home / "marked").write_bytes(made.data)
        row = {
            "media_type": made.media_type, "suffix": made.suffix, "explicit": made.explicit,
            "unshown": made.unshown,
        }  # fmt: skip
    except Unlabelled as error:
        row = {"fault": error.code}
    except (MemoryError, OSError):
        row = {"fault": "file_too_large"}
    sys.stdout.buffer.write(orjson.dumps(row))
    return 0


def _clip(home: Path, told: list[Any] | None) -> Clip | None:
    if told is None:
        return None
    text, rate = told
    return Clip(text, rate, (home / "clip").read_bytes())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
