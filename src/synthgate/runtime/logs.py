"""Logging: one line a record, text or JSON, to standard error, never content; libraries kept to warnings.

Tracebacks are not printed: their last line quotes values. A crash is told by ``exits.told``. What Python itself
would print (warnings, errors nobody caught) is told in the same lines, without its text.
"""

import logging
import sys
import threading
import time
import warnings
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, TextIO

import orjson

from synthgate.events.passage import Passage
from synthgate.runtime.exits import told

OURS: Final = "synthgate"
QUIET: Final = ("faust", "mode", "aiokafka", "asyncio", "aiohttp")

log = logging.getLogger(__name__)


class OneLine(logging.Formatter):
    """``time level logger message``, with any exception reduced to its type and place."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        text, fault = _said(record)
        line = f"{_at(record)} {record.levelname.lower()} {record.name} "
        return line + " ".join(filter(None, (text, f"[{fault}]" if text and fault else fault)))


class Json(logging.Formatter):
    """One JSON object a line: at, level, logger, message; fault where there is one; origin and passage.

    origin: of the event the line is about, as in its log entry and on ``synthgate explain``. passage: the id of
    the decision that answers it: the first origin of the act, and which revision.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON."""
        text, fault = _said(record)
        row = {
            "at": _at(record), "level": record.levelname.lower(), "logger": record.name,
            "message": text,
        }  # fmt: skip
        if fault:
            row["fault"] = fault
        given = record.args if isinstance(record.args, tuple) else ()
        for passage in given:
            if isinstance(passage, Passage):
                row |= {"origin": str(passage.origin), "passage": passage.id}
        return orjson.dumps(row).decode()


def _at(record: logging.LogRecord) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))


def _said(record: logging.LogRecord) -> tuple[str, str]:
    """Message and fault. What libraries say of an error may quote values: then only the fault is told."""
    error = record.exc_info[1] if record.exc_info else None
    fault = "" if error is None else told(error)
    given = record.args
    if not _ours(record):
        if error is not None:
            return "", fault
        if isinstance(given, tuple):
            given = tuple(told(one) if isinstance(one, BaseException) else one for one in given)
    text = str(record.msg) % given if given else str(record.msg)
    whole = text.encode(errors="replace").decode()  # half a character is no JSON
    return " ".join(whole.split())[:500], fault


FORMATS: Final[Mapping[str, type[logging.Formatter]]] = {"text": OneLine, "json": Json}


def set_up(level: str = "info", *, form: str = "text") -> None:
    """Send every log to standard error, a line each; called once, by the process's entry point.

    level: of what is ours; what libraries say of their work below a warning may quote what they work on.
    form: ``text`` or ``json``, the setting ``log_format``.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(FORMATS[form]())
    handler.addFilter(lambda record: _ours(record) or record.levelno >= logging.WARNING)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    quieten()


def take_over() -> None:
    """Tell in lines of ours, without its text, what Python itself would print. The process is a worker's."""
    # What cannot be written as a line would be printed with its arguments.
    logging.raiseExceptions = False
    sys.excepthook = _uncaught
    sys.unraisablehook = lambda fault: _tell(fault.exc_value)
    threading.excepthook = lambda fault: _tell(fault.exc_value)
    warnings.showwarning = _warned


def _ours(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] == OURS


def _uncaught(_: Any, error: BaseException, at: TracebackType | None) -> None:
    _tell(error)


def _tell(error: BaseException | None) -> None:
    if error is not None and not isinstance(error, SystemExit):
        log.critical("nobody caught %s", told(error))


def _warned(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    log.warning("%s at %s:%s", category.__name__, "/".join(filename.split("/")[-2:]), lineno)


def quieten() -> None:
    """Keep the libraries to warnings. Their debug records alone cost a tenth of a worker's time."""
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    # Rebalances are ordinary; what matters in them is told by ours.
    logging.getLogger("aiokafka.consumer.group_coordinator").setLevel(logging.ERROR)
    logging.getLogger("mode.loop").setLevel(logging.ERROR)
    # It tells every try; that spans are not taken is told by ours, once (spans.py).
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
