"""Memory of a worker: the cycle collector comes seldom, and what is free goes back to the system."""

import asyncio
import ctypes
import gc
from typing import Final

COLLECT: Final = (20_000, 20, 100)
"""Thresholds of the cycle collector: new objects, and collections of the younger generations."""
GIVE_BACK_SECONDS: Final = 60.0


def collect_seldom() -> None:
    """Make the cycle collector come seldom, and never look again at what start-up has made.

    A batch makes thousands of small objects that live until it is done and are in no cycle: reference
    counts free them. With the default thresholds a fifth of a worker's time went into walking them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT)


async def give_back(seconds: float = GIVE_BACK_SECONDS) -> None:
    """Hand free memory back to the system every so often, until cancelled; nothing where glibc is not.

    glibc keeps what was freed below anything that is still in use, and large buffers too once it has seen some
    freed: a worker that had caught up with a backlog once stayed as large as then (decision 0062).
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    while trim is not None:
        await asyncio.sleep(seconds)
        await asyncio.to_thread(trim, 0)  # ctypes lets the loop go on meanwhile
