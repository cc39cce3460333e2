"""Runs one command and ends it when whoever asked for it ends, however that happens.

Started as a script, not imported: ``python -I -S tether.py COMMAND ARG…``. Its standard input is
the tether. A line on it is a signal for the command (``TERM``, ``KILL``, ``STOP``, ``CONT``); its
end means that the other side has closed the tether or died, kill -9 included, and the command is
ended: SIGTERM, then SIGKILL after ``GRACE_SECONDS``. The line on standard error is the command's
process id; the command's own standard error goes where its standard output goes.

Why not PR_SET_PDEATHSIG alone: that signal comes when the *thread* that forked ends, and a broker
started from a worker thread would go with it. It is set here too, where the forking thread is the
only one, so that killing the tether itself leaves nothing behind on Linux.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading

GRACE_SECONDS = 5.0
PR_SET_PDEATHSIG = 1


def main(command: list[str]) -> int:
    """Run ``command`` until it ends or the tether does; return its exit code."""
    die_with_tether = _die_with_tether if sys.platform == "linux" else None
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        preexec_fn=die_with_tether,  # noqa: PLW1509 (this process has no thread yet)
    )
    sys.stderr.write(f"{child.pid}\n")
    sys.stderr.flush()
    threading.Thread(target=_follow, args=(child,), daemon=True).start()
    return child.wait()


def _die_with_tether() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _follow(child: "subprocess.Popen[bytes]") -> None:
    for line in sys.stdin:
        child.send_signal(signal.Signals["SIG" + line.strip()])
    child.send_signal(signal.SIGCONT)  # a stopped process hears no SIGTERM
    child.terminate()
    try:
        child.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()


if __name__ == "__main__":
    # A command ended by a signal has a negative code: told as a shell tells it.
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code if code >= 0 else 128 - code)
