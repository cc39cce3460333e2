"""Identity: who acts is verified, in good standing, and logged with the fields the law names.

Law        DSP Art. 8, 9, 10, 21; PIPL Art. 51; Anti-fraud Law Art. 22; Minors Art. 31; Order 173;
           2018 assessment rules Art. 5(3)
Rules      DSP-8-1 today's terms were accepted        DSP-8-2 terms are published before they take effect
           DSP-9-1 no publishing for the unverified   DSP-9-2 nor generation (our strict default)
           DSP-9-3 verified in an accepted way        DSP-9-4 no plain identity numbers
           DSP-9-5 none asked of a network identity   DSP-9-6 verified again after signs of fraud
           DSP-10-9 a restricted account is denied    DSP-10-10 network fields of the log
           DSP-21-2 a function off by order           MIN-31-1 a minor or a guardian who is known
           HOUSE-* what the door found: shape, key, clock, time to answer, pass
Hears      every event of the chain
Facts      the door's findings; verification, terms, prompts and age band at ``as_of``; standing, switches
           and signs of fraud now
Remembers  registry.users (its step folds the facts that permit a user)
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, Self

from synthgate.events import canary
from synthgate.events.event import Event
from synthgate.events.types import CHAIN_TYPES, TYPES
from synthgate.events.verdicts import Outcome, Reason, Verdict
from synthgate.law import Law
from synthgate.registries import UNREADABLE, Registries
from synthgate.registries.standings import NOTHING_SEEN, StandingSeen
from synthgate.registries.switches import functions_of
from synthgate.registries.terms import Terms
from synthgate.registries.users import Verification
from synthgate.step import Obligation

_RULES: Final[Mapping[str, str]] = {
    "wrong_key": "HOUSE-partition",
    "missing_key": "HOUSE-partition",
    "wrong_partition": "HOUSE-partition",
    "clock": "HOUSE-clock",
    "expired": "HOUSE-expired",
    "no_pass": "HOUSE-no_pass",
    "pass_invalid": "HOUSE-no_pass",
    "plain_identity": "DSP-9-4",
    "repeat_differs": "HOUSE-repeat",
    "origin_conflict": "HOUSE-origin_conflict",
    "bug": "HOUSE-bug",
    canary.FORGED: "HOUSE-canary",
}
"""Rule of a finding of the door or the code of a stub; of any other: HOUSE-malformed."""


def decide(event: Event, facts: "IdentityFacts", law: Law, as_of: int) -> Verdict:
    """Pass if nothing speaks against the event; else refuse with every fault found, the door's first.

    Permits must hold at ``as_of``; standing and switches count as they were known when gathered. Facts about
    a person, complaints, appeals and erasure are open to anyone: only the door's findings and a switch on
    their own type can stop them.
    """
    cell = law.cell(event.type, event.role, event.medium, OBLIGATION.name)
    if not cell.applies:
        return Verdict(OBLIGATION.name, Outcome.NOT_APPLICABLE, facts=facts.row(), cell=cell.id)
    reasons: list[Reason] = []
    if facts.findings or event.stub is not None:
        reasons.extend(_door(event, facts, law))
    if event.stub is None:
        reasons.extend(_faults(event, facts, law, as_of))
    outcome = Outcome.REFUSE if reasons else Outcome.PASS
    return Verdict(OBLIGATION.name, outcome, tuple(dict.fromkeys(reasons)), facts.row())


def _faults(event: Event, facts: "IdentityFacts", law: Law, as_of: int) -> list[Reason]:
    """Every fault but the door's. Each check is asked only where it could find one: most find none."""
    reasons: list[Reason] = []
    kind = event.type
    if kind in _TELLS or facts.nnid:
        reasons.extend(fact_faults(event, facts, law))
    gates = TYPES[kind].gates
    if gates or kind == "content.delivered":
        net, required = event.net, law.policy.identity.net_required
        if not all(map(net.get, required)):
            reasons.extend(_log_fields(net, required, law))
    if gates:
        held = facts.verification
        if held is None or not held.stands(as_of):
            reasons.extend(_unverified(event, facts, law))
        if facts.flagged_at is not None and (held is None or held.at <= facts.flagged_at):
            reasons.extend(law.fault("DSP-9-6", "verify_again", "user"))  # none made since the sign
        if kind == "generation.requested":
            reasons.extend(_terms(facts, law))
        elif kind == "content.published":
            reasons.extend(_minor(facts, law))
        if facts.standing is not NOTHING_SEEN:
            reasons.extend(_standing(event, facts, law))
    for function, _ in facts.switches:
        reasons.extend(law.fault("DSP-21-2", "function_off", f"function:{function}"))
    return reasons


