"""Consent against a brute-force model: no path lets an edit through that a person did not agree to.

The registries are fed rows in any order, twice, and again after a restart; the model keeps the newest row of
each key and answers every question from the wording of the rules.
"""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from obligations.events import AGES, an_event
from registries.rows import HASH, T0_MS, a_consent, a_revocation, a_template
from synthgate import law
from synthgate.client.build import rfc3339
from synthgate.events.facts import ConsentRow, RevocationRow, Row, TemplateRow, key_of
from synthgate.events.topics import COPIES, DAY_MS
from synthgate.events.verdicts import Outcome, Verdict
from synthgate.obligations.consent import ConsentFacts, decide
from synthgate.registries import Registries

BOOK = law.load()
LAW = BOOK.at(T0_MS)
POLICY = LAW.policy.consent
AS_OF = T0_MS
TOPICS = {
    ConsentRow: "facts.consents",
    RevocationRow: "facts.revocations",
    TemplateRow: "facts.templates",
}
PERSONS = ("subj-0001", "subj-0002")
GRANTS = ("g-1", "g-2", "g-3")
DAYS = st.integers(-40, 2)
LATE = rfc3339(AS_OF + DAY_MS)
READY = {
    "assessment": {"id": "sa", "by": "self", "valid_until": LATE},
    "impact_assessment": {"id": "pia", "assessed_at": rfc3339(AS_OF - DAY_MS),
                          "kept_until": rfc3339(AS_OF + 1200 * DAY_MS)},
}  # fmt: skip


def day(number: int) -> str:
    return rfc3339(AS_OF + number * DAY_MS)


def mostly(value: Any, *others: Any) -> Any:
    return st.sampled_from([value, value, value, *others])


