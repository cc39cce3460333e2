"""What every panel says after known events, legend by legend; a bound where a clock or the machine has a say.

A round: two released (asked, made), an answer without words refused, a stranger refused, one held
for review, a delivery refused that goes round the chain, a complaint, and a record that is no event. Before
the first: a user who is verified and accepts the terms.

A rate is asked as what it is the rate of (``since_start``), so that it is a number; an instance is ``worker``.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan

from monitoring.prometheus import PATIENCE_S, Prometheus, faster
from synthgate.monitoring.panels import DASHBOARDS, Query

Panel = tuple[str, str]
"""Dashboard and title."""


@dataclass(frozen=True)
class Between:
    """Any number from the one to the other. none: or there was nothing to divide. absent: or no line at all."""

    least: float
    most: float
    none: bool = False
    absent: bool = False

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, float):
            return NotImplemented
        return self.none if isnan(other) else self.least <= other <= self.most

    __hash__ = None  # type: ignore[assignment]


Shown = Mapping[str, float | Between]
QUERIES = [
    ((one.uid, panel.title), query)
    for one in DASHBOARDS
    for panel in one.panels
    for query in panel.queries
]
DUTY = "consent"
"""The one the dashboard of one duty is asked for."""
AGE = Between(0, 3600)
SECONDS = {"p50": AGE, "p99": AGE}
SHARE = Between(0, 1, none=True)
ALL = Between(1, 1, none=True)
"""Or nothing within the last minute."""
RECORDS = {"p50": Between(0, 100), "p99": Between(0, 100)}
BYTES = Between(1e6, 1e18)
NOTHING: Shown = {}
"""Of what has not happened: no series. Here; ``test_every_fault`` makes each of it happen (``SHOWN``)."""
LINES = ("identity", "consent", "moderation", "labelling", "retention", "incidents")
LOGS = tuple("0123")
PROVED = tuple(f"{duty} {log}" for duty in ("records", "retention") for log in LOGS)
BOTH = tuple(f"passages.identified{lane}/{n}" for lane in ("", ".slow") for n in LOGS)
KINDS = ("appeal", "bypass", "complaint", "content", "deletion", "erasure", "incident", "order", "page",
         "rumour", "work")  # fmt: skip
COPIES = ("cases", "control", "facts.accounts", "facts.consents", "facts.features", "facts.news_sources",
          "facts.recalls", "facts.revocations", "facts.switches", "facts.templates", "guards",
          "records.door", "registry.users", "standings")  # fmt: skip
FEATURES = 50
"""Of the sample library."""


def since_start(query: Query) -> str:
    """The query, windows as short as the rules' are; a rate as what it is the rate of."""
    text = re.sub(r"rate\(([^[]+)\[\$__rate_interval\]\)", r"\1", query.expression)
    return faster(text.replace("$duty", DUTY))


def differ(
    prometheus: Prometheus, names: Mapping[str, str], expected: Mapping[Panel, Shown]
) -> dict[Panel, tuple[Shown, Shown]]:
    """Panels that do not say what is expected, with what they say. names: what instances are called.

    A line of 0 may be there unasked: of what has been, and is over.
    """
    found: dict[Panel, dict[str, float]] = {panel: {} for panel in expected}
    for panel, query in QUERIES:
        if panel not in expected:
            continue
        for labels, value in prometheus.query(since_start(query)).items():
            known = dict(labels)
            known["instance"] = names.get(known.get("instance", ""), "")
            legend = re.sub(r"{{(\w+)}}", lambda word: known[word[1]], query.legend)  # noqa: B023
            assert legend not in found[panel], f"{panel}: two lines are called {legend!r}"
            found[panel][legend] = value
    return {
        panel: (found[panel], said)
        for panel, said in expected.items()
        if not fits(found[panel], said)
    }


def fits(found: Shown, said: Shown) -> bool:
    """Whether a panel's lines are those expected."""
    lines = {legend: value for legend, value in found.items() if legend in said or value}
    wanted = {
        legend: value
        for legend, value in said.items()
        if legend in found or not (isinstance(value, Between) and value.absent)
    }
    return lines == wanted