def _door(event: Event, facts: "IdentityFacts", law: Law) -> Iterator[Reason]:
    """What the door found, under the rule of each finding; a stub stands for its own."""
    findings = list(facts.findings)
    stub = event.stub
    if stub is not None and stub.code not in (code for code, _ in findings):
        places = stub.detail.split() if stub.code == "plain_identity" else [None]
        findings.extend((stub.code, place) for place in places)
    for code, where in findings:
        yield from law.fault(_RULES.get(code, "HOUSE-malformed"), code, where)


_TELLS: Final = frozenset({"identity.verified", "terms.accepted"})
"""Types whose own words can keep them from counting, whoever the user is."""


def fact_faults(event: Event, facts: "IdentityFacts", law: Law) -> Iterator[Reason]:
    """What keeps a fact about the user from counting: DSP-9-3, DSP-9-5, DSP-8-1. Such a fact is not folded."""
    data = event.data
    if event.type == "identity.verified":
        if data["method"] not in law.policy.identity.methods:
            yield from law.fault("DSP-9-3", "method_not_accepted", "/method")
        if data.get("result", "match") != "match":
            yield from law.fault("DSP-9-3", "check_failed", "/result")
    elif event.type == "terms.accepted" and not data["duty_notice_shown"]:
        yield from law.fault("DSP-8-1", "notice_not_shown", "/duty_notice_shown")
    if facts.nnid and _asks_plain(event):
        yield from law.fault("DSP-9-5", "plain_identity_asked", "user")


def _asks_plain(event: Event) -> bool:
    """Whether a plain identity is, or was, demanded without a basis for it."""
    checked = event.type == "identity.verified" and event.data["method"] != "nnid"
    asked = event.type == "identity.asked" or checked
    return asked and event.data.get("plain_basis") is None


def _log_fields(net: Mapping[str, Any], required: tuple[str, ...], law: Law) -> Iterator[Reason]:
    """DSP-10-10: all that is missing at once. An empty field is a missing field."""
    for name in required:
        if net.get(name) in (None, ""):
            yield from law.fault("DSP-10-10", "network_fields_missing", f"/net/{name}")


def _unverified(event: Event, facts: "IdentityFacts", law: Law) -> Iterator[Reason]:
    """DSP-9-1, DSP-9-2: no verification stood at the event's own time."""
    publishing = event.type == "content.published"
    code = "unverified_publish" if publishing else "unverified_request"
    yield from law.fault(
        "DSP-9-1" if publishing else "DSP-9-2",
        "identity_expired" if facts.lapsed else code,
        "user",
    )


def _terms(facts: "IdentityFacts", law: Law) -> Iterator[Reason]:
    """DSP-8-1, DSP-8-2: nobody generates without the terms in force, nor where none are in force."""
    terms = facts.terms
    if terms is None or not terms.in_time:
        yield from law.fault("DSP-8-2", "terms_unpublished", "terms")
    if terms is not None and facts.accepted_at is None:
        yield from law.fault("DSP-8-1", "terms_not_accepted", f"terms:{terms.version}")


def _minor(facts: "IdentityFacts", law: Law) -> Iterator[Reason]:
    """MIN-31-1: minors publish if their own document or a guardian was checked; under 14 a guardian."""
    policy, held = law.policy, facts.verification
    if facts.age_band not in policy.identity.minor_bands:
        return
    if held is not None and held.guardian is not None:
        return
    own = held is not None and held.method in policy.identity.minor_methods
    if not own or facts.age_band in policy.consent.guardian_bands:
        yield from law.fault("MIN-31-1", "minor_unidentified", "user")


def _standing(event: Event, facts: "IdentityFacts", law: Law) -> Iterator[Reason]:
    """DSP-10-9: suspended and closed are denied, limited lacks its restricted functions."""
    limited = law.policy.identity.limited_functions
    if facts.standing.denies(functions_of(event), limited):
        seen = ",".join(facts.standing.unreadable) or facts.standing.standing
        yield from law.fault("DSP-10-9", "account_restricted", f"standing:{seen}")


