"""Rule stories of accounts, terms, templates and consent; the rest stands in ``rule_stories``."""

from typing import Any, Final

import rule_evidence as shows
from rule_seen import Seen
from rule_stories import (
    Fact,
    RuleStory,
    _story,
    ask,
    chats,
    edits,
    granted,
    publish,
    verified,
)
from synthgate.demo.acts import TENANT, Act, moment
from synthgate.demo.facts import HOUR_MS, consent, template
from synthgate.demo.stories import WEI, subject
from synthgate.events.facts import SwitchRow, TemplateRow
from synthgate.events.topics import DAY_MS

RULES: Final = (
    "DSP-8-1", "DSP-8-2", "DSP-9-3", "DSP-9-4", "DSP-9-5", "DSP-9-6", "DSP-21-2", "MIN-31-1", "DSP-14-5",
    "DSP-14-6", "DSP-14-7", "DSP-15-2", "PIPL-55-1", "NDR-12-1",
)  # fmt: skip
PHONE: Final = "13800138000"
PLAIN: Final = {"generation": {"purpose": PHONE}}
FOUNDED: Final = {"source": "s", "personal": True, "basis": "consent"}
BARE: Final = {"tenant": "bare"}
"""A tenant without terms in force."""


def checked(user: str, name: str, *, at_s: int = 0, expect: str = "release", **data: Any) -> Act:
    """A further word of the platform's checker."""
    return Act(f"{user}-{name}", name, "identity.verified", expect, at_s=at_s, data=data)


def minor(user: str, **data: Any) -> tuple[Any, ...]:
    """A minor who chats."""
    return (verified(user, data={"age_band": "14_17", **data}), *chats(user)[1:])


def registered(name: str, **more: Any) -> Fact:
    """A text template; members of the row may be made from the time, ms."""

    def row(now: int) -> TemplateRow:
        made = {key: value(now) if callable(value) else value for key, value in more.items()}
        plain = template(name, now).model_dump()
        return TemplateRow.model_validate(plain | made)

    return Fact("facts.templates", row)


def assessed(now: int) -> dict[str, Any]:
    return {"id": "sa-1", "by": "professional", "valid_until": moment(now + DAY_MS)}


def weighed(now: int) -> dict[str, Any]:
    at = now - DAY_MS
    kept = moment(at + 1100 * DAY_MS)
    return {"id": "pia-1", "assessed_at": moment(at), "kept_until": kept}


def contracted(now: int) -> list[dict[str, Any]]:
    return [{"name": "model-api", "contract": "c-1", "signed_at": moment(now - DAY_MS)}]


def on(user: str, name: str, **more: Any) -> Act:
    """A question to this template."""
    return ask(user, template=name, **more)


def speaks_as(user: str, name: str, person: str, **more: Any) -> tuple[Any, ...]:
    """Words in a real person's voice, which the person agreed to and the user was told to ask for."""
    told = Act(f"{user}-told", "told", "consent.prompted", template=name)
    agreed = granted(person, "g", biometric=["voice"])
    return verified(user), told, agreed, on(user, name, data=subject(person), **more)


def refused(person: str, ago_ms: int) -> Fact:
    """The person said no so long ago."""
    return Fact(
        "facts.consents",
        lambda now: consent(
            person, "asked", now, answer="refused", granted_at=moment(now - ago_ms)
        ),
    )


def switched(name: str) -> Fact:
    return Fact(
        "facts.switches",
        lambda now: SwitchRow(
            version=now, tenant=TENANT, function=f"template:{name}", off=True, order="order-1",
            since=moment(now),
        ),
    )  # fmt: skip


def nothing_plain(seen: Seen) -> shows.Missing:
    """DSP-9-4: neither the decision nor the log's clear part holds the number."""
    if PHONE in str(seen.last) or PHONE.encode() in seen.segment():
        yield "the number stands in clear"