def await_panels(
    prometheus: Prometheus, names: Mapping[str, str], expected: Mapping[Panel, Shown]
) -> None:
    """Wait until panels say what is expected: the last event is counted, and scraped."""
    until = time.monotonic() + PATIENCE_S
    while wrong := differ(prometheus, names, expected):
        assert time.monotonic() < until, f"found, not expected: {wrong}"
        time.sleep(0.5)


def each(names: tuple[str, ...], value: float | Between, **others: float | Between) -> Shown:
    """The same for every one of these, but for some."""
    return dict.fromkeys(names, value) | others


def after(rounds: int, law: str) -> dict[Panel, Shown]:
    """What the panels say after so many rounds. law: as ``build_info`` has it."""
    numbers = {
        "fleet": fleet(rounds, law),
        "duty": duty(rounds),
        "ledger": ledger(rounds),
        "labels": labels(rounds),
        "cases": cases(rounds),
    }
    return {(uid, title): said for uid, panels in numbers.items() for title, said in panels.items()}


def fleet(rounds: int, law: str) -> dict[str, Shown]:
    """One worker of all duties."""
    decided = 2 + 8 * rounds
    return {
        "Decided within a second, 1 h": {"": SHARE},
        "Labelled before release, 1 h": {"": ALL},
        "Oldest unaccounted origin": {"": AGE},
        "Oldest open complaint": {"": AGE},
        "Alerts firing": {"": Between(1, 38)},
        "Workers that answer": {"": 1},
        "Decisions so far": {"": decided},
        "Bypasses": {"": rounds},
        "Decisions": {"release": 2 + 3 * rounds, "refuse": 4 * rounds, "hold": rounds},
        "Append to decision": SECONDS,
        "Offsets accounted for at the door": {
            "generation.events taken": decided, "generation.events absent": 0,
        },
        "Rules that refuse or hold": {
            "identity DSP-8-1": rounds, "identity DSP-9-2": rounds, "identity HOUSE-no_pass": rounds,
            "identity HOUSE-malformed": rounds, "moderation DSP-10-1": rounds, "moderation DSP-10-2": rounds,
            "labelling HOUSE-upstream": rounds, "retention HOUSE-upstream": 5 * rounds,
        },
        "Stubs by code": {"identity not_json": rounds},
        "Lag": each(LINES, 0),
        "Oldest record in hand": each(LINES, 0),
        "Waiting": NOTHING,
        "Late, by duty": each(LINES, SHARE, records=Between(0, 1, none=True, absent=True)),
        "Partitions held": {
            "identity": 12, "consent": 8, "moderation": 8, "labelling": 8, "retention": 8, "incidents": 12,
            "records": Between(1, 1000),
        },
        "Canaries": NOTHING,
        "Since a canary passed": NOTHING,
        "Asked by HTTP": NOTHING,
        "Answers by HTTP": NOTHING,
        "Streams by HTTP": {"worker": 0},
        "Builds and laws": {law: 1},
        "Feature library": {"worker": 1},
        "Memory": {"worker": BYTES},
        "Processor": {"worker": AGE},
    }  # fmt: skip


def duty(rounds: int) -> dict[str, Shown]:
    """Consent's."""
    decided = 2 + 8 * rounds
    return {
        "Verdicts": {"pass": 5 * rounds, "not_applicable": 2 + 3 * rounds},
        "Rules cited": NOTHING,
        "Records acknowledged": {"passages.identified": decided},
        "Records published": {"passages.consented": decided},
        "Late": {"passages.identified": SHARE},
        "A batch": SECONDS,
        "Records in a batch": RECORDS,
        "Records an acknowledgement": {"passages.identified": Between(1, decided)},
        "Lag by partition": each(BOTH, 0),
        "In flight": each(BOTH, 0),
        "Oldest in hand": each(BOTH, 0),
        "Waiting": NOTHING,
        "Waiting for fresh copies (all duties of the worker)": SECONDS,
        "Partitions held": {"worker": 8},
        "Assignments": {"worker": Between(1, 10)},
        "Commits": {"ok": Between(1, 1000), "failed": Between(0, 100, absent=True)},
        "Batches that ended the process": NOTHING,
        "Stubs": NOTHING,
    }