class IdentityFacts(NamedTuple):
    """What identity decides on, and what later duties need to know of the user.

    findings: (code, where) by the door. prompts: (template, Unix ms) of the event's own template.
    switches: (function, version of the switch's row; None if nobody can read it), all of them off.
    cites: log and index of the decision whose pass the event carries. terms: those in force for the tenant,
    None also if nobody can read which; accepted_at: when the user accepted just these, Unix ms.
    """

    findings: tuple[tuple[str, str | None], ...] = ()
    user_token: str | None = None
    verification: Verification | None = None
    lapsed: bool = False
    age_band: str = "unknown"
    prompts: tuple[tuple[str, int], ...] = ()
    standing: StandingSeen = NOTHING_SEEN
    switches: tuple[tuple[str, int | None], ...] = ()
    cites: tuple[int, int] | None = None
    nnid: bool = False
    flagged_at: int | None = None
    terms: Terms | None = None
    accepted_at: int | None = None

    @classmethod
    def of_stub(cls, findings: Sequence[Mapping[str, str]]) -> Self:
        """Nothing is known of who stands behind a stub."""
        return cls(findings=_pairs(findings))

    @classmethod
    def gather(
        cls,
        event: Event,
        *,
        findings: Sequence[Mapping[str, str]],
        registries: Registries,
        user_token: str,
        as_of: int,
        now_ms: int,
    ) -> Self:
        """Look up what is known of the user. A restriction that ended only after ``as_of`` still counts."""
        user = event.user
        if user is None:
            return cls.of_stub(findings)
        tenant = event.tenant
        permits = registries.users.permits(tenant, user, as_of)
        off = registries.switches.off_for(event)
        told = permits.prompts
        terms = registries.control.terms(tenant, as_of)
        terms = None if terms is UNREADABLE else terms
        return cls(  # by place: naming thirteen members costs as much as looking them up
            _pairs(findings) if findings else (),
            user_token,
            permits.verification,
            permits.lapsed,
            permits.age_band,
            tuple(pair for pair in told if pair[0] == event.template) if told else (),
            registries.standing(tenant, user, min(as_of, now_ms)),
            tuple((name, getattr(row, "version", None)) for name, row in off) if off else (),
            None,
            permits.nnid,
            permits.flagged_at,
            terms,
            None if terms is None else permits.accepted_at(terms.version, terms.sha256),
        )

    def row(self) -> dict[str, Any]:
        """As recorded with the verdict; ``verified`` is for later duties."""
        return {
            "findings": [{"code": code, "where": where} for code, where in self.findings],
            "user_token": self.user_token,
            "verified": self.verification is not None,
            "verification": None if self.verification is None else self.verification.row(),
            "lapsed": self.lapsed,
            "age_band": self.age_band,
            "prompts": dict(self.prompts),
            "standing": self.standing.row(),
            "switches": [list(pair) for pair in self.switches],
            "cites": self.cites,
            "nnid": self.nnid,
            "flagged_at": self.flagged_at,
            "terms": None if self.terms is None else list(self.terms),
            "accepted_at": self.accepted_at,
        }

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Back from a record, for replay."""
        held, terms = row["verification"], row.get("terms")
        return cls(
            findings=_pairs(row["findings"]),
            user_token=row["user_token"],
            verification=None if held is None else Verification(**held),
            lapsed=row["lapsed"],
            age_band=row["age_band"],
            prompts=tuple(row["prompts"].items()),
            standing=StandingSeen.from_row(row["standing"]),
            switches=tuple((function, version) for function, version in row["switches"]),
            cites=None if row.get("cites") is None else (row["cites"][0], row["cites"][1]),
            nnid=row.get("nnid", False),
            flagged_at=row.get("flagged_at"),
            terms=None if terms is None else Terms(*terms),
            accepted_at=row.get("accepted_at"),
        )


def _pairs(findings: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, str | None], ...]:
    return tuple((finding["code"], finding.get("where")) for finding in findings)


OBLIGATION = Obligation(
    name="identity",
    articles=("DSP 8", "DSP 9", "DSP 10", "DSP 21", "PIPL 51", "AFL 22", "MIN 31"),
    rules=(
        "DSP-8-1", "DSP-8-2", "DSP-9-1", "DSP-9-2", "DSP-9-3", "DSP-9-4", "DSP-9-5", "DSP-9-6",
        "DSP-10-9", "DSP-10-10", "DSP-21-2", "MIN-31-1",
        "HOUSE-malformed", "HOUSE-partition", "HOUSE-clock", "HOUSE-expired", "HOUSE-no_pass",
        "HOUSE-repeat", "HOUSE-origin_conflict", "HOUSE-bug", "HOUSE-canary",
    ),
    hears=CHAIN_TYPES,
    decide=decide,
)  # fmt: skip
