"""A worker does not stay as large as its largest moment was."""

import platform
import subprocess
import sys

import pytest

CAUGHT_UP = """
import asyncio, contextlib, sys
from synthgate.runtime import memory

def mib():
    return int(open("/proc/self/status").read().split("VmRSS:")[1].split()[0]) // 1024

backlog, kept = [], []
for _ in range(2_000):
    backlog.append(b"x" * 100_000)  # on the heap: glibc takes pages of their own for what is larger
    kept.append(b"x" * (600 + len(kept) % 2))  # what stays of it: too large for Python's pools
large = mib()
del backlog
freed = mib()

async def for_a_while():
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.5):
            await memory.give_back(float(sys.argv[1]))

asyncio.run(for_a_while())
print(large, freed, mib())
"""


def after(seconds: float) -> tuple[int, ...]:
    """MiB of a process: with a backlog, when that is freed, half a second later. seconds: of a period."""
    said = subprocess.check_output([sys.executable, "-c", CAUGHT_UP, str(seconds)], text=True)
    return tuple(map(int, said.split()))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library than glibc")
def test_what_is_free_goes_back_to_the_system() -> None:
    large, freed, now = after(0.1)
    assert large > 200
    assert freed > 200
    assert now < large - 150
    assert after(60.0)[2] > 200  # not by itself
