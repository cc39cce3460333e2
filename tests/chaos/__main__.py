"""The long form: ``python -m chaos``, which ``synthgate chaos`` calls. Exit 0 when every round was sound."""

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from chaos import table
from chaos.cluster import ProxiedCluster
from chaos.plants import PLANTS, SHOWN_BY
from chaos.rounds import Outcome, play
from chaos.schedule import Schedule
from synthgate.bench.place import place
from synthgate.broker.errors import BrokerUnavailableError

TRY_LATER = 75
SEEDS = 1_000_000
BROKERS = (1, 3)


def main(arguments: Sequence[str]) -> int:
    """Play rounds until there are enough or the time is over."""
    asked = _parser().parse_args(arguments)
    first = random.SystemRandom().randrange(SEEDS) if asked.seed is None else asked.seed
    if asked.plant:
        layout, faults = SHOWN_BY[asked.plant]
        schedules = [Schedule(first, 1, layout, faults)]
    else:
        schedules = [
            Schedule.drawn(seed, asked.brokers or Schedule.nodes_of(seed))
            for seed in range(first, first + asked.rounds)
        ]  # fmt: skip
    out = sys.stderr if asked.json else sys.stdout
    print(
        f"chaos: at most {len(schedules)} rounds from seed {first} on, none begun after"
        f" {asked.seconds:.0f} s; planted: {asked.plant or 'nothing'}",
        table.head(), sep="\n", file=out, flush=True,
    )  # fmt: skip
    outcomes: list[Outcome] = []
    try:
        for outcome in played(schedules, asked.seconds, asked.plant):
            outcomes.append(outcome)
            lines = [table.line(outcome), *(table.story(outcome) if outcome.wrong else ())]
            print(*lines, sep="\n", file=out, flush=True)
    except BrokerUnavailableError as error:
        sys.stderr.write(f"chaos: no Kafka to play on: {error}\n")
        return TRY_LATER
    print(*table.closing(outcomes), sep="\n", file=out)
    if asked.json:
        print(json.dumps(table.as_json(outcomes, place()), indent=2))
    return int(any(outcome.wrong for outcome in outcomes) or not outcomes)


def played(schedules: Sequence[Schedule], seconds: float, plant: str) -> Iterator[Outcome]:
    """Rounds on one broker first, then those on three: a cluster costs more than a round."""
    until = time.monotonic() + seconds
    for nodes in BROKERS:
        here = [schedule for schedule in schedules if schedule.nodes == nodes]
        if not here or time.monotonic() > until:
            continue
        with ProxiedCluster(nodes) as cluster:
            for schedule in here:
                if time.monotonic() > until:
                    break
                folder = Path(tempfile.mkdtemp(prefix=f"synthgate-chaos-{schedule.seed}-"))
                outcome = play(schedule, cluster, folder, plant)
                if outcome.wrong:
                    outcome.story.append(f"logs of the workers are in {folder}")
                else:
                    shutil.rmtree(folder)
                yield outcome


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--brokers", type=int, choices=BROKERS)
    parser.add_argument("--plant", choices=sorted(PLANTS), default="")
    parser.add_argument("--json", action="store_true")
    return parser


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
