"""What went wrong, in one line, and the exit code that tells a supervisor what to do."""

import re
import sys
from typing import Final

CRASH: Final = 1
TRY_LATER: Final = 75
CONFIGURATION: Final = 78


class CommandError(Exception):
    """A command cannot do what was asked; the sentence says why and what to do instead."""

    def __init__(self, sentence: str, code: int = CRASH) -> None:
        super().__init__(sentence)
        self.code = code


def told(error: BaseException) -> tuple[str, int] | None:
    """Sentence and exit code of an error we know; None for a bug, whose traceback is wanted."""
    if isinstance(error, CommandError):
        return _line(error), error.code
    for kind in type(error).__mro__:
        if kind.__name__ in _BY_NAME:
            return _line(error), _BY_NAME[kind.__name__]
    kafka = sys.modules.get("aiokafka.errors")
    if kafka is not None and isinstance(error, kafka.KafkaError):
        return _kafka(error, kafka)
    if isinstance(error, TimeoutError):
        return f"the broker did not answer in time{_why(error)}", TRY_LATER
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}", CRASH
    return None


_BY_NAME: Final = {
    "SettingsError": CONFIGURATION,
    "StoreError": CONFIGURATION,
    "BucketWrong": CONFIGURATION,
    "KeyFolderError": CONFIGURATION,
    "KeyFileError": CONFIGURATION,
    "MappingError": CONFIGURATION,
    "ReceiptKeysError": CONFIGURATION,
    "ReceiptKeysAwayError": TRY_LATER,
    "LawError": CONFIGURATION,
    "WrongMasterKey": CONFIGURATION,
    "EventError": CRASH,
    "LibraryFileError": CONFIGURATION,
    "FactError": CRASH,
    "NotLetIn": CONFIGURATION,
    "GateError": TRY_LATER,
    "BrokerUnavailableError": TRY_LATER,
    "LedgerError": CRASH,
    "Waiting": TRY_LATER,
}
"""By name, so that telling an error loads no module the command did not."""


def _kafka(error: BaseException, kafka: object) -> tuple[str, int]:
    name = type(error).__name__
    if name == "KafkaConnectionError":
        places = ", ".join(f"{host}:{port}" for host, port in _ADDRESS.findall(str(error)))
        where = f" at {places}" if places else _why(error)
        mend = "is `brokers` right, Kafka up, and `security_protocol` that of its listener?"
        return f"no broker answers{where}; {mend}", TRY_LATER
    if name in _REFUSED:
        return f"the broker refuses{_why(error)}: {_REFUSED[name]}", CONFIGURATION
    if getattr(error, "retriable", False):
        return f"the broker is not ready ({name}){_why(error)}", TRY_LATER
    return f"Kafka: {name}{_why(error)}", CRASH


_ADDRESS: Final = re.compile(r"\('([^']+)', (\d+)")

_REFUSED: Final = {
    "TopicAuthorizationFailedError": "see `synthgate topics acls` for the rights each part needs",
    "GroupAuthorizationFailedError": "see `synthgate topics acls` for the rights each part needs",
    "ClusterAuthorizationFailedError": "see `synthgate topics acls` for the rights each part needs",
    "UnknownTopicOrPartitionError": "the topic is not there; `synthgate topics create` makes it",
    "IncompatibleBrokerVersion": "this broker does not offer that request (the embedded one offers"
    " few: topics appear there by themselves)",
}


def _why(error: BaseException) -> str:
    text = re.sub(r"^(\[Error \d+\] )?" + type(error).__name__ + ":? *", "", _line(error))
    return f" ({text})" if text else ""


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())
