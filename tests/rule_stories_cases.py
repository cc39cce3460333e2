"""Rule stories of cases: penalties, findings, complaints and appeals; the rest stands in ``rule_stories``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import case_evidence as shows
from rule_seen import Row
from rule_stories import HEROIN, RuleStory, _story, ask, chats, done, verified
from synthgate.demo.acts import Act
from synthgate.steps.upkeep import POLICIES

RULES: Final = (
    "DSP-10-8", "GAI-14-1", "DSP-11-1", "DSP-11-2", "DSP-11-3", "DSP-12-1", "DSP-12-2", "DSP-12-3", "CSL-49-1",
    "INC-4-1", "INC-4-2", "INC-7-1", "INC-8-1", "PIPL-57-1", "NDR-10-1", "DSP-21-1",
    "DSP-13-1", "PIPL-47-1", "GAI-11-1", "DSP-7-1", "DSP-15-1", "DSP-19-1", "DSP-19-2", "DSP-19-3", "DSP-19-4",
    "DSP-20-1", "DSP-20-2",
)  # fmt: skip
LAWFUL: Final = "写一首关于春天的诗"
BAD: Final = "DSP-6-1 risk_refuse"
NAMES: Final = (
    "persons_leaked", "loss_cny", "tampered_home_minutes", "tampered_page_minutes", "illegal_forwards",
    "illegal_views",
)  # fmt: skip
SMALL: Final = {"measures": dict.fromkeys(NAMES, 0)}


@dataclass(frozen=True, slots=True)
class Finding:
    """A record on case.events between acts. case: the case it opens or moves, by its whole id."""

    kind: str
    name: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    case: str = ""
    version: int = 1
    """The case must have come so far before anything is looked at."""
    type: str = "finding"


@dataclass(frozen=True, slots=True)
class Appeal(Act):
    """The user contests the penalty for an act told before; which one is known once that was said."""

    against: str = ""

    def known(self, said: Mapping[str, Row]) -> Act:
        receipt = said[self.against]["receipt"]
        return replace(self, data={"penalty": f"penalty-{receipt['log']}-{receipt['index']}"})


def appeal(user: str) -> Appeal:
    return Appeal(f"{user}-appeals", "申诉", "penalty.appealed", against=f"{user}-bad")


def bad(user: str, name: str = "bad", **more: Any) -> Act:
    return Act(
        f"{user}-{name}",
        HEROIN,
        prompt=HEROIN,
        expect="refuse",
        generation=f"{user}-{name}",
        **more,
    )


def found(kind: str, user: str, prefix: str, version: int = 1, **detail: Any) -> Finding:
    return Finding(kind, user, detail, f"{prefix}/demo/{user}", version)


def reached(user: str) -> Finding:
    detail = {"batch": "0", "recipients": ["ab" * 16, "cd" * 16], "generators": ["ef" * 16]}
    return found("reach.found", user, "rumour", 2, **detail)


def complaint(user: str) -> Act:
    about = {"sha256": "a" * 64}
    return Act(
        f"{user}-complains", "投诉", "complaint.received", data={"complaint": user, "about": about}
    )


def forget(user: str) -> Act:
    return Act(f"{user}-asks", "请删除我的信息", "erasure.requested")


def _finding(
    rule: str, kind: str, make: Callable[[str], tuple[Any, ...]], evidence: shows.Evidence
) -> RuleStory:
    """A finding, and a lawful act after it so that the story has a decision."""
    return _story(rule, kind, lambda u: (verified(u), *make(u), ask(u, LAWFUL)), evidence)


STATED: Final = {
    "owner": "legal",
    "version": "1",
    "sha256": "b" * 64,
    "review_by": "2999-01-01T00:00:00Z",
}
"""A management system or review as stated whole."""


def upkeep(kind: str, user: str, *names: str) -> Finding:
    side = "policies" if kind == "policy.reviewed" else "algorithm"
    detail = {"reviewed": dict.fromkeys(names, STATED)}
    return Finding(kind, user, detail, f"upkeep/demo/{user}/{side}")


def started(user: str, **detail: Any) -> Finding:
    return Finding("service.started", user, detail, f"upkeep/demo/{user}/policies")


def filing(kind: str, user: str, what: str, **detail: Any) -> Finding:
    return Finding(kind, user, detail, f"filing/demo/{user}/{what}")


def incident(user: str, version: int = 1, **detail: Any) -> Finding:
    return found("incident.detected", user, "incident", version, **detail)


TOLD: Final[tuple[RuleStory, ...]] = (
    _story("DSP-10-8", "lawful",
           lambda u: (verified(u), bad(u, "b1"), bad(u, "b2"), ask(u, LAWFUL)), shows.stands_at("warned")),
    _story("DSP-10-8", "unlawful", lambda u: (verified(u), bad(u, "b1"), bad(u, "b2"), bad(u, "b3")),
           shows.suspended_for_inputs, BAD),
    _story("GAI-14-1", "lawful", chats, shows.no_work),
    _story("GAI-14-1", "unlawful", lambda u: (verified(u), ask(u), done(u, HEROIN, expect="refuse")),
           shows.removal_owed, BAD),
    _finding("DSP-11-1", "lawful", lambda u: (found("page.checked", u, "event"),), shows.no_case("rumour")),
    _finding("DSP-11-1", "unlawful", lambda u: (found("rumour.detected", u, "rumour"),),
             shows.work_owed("rumour", "DSP-11-1", "takedown.due", "recall.due", "rebuttal.due")),
    _finding("DSP-11-2", "lawful", lambda u: (found("page.checked", u, "event"),), shows.no_case("rumour")),
    _finding("DSP-11-2", "unlawful", lambda u: (found("rumour.detected", u, "rumour"),),
             shows.clock("rumour", "DSP-11-2", hours=4, internal=True)),
    _finding("DSP-11-3", "lawful", lambda u: (found("rumour.detected", u, "rumour"),), shows.nobody_told),
    _finding("DSP-11-3", "unlawful", lambda u: (found("rumour.detected", u, "rumour"), reached(u)),
             shows.reached_told),
    _finding("DSP-12-1", "lawful",
             lambda u: (found("page.checked", u, "event", page="complaints",
                              shows=["entry", "procedure", "time_limit"]),), shows.no_case("page")),
    _finding("DSP-12-1", "unlawful",
             lambda u: (found("page.checked", u, "page", page="complaints", shows=["entry"]),),
             shows.rests_on("page", "DSP-12-1")),
    _finding("DSP-7-1", "lawful", lambda u: (upkeep("policy.reviewed", u, *POLICIES),),
             shows.kept_up("policies")),
    _finding("DSP-7-1", "unlawful", lambda u: (upkeep("policy.reviewed", u, *POLICIES[1:]),),
             shows.not_kept_up("policies", "DSP-7-1", POLICIES[0])),
    _finding("DSP-15-1", "lawful", lambda u: (upkeep("algorithm.reviewed", u, "algorithm"),),
             shows.kept_up("algorithm")),
    _finding("DSP-15-1", "unlawful", lambda u: (upkeep("algorithm.reviewed", u),),
             shows.not_kept_up("algorithm", "DSP-15-1", "algorithm")),
    _finding("DSP-19-1", "lawful", lambda u: (started(u, public_opinion=False),),
             shows.nothing_to_file),
    _finding("DSP-19-1", "unlawful", lambda u: (filing("service.started", u, "start"),),
             shows.filing_owed("start", "DSP-19-1", 10)),
    _finding("DSP-19-2", "lawful", lambda u: (found("page.checked", u, "event"),), shows.nothing_to_file),
    _finding("DSP-19-2", "unlawful", lambda u: (filing("filing.changed", u, "change"),),
             shows.filing_owed("change", "DSP-19-2", 10)),
    _finding("DSP-19-3", "lawful", lambda u: (found("service.ended", u, "event", public_opinion=False),),
             shows.nothing_to_file),
    _finding("DSP-19-3", "unlawful", lambda u: (filing("service.ended", u, "end"),),
             shows.filing_owed("end", "DSP-19-3", 20)),
    _finding("DSP-19-4", "lawful",
             lambda u: (found("page.checked", u, "event", page="service", shows=["number", "link"],
                              number="网信算备110108970550101240011号"),), shows.no_case("page")),
    _finding("DSP-19-4", "unlawful",
             lambda u: (Finding("page.checked", u,
                                {"page": "service", "shows": ["number", "link"], "number": "1"},
                                f"page/demo/{u}/service"),),
             shows.number_lacking),
    _finding("DSP-20-1", "lawful", lambda u: (found("feature.released", u, "event", assessment="SA-1"),),
             shows.nothing_to_file),
    _finding("DSP-20-1", "unlawful", lambda u: (filing("feature.released", u, "feature"),),
             shows.filing_owed("feature", "DSP-20-1", 0)),
    _finding("DSP-20-2", "lawful", lambda u: (found("growth.surged", u, "event", public_opinion=False),),
             shows.nothing_to_file),
    _finding("DSP-20-2", "unlawful", lambda u: (filing("growth.surged", u, "growth"),),
             shows.filing_owed("growth", "DSP-20-2", 30)),
    _story("DSP-12-2", "lawful", lambda u: (verified(u), ask(u, LAWFUL)), shows.no_notice),
    _story("DSP-12-2", "unlawful", lambda u: (complaint(u),), shows.taken_up),
    _story("DSP-12-3", "lawful", lambda u: (verified(u), bad(u), ask(u, LAWFUL)), shows.stands_at("warned")),
    _story("DSP-12-3", "unlawful", lambda u: (verified(u), bad(u), appeal(u)),
           shows.appeal_heard),
    _finding("CSL-49-1", "lawful", lambda u: (found("page.checked", u, "event"),), shows.no_case("content")),
    _finding("CSL-49-1", "unlawful", lambda u: (found("spread.found", u, "content"),),
             shows.work_owed("content", "CSL-49-1", "takedown.due", "recall.due")),
    _finding("INC-4-1", "lawful", lambda u: (found("page.checked", u, "event"),), shows.no_case("incident")),
    _finding("INC-4-1", "unlawful", lambda u: (incident(u, measures={"loss_cny": 20_000_000}),),
             shows.graded("grave")),
    _finding("INC-4-2", "lawful", lambda u: (incident(u, **SMALL),), shows.no_clock),
    _finding("INC-4-2", "unlawful", lambda u: (incident(u),),
             shows.clock("incident", "INC-4-2", hours=4, internal=False)),
    _finding("INC-7-1", "lawful", lambda u: (incident(u, **SMALL),), shows.no_clock),
    _finding("INC-7-1", "unlawful", lambda u: (incident(u, measures={"persons_leaked": 1_000_000}),),
             shows.rests_on("incident", "INC-7-1")),
    _finding("INC-8-1", "lawful",
             lambda u: (incident(u, **SMALL), found("incident.closed", u, "incident", 2)), shows.no_clock),
    _finding("INC-8-1", "unlawful", lambda u: (incident(u), found("incident.closed", u, "incident", 2)),
             shows.summary_owed),
    _finding("PIPL-57-1", "lawful", lambda u: (found("page.checked", u, "event"),), shows.no_case("incident")),
    _finding("PIPL-57-1", "unlawful", lambda u: (found("leak.suspected", u, "incident"),),
             shows.work_owed("incident", "PIPL-57-1", "notice.due")),
    _finding("DSP-21-1", "lawful", lambda u: (found("page.checked", u, "event"),), shows.no_case("order")),
    _finding("DSP-21-1", "unlawful", lambda u: (found("regulator.requested", u, "order"),),
             shows.rests_on("order", "DSP-21-1")),
    _finding("DSP-13-1", "lawful", lambda u: (found("page.checked", u, "event"),), shows.no_case("order")),
    _finding("DSP-13-1", "unlawful", lambda u: (found("app_store.requested", u, "order"),),
             shows.rests_on("order", "DSP-13-1")),
    _story("PIPL-47-1", "lawful", lambda u: (verified(u), ask(u, LAWFUL)), shows.nobody_asked),
    _story("PIPL-47-1", "unlawful", lambda u: (verified(u), ask(u, LAWFUL), forget(u)),
           shows.to_be_forgotten("restriction.due", "PIPL-47-1")),
    _story("GAI-11-1", "lawful", lambda u: (verified(u), ask(u, LAWFUL)), shows.nobody_asked),
    _story("GAI-11-1", "unlawful", lambda u: (verified(u), ask(u, LAWFUL), forget(u)),
           shows.to_be_forgotten("notice.due", "GAI-11-1")),
    _finding("NDR-10-1", "lawful", lambda u: (found("flaw.found", u, "incident", public_interest=False),),
             shows.no_clock),
    _finding("NDR-10-1", "unlawful", lambda u: (found("flaw.found", u, "incident"),),
             shows.clock("incident", "NDR-10-1", hours=24, internal=False)),
)  # fmt: skip
STORIES = tuple(replace(one, refused=frozenset({("DSP-6-1", "risk_refuse")})) for one in TOLD)
