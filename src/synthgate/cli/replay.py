"""``synthgate replay``: decide again on recorded facts; or by another law or library, and count what flips.

At evidence depth the facts themselves are gathered anew, from what is logged of the registry topics. Writes
nothing, touches no case and no penalty.
"""

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthgate.cli.errors import CONFIGURATION, CommandError
from synthgate.cli.options import command, finish, language_option, load
from synthgate.cli.replayed import chosen, options

if TYPE_CHECKING:
    from synthgate.cli.replayed import Over
    from synthgate.settings import Settings
    from synthgate.steps.kept_facts import Facts
    from synthgate.steps.library_replay import OtherLibrary


def add(subparsers: Any) -> None:
    """Register the command."""
    leaf = command(
        subparsers, "replay", run,
        "decide again on the facts the logs hold, and compare byte for byte",
        epilog="Exit codes: 0 no difference, 1 some. At depth `decision` facts are taken as recorded:\n"
        "whether a registry answered rightly is not asked. At depth `evidence` consent and moderation\n"
        "gather theirs anew, from the logged records of the registry topics and the library of that time;\n"
        "identity and retention what they have of the registries. Labelling is not gathered again.",
    )  # fmt: skip
    options(leaf)
    leaf.add_argument(
        "--law", metavar="DIR", type=Path, help="law files to decide under: count what flips"
    )
    leaf.add_argument(
        "--library", metavar="VERSION", type=int,
        help="search the stored words with this version of the feature library: count what flips (reads Kafka)",
    )  # fmt: skip
    leaf.add_argument(
        "--depth", choices=("decision", "evidence"), default="decision",
        help="decide again on recorded facts; or gather them again, from the records logs (if none, Kafka)",
    )  # fmt: skip
    leaf.add_argument(
        "--shadow", action="store_true",
        help="with --law or --library: follow the logs from now on, beside live traffic, until interrupted",
    )  # fmt: skip
    leaf.add_argument(
        "--for", dest="seconds", metavar="S", type=float, help="with --shadow: so many seconds"
    )
    leaf.add_argument("--json", action="store_true", help="the report as JSON")
    leaf.add_argument(
        "--html", metavar="FILE", type=Path, help="the report as a page with charts, too"
    )
    language_option(leaf)


def run(args: argparse.Namespace) -> int:
    """Replay, and print the report."""
    from synthgate.law import load as load_law
    from synthgate.steps.replay import Replay
    from synthgate.steps.replay_page import rules_named

    settings = load(args)
    candidates = args.law is not None or args.library is not None
    if args.depth == "evidence" and candidates:
        raise CommandError(
            "--law and --library decide on recorded facts: not at evidence depth", CONFIGURATION
        )
    if args.shadow and not candidates:
        raise CommandError("--shadow runs a candidate: --law or --library", CONFIGURATION)
    if args.shadow and (args.origins or args.time or args.bundle):
        raise CommandError("--shadow follows the logs as they grow", CONFIGURATION)
    over = chosen(args, settings)
    if args.depth == "evidence":
        return _rechecked(args, settings, over)
    book = load_law()
    candidate = None if args.law is None else load_law(args.law)
    library = None if args.library is None else finish(_library(settings, args.library))
    replay = Replay(book, candidate, library)
    if args.shadow:
        from synthgate.cli.shadow import follow

        follow(args, settings, replay)
    else:
        for where, content in over.entries:
            replay.take(where, content)
    report = replay.found.row() | {"over": over.said}
    if candidate is not None:
        report["candidate"] = candidate.hash
    if library is not None:
        report["candidate_library"] = library.version
    report["rules"] = rules_named(report, [candidate or book, book])
    return _say(args, report, _text)


def _rechecked(args: argparse.Namespace, settings: "Settings", over: "Over") -> int:
    """At evidence depth."""
    from synthgate.effects.places import open_objects
    from synthgate.law import load as load_law
    from synthgate.steps.consent_keys import consent_keys
    from synthgate.steps.evidence_replay import TOPICS, EvidenceReplay

    keys = consent_keys(settings.consent_keys)
    wanted = [name for name in TOPICS if name != "facts.consents" or settings.consents_copied]
    facts = _facts_of(over, settings, wanted)
    replay = EvidenceReplay(load_law(), facts, open_objects(settings), keys)
    for where, content in over.entries:
        replay.take(where, content)
    return _say(args, replay.found.row() | {"over": over.said}, _facts_text)