def ledger(rounds: int) -> dict[str, Shown]:
    """Everything is of one user but strangers, victims and what is no event."""
    decided = 2 + 8 * rounds
    rows = {
        "control": 2, "facts.features": FEATURES, "facts.templates": 1, "registry.users": 2,
        "cases": Between(rounds, 1000), "records.door": Between(1, 1000),
    }  # fmt: skip
    return {
        "Entries": {"": decided},
        "Oldest unaccounted origin": {"": AGE},
        "Oldest entry without a proof": {"": AGE},
        "Room on disk": {"": BYTES},
        "Entries by log": each(LOGS, Between(0, decided)),
        "Entries appended": {"entries": Between(decided, 10_000)},  # and what is recorded beside
        "One segment, durable": SECONDS,
        "Unaccounted by partition": each(LOGS, AGE),
        "Without a proof, by log": each(PROVED, AGE),
        "Absent and lost offsets": {"generation.events absent": 0},
        "Retention's verdicts": {"pass": 2 + 3 * rounds, "refuse": 4 * rounds, "hold": rounds},
        "Rules retention cites": {
            "HOUSE-upstream hold": rounds, "HOUSE-upstream refuse": 4 * rounds,
        },
        "Room on disk, by worker": {"worker": BYTES},
        "Registry copies read to": {
            f"{topic} worker": number for topic, number in each(COPIES, 0, **rows).items()
        },
        "Rows read into copies": rows,
    }  # fmt: skip


def labels(rounds: int) -> dict[str, Shown]:
    """One answer of each round is labelled."""
    return {
        "Labelled before release, 1 h": {"": ALL},
        "Releases with a label": {"": rounds},
        "Releases that need none": {"": 2 + 2 * rounds},
        "Releases without the label they need": {"": 0},
        "Releases by what labelling said": {"pass": rounds, "not_applicable": 2 + 2 * rounds},
        "Labelling's verdicts": {
            "pass": rounds, "not_applicable": 2 + 6 * rounds, "refuse": rounds,
        },
        "Rules labelling refuses by": {"HOUSE-upstream refuse": rounds},
        "A batch of labelling": SECONDS,
        "Partitions that wait for files being labelled": {"partitions": 0},
        "Slow lane: lag": each(LINES[1:5], 0),
        "Slow lane: oldest in hand": each(LINES[1:5], 0),
    }  # fmt: skip


def cases(rounds: int) -> dict[str, Shown]:
    """A complaint, a bypass and two pieces of work of each round are open, and a hold."""
    return {
        "Deadlines unmet": {"": 0},
        "Years whose holidays are not known": {"": Between(0, 2)},
        "Oldest unmet": {"": 0},
        "Oldest hold for review": {"": AGE},
        "Work unanswered": {"": 2 * rounds},
        "Open cases": each(KINDS, 0, bypass=rounds, complaint=rounds, work=2 * rounds),
        "Oldest open case": each(KINDS, 0, bypass=AGE, complaint=AGE, work=AGE),
        "Deadlines unmet, over time": {"cases": 0},
        "With a time to come": {"cases": Between(rounds, 5 * rounds)},
        "Open holds": {"review": rounds, "retry": 0},
        "Oldest hold": {"review": AGE, "retry": 0},
        "Review, from hold to answer": NOTHING,
        "Holds ended": NOTHING,
        "Generations delivered round the chain": {"without_a_release": rounds},
        "Surges of refusals": NOTHING,
        "Surges nobody has answered": {"entry": 0, "library": 0, "rule": 0},
        "Generations let out, by what the platform reported": NOTHING,
        "What incidents publishes": {"cases": Between(rounds, 1000), "work": 2 * rounds},
    }
