"""The command line: one file a command, each with ``add(subparsers)`` and ``run(args) -> exit code``."""

import argparse
import importlib
from typing import Final

from synthgate import __version__
from synthgate.cli.options import Formatter, settings_options

COMMANDS: Final = (
    "worker",
    "api",
    "demo",
    "bench",
    "chaos",
    "topics",
    "keys",
    "example",
    "map",
    "produce",
    "decisions",
    "explain",
    "status",
    "rewind",
    "pause",
    "resume",
    "log",
    "verify",
    "token",
    "scan",
    "label",
    "inspect",
    "library",
    "quarantine",
    "canary",
    "evidence",
    "erase",
    "sweep",
    "fuzz",
    "hold",
    "review",
    "registry",
    "replay",
    "rollout",
    "trace",
    "case",
    "report",
    "complaint",
    "appeal",
    "order",
    "work",
    "reconcile",
    "law",
    "config",
    "schemas",
    "sbom",
    "licences",
)
"""In the order of the help. Their files import nothing heavy at the top."""


def parser() -> argparse.ArgumentParser:
    """The parser with every command; building it costs little more than argparse itself."""
    top = argparse.ArgumentParser(
        prog="synthgate",
        description="A compliance chain for AI generation events on Kafka.",
        epilog="Settings: SYNTHGATE_* variables over a TOML file; `synthgate config show` lists all.",
        formatter_class=Formatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"synthgate {__version__}")
    settings_options(top)
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in COMMANDS:
        importlib.import_module(f"synthgate.cli.{name}").add(commands)
    return top
