"""``synthgate produce``: send events and facts from a file of JSON lines.

A line is a CloudEvent, or only what cannot be made here: {"type": "generation.requested", "data": {…}}. Id,
source, time and version are filled in; the key is computed from the data. Every line is checked as the door
would before the first is sent. A registry row without an event type goes by its topic:
{"topic": "control", "data": {…}}.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from typing import IO, Any, NamedTuple

from synthgate.cli.errors import CommandError
from synthgate.cli.options import command, finish, load

SOURCE = "synthgate-cli"


class BadLineError(ValueError):
    """What is wrong with one line, and how to mend it; never what it holds."""


class Line(NamedTuple):
    """One record to send. ``partition`` None: the key's own."""

    id: str
    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
    partition: int | None


def add(subparsers: Any) -> None:
    """Register the command."""
    leaf = command(
        subparsers, "produce", run, "send events and facts from a file of JSON lines",
        epilog='A line: {"type": "generation.requested", "data": {"tenant": …, "user": {"id": …}, …}}\n'
        "or a whole CloudEvent. Facts go by their type too, for instance consent.granted.\n"
        "See schemas/examples for one of each.",
    )  # fmt: skip
    leaf.add_argument("file", metavar="FILE", help="file of JSON lines, or - for standard input")
    leaf.add_argument("--json", action="store_true", help="print what was sent as JSON lines")


def run(args: argparse.Namespace) -> int:
    """Check every line, send them in order, print where each stands."""
    settings = load(args)
    with nullcontext(sys.stdin.buffer) if args.file == "-" else open(args.file, "rb") as file:  # noqa: PTH123
        lines = list(read(file))
    return finish(_send(settings, lines, as_json=args.json))


def read(file: IO[bytes]) -> Iterator[Line]:
    """The records of a file.

    Raises:
        CommandError: one line for all that is wrong, each fault by its line number.
    """
    faults = []
    for number, raw in enumerate(file, 1):
        if raw.strip():
            try:
                yield line_of(raw)
            except ValueError as error:
                faults.append(f"line {number}: {error}")
    if faults:
        more = f" (and {len(faults) - 3} more lines)" if len(faults) > 3 else ""
        raise CommandError(f"nothing was sent: {'; '.join(faults[:3])}{more}")


def line_of(raw: bytes) -> Line:
    """One line as a record.

    Raises:
        ValueError: what to mend, without the content.
    """
    from synthgate.events.wire import admit

    return line_from(admit(raw.strip()))


def line_from(event: dict[str, Any]) -> Line:
    """The same of a line already parsed; what is sent is checked as it will be sent.

    Raises:
        ValueError: what to mend, without the content.
    """
    from synthgate.events.facts import ROWS
    from synthgate.events.types import TYPES

    if "type" not in event and event.get("topic") in ROWS and isinstance(event.get("data"), dict):
        return _fact(event["topic"], event)
    row = TYPES.get(str(event.get("type")))
    if row is None:
        raise BadLineError(
            f"unknown type {event.get('type')!r}; `synthgate topics list` and schemas/ help"
        )
    if not isinstance(event.get("data"), dict):
        raise BadLineError("data must be an object")
    if row.topic in ROWS:
        return _fact(row.topic, event)
    if row.model is None:
        raise BadLineError(f"{row.name} is made inside the chain; nobody sends it")
    return _event(row.topic, event)


def _fact(topic: str, event: dict[str, Any]) -> Line:
    from pydantic import ValidationError

    from synthgate.client.build import now_ms
    from synthgate.client.check import first_fault
    from synthgate.events.facts import ROWS, key_of

    try:
        row = ROWS[topic].model_validate({"version": now_ms(), **event["data"]})
    except ValidationError as error:
        where, fault = first_fault(error)
        raise BadLineError(f"/data{where}: {fault}") from None
    key = key_of(topic, row)
    return Line(key, topic, key.encode(), row.model_dump_json(by_alias=True).encode(), [], None)


def _event(topic: str, event: dict[str, Any]) -> Line:
    from synthgate.client.build import now_ms, random_id, rfc3339
    from synthgate.client.check import bound_headers, validated

    data = event["data"]
    attrs = {"specversion": "1.0", "source": SOURCE}
    attrs |= {name: value for name, value in event.items() if name not in ("data", "key")}
    if "id" not in attrs:
        attrs["id"] = random_id()
    if "time" not in attrs:
        attrs["time"] = rfc3339(now_ms())
    value = validated(attrs, data, topic=topic)
    key = event.get("key") or _key(topic, data)
    if not isinstance(key, str):
        raise BadLineError("key: a string, the record key of what this answers")
    receipt = data.get("receipt")
    partition = receipt["log"] if isinstance(receipt, dict) else None
    return Line(attrs["id"], topic, key.encode(), value, bound_headers(attrs), partition)


def _key(topic: str, data: dict[str, Any]) -> str:
    """tenant/user of whose act it is; a case by its own id."""
    user = data.get("user")
    if isinstance(user, dict):
        return f"{data['tenant']}/{user['id']}"
    if topic == "case.events":
        return str(data["case"])
    raise BadLineError(
        'an answer needs "key": the record key of the event it answers, as on decisions'
    )


async def _send(settings: Any, lines: list[Line], *, as_json: bool) -> int:
    from synthgate.client import Writer

    async with Writer.from_settings(settings, *sorted({line.topic for line in lines})) as writer:
        for line in lines:
            placed = await writer.write_and_wait(
                line.topic, line.key, line.value, headers=line.headers, partition=line.partition
            )
            if as_json:
                where = {
                    "topic": line.topic,
                    "partition": placed.partition,
                    "offset": placed.offset,
                }
                print(json.dumps({"id": line.id, **where}))
            else:
                print(f"{line.id}  {line.topic}/{placed.partition}  offset {placed.offset}")
    return 0
