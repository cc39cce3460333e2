"""Logging: one line a record, text or JSON, to standard error, never content; libraries kept to warnings.

Tracebacks are not printed: their last line quotes values. A crash is told by ``exits.told``.
"""

import logging
import sys
import time
from collections.abc import Mapping
from typing import Final

import orjson

from synthgate.events.origin import Origin
from synthgate.runtime.exits import told

QUIET = ("faust", "mode", "aiokafka", "asyncio", "aiohttp", "opentelemetry", "urllib3")


class OneLine(logging.Formatter):
    """``time level logger message``, with any exception reduced to its type and place."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        text, fault = _said(record)
        line = f"{_at(record)} {record.levelname.lower()} {record.name} "
        return line + " ".join(filter(None, (text, f"[{fault}]" if text and fault else fault)))


class Json(logging.Formatter):
    """One JSON object a line: at, level, logger, message; fault and origin where there is one.

    origin: of the passage the line is about, as in its log entry and on ``synthgate explain``.
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
        for origin in given:
            if isinstance(origin, Origin):
                row["origin"] = str(origin)
        return orjson.dumps(row).decode()


def _at(record: logging.LogRecord) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))


def _said(record: logging.LogRecord) -> tuple[str, str]:
    """Message and fault. What libraries say of an error may quote values: then only the fault is told."""
    error = record.exc_info[1] if record.exc_info else None
    fault = "" if error is None else told(error)
    if record.name.startswith(QUIET) and error is not None:
        return "", fault
    return " ".join(record.getMessage().split())[:500], fault


FORMATS: Final[Mapping[str, type[logging.Formatter]]] = {"text": OneLine, "json": Json}


def set_up(level: str = "info", *, form: str = "text") -> None:
    """Send every log to standard error, a line each; called once, by the process's entry point.

    form: ``text`` or ``json``, the setting ``log_format``.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(FORMATS[form]())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    quieten()


def quieten() -> None:
    """Keep the libraries to warnings. Their debug records alone cost a tenth of a worker's time."""
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    # Rebalances are ordinary; what matters in them is told by ours.
    logging.getLogger("aiokafka.consumer.group_coordinator").setLevel(logging.ERROR)
    logging.getLogger("mode.loop").setLevel(logging.ERROR)
    # It tells every try; that spans are not taken is told by ours, once (spans.py).
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
