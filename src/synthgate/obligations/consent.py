"""Consent: nobody's face, voice or manner is edited without their own, separate consent.

Law        DSP Art. 14, 15; PIPL Art. 13-15, 17, 23, 29-31, 55; Network Data Regulation Art. 12, 22
Rules      DSP-14-1 the user was told to inform and ask   DSP-14-2 every subject agreed to this use
           DSP-14-3 a guardian agreed where one decides   DSP-14-4 a revocation counts as soon as it is known
           DSP-14-5 what changed needs a new consent      DSP-14-6 free, informed, not asked for again and again
           DSP-14-7 training data has a legal basis       DSP-15-2 the tool's security was assessed
           PIPL-55-1 its impact on persons was assessed   NDR-12-1 a contract with everyone who gets the data
           HOUSE-not_configured the template is registered, enabled, and for this medium and model
Hears      consent.prompted, generation.requested and everything that follows it on the way to the public
Facts      the template (what the edit is), prompt shown, grants of the subjects, revocations, refusals
Remembers  nothing
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple, Self

from synthgate.events.event import Event, Subject, strictest
from synthgate.events.facts import ConsentRow
from synthgate.events.topics import DAY_MS
from synthgate.events.verdicts import Outcome, Reason, Verdict
from synthgate.law import Law
from synthgate.registries import Registries
from synthgate.registries.consents import GrantSeen, Met, Use
from synthgate.registries.templates import TemplateSeen, edits_of
from synthgate.step import Obligation

GRANTS_KEPT: Final = 256
"""Grants recorded with one verdict, over all subjects; every subject keeps at least its best one."""
_BIOMETRIC: Final = frozenset({"face", "voice"})
_TEMPLATE: Final = "/generation/template"


def decide(event: Event, facts: "ConsentFacts", law: Law, as_of: int) -> Verdict:
    """Pass if every edited person holds a grant that covers this use; else refuse, naming all who do not.

    A prompt passes unless a person it names refused lately. The registered template says whether a person is
    edited; the event may only be stricter: who names subjects edits them. What permits must hold at ``as_of``;
    a revocation counts if ``facts`` knows it. The prompt is asked for at the request alone. ``grants_used`` in
    the facts: (subject, grant) the pass rests on.
    """
    cell = law.cell(event.type, event.role, event.medium, OBLIGATION.name)
    if not cell.applies:
        return Verdict(OBLIGATION.name, Outcome.NOT_APPLICABLE, facts=facts.row(), cell=cell.id)
    if event.type == "consent.prompted":
        again = tuple(_asked_again(facts, law, as_of))
        outcome = Outcome.REFUSE if again else Outcome.PASS
        return Verdict(OBLIGATION.name, outcome, again, facts.row())
    edits = edits_of(facts.template, event)
    reasons = [*_template(event, facts, law), *_tool(edits, facts, law, as_of)]
    used: list[list[str]] = []
    if edits:
        needed = law.policy.consent.edits
        edits = tuple(kind for kind in edits if kind in needed)
    if edits:
        reasons.extend(_prompted(event, facts, law, as_of))
        subjects = _subjects(event, facts)
        if not subjects:
            reasons.extend(law.fault("DSP-14-2", "no_subject", "/subjects"))
        use = Use.of(event, edits, facts.template)
        for subject in subjects:
            faults, grant = _agreed(subject, use, facts, law, as_of)
            reasons.extend(faults)
            if grant is not None:
                used.append([subject.token, grant])
    outcome = Outcome.REFUSE if reasons else Outcome.PASS
    return Verdict(OBLIGATION.name, outcome, tuple(reasons), {**facts.row(), "grants_used": used})


def _template(event: Event, facts: "ConsentFacts", law: Law) -> Iterator[Reason]:
    """What nobody registered is not configured; what was registered for another medium neither."""
    template = facts.template
    if template is None:
        yield from law.fault("HOUSE-not_configured", "template_unregistered", _TEMPLATE)
        return
    if not template.enabled:
        yield from law.fault("HOUSE-not_configured", "template_unregistered", _TEMPLATE)
    if event.medium not in template.media:
        yield from law.fault("HOUSE-not_configured", "medium_mismatch", "/generation/medium")
    if template.models is not None and event.model not in template.models:
        yield from law.fault("HOUSE-not_configured", "model_unregistered", "/generation/model")


def _tool(edited: tuple[str, ...], facts: "ConsentFacts", law: Law, as_of: int) -> Iterator[Reason]:
    """DSP-15-2, PIPL-55-1, DSP-14-7, NDR-12-1: what must have been done before the template is used."""
    template = facts.template
    if template is None:
        return
    edits = edited and _BIOMETRIC.intersection(edited)
    touches = edits or template.special_object or _BIOMETRIC.intersection(template.edits_person)
    if touches and (template.assessed_until is None or template.assessed_until <= as_of):
        yield from law.fault("DSP-15-2", "assessment_missing", _TEMPLATE)
    if edits and not _weighed(template, law, as_of):
        yield from law.fault("PIPL-55-1", "impact_assessment_missing", _TEMPLATE)
    for source in template.unfounded:
        yield from law.fault("DSP-14-7", "training_basis_missing", f"source:{source}")
    for processor in template.processors:
        if not processor.contracted(as_of):
            yield from law.fault("NDR-12-1", "contract_missing", f"processor:{processor.name}")


def _weighed(template: TemplateSeen, law: Law, as_of: int) -> bool:
    keep_ms = law.policy.retention.proof_keep_days * DAY_MS
    return template.impact is not None and template.impact.counts(as_of, keep_ms)


def _asked_again(facts: "ConsentFacts", law: Law, as_of: int) -> Iterator[Reason]:
    """DSP-14-6: who refused is left alone for a while."""
    for subject, refused_at in facts.refusals:
        if cooling(refused_at, as_of, law):
            yield from law.fault("DSP-14-6", "asked_again", f"subject:{subject}")


def cooling(refused_at: int, asked_at: int, law: Law) -> bool:
    """Whether asking then falls into the time after a refusal; Unix ms."""
    return refused_at <= asked_at < refused_at + law.policy.consent.cool_down_days * DAY_MS


def _prompted(event: Event, facts: "ConsentFacts", law: Law, as_of: int) -> Iterator[Reason]:
    """DSP-14-1: the reminder to inform and ask came before the request."""
    if event.type != "generation.requested":
        return
    if facts.prompted_at is None or facts.prompted_at > as_of:
        yield from law.fault("DSP-14-1", "no_prompt", _TEMPLATE)


def _agreed(
    subject: Subject, use: "Use", facts: "ConsentFacts", law: Law, as_of: int
) -> tuple[tuple[Reason, ...], str | None]:
    """DSP-14-2 to 14-6 for one subject: the faults of the grant that comes nearest, or the grant that covers.

    The actor's own face, voice or manner needs the same consent as anyone's.
    """
    where = f"subject:{subject.token}"
    nearest: tuple[Reason, ...] | None = None
    for grant in facts.grants:
        if grant.subject != subject.token:
            continue
        faults = tuple(
            reason
            for rule, code in (
                *_faults(grant, subject.age_band, use, law, as_of),
                *_changed(grant, facts),
                *_unfree(grant, facts, law),
            )
            for reason in law.fault(rule, code, where)
        )
        if not faults:
            return (), grant.grant
        if nearest is None or len(faults) < len(nearest):
            nearest = faults
    if nearest is None:
        code = "receipt_invalid" if subject.token in dict(facts.unproven) else "no_grant"
        nearest = law.fault("DSP-14-2", code, where)
        if subject.age_band in law.policy.consent.guardian_bands:
            nearest += law.fault("DSP-14-3", "no_guardian", where)
    return nearest, None


def _subjects(event: Event, facts: "ConsentFacts") -> list[Subject]:
    """Each person once, in order, at the strictest age anyone states for them."""
    found: dict[str, Subject] = {}
    for subject in event.subjects:
        ages = [subject.age_band]
        if subject.is_actor:
            ages.append(facts.actor_age_band)
        known = found.get(subject.token)
        if known is not None:
            ages.append(known.age_band)
        found[subject.token] = Subject(subject.token, strictest(ages), subject.is_actor)
    return list(found.values())


def _faults(
    grant: GrantSeen, age_band: str, use: Use, law: Law, as_of: int
) -> Iterator[tuple[str, str]]:
    """(rule, code) of everything that keeps a grant from covering a use."""
    if grant.granted_at > as_of:
        yield "DSP-14-2", "no_grant"
    if grant.expires_at is not None and grant.expires_at <= as_of:
        yield "DSP-14-2", "grant_expired"
    if not grant.covers(use):
        yield "DSP-14-2", "grant_scope"
    age = strictest((age_band, grant.age_band))
    if age in law.policy.consent.guardian_bands and not grant.guardian:
        yield "DSP-14-3", "no_guardian"
    if age == "unknown":
        yield "DSP-14-3", "age_unknown"
    if grant.revoked:
        yield "DSP-14-4", "grant_revoked"


def _changed(grant: GrantSeen, facts: "ConsentFacts") -> Iterator[tuple[str, str]]:
    """DSP-14-5: purpose, method, kind or recipient is no longer what the person was told."""
    if grant.superseded:
        yield "DSP-14-5", "grant_superseded"
    template = facts.template
    if template is None:
        return
    if template.notice is not None and template.notice != grant.notice:
        yield "DSP-14-5", "notice_changed"
    if not {processor.name for processor in template.processors} <= set(grant.recipients):
        yield "DSP-14-5", "recipient_added"


def _unfree(grant: GrantSeen, facts: "ConsentFacts", law: Law) -> Iterator[tuple[str, str]]:
    """DSP-14-6: the record does not show a free and informed consent, or it was asked for too soon again."""
    if not set(law.policy.consent.grant_proofs) <= set(grant.proofs):
        yield "DSP-14-6", "grant_incomplete"
    refused = [at for subject, at in facts.refusals if subject == grant.subject]
    if not grant.by_subject and any(cooling(at, grant.granted_at, law) for at in refused):
        yield "DSP-14-6", "asked_again"


class ConsentFacts(NamedTuple):
    """What consent decides on. prompted_at: Unix ms; actor_age_band: of the verified user.

    refusals: (subject, Unix ms) of those who said no when asked. unproven: (subject, what is wrong with it)
    of receipts that count for nothing.
    """

    template: TemplateSeen | None = None
    prompted_at: int | None = None
    actor_age_band: str = "unknown"
    grants: tuple[GrantSeen, ...] = ()
    refusals: tuple[tuple[str, int], ...] = ()
    unproven: tuple[tuple[str, str], ...] = ()

    @classmethod
    def gather(
        cls,
        event: Event,
        identity: Mapping[str, Any],
        *,
        registries: Registries,
        as_of: int,
        signed: Mapping[str, ConsentRow | str] | None = None,
    ) -> Self:
        """Look up template and grants. identity: facts of its verdict; signed: receipts by subject."""
        if event.template is None and event.type != "consent.prompted":
            return cls()
        template = registries.templates.seen(event.tenant, event.template)
        told = identity.get("prompts")
        prompted_at = told.get(event.template) if told else None
        age_band = str(identity.get("age_band", "unknown"))
        if not event.subjects:
            return cls(template, prompted_at, age_band)
        use = Use.of(event, edits_of(template, event), template)
        met = Met(event, use, template, as_of)
        tokens = list(dict.fromkeys(subject.token for subject in event.subjects))
        grants: list[GrantSeen] = []
        refusals: list[tuple[str, int]] = []
        unproven: list[tuple[str, str]] = []
        for token in tokens:
            answers = registries.answers(event.tenant, token)
            came = (signed or {}).get(token)
            if isinstance(came, str):
                unproven.append((token, came))
            elif came is not None:
                answers = answers.joined(came)
            refusals.extend((token, at) for at in answers.refused_at)
            seen = answers.seen(met, registries.revocations)
            grants.extend(seen[: max(1, GRANTS_KEPT // len(tokens))])
        return cls(template, prompted_at, age_band, tuple(grants), tuple(refusals), tuple(unproven))

    def row(self) -> dict[str, Any]:
        """As recorded with the verdict."""
        return {
            "template": None if self.template is None else self.template.row(),
            "prompted_at": self.prompted_at,
            "actor_age_band": self.actor_age_band,
            "grants": [grant.row() for grant in self.grants] if self.grants else [],
            "refusals": [list(pair) for pair in self.refusals] if self.refusals else [],
            "unproven": [list(pair) for pair in self.unproven] if self.unproven else [],
        }

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Back from a record, for replay."""
        template = row["template"]
        return cls(
            template=None if template is None else TemplateSeen.from_row(template),
            prompted_at=row["prompted_at"],
            actor_age_band=row["actor_age_band"],
            grants=tuple(GrantSeen.from_row(grant) for grant in row["grants"]),
            refusals=tuple((subject, at) for subject, at in row.get("refusals", ())),
            unproven=tuple((subject, code) for subject, code in row.get("unproven", ())),
        )


OBLIGATION = Obligation(
    name="consent",
    articles=("DSP 14", "DSP 15", "PIPL 14", "PIPL 15", "PIPL 29", "PIPL 31", "PIPL 55", "NDR 12"),
    rules=("DSP-14-1", "DSP-14-2", "DSP-14-3", "DSP-14-4", "DSP-14-5", "DSP-14-6", "DSP-14-7", "DSP-15-2",
           "PIPL-55-1", "NDR-12-1", "HOUSE-not_configured"),
    hears=("consent.prompted", "generation.requested", "generation.completed", "generation.segment",
           "scene.started", "asset.exported", "export.unlabelled_requested", "content.published",
           "content.transformed"),
    decide=decide,
)  # fmt: skip
