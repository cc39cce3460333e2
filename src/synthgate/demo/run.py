"""``synthgate demo``: the whole chain on this machine, with stories to watch."""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from synthgate.broker.choose import Broker, choose_broker
from synthgate.broker.embedded import EmbeddedBroker
from synthgate.client import Gate
from synthgate.demo import aftermath, show
from synthgate.demo.acts import SOURCE, TENANT
from synthgate.demo.chain import Chain, ChainError
from synthgate.demo.media import film_missing
from synthgate.demo.media_stories import FILM_STORY
from synthgate.demo.player import Player, Told
from synthgate.demo.stories import STORIES
from synthgate.demo.straight import Straight
from synthgate.effects.provider_code import SAMPLE_CODE
from synthgate.settings import Settings

PARTITIONS = 4


def main(args: argparse.Namespace) -> int:
    """Start the chain, tell the stories, say what happened. 0 if everything came as told."""
    folder = _folder(args.folder)
    with _broker(kafka=args.kafka) as broker:
        settings = demo_settings(broker.bootstrap, folder)
        sys.stdout.write(f"broker: {broker.words}\nstarting six duties in one worker …\n")
        with Chain(broker, settings) as chain:
            wrong = asyncio.run(_tell(chain))
            if args.keep:
                _keep(chain)
    return 1 if wrong else 0


def _folder(asked: Path | None) -> Path:
    """A folder nobody has used: an old log would take the new broker's records for known ones."""
    if asked is None:
        return Path(tempfile.mkdtemp(prefix="synthgate-demo-"))
    asked.mkdir(parents=True)
    return asked.resolve()


def demo_settings(bootstrap: str, folder: Path) -> Settings:
    """One broker, a temporary folder, the marked sample provider code."""
    return Settings.load(
        environ={}, brokers=bootstrap, data_dir=folder, partitions=PARTITIONS, replicas=1,
        insync_min=1, provider_code=SAMPLE_CODE, provider_sample=True,
        media_roots=f"{TENANT}={folder / 'media'}",
    )  # fmt: skip


def _broker(*, kafka: bool) -> Broker:
    if kafka:
        return choose_broker()
    embedded = EmbeddedBroker({})
    embedded.open()
    return Broker(embedded.bootstrap, "embedded", embedded.close, embedded.create_topics)


async def _tell(chain: Chain) -> int:
    told: list[Told] = []

    def heard(one: Told) -> None:
        told.append(one)
        show.told(one)

    settings = chain.settings
    async with (
        Gate.from_settings(settings, tenant=TENANT, source=SOURCE) as gate,
        Straight(settings) as straight,
    ):
        run = os.urandom(3).hex()
        player = Player(gate, straight, run, heard, settings.media_folders[TENANT])
        await player.facts()
        show.head()
        begun = time.monotonic()
        await player.play(STORIES if film_missing() else (*STORIES, FILM_STORY))
        seconds = time.monotonic() - begun
        undone = await aftermath.tell(gate, settings, run)
    files = [settings.objects_dir / name for one in told for name in one.files]
    port = chain.workers["all"].port
    return undone + show.summary(
        told, seconds,
        [
            ("log", str(settings.ledger_dir)),
            ("objects", str(settings.objects_dir)),
            ("inspect", _inspected(chain, files)),
            ("trace", _traced(chain, files)),
            ("verify", _verified(chain)),
            ("replay", _replayed(chain)),
            *((("film", f"not shown: {gone}"),) if (gone := film_missing()) else ()),
            ("metrics", f"http://127.0.0.1:{port}/metrics (while it runs; --keep leaves it up)"),
            ("label", f"provider code {SAMPLE_CODE}: a marked sample, not for publication"),
        ],
    )  # fmt: skip


def _inspected(chain: Chain, files: list[Path]) -> str:
    """What ``synthgate inspect`` says of the labelled files; ChainError unless it finds all compliant."""
    said = json.loads(chain.command("inspect", "--json", *map(str, files)))["files"]
    kinds = ", ".join(row["carrier"] for row in said)
    return f"synthgate inspect finds each of {len(said)} labelled files compliant: {kinds}"


def _traced(chain: Chain, files: list[Path]) -> str:
    """From a picture that was generated back to its passage; ChainError unless the log knows it."""
    for file in (one for one in files if one.suffix == ".png"):
        for row in json.loads(chain.command("trace", "--json", str(file)))["entries"]:
            header, verdicts = row["header"], row["verdicts"]
            if header["type"] == "generation.completed":
                return (
                    f"synthgate trace leads from …{file.name[-12:]} to entry {header['index']} of log"
                    f" {header['log']}: {header['event_id']}, {header['action']}, {len(verdicts)} verdicts"
                )
    raise ChainError("synthgate trace leads from no picture to the generation that made it")


def _verified(chain: Chain) -> str:
    """Every hash, signature and proof of the log; ChainError unless it is whole."""
    logs = json.loads(chain.command("verify", "--json", str(chain.settings.data_dir)))["logs"]
    entries = sum(row["entries"] for row in logs)
    return f"synthgate verify finds the log whole: {entries} entries in {len(logs)} logs"


def _replayed(chain: Chain) -> str:
    """Every verdict decided again on what it rested on; ChainError unless all come out the same."""
    said = json.loads(chain.command("replay", "--json"))
    return f"synthgate replay decides {said['verdicts']} verdicts again: {said['equal']} the same, to the byte"


def _keep(chain: Chain) -> None:
    """Leave it up, with three commands that work as printed."""
    config = chain.settings.data_dir / "demo.toml"
    rows = chain.settings.model_dump(mode="json")
    lines = [f"{name} = {_toml(value)}" for name, value in rows.items()]
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    events = chain.settings.data_dir / "events.jsonl"
    events.write_text(chain.command("example", "chat", "--print"), encoding="utf-8")
    command = f"{Path(sys.executable).with_name('synthgate')} --config {config}"
    sys.stdout.write(
        f"\nThe chain stays up. Try, in another terminal:\n"
        f"  {command} example chat\n"
        f"  {command} produce {events}\n"
        f"  {command} explain demo-chat --wait 60\n"
        f"Ctrl-C ends it.\n"
    )
    sys.stdout.flush()
    ends = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    signal.sigwait(ends)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else f'"{value}"'