STORIES: tuple[RuleStory, ...] = (
    _story("DSP-8-1", "lawful", lambda u: (verified(u), ask(u)), shows.terms_in_force),
    _story("DSP-8-1", "unlawful", lambda u: (verified(u), ask(u, expect="refuse")), shows.no_object,
           "DSP-8-1 terms_not_accepted", accepts=False),
    _story("DSP-8-2", "lawful", lambda u: (verified(u), ask(u)), shows.terms_in_force),
    _story("DSP-8-2", "unlawful",
           lambda u: (
               registered("bare-chat", tenant="bare", template="chat"),
               verified(u, data=BARE, straight=True),
               ask(u, data=BARE, straight=True, expect="refuse"),
           ), shows.both(shows.no_object, shows.holds("identity", terms=None)), "DSP-8-2 terms_unpublished",
           accepts=False),
    _story("DSP-9-3", "lawful", lambda u: (verified(u, data={"level": "L2", "result": "match"}), ask(u)),
           shows.vouched(method="mobile", checker="demo-checker", level="L2")),
    _story("DSP-9-3", "unlawful", lambda u: (checked(u, "mismatch", result="mismatch", expect="refuse"),),
           shows.holds("identity", verified=False), "DSP-9-3 check_failed"),
    _story("DSP-9-4", "lawful",
           lambda u: (verified(u, data={"identity_token": "1.c3ab8ff13720e8ad9047dd39466b3c89"}), ask(u)),
           nothing_plain),
    _story("DSP-9-4", "unlawful",
           lambda u: (verified(u), ask(u, data=PLAIN, straight=True, expect="refuse")),
           shows.both(shows.no_object, nothing_plain), "DSP-9-4 plain_identity"),
    _story("DSP-9-5", "lawful", lambda u: (verified(u, data={"method": "nnid"}), ask(u)),
           shows.holds("identity", nnid=True)),
    _story("DSP-9-5", "unlawful",
           lambda u: (verified(u, data={"method": "nnid"}), checked(u, "phone", expect="refuse")),
           shows.holds("identity", nnid=True), "DSP-9-5 plain_identity_asked"),
    _story("DSP-9-5", "asked-unlawful",
           lambda u: (verified(u, data={"method": "nnid"}),
                      Act(f"{u}-asked", "asked", "identity.asked", "refuse", data={"kinds": ["id_card"]})),
           shows.holds("identity", nnid=True), "DSP-9-5 plain_identity_asked"),
    _story("DSP-9-6", "lawful",
           lambda u: (verified(u, at_s=-30), Act(f"{u}-flag", "flag", "account.flagged", at_s=-20),
                      checked(u, "again", at_s=-10), ask(u)), shows.verified_since),
    _story("DSP-9-6", "unlawful",
           lambda u: (verified(u, at_s=-30), Act(f"{u}-flag", "flag", "account.flagged", at_s=-20),
                      ask(u, expect="refuse")), shows.no_object, "DSP-9-6 verify_again"),
    _story("DSP-21-2", "lawful", lambda u: (verified(u), registered("on"), on(u, "on")),
           shows.both(shows.read_from("identity", "facts.switches"), shows.holds("identity", switches=[]))),
    _story("DSP-21-2", "unlawful",
           lambda u: (verified(u), registered("off"), switched("off"), on(u, "off", expect="refuse")),
           shows.no_object, "DSP-21-2 function_off", "HOUSE-stale stale_function"),
    _story("MIN-31-1", "lawful",
           lambda u: (*minor(u, method="id_card"), publish(u)), shows.vouched(method="id_card")),
    _story("MIN-31-1", "guardian-lawful",
           lambda u: (*minor(u, age_band="lt14", guardian="subj-parent-77"), publish(u)),
           shows.vouched(guardian="subj-parent-77")),
    _story("MIN-31-1", "unlawful", lambda u: (*minor(u), publish(u, expect="refuse")),
           shows.holds("identity", age_band="14_17"), "MIN-31-1 minor_unidentified"),
    # Consent.
    _story("DSP-14-5", "lawful",
           lambda u: edits(u, "subj-new-31", granted("subj-new-31", "old"),
                           granted("subj-new-31", "new", supersedes=["old"])),
           shows.agreed("subj-new-31", "new")),
    _story("DSP-14-5", "unlawful",
           lambda u: edits(u, "subj-new-32", granted("subj-new-32", "old"),
                           granted("subj-new-32", "new", supersedes=["old"], purposes=["news"]),
                           expect="refuse"),
           shows.no_object, "DSP-14-5 grant_superseded"),
    _story("DSP-14-5", "notice-unlawful",  # the notice changed since the person agreed
           lambda u: (registered("renewed", edits_person=["style"], notice_sha256="b" * 64), verified(u),
                      Act(f"{u}-told", "told", "consent.prompted", template="renewed"),
                      on(u, "renewed", data=subject(WEI), expect="refuse")),
           shows.no_object, "DSP-14-5 notice_changed"),
    _story("DSP-14-6", "lawful",
           lambda u: edits(u, "subj-no-41", refused("subj-no-41", 40 * DAY_MS), granted("subj-no-41", "g")),
           shows.agreed("subj-no-41", "g")),
    _story("DSP-14-6", "unlawful",
           lambda u: edits(u, "subj-no-42", refused("subj-no-42", 5 * HOUR_MS), granted("subj-no-42", "g"),
                           expect="refuse"), shows.no_object, "DSP-14-6 asked_again"),
    _story("DSP-14-6", "bundled-unlawful",
           lambda u: edits(u, "subj-no-43", granted("subj-no-43", "g", necessity_shown=False), expect="refuse"),
           shows.no_object, "DSP-14-6 grant_incomplete"),
    _story("DSP-14-6", "prompt-unlawful",
           lambda u: (verified(u), refused("subj-no-44", 5 * HOUR_MS),
                      Act(f"{u}-told", "told", "consent.prompted", "refuse", template="style",
                          data=subject("subj-no-44"))), shows.no_object, "DSP-14-6 asked_again"),
    # Templates.
    _story("DSP-14-7", "lawful",
           lambda u: (registered("trained", data_sources=[FOUNDED]),
                      verified(u), on(u, "trained")), shows.template_says(unfounded=None)),
    _story("DSP-14-7", "unlawful",
           lambda u: (registered("scraped", data_sources=[{"source": "s", "personal": True}]),
                      verified(u), on(u, "scraped", expect="refuse")),
           shows.both(shows.no_object, shows.template_says(unfounded=["s"])),
           "DSP-14-7 training_basis_missing"),
    _story("DSP-15-2", "lawful",
           lambda u: (registered("maps", special_object=True, assessment=assessed), verified(u), on(u, "maps")),
           shows.template_says(assessment="sa-1")),
    _story("DSP-15-2", "unlawful",
           lambda u: (registered("maps-2", special_object=True), verified(u), on(u, "maps-2", expect="refuse")),
           shows.both(shows.no_object, shows.template_says(assessment=None)),
           "DSP-15-2 assessment_missing"),
    _story("PIPL-55-1", "lawful",
           lambda u: (registered("voice", edits_person=["voice"], assessment=assessed,
                                 impact_assessment=weighed),
                      *speaks_as(u, "voice", "subj-voice-51")), shows.agreed("subj-voice-51", "g")),
    _story("PIPL-55-1", "unlawful",
           lambda u: (registered("voice-2", edits_person=["voice"], assessment=assessed),
                      *speaks_as(u, "voice-2", "subj-voice-52", expect="refuse")),
           shows.both(shows.no_object, shows.template_says(impact=None)),
           "PIPL-55-1 impact_assessment_missing"),
    _story("NDR-12-1", "lawful",
           lambda u: (registered("api", processors=contracted), verified(u), on(u, "api")),
           shows.engaged("model-api")),
    _story("NDR-12-1", "unlawful",
           lambda u: (registered("api-2", processors=[{"name": "model-api"}]), verified(u),
                      on(u, "api-2", expect="refuse")), shows.no_object, "NDR-12-1 contract_missing"),
)  # fmt: skip
