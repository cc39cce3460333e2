"""The way back to the app: send an event, obey the decision, check passes, write facts. No Faust."""

from synthgate.client.build import Events, Generation
from synthgate.client.casework import Casework
from synthgate.client.decisions import Answer, Decision, Reason, Released, Undecided
from synthgate.client.desk import Desk
from synthgate.client.errors import (
    EventError,
    EventsError,
    FactError,
    GateError,
    NotWatchedError,
    RefusedHereError,
)
from synthgate.client.facts import Facts
from synthgate.client.gate import Gate
from synthgate.client.line import Line
from synthgate.client.workbench import NotDone, Workbench
from synthgate.client.writer import Placed, Writer
from synthgate.crypto.keys import KeyFolder
from synthgate.crypto.passes import PassBody, PassError, PassKeys, verify_pass
from synthgate.events.streams import shown_after

__all__ = [
    "Answer",
    "Casework",
    "Decision",
    "Desk",
    "EventError",
    "Events",
    "EventsError",
    "FactError",
    "Facts",
    "Gate",
    "GateError",
    "Generation",
    "KeyFolder",
    "Line",
    "NotDone",
    "NotWatchedError",
    "PassBody",
    "PassError",
    "PassKeys",
    "Placed",
    "Reason",
    "RefusedHereError",
    "Released",
    "Undecided",
    "Workbench",
    "Writer",
    "shown_after",
    "verify_pass",
]
