"""What the rounds came to, for people and as JSON."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from chaos.rounds import Outcome

HEAD = (
    "seed",
    "brokers",
    "workers",
    "records",
    "repeats",
    "pause s",
    "lost",
    "doubled",
    "other",
    "s",
    "faults",
)
WIDTHS = (7, 7, 11, 7, 7, 7, 4, 7, 5, 4, 0)
WRONG_SHOWN = 20


def head() -> str:
    """The first line."""
    return _line(HEAD)


def line(outcome: Outcome) -> str:
    """One round. What did not happen any more is not named."""
    schedule, wrong = outcome.schedule, outcome.sorted_out
    return _line(
        (schedule.seed, schedule.nodes, schedule.layout, outcome.records, outcome.repeats,
         f"{outcome.pause_seconds:.1f}", wrong["lost"], wrong["doubled"], wrong["other"],
         f"{outcome.seconds:.0f}", ", ".join(outcome.done))
    )  # fmt: skip


def _line(cells: Sequence[object]) -> str:
    return "  ".join(str(c).ljust(w) for c, w in zip(cells, WIDTHS, strict=True)).rstrip()


def story(outcome: Outcome) -> Iterator[str]:
    """Of a failing round: what was wrong, what happened when, and how to have it again."""
    schedule = outcome.schedule
    yield f"seed {schedule.seed} failed: {len(outcome.wrong)} faults"
    yield from (f"  {sentence}" for sentence in outcome.wrong[:WRONG_SHOWN])
    yield "what happened:"
    yield from (f"  {said}" for said in outcome.story)
    yield f"again: synthgate chaos --rounds 1 --seed {schedule.seed} --brokers {schedule.nodes}"


def total(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """All rounds in one."""
    wrong: Counter[str] = Counter(lost=0, doubled=0, other=0)
    done: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    for outcome in outcomes:
        wrong.update(outcome.sorted_out)
        done.update(outcome.done)
        ends.update(outcome.ends)
    pauses = sorted(outcome.pause_seconds for outcome in outcomes)
    return {
        "rounds": len(outcomes),
        "failed": [outcome.schedule.seed for outcome in outcomes if outcome.wrong],
        "faults": dict(sorted(done.items())),
        "records": sum(outcome.records for outcome in outcomes),
        "repeats": sum(outcome.repeats for outcome in outcomes),
        "pause_seconds": {
            "median": pauses[len(pauses) // 2] if pauses else None,
            "longest": pauses[-1] if pauses else None,
        },
        **wrong,
        "ends_of_workers": dict(sorted(ends.items())),
        "seconds": round(sum(outcome.seconds for outcome in outcomes), 1),
    }


def closing(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """The last lines."""
    sum_ = total(outcomes)
    pause = sum_["pause_seconds"]
    yield (
        f"{sum_['rounds']} rounds in {sum_['seconds']:.0f} s: {sum_['records']} records,"
        f" {sum_['repeats']} repeats on topics, lost {sum_['lost']}, doubled {sum_['doubled']},"
        f" other faults {sum_['other']}"
    )
    if outcomes:
        yield f"longest pause of a round: median {pause['median']:.1f} s, at most {pause['longest']:.1f} s"
    yield f"faults: {_counted(sum_['faults'])} ({sum(sum_['faults'].values())} in all)"
    yield f"ends of workers: {_counted(sum_['ends_of_workers'])}"
    if sum_["failed"]:
        yield "failing seeds: " + ", ".join(map(str, sum_["failed"]))


def _counted(rows: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in rows.items()) or "none"


def as_json(outcomes: Sequence[Outcome], place: dict[str, object]) -> dict[str, Any]:
    """Everything, for a machine."""
    rows = [
        {
            "seed": o.schedule.seed, "brokers": o.schedule.nodes, "workers": o.schedule.layout,
            "faults": o.done, "records": o.records, "repeats": o.repeats,
            "pause_seconds": o.pause_seconds, **o.sorted_out, "wrong": o.wrong[:WRONG_SHOWN],
            "ends_of_workers": dict(o.ends), "seconds": round(o.seconds, 1),
        }
        for o in outcomes
    ]  # fmt: skip
    return {"rounds": rows, "total": total(outcomes), "place": place}
