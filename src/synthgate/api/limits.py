"""How much one key, and one address without a key, may ask. Counted per replica, in memory."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

KNOWN_MAX: Final = 10_000
"""Keys or addresses whose use is remembered; the longest unused is forgotten first, and begins anew."""


class Buckets:
    """A token bucket for each name: ``rate`` tokens a second, at most ``seconds`` of them kept."""

    def __init__(self, seconds: float = 2.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str, count: float, rate: float) -> float:
        """Take tokens: 0 if they were there, else in how many seconds to ask again; then none is taken.

        A batch larger than the bucket goes when the bucket is full, and is paid for afterwards.
        """
        now = self._clock()
        most = max(1.0, rate * self._seconds)
        left, at = self._left.get(name, (most, now))
        left = min(most, left + (now - at) * rate)
        needed = min(count, most)
        wait = 0.0 if left >= needed else (needed - left) / rate
        self._left[name] = (left if wait else left - count, now)
        self._left.move_to_end(name)
        while len(self._left) > KNOWN_MAX:
            self._left.popitem(last=False)
        return wait
