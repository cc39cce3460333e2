"""When not to ask: a circuit breaker and a pace. Both are told the time, seconds of a clock that only rises."""

from typing import Final

OPEN_DOUBLINGS_MAX: Final = 5


class Breaker:
    """Opens after so many failed calls in a row; lets one call through when its time is over.

    Each failed trial doubles the time, up to 32 times; one call that succeeds closes it.
    """

    def __init__(self, failures: int, open_s: float) -> None:
        self._limit = failures
        self._open_s = open_s
        self._failed = 0
        self._until = 0.0
        self._trial = False
        self._opened = 0

    @property
    def is_open(self) -> bool:
        """Whether calls are being refused, but for a trial."""
        return self._failed >= self._limit

    def refuses(self, now: float) -> bool:
        """Whether no call may be made now."""
        return self.is_open and (self._trial or now < self._until)

    def allows(self, now: float) -> bool:
        """Whether a call may be made now; then it must be told of: ``succeeded``, ``failed``, ``left_out``."""
        if self.refuses(now):
            return False
        self._trial = self.is_open
        return True

    def succeeded(self) -> None:
        """It answered."""
        self._failed = self._opened = 0
        self._trial = False

    def failed(self, now: float) -> None:
        """It did not."""
        was_open = self.is_open
        self._failed = min(self._failed + 1, self._limit)
        if not self.is_open or (was_open and not self._trial):
            return  # still closed; or a call begun before it opened
        self._until = now + self._open_s * 2 ** min(self._opened, OPEN_DOUBLINGS_MAX)
        self._opened += 1
        self._trial = False

    def left_out(self) -> None:
        """An allowed call was not made after all."""
        self._trial = False


class Pace:
    """At most so many calls a second, a second's worth at once (a leaky bucket)."""

    def __init__(self, per_second: float) -> None:
        self._step = 1 / per_second
        self._burst_s = max(1.0, self._step)
        self._free_at = 0.0

    def wait_s(self, now: float) -> float:
        """Seconds until a call may begin; takes nothing."""
        return max(0.0, self._free_at - self._burst_s + self._step - now)

    def take(self, now: float) -> float:
        """Take the next turn; seconds until it comes."""
        wait = self.wait_s(now)
        self._free_at = max(self._free_at, now) + self._step
        return wait
