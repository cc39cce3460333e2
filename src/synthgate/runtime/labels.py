"""Labels of metrics: what each means and every value it can have, so that the number of series is bounded.

No tenant, user, event, generation or case id, and nothing a platform sends, is ever a label's value.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from synthgate import __version__
from synthgate.cases.kinds import MACHINES
from synthgate.events.topics import BESIDE, BY_NAME, COPIES, DUTIES, OUTSIDE, RECORDS, SOURCES
from synthgate.events.verdicts import Hold, Outcome
from synthgate.law import load

STUB_CODES: Final = (
    "bad_envelope", "bad_shape", "bug", "case_unknown", "duplicate_key", "not_json", "not_object",
    "number_range", "origin_conflict", "plain_identity", "reentry_malformed", "reentry_unknown",
    "too_deep", "too_large", "unknown_type", "unmapped", "wrong_key",
)  # fmt: skip
_DEPENDENCIES: Final = (
    "broker", "control", "law", "ledger", "media", "media root", "object store", "paused", "registries",
)  # fmt: skip
_COPIED: Final = {topic for row in COPIES.values() for topic in row} | {"cases", "records.door"}
WAITED_FOR: Final = (*_DEPENDENCIES, *(f"registry:{topic}" for topic in sorted(_COPIED)))
ROUTES: Final = (
    "events", "complaints", "decisions", "labels", "openapi", "health", "none",
)  # fmt: skip
STATUSES: Final = tuple(
    map(str, (200, 202, 400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 500, 503))
)
PARTITIONS_MAX: Final = 4096
"""As the setting ``partitions`` allows."""


@dataclass(frozen=True, slots=True)
class Label:
    """What a label means and its values. ``many``: numbers or versions, one for each thing this process has."""

    meaning: str
    values: frozenset[str] = frozenset()
    many: str = ""

    def allows(self, value: str) -> bool:
        """Whether the label can have this value."""
        if self.many == "partition":
            return value.isdecimal() and int(value) < PARTITIONS_MAX
        return value in self.values

    def most(self, partitions: int) -> int:
        """How many values one process can show."""
        return partitions if self.many == "partition" else max(1, len(self.values))


def _one_of(meaning: str, *values: str) -> Label:
    return Label(meaning, frozenset(values))


def _labels() -> Mapping[str, Label]:
    book = load()
    actions = ("release", "refuse", "hold", "recall")
    return {
        "action": _one_of("what a decision says", *actions),
        "by": _one_of("who ended a hold", "desk", "timer", "platform"),
        "code": _one_of("why a record became a stub (law/reasons.toml)", *STUB_CODES),
        "duty": _one_of(
            "one of the six, or a stage beside them; batches of a fused worker are identity's",
            *DUTIES,
            *BESIDE,
            RECORDS,
        ),
        "hold": _one_of("why an event waits", *(kind.value for kind in Hold)),
        "kind": _one_of("kind of case; work is what the platform owes", *MACHINES, "work"),
        "labelling": _one_of(
            "labelling's outcome", *(outcome.value for outcome in Outcome), "none"
        ),
        "law": _one_of("first 12 digits of the hash of this worker's law rows", book.hash[:12]),
        "outcome": _one_of("what a verdict says", *(outcome.value for outcome in Outcome)),
        "partition": Label("partition of the source, kept to the decision", many="partition"),
        "rests_on": _one_of("what a surge of refusals rests on", "entry", "library", "rule"),
        "result": _one_of(
            "how it came out",
            "ok",
            "failed",
            "passed",
            "refused",
            "undecided",
            "taken",
            "absent",
            "lost",
            "reported",
            "unreconciled",
            "unwatched",
            "sent",
            "dropped",
        ),
        "route": _one_of(
            "what a request asks `synthgate api` for; none: nothing that is there", *ROUTES
        ),
        "status": _one_of("status of an HTTP answer", *STATUSES),
        "rule": Label("rule of the law or of the house (src/OBLIGATIONS.md)", book.rules()),
        "source": _one_of("topic the door reads", *SOURCES),
        "topic": _one_of(
            "topic, without prefix; intake.in and intake.out are the platform's own",
            *BY_NAME,
            *OUTSIDE,
        ),
        "version": _one_of("version of the software", __version__),
        "way": _one_of(
            "way round the chain",
            "after_a_recall",
            "other_hash",
            "after_a_refusal",
            "without_a_release",
        ),
        "what": _one_of("dependency waited for (src/WHEN_DOWN.md)", *WAITED_FOR),
    }


LABELS: Final = _labels()
