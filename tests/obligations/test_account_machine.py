"""Accounts against a brute-force model: no path lets an unverified, unbound, flagged or barred user through.

The machine speaks to identity's own step (fold and all); the model keeps what was said as a list and answers
every question from the wording of the rules. Facts come late, twice, in any order, and after a restart.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from acts import AlwaysFresh, passage
from obligations.events import NET
from registries.rows import HASH, T0_MS, a_standing, an_account, some_terms
from synthgate import law
from synthgate.client.build import rfc3339
from synthgate.events.event import Event
from synthgate.events.facts import Row, key_of
from synthgate.events.passage import Passage
from synthgate.events.topics import COPIES
from synthgate.events.verdicts import Outcome, Verdict
from synthgate.obligations.identity import decide
from synthgate.registries import Registries
from synthgate.step import Work
from synthgate.steps.identity import IdentityDuty

BOOK = law.load()
MINUTE_MS = 60_000
NOW_MS = T0_MS + 20 * MINUTE_MS
ALL_BANDS = ("lt14", "14_17", "adult", "unknown")
MINUTES = st.integers(0, 9)


def at(minute: int) -> str:
    return rfc3339(T0_MS + minute * MINUTE_MS)


def carried(event: Event) -> Passage:
    """As the door hands it on: its own time is believed."""
    made = passage(event)
    made.at = event.time_ms
    assert made.as_of == event.time_ms
    return made


@dataclass
class Told:
    """What was said and counted, each with the minute it happened."""

    verified: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)
    accepted: list[tuple[int, str, str | None]] = field(default_factory=list)
    flagged: list[int] = field(default_factory=list)
    terms: dict[str, tuple[int, bool]] = field(default_factory=dict)
    barred: dict[str, str] = field(default_factory=dict)

    def verification(self, minute: int) -> tuple[int, str, dict[str, Any]] | None:
        stands = [
            row
            for row in self.verified
            if row[0] <= minute and (row[2]["until"] is None or minute < row[2]["until"])
        ]
        return max(stands, key=lambda row: row[:2], default=None)

    def nnid(self, minute: int) -> bool:
        return any(
            row[2]["method"] == "nnid"
            and row[0] <= minute
            and (row[2]["until"] is None or minute < row[2]["until"])
            for row in self.verified
        )

    def lets(self, kind: str, minute: int) -> bool:
        held = self.verification(minute)
        if held is None or any(flag >= held[0] for flag in self.flagged):
            return False
        if set(self.barred.values()) & {"suspended", "closed"}:
            return False
        if kind == "content.published":
            limited = "limited" in self.barred.values()
            band, more = held[2]["band"], held[2]
            known = more["guardian"] or (band == "14_17" and more["method"] in ("id_card", "nnid"))
            return not limited and (band not in ("lt14", "14_17") or bool(known))
        due = [(since, name) for name, (since, _) in self.terms.items() if since <= minute]
        if not due:
            return False
        _, version = max(due)
        return self.terms[version][1] and any(
            when <= minute and name == version and text in (None, HASH)
            for when, name, text in self.accepted
        )


class Accounts(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.told = Told()
        self.count = 0
        self.version = 0
        self.rows: list[tuple[str, Row]] = []
        self.events: list[Event] = []
        self.restart()

    def restart(self) -> None:
        self.registries = Registries(COPIES["identity"])
        self.duty = IdentityDuty(self.registries, AlwaysFresh(), BOOK)
        self.offset = 0
        for topic, row in self.rows:
            self.apply(topic, row)

    def apply(self, topic: str, row: Row) -> None:
        self.offset += 1
        value = row.model_dump_json(exclude_none=True).encode()
        self.registries.apply(topic, 0, self.offset, key_of(topic, row).encode(), value)

    def write(self, topic: str, row: Row) -> None:
        self.rows.append((topic, row))
        self.apply(topic, row)

    def say(self, event: Event) -> Verdict:
        """Through identity's step, twice: a batch tried again gives the same."""
        verdicts = []
        for _ in range(2):
            work = Work(0, NOW_MS)
            facts = self.duty._one(carried(event), work)
            verdicts.append(decide(event, facts, BOOK.at(event.time_ms), event.time_ms))
        assert verdicts[0] == verdicts[1]
        return verdicts[0]

    def event(self, kind: str, minute: int, **data: Any) -> Event:
        self.count += 1
        attrs = {"id": f"e{self.count:04}", "source": "//acme", "type": kind, "time": at(minute)}
        return Event(attrs, {"tenant": "acme", "user": {"id": "u1"}, "net": NET} | data)

    def fact(self, event: Event, *, counts: bool) -> None:
        outcome = self.say(event).outcome
        assert outcome is (Outcome.PASS if counts else Outcome.REFUSE)
        self.events.append(event)

    @rule(
        minute=MINUTES,
        method=st.sampled_from(["mobile", "id_card", "uscc", "nnid", "face"]),
        band=st.sampled_from(ALL_BANDS),
        until=st.none() | MINUTES,
        guardian=st.none() | st.just("guardian-1"),
        result=st.sampled_from(["match", "match", "match", "mismatch"]),
        basis=st.none() | st.sampled_from(["law", "agreed"]),
    )
    def verify(self, minute: int, method: str, band: str, until: int | None, guardian: str | None,
               result: str, basis: str | None) -> None:  # fmt: skip
        more = {"plain_basis": basis, "guardian": guardian}
        event = self.event(
            "identity.verified", minute, method=method, age_band=band, result=result, checker="c",
            evidence_ref="r", expires_at=None if until is None else at(until),
            **{name: value for name, value in more.items() if value is not None},
        )  # fmt: skip
        plain = self.told.nnid(minute) and method != "nnid" and basis is None
        counts = result == "match" and method != "face" and not plain
        self.fact(event, counts=counts)
        if counts:
            held = {"method": method, "band": band, "until": until, "guardian": guardian}
            self.told.verified.append((minute, event.id, held))

    @rule(
        minute=MINUTES,
        version=st.sampled_from(["v1", "v2"]),
        shown=st.sampled_from([True, True, False]),
        text=st.sampled_from([None, HASH, "b" * 64]),
    )
    def accept(self, minute: int, version: str, shown: bool, text: str | None) -> None:
        more = {} if text is None else {"terms_sha256": text}
        event = self.event(
            "terms.accepted", minute, terms_version=version, duty_notice_shown=shown, **more
        )
        self.fact(event, counts=shown)
        if shown:
            self.told.accepted.append((minute, version, text))

    @initialize(ready=st.booleans(), text=st.sampled_from([HASH, None, "b" * 64]))
    def begin(self, ready: bool, text: str | None) -> None:
        """Half of the runs begin with a user who may do everything."""
        if ready:
            self.publish_terms("v1", 0, late=False)
            self.accept(1, "v1", shown=True, text=text)
            self.verify(1, "id_card", "adult", None, None, "match", None)

    @rule(minute=MINUTES)
    def flag(self, minute: int) -> None:
        self.fact(self.event("account.flagged", minute), counts=True)
        self.told.flagged.append(minute)

    @rule(version=st.sampled_from(["v1", "v2"]), minute=MINUTES, late=st.booleans())
    def publish_terms(self, version: str, minute: int, late: bool) -> None:
        self.version += 1
        body = {
            "published_at": at(minute + late),
            "effective_at": at(minute),
            "notified_at": at(minute),
        }
        row = some_terms(version, **body).model_copy(update={"version": self.version})
        self.write("control", row)
        self.told.terms[version] = (minute, not late)

    @rule(
        topic=st.sampled_from(["facts.accounts", "standings"]),
        standing=st.sampled_from(["ok", "ok", "warned", "limited", "suspended", "closed"]),
    )
    def bar(self, topic: str, standing: str) -> None:
        self.version += 1
        make = an_account if topic == "facts.accounts" else a_standing
        self.write(topic, make(standing=standing, version=self.version))
        self.told.barred[topic] = standing

    @rule(pick=st.randoms(use_true_random=False))
    def restart_and_hear_again(self, pick: Any) -> None:
        """The copy is gone: rows are read again, events from before the committed offset too, in any order."""
        again: Sequence[Event] = pick.sample(self.events, len(self.events))
        counted = {row[1] for row in self.told.verified}
        plain = [e for e in again if e.type != "identity.verified"]
        self.restart()
        for event in [e for e in self.events if e.id in counted] + plain:
            self.duty._one(carried(event), Work(0, NOW_MS))

    @rule(kind=st.sampled_from(["generation.requested", "content.published"]), minute=MINUTES)
    def act(self, kind: str, minute: int) -> None:
        self.compare(kind, minute)

    @invariant()
    def now(self) -> None:
        for kind in ("generation.requested", "content.published"):
            self.compare(kind, 9)

    def compare(self, kind: str, minute: int) -> None:
        generation = {"id": "g1", "medium": "text", "template": "t1"}
        verdict = self.say(self.event(kind, minute, generation=generation))
        lets = self.told.lets(kind, minute)
        assert (verdict.outcome is Outcome.PASS) == lets, [r.code for r in verdict.reasons]


TestAccounts = Accounts.TestCase
TestAccounts.settings = settings(max_examples=100, stateful_step_count=25, deadline=None)
