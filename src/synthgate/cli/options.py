"""Options every command has, and the settings they lead to."""

import argparse
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from synthgate.cli.errors import CONFIGURATION, CommandError

Result = TypeVar("Result")
Run = Callable[[argparse.Namespace], int]


class Formatter(argparse.RawDescriptionHelpFormatter):
    """Help as it was written, in a little more width for the names."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30)


def command(
    subparsers: Any, name: str, run: Run, about: str, *, epilog: str | None = None
) -> argparse.ArgumentParser:
    """One command that can be run; ``--config`` and ``--set`` work behind its name too."""
    leaf: argparse.ArgumentParser = subparsers.add_parser(
        name,
        help=about,
        description=about[:1].upper() + about[1:] + ".",
        epilog=epilog,
        formatter_class=Formatter,
        allow_abbrev=False,
    )
    leaf.set_defaults(run=run)
    settings_options(leaf, behind=True)
    return leaf


def group(subparsers: Any, name: str, about: str) -> Any:
    """A command that only holds others; returns where to add them."""
    holder = subparsers.add_parser(
        name,
        help=about,
        description=about[:1].upper() + about[1:] + ".",
        formatter_class=Formatter,
        allow_abbrev=False,
    )
    return holder.add_subparsers(title="commands", metavar="COMMAND", required=True)


def language_option(leaf: argparse.ArgumentParser) -> None:
    """``--lang zh|en``; by default what the terminal speaks."""
    spoken = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG", "")
    leaf.add_argument(
        "--lang", choices=("zh", "en"), default="zh" if spoken.startswith("zh") else "en",
        help="language (the terminal's)",
    )  # fmt: skip


def settings_options(parser: argparse.ArgumentParser, *, behind: bool = False) -> None:
    """``--config FILE`` and ``--set name=value``. Behind a command they only speak when given."""
    absent: Any = argparse.SUPPRESS if behind else None
    options = parser.add_argument_group("settings")
    options.add_argument(
        "--config", metavar="FILE", type=Path, default=absent, help="settings file (TOML)"
    )
    options.add_argument(
        "--set",
        dest="set_behind" if behind else "set",
        metavar="NAME=VALUE",
        action="append",
        default=absent,
        help="one setting, over file and environment; may stand more than once",
    )


def finish(work: Coroutine[Any, Any, Result]) -> Result:
    """Run to the end; asyncio loads here and not for every ``--help``."""
    import asyncio

    return asyncio.run(work)


def load(args: argparse.Namespace) -> Any:
    """The settings as this command line means them.

    Raises:
        SettingsError: unknown or wrong setting.
        CommandError: ``--set`` without a value.
    """
    import logging

    from synthgate.settings import SECRETS, Settings

    # One line per error is ours to write; the client library would add its own, with every retry.
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())
    logging.getLogger("aiokafka").propagate = False
    over: dict[str, str] = {}
    for pair in [*(args.set or ()), *getattr(args, "set_behind", ())]:
        name, equals, value = pair.partition("=")
        if not equals:
            raise CommandError(f"--set {pair}: write it as NAME=VALUE", CONFIGURATION)
        if name.strip() in SECRETS and value:
            raise CommandError(
                f"--set {name.strip()}: everybody on this machine can read a command line; put it"
                " into a file or the environment",
                CONFIGURATION,
            )
        over[name.strip()] = value
    return Settings.load(args.config, None, **over)


def hex_key(path: Path) -> bytes:
    """A key of 32 bytes from a file of hex text.

    Raises:
        CommandError: there is no such file, or it holds something else.
    """
    import re

    try:
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"cannot read {path}: {error}", CONFIGURATION) from error
    if re.fullmatch(r"[0-9a-f]{64}", text) is None:
        raise CommandError(f"{path} does not hold 32 bytes in lower-case hex", CONFIGURATION)
    return bytes.fromhex(text)
