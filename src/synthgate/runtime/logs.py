"""Logging: one line a record, to standard error, never content; Faust and aiokafka kept to warnings.

Tracebacks are not printed: their last line quotes values. A crash is told by ``exits.told``.
"""

import logging
import sys
import time

from synthgate.runtime.exits import told

QUIET = ("faust", "mode", "aiokafka", "asyncio", "aiohttp")


class OneLine(logging.Formatter):
    """``time level logger message``, with any exception reduced to its type and place."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        error = record.exc_info[1] if record.exc_info else None
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))
        line = f"{at} {record.levelname.lower()} {record.name} "
        if record.name.startswith(QUIET) and error is not None:
            return line + told(error)
        text = " ".join(record.getMessage().split())
        return line + text[:500] + (f" [{told(error)}]" if error is not None else "")


def set_up(level: str = "info") -> None:
    """Send every log to standard error as one line; called once, by the process's entry point."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine())
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