def _facts_of(over: "Over", settings: "Settings", wanted: "list[str]") -> "Facts":
    """What registries are rebuilt of: what was handed over, what is logged, or the topics."""
    from synthgate.events.origin import Origin
    from synthgate.ledger.log_ids import is_records
    from synthgate.ledger.rings import open_ring
    from synthgate.ledger.stores import open_store
    from synthgate.steps.kept_facts import logged_facts, picked_facts

    if over.bundle is None:
        store, ring = open_store(settings), open_ring(settings)
        return logged_facts(store, ring, wanted, settings.epoch) or finish(_facts(settings, wanted))
    rows = [(one.log, one.header, one.content) for one in over.bundle if one.header is not None]
    epochs = [
        Origin.parse(header["origin"]).epoch for log, header, _ in rows if not is_records(log)
    ]
    records = [(header, content) for log, header, content in rows if is_records(log)]
    return picked_facts(records, wanted, max(epochs, default=settings.epoch))


def _say(args: argparse.Namespace, report: dict[str, Any], text: Callable[[Any], str]) -> int:
    """Print the report, and write the page if one is wanted."""
    if args.html is not None:
        from synthgate.steps.replay_page import page

        try:
            args.html.write_text(page(report, args.lang), encoding="utf-8")
        except OSError as error:
            raise CommandError(f"cannot write {args.html}: {error.strerror}") from error
    print(json.dumps(report, ensure_ascii=False, indent=2) if args.json else text(report))
    return 1 if report["different"] else 0


def _over_text(over: Mapping[str, Any]) -> str:
    """What it was over, on one line."""
    return "over " + ", ".join(
        f"{name} {json.dumps(what, ensure_ascii=False) if isinstance(what, dict) else what}"
        for name, what in over.items()
        if what is not None
    )


def _facts_text(report: dict[str, Any]) -> str:
    lines = [
        _over_text(report["over"]),
        f"{report['entries']} entries, {report['verdicts']} verdicts of {', '.join(report['duties'])}, at"
        f" evidence depth: facts of {report['equal']} the same, of {report['different']} different",
    ]
    lines += [f"  not checkable: {why}: {count}" for why, count in report["not_checkable"].items()]
    for example in report["examples"]:
        lines.append(f"  {example['entry']} {example['duty']}: {', '.join(example['facts'])}")
    return "\n".join(lines)


async def _facts(settings: "Settings", wanted: "list[str]") -> "Facts":
    """The registry topics whole, as the broker has them."""
    from synthgate.cli.positions import ends, records
    from synthgate.steps.kept_facts import Facts

    facts = Facts()
    for topic in wanted:
        for partition, end in (await ends(settings, topic)).items():
            facts.ended(topic, partition, end)
        async for record in records(settings, topic, whole=True, follow=False):
            facts.put(topic, record.partition, record.offset, record.key, record.value)
    return facts


async def _library(settings: "Settings", version: int) -> "OtherLibrary":
    """A version of the library, as it was put in force; if it was not yet, as its entries stand."""
    from synthgate.cli.library_topic import entries
    from synthgate.effects.places import open_objects
    from synthgate.steps.library_replay import LibraryEmpty, OtherLibrary

    rows = await entries(settings, version)
    try:
        return OtherLibrary(rows, version, open_objects(settings))
    except LibraryEmpty as error:
        raise CommandError(str(error), CONFIGURATION) from error


def _text(report: dict[str, Any]) -> str:
    lines = [
        _over_text(report["over"]),
        f"{report['entries']} entries, {report['verdicts']} verdicts, at decision depth: "
        f"{report['equal']} the same, {report['different']} different",
    ]
    lines += [f"  not checkable: {why}: {count}" for why, count in report["not_checkable"].items()]
    for example in report["examples"]:
        lines.append(f"  {example['entry']} {example['duty']}: {', '.join(example['fields'])}")
    for flip in report["flips"]:
        outcomes = ", ".join(f"{what}: {count}" for what, count in flip["outcomes"].items())
        lines.append(f"  {flip['rule']} {flip['now']}: {flip['verdicts']} verdicts ({outcomes})")
        lines += [
            f"    {one['entry']} {one['duty']}: {' '.join(one['before'])} -> {' '.join(one['after'])}"
            for one in flip["examples"]
        ]
    return "\n".join(lines)
