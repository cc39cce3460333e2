"""What the client raises.

    GateError                the client cannot do its work; the sentence says how to mend it
    ├── NotWatchedError      asked about an event this replica does not remember
    ├── EventsError          events of a batch would be refused; nothing was sent
    └── RefusedHereError     what the caller handed over would be refused; nothing was sent
        ├── EventError       an event
        └── FactError        a registry row

A decision that does not come is no error: it is an ``Undecided``. No sentence holds content.
"""


class GateError(Exception):
    """The client cannot do its work; the sentence says what to mend."""


class NotWatchedError(GateError):
    """This replica neither sent the event nor was told to watch it, or has forgotten it."""


class RefusedHereError(GateError, ValueError):
    """Nothing was sent. ``code`` is stable; ``where`` points into what was given (``/user/id``)."""

    def __init__(self, code: str, where: str, fault: str, mend: str) -> None:
        super().__init__(f"{where or '/'}: {fault} ({code}); {mend}")
        self.code = code
        self.where = where
        self.mend = mend


class EventError(RefusedHereError):
    """The door would not admit this event."""


class EventsError(GateError, ValueError):
    """Nothing of a batch was sent. ``faults``: place in the batch, from 0, and what is wrong there."""

    def __init__(self, faults: "tuple[tuple[int, EventError], ...]") -> None:
        at, first = faults[0]
        super().__init__(f"{len(faults)} of the events would be refused; the first, /{at}: {first}")
        self.faults = faults


class FactError(RefusedHereError):
    """No reader could use this registry row."""
