"""``synthgate config show|check``: the settings in force, and whether they make sense together."""

import argparse
import json
import os
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthgate.cli.errors import CONFIGURATION
from synthgate.cli.options import command, group, load

if TYPE_CHECKING:
    from synthgate.settings import Settings


def add(subparsers: Any) -> None:
    """Register the command."""
    under = group(subparsers, "config", "show or check the settings")
    show = command(under, "show", run, "every setting in force, where it comes from, what it means")
    show.add_argument("--json", action="store_true", help="names and values as one JSON object")
    command(under, "check", check, "say what is wrong or unwise in the settings")


def run(args: argparse.Namespace) -> int:
    """Print every setting as a line of TOML, with its meaning."""
    from synthgate.settings import SECRETS

    settings: Settings = load(args)
    values = settings.model_dump(mode="json")
    if args.json:
        print(json.dumps(values, ensure_ascii=False, indent=2))
        return 0
    origins = _origins(args)
    for name, field in type(settings).model_fields.items():
        if name in SECRETS and values[name]:
            print(f"# {name} is set and not shown  # {origins.get(name)}: {field.description}")
            continue
        line = f"{name} = {json.dumps(values[name], ensure_ascii=False)}"
        print(f"{line:<40} # {origins.get(name, 'default')}: {field.description}")
    return 0


def check(args: argparse.Namespace) -> int:
    """Print what is wrong; 78 if anything is."""
    faults = list(_faults(load(args)))
    for fault in faults:
        print(fault)
    if not faults:
        print("settings: nothing wrong found")
    return CONFIGURATION if faults else 0


def _faults(settings: "Settings") -> Iterator[str]:
    if settings.insync_min > settings.replicas:
        yield (
            f"insync_min is {settings.insync_min} but there are only {settings.replicas} replicas:"
            " nothing could be written"
        )
    if not settings.provider_code:
        yield (
            "provider_code is empty: labelling refuses every release until it holds the 27-character"
            " code of TC260-PG-20252A"
        )
    elif len(settings.provider_code) != 27:
        yield f"provider_code has {len(settings.provider_code)} characters, not 27"
    if settings.serve_minutes > settings.cite_hours * 60:
        yield "serve_minutes is longer than cite_hours: a pass would serve after it may be cited"
    if settings.revoke_s > settings.session_timeout_s:
        yield "revoke_s is longer than session_timeout_s: the group would throw the worker out first"
    ahead = (
        settings.heartbeat_s + 2
    )  # a heartbeat was about to be sent; the watchdog looks once a second
    if settings.stall_s + ahead > settings.session_timeout_s:
        yield (
            f"stall_s must be {ahead:g} s shorter than session_timeout_s: the group would give the record"
            " at which a worker stands to the next one before the watchdog ends it"
        )
    if settings.cite_hours > 72:
        yield "cite_hours is above 72: a pass would outlive the chain topics it may have to follow"
    yield from _connection(settings)
    folder = settings.keys_dir
    if not folder.is_dir():
        yield f"no key folder {folder}: make one with `synthgate keys init`"
    parent = next(path for path in (settings.data_dir, *settings.data_dir.parents) if path.exists())
    if not os.access(parent, os.W_OK):
        yield f"data_dir {settings.data_dir} cannot be written"


def _connection(settings: "Settings") -> Iterator[str]:
    """Files that cannot be used or that others can read; events that travel readable."""
    from synthgate.access import LOOPBACK
    from synthgate.connection import security
    from synthgate.settings import SettingsError

    hosts = {address.rpartition(":")[0].strip("[] ") for address in settings.brokers.split(",")}
    if not settings.security_protocol.endswith("SSL") and not hosts <= set(LOOPBACK):
        yield f"security_protocol {settings.security_protocol}: events travel readable to {settings.brokers}"
    try:
        security(settings)
    except SettingsError as error:
        yield str(error)
    for name in (
        "tls_key_file",
        "sasl_password_file",
        "oauth_token_file",
        "oauth_client_secret_file",
    ):
        path = Path(getattr(settings, name) or os.devnull)
        if path.is_file() and path.stat().st_mode & 0o007:
            yield f"{name}: everybody on this machine can read {path}; chmod o= {path}"


def _origins(args: argparse.Namespace) -> dict[str, str]:
    """Where each setting that is not a default was read from; the files were loaded before."""
    found: dict[str, str] = {}
    path = args.config or os.environ.get("SYNTHGATE_CONFIG")
    if path:
        with open(path, "rb") as file:  # noqa: PTH123 (a name from the environment)
            found |= dict.fromkeys(tomllib.load(file), str(path))
    for name in os.environ:
        if name.startswith("SYNTHGATE_"):
            found[name.removeprefix("SYNTHGATE_").lower()] = name
    for pair in [*(args.set or ()), *getattr(args, "set_behind", ())]:
        found[pair.partition("=")[0].strip()] = "--set"
    return found
