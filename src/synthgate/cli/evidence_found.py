"""Which entries an evidence bundle holds, and the question as it is noted."""

import argparse
import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from synthgate.cli.alike import Likely, like_row, likely

if TYPE_CHECKING:
    from synthgate.crypto.keys import KeyFolder
    from synthgate.ledger import KeyRing, SegmentStore
    from synthgate.settings import Settings
    from synthgate.steps.likeness import Like
    from synthgate.steps.trace_index import Traced, TraceIndex


class Found(NamedTuple):
    """entries: each once. likes: what a picture looks like, where nothing else led anywhere."""

    entries: "list[Traced]"
    likes: Likely | None = None


def find(
    args: argparse.Namespace, settings: "Settings", case: dict[str, Any] | None, keys: "KeyFolder",
    store: "SegmentStore", ring: "KeyRing",
) -> Found:  # fmt: skip
    """The entries a bundle holds."""
    from synthgate.cli.trace import asked_for
    from synthgate.steps.evidence import whole_story
    from synthgate.steps.rested_on import of_case, rested_on
    from synthgate.steps.trace_index import TraceIndex

    likes = None
    index = TraceIndex(settings.trace_path)
    try:
        index.update(store, ring)
        if case is None:
            found = asked_for(args, index, keys)
            if not found and args.file is not None:
                likes = likely(settings, args.file, index)
                found = _near(likes)
        else:
            found = _of_case(case, index) + of_case(index, case, keys.token_key, store, ring)
        if args.user is None and args.time is None and args.subject is None:
            found = whole_story(index, found)
            found += rested_on(index, found, store, ring)
        return Found(list(dict.fromkeys(found)), likes)
    finally:
        index.close()


def _near(likes: Likely | None) -> "list[Traced]":
    """What may well be the same picture: to hand over anything else would tell of people nobody asked about."""
    return [] if likes is None else [one for one, like in likes.entries if _held(like)]


def _held(like: "Like") -> bool:
    from synthgate.steps.likeness import NEAR_MAX

    return like.distance <= NEAR_MAX


def told(likes: Likely) -> Iterator[str]:
    """For whoever makes the bundle: every picture it looks like, the nearest first."""
    every = dict.fromkeys(like for _, like in likes.entries)
    if not every:
        yield likes.nothing()
        return
    yield (
        f"no hash and no label leads anywhere; of {likes.compared} released pictures these look like it:"
        " a likeness, for a person to judge, and not the same file"
    )
    for row in map(like_row, every):
        yield (
            f"  {row['distance']} of {row['of_bits']} bits differ ({row['turned']})  {row['object']}"
        )
    if not all(map(_held, every)):
        yield (
            "  what is far from it is not in a bundle; if it is that one: synthgate trace FILE, then"
            " synthgate evidence --produce-id"
        )


def asked(args: argparse.Namespace, keys: "KeyFolder", likes: Likely | None) -> dict[str, Any]:
    """The question as it is noted: a person by token, a file by its hash and, if need be, its likeness."""
    from synthgate.crypto.tokens import user_token

    if args.user is not None:
        tenant, _, user = args.user.partition("/")
        return {"user": user_token(keys.token_key, tenant, user)}
    if args.file is not None:
        asked = {"sha256": hashlib.sha256(args.file.read_bytes()).hexdigest()}
        if likes is None:
            return asked
        held = dict.fromkeys(like for _, like in likes.entries if _held(like))
        return {**asked, "likeness": [like_row(like) for like in held]}
    names = ("produce_id", "subject", "case", "time")
    return {name: getattr(args, name) for name in names if getattr(args, name) is not None}


async def the_case(settings: "Settings", name: str) -> dict[str, Any]:
    """A case as it stands, with the work owed on it. Reads Kafka."""
    from synthgate.cli.casebook import read

    book = await read(settings)
    held = book.named(name)
    works = [one.model_dump(mode="json") for one in book.works(held.row.case)]
    return held.row.model_dump(mode="json") | {"partition": held.partition, "work": works}


def _of_case(case: dict[str, Any], index: "TraceIndex") -> "list[Traced]":
    """Entries the case came from, names or is linked to."""
    from synthgate.steps.reach import starts

    found = starts(index, case["detail"].get("about", {}))
    if case["receipt"] is not None:
        one = index.at(case["receipt"]["log"], case["receipt"]["index"])
        found += [] if one is None else [one]
    for decision in case["links"].get("decisions", ()):
        found += index.revisions(decision.partition("#")[0])
    return found