class Consents(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Row] = []
        self.version = 0
        self.registries = Registries(COPIES["consent"])

    def write(self, row: Row) -> None:
        self.rows.append(row)
        self.apply(row)

    def apply(self, row: Row) -> None:
        topic = TOPICS[type(row)]  # type: ignore[index]
        key = key_of(topic, row).encode()
        self.registries.apply(topic, 0, len(self.rows), key, row.model_dump_json().encode())

    def next(self) -> int:
        self.version += 1
        return self.version

    @initialize(
        edits=mostly(["style"], ["face", "voice"], []),
        real=mostly(True, False),
        territories=st.sampled_from([None, ["CN"], ["US"]]),
        given=st.sampled_from([-35, -5, 0, 1]),
        refused=st.sampled_from([None, -35, -5, 0]),
        age=st.sampled_from(AGES),
    )
    def begin(self, edits: list[str], real: bool, given: int, refused: int | None, age: str,
              territories: list[str] | None) -> None:  # fmt: skip
        """One template, one person's consent, and perhaps a refusal: the rest is said around it."""
        self.template(edits, real, None, [], True)
        everything = {
            "biometric": ["style", "face", "voice"],
            "territories": territories,
            "age_band": age,
        }
        row = a_consent(version=self.next(), grant="g-0", granted_at=day(given), **everything)
        self.write(row)
        if refused is not None:
            self.refuse(PERSONS[0], "no", refused)

    @rule(
        edits=mostly(["style"], ["face", "voice"], []),
        real=mostly(True, False),
        notice=mostly(None, HASH, "b" * 64),
        processors=mostly([], ["api"]),
        ready=mostly(True, False),
    )
    def template(self, edits: list[str], real: bool, notice: str | None, processors: list[str],
                 ready: bool) -> None:  # fmt: skip
        named = [{"name": name, "contract": "c", "signed_at": day(-9)} for name in processors]
        row = a_template(
            version=self.next(), edits_person=edits, real_person=real, notice_sha256=notice
        )
        made = row.model_dump() | {"processors": named} | (READY if ready else {})
        self.write(TemplateRow.model_validate(made))

    @rule(
        person=st.sampled_from(PERSONS),
        grant=st.sampled_from(GRANTS),
        given=DAYS,
        ends=mostly(None, -1, 1),
        biometric=mostly(["style", "face", "voice"], ["style"], ["face"]),
        purposes=mostly(["parody"], ["news"]),
        age=mostly("adult", "lt14", "unknown"),
        guardian=mostly(None, "guardian-1"),
        publish=mostly(True, False),
        proof=mostly(True, False),
        by_subject=mostly(False, True),
        recipients=mostly([], ["api"]),
        supersedes=mostly([], ["g-1"], ["g-2"]),
        territories=mostly(None, ["CN"]),
        granted_to=mostly(None, "u1", "u2"),
    )
    def grant(self, *, person: str, grant: str, given: int, ends: int | None, guardian: str | None,
              age: str, proof: bool, **more: Any) -> None:  # fmt: skip
        self.write(
            a_consent(
                version=self.next(), subject=person, grant=grant, granted_at=day(given), age_band=age,
                expires_at=None if ends is None else day(ends), necessity_shown=proof,
                grantor="guardian" if guardian else "subject", guardian=guardian, **more,
            )
        )  # fmt: skip

    @rule(person=st.sampled_from(PERSONS), grant=st.sampled_from(GRANTS), given=DAYS)
    def refuse(self, person: str, grant: str, given: int) -> None:
        self.write(
            a_consent(
                version=self.next(), subject=person, grant=grant, granted_at=day(given), answer="refused"
            )
        )  # fmt: skip

    @rule(person=st.sampled_from(PERSONS), grant=st.sampled_from(GRANTS))
    def revoke(self, person: str, grant: str) -> None:
        self.write(a_revocation(version=self.next(), subject=person, grant=grant))

    @rule(order=st.randoms(use_true_random=False), restart=st.booleans())
    def read_again(self, order: Any, restart: bool) -> None:
        if restart:
            self.registries = Registries(COPIES["consent"])
        for row in order.sample(self.rows, len(self.rows)):
            self.apply(row)

    @rule(
        persons=st.lists(st.sampled_from(PERSONS), max_size=2, unique=True),
        age=st.sampled_from(AGES),
        publish=st.booleans(),
        territory=mostly(None, "CN", "US"),
        told=mostly(-1, None, 1),
    )
    def use(self, persons: list[str], age: str, publish: bool, territory: str | None,
            told: int | None) -> None:  # fmt: skip
        self.compare(persons, age, publish=publish, territory=territory, told=told)

    @invariant()
    def each_alone(self) -> None:
        for person in PERSONS:
            for age, territory in (("adult", None), ("unknown", "CN"), ("14_17", "US")):
                self.compare([person], age, publish=False, territory=territory, told=-1)

    def compare(self, persons: list[str], age: str, *, publish: bool, territory: str | None,
                told: int | None) -> None:  # fmt: skip
        generation = {
            "id": "g1",
            "medium": "text",
            "template": "t1",
            "purpose": "parody",
            "publish": publish,
        }
        if territory is not None:
            generation["territory"] = territory
        event = an_event(
            generation=generation, subjects=[{"token": p, "age_band": age} for p in persons]
        )
        prompts = {} if told is None else {"t1": AS_OF + told}
        identity = {"prompts": prompts, "age_band": "adult"}
        facts = ConsentFacts.gather(event, identity, registries=self.registries, as_of=AS_OF)
        verdict: Verdict = decide(event, facts, LAW, AS_OF)
        assert ConsentFacts.from_row(verdict.facts | {}) == facts
        lets = self.lets(persons, age, publish=publish, territory=territory, told=told)
        assert (verdict.outcome is Outcome.PASS) == lets, [r.code for r in verdict.reasons]

    # The model.

    def newest(self, kind: type[Row]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for row in sorted((r for r in self.rows if isinstance(r, kind)), key=lambda r: r.version):
            found[key_of(TOPICS[kind], row)] = row  # type: ignore[index]
        return found

    def lets(self, persons: list[str], age: str, *, publish: bool, territory: str | None,
             told: int | None) -> bool:  # fmt: skip
        (template,) = self.newest(TemplateRow).values()
        edits = template.edits_person
        ready = template.assessment is not None
        if {"face", "voice"} & set(edits) and not ready:
            return False
        if not (edits and template.real_person) and not persons:
            return True
        if told is None or told > 0 or not persons:
            return False
        return all(
            any(
                self.agrees(row, template, age, publish=publish, territory=territory)
                for row in self.answers(person)
            )
            for person in persons
        )

    def answers(self, person: str) -> list[Any]:
        return [row for row in self.newest(ConsentRow).values() if row.subject == person]

    def agrees(
        self, row: Any, template: Any, age: str, *, publish: bool, territory: str | None
    ) -> bool:
        said = self.answers(row.subject)
        given, cool = _ms(row.granted_at), POLICY.cool_down_days * DAY_MS
        ages = {age, row.age_band}
        return bool(
            row.answer == "granted"
            and key_of("facts.revocations", row) not in self.newest(RevocationRow)
            and not any(
                row.grant in other.supersedes for other in said if other.answer == "granted"
            )
            and given <= AS_OF
            and (row.expires_at is None or _ms(row.expires_at) > AS_OF)
            and set(template.edits_person or ["style"]) <= set(row.biometric)
            and "parody" in row.purposes
            and (row.publish or not publish)
            and (row.territories is None or territory in row.territories)
            and row.granted_to in (None, "u1")
            and ages != {"unknown"}
            and ("lt14" not in ages or row.guardian)
            and template.notice_sha256 in (None, row.notice_sha256)
            and {processor.name for processor in template.processors} <= set(row.recipients)
            and row.necessity_shown
            and (
                row.by_subject
                or not any(
                    0 <= given - _ms(other.granted_at) < cool
                    for other in said
                    if other.answer == "refused"
                )
            )
        )


def _ms(moment: str) -> int:
    from synthgate.events.event import time_ms

    return time_ms(moment)


TestConsents = Consents.TestCase
TestConsents.settings = settings(max_examples=100, stateful_step_count=20, deadline=None)
