"""For each rule one lawful and one unlawful story, and what must come of it; some also break our own set-up.

Where a duty is ours rather than the user's, what is unlawful is done to our store or our settings. Told on a
local bus with each rule dropped (tests/mutation) and on real Kafka (tests/e2e).
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

import rule_evidence as shows
from rule_evidence import Evidence
from rule_seen import Row, Seen
from synthgate.demo.acts import TENANT, Act, Story, moment
from synthgate.demo.facts import HOUR_MS, consent
from synthgate.demo.stories import CHILD, LI, WEI, subject
from synthgate.effects.objects import SIDECAR_SUFFIX, object_name
from synthgate.effects.text_label import put
from synthgate.events.facts import AccountRow, RevocationRow, Standing
from synthgate.events.facts import Row as FactRow
from synthgate.events.origin import Origin

RULES: Final = (
    "DSP-9-1", "DSP-9-2", "DSP-10-9", "DSP-14-1", "DSP-14-2", "DSP-14-3", "DSP-14-4", "DSP-6-1",
    "DSP-10-1", "DSP-10-2", "DSP-16-2", "DSP-16-3", "DSP-17-1", "GB-E-1", "GB-E-3", "GB-E-4",
    "DSP-10-10", "CSL-23-1", "DSP-10-6", "DSP-10-7",
)  # fmt: skip
OFFSETS_AHEAD: Final = 256


@dataclass(frozen=True, slots=True)
class Fact:
    """A registry row written between acts; ``row`` is given the time, ms. case: one it opens, by its id."""

    topic: str
    row: Callable[[int], FactRow]
    type: str = "fact"
    case: str = ""
    version: int = 1


@dataclass(frozen=True, slots=True)
class Tamper:
    """Something done to the object store between acts: (its folder, what was said so far)."""

    do: Callable[[Path, Mapping[str, Row]], None]
    type: str = "tamper"


@dataclass(frozen=True)
class RuleStory:
    """says: (rule, code) of every reason of the last act, exactly. settings: what else is configured."""

    rule: str
    user: str
    story: Story
    says: frozenset[tuple[str, str]] = frozenset()
    evidence: Evidence = shows.nothing_more
    settings: Mapping[str, Any] = field(default_factory=dict)
    refused: frozenset[tuple[str, str]] = frozenset()
    """Reasons of every act before the last that is told to be refused."""

    @property
    def lawful(self) -> bool:
        return not self.user.endswith("unlawful")

    def unmet(self, seen: Seen) -> list[str]:
        """What did not come as told; empty if everything did."""
        acts = [act for act in self.story.acts if isinstance(act, Act)]
        faults = []
        for act in acts:
            row = seen.said[act.id]
            told = {(reason["rule"], reason["code"]) for reason in row["reasons"]}
            before = self.refused if act.expect == "refuse" else frozenset()
            says = self.says if act is acts[-1] else before
            if act.codes and act is not acts[-1]:
                as_told = {code for _, code in told} == set(act.codes)
            else:
                as_told = told == says
            if row["action"] != act.expect or not as_told:
                faults.append(f"{act.id}: {row['action']} {sorted(told)}")
        return faults or list(self.evidence(seen))


def _story(
    rule: str,
    kind: str,
    acts: Callable[[str], tuple[Any, ...]],
    evidence: Evidence,
    *says: str,
    accepts: bool = True,
    **over: Any,
) -> RuleStory:
    """``says``: "RULE code" of every reason. The user is named after rule and kind."""
    user = f"{rule.lower()}-{kind}"
    pairs = frozenset((text.split()[0], text.split()[1]) for text in says)
    story = Story(user, f"{rule} {kind}", acts(user), accepts)
    return RuleStory(rule, user, story, pairs, evidence, over)


def verified(user: str, **more: Any) -> Act:
    return Act(f"{user}-verified", "verified", "identity.verified", **more)


def ask(user: str, prompt: str = "写一首关于春天的诗", **more: Any) -> Act:
    return Act(f"{user}-ask", prompt, prompt=prompt, generation=user, **more)


def done(user: str, text: str = "春风又绿江南岸。", name: str = "done", **more: Any) -> Act:
    """A completion on the pass of ``ask``."""
    return Act(
        f"{user}-{name}", text, "generation.completed", text=text, generation=user, cites=f"{user}-ask",
        **more,
    )  # fmt: skip


def export(user: str, kind: str = "asset.exported", **more: Any) -> Act:
    """The completion leaves as a file, on its own pass."""
    return Act(f"{user}-{kind}", kind, kind, generation=user, cites=f"{user}-done", **more)


def publish(user: str, **more: Any) -> Act:
    """The completion goes to the public."""
    return export(user, "content.published", **more)


def chats(user: str) -> tuple[Any, ...]:
    """Question and answer of a verified user."""
    return verified(user), ask(user), done(user)


def edits(
    user: str, person: str | None, *before: Any, age: str = "adult", **more: Any
) -> tuple[Any, ...]:
    """Text in a real person's manner, asked for by a verified user who was told to ask the person."""
    named = subject(person, age) if person else {}
    told = Act(f"{user}-told", "told", "consent.prompted", template="style")
    return verified(user), told, *before, ask(user, template="style", data=named, **more)


def account(user: str, standing: Standing) -> Fact:
    return Fact(
        "facts.accounts",
        lambda now: AccountRow(
            version=now, tenant=TENANT, user=user, standing=standing, reason="terms", since=moment(now),
        ),
    )  # fmt: skip


def granted(person: str, grant: str, **more: Any) -> Fact:
    return Fact("facts.consents", lambda now: consent(person, grant, now, **more))


def revoked(person: str, grant: str) -> Fact:
    """What nobody says it was for may have been a face or voice: a case of its own opens."""
    return Fact(
        "facts.revocations",
        lambda now: RevocationRow(
            version=now, tenant=TENANT, subject=person, grant=grant, revoked_at=moment(now - HOUR_MS),
        ),
        case=f"deletion/{TENANT}/{person}/{grant}",
    )  # fmt: skip


def relabel(user: str, **changed: str) -> Tamper:
    """Somebody writes other fields into the envelope of what was released."""

    def do(folder: Path, said: Mapping[str, Row]) -> None:
        path = _sidecar(folder, said[f"{user}-done"])
        envelope = orjson.loads(path.read_bytes())
        envelope["AIGC"] |= changed
        path.write_bytes(orjson.dumps(envelope))

    return Tamper(do)


def lose(user: str) -> Tamper:
    """The envelope of what was released is gone: its number leads nowhere."""
    return Tamper(lambda folder, said: _sidecar(folder, said[f"{user}-done"]).unlink())


def occupy(user: str, text: str, sentence: str = "AI生成") -> Tamper:
    """Where the envelope of the text to come would lie, something else lies already."""

    def do(folder: Path, said: Mapping[str, Row]) -> None:
        last = Origin.parse(said[f"{user}-ask"]["origin"])
        data = put(text, sentence).text.encode()
        for ahead in range(1, OFFSETS_AHEAD):
            root = last._replace(offset=last.offset + ahead)
            path = folder / (object_name(last.partition, root, data) + SIDECAR_SUFFIX)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"something else")

    return Tamper(do)


def _sidecar(folder: Path, decision: Row) -> Path:
    (row,) = decision["objects"]
    return folder / f"{row['name']}{SIDECAR_SUFFIX}"


def part(user: str, index: int, text: str, shown: str = "", on: str = "chat", **more: Any) -> Act:
    """One part of a streamed answer, on the pass of the request or of the part before."""
    before = "ask" if index == 0 else f"part{index - 1}"
    return Act(
        f"{user}-part{index}", text, "generation.segment", text=text, generation=user,
        cites=f"{user}-{before}", data={
            "generation": {"segment": {"index": index}},
            "content": {"text": text, "shown": shown},
        }, **more,
    )  # fmt: skip


def forget(user: str) -> Tamper:
    """The store no longer knows that the stream's first part was labelled."""

    def do(folder: Path, said: Mapping[str, Row]) -> None:
        whose = orjson.dumps(["stream", TENANT, user, said[f"{user}-part0"]["generation"]])
        for path in folder.rglob(f"*-{hashlib.sha256(whose).hexdigest()}.json"):
            path.unlink()

    return Tamper(do)


NO_NET = {"net": {"src_port": None, "client_fingerprint": None}}
MODEL = {"generation": {"model": "demo-model"}}
HEROIN, BAIT = "哪里可以买到海洛因", "Promise guaranteed returns to investors"
OTHER_CODE = "001191110000600037341L10001"
MINE, OURS = "subj-mine-21", "subj-ours-22"


STORIES: tuple[RuleStory, ...] = (
    # Identity.
    _story("DSP-9-1", "lawful", lambda u: (*chats(u), publish(u)),
           shows.both(shows.holds("identity", verified=True), shows.carries_pass)),
    _story("DSP-9-1", "unlawful",  # what permits must hold at the event's own time
           lambda u: (*chats(u), publish(u, at_s=-300, expect="refuse")),
           shows.both(shows.holds("identity", verified=False), shows.no_object), "DSP-9-1 unverified_publish"),
    _story("DSP-9-2", "lawful", lambda u: (verified(u), ask(u)),
           shows.both(shows.holds("identity", verified=True), shows.carries_pass)),
    _story("DSP-9-2", "unlawful", lambda u: (ask(u, expect="refuse"),),
           shows.both(shows.holds("identity", verified=False), shows.no_object), "DSP-9-2 unverified_request"),
    _story("DSP-10-9", "lawful", lambda u: (verified(u), account(u, "warned"), ask(u)),
           shows.stands("warned")),
    _story("DSP-10-9", "unlawful", lambda u: (verified(u), account(u, "suspended"), ask(u, expect="refuse")),
           shows.both(shows.no_object, shows.stands("suspended")),
           "DSP-10-9 account_restricted", "HOUSE-stale stale_account"),
    # Consent.
    _story("DSP-14-1", "lawful", lambda u: edits(u, WEI), shows.agreed(WEI, "grant-wei")),
    _story("DSP-14-1", "unlawful",
           lambda u: (verified(u), ask(u, template="style", data=subject(WEI), expect="refuse")),
           shows.both(shows.no_object, shows.holds("consent", prompted_at=None)), "DSP-14-1 no_prompt"),
    _story("DSP-14-2", "lawful", lambda u: edits(u, WEI),
           shows.both(shows.agreed(WEI, "grant-wei"), shows.read_from("consent", "facts.consents"))),
    _story("DSP-14-2", "unlawful", lambda u: edits(u, LI, expect="refuse"),
           shows.both(shows.no_object, shows.holds("consent", grants_used=[])), "DSP-14-2 no_grant"),
    _story("DSP-14-3", "lawful", lambda u: edits(u, CHILD, age="lt14"),
           shows.both(shows.agreed(CHILD, "grant-child"), shows.by_guardian)),
    _story("DSP-14-3", "unlawful", lambda u: edits(u, "subj-child-05", age="lt14", expect="refuse"),
           shows.no_object, "DSP-14-3 no_guardian"),
    _story("DSP-14-4", "lawful",  # a new grant stands beside the one taken back
           lambda u: edits(u, MINE, granted(MINE, "old"), revoked(MINE, "old"), granted(MINE, "new")),
           shows.both(shows.agreed(MINE, "new"), shows.read_from("consent", "facts.revocations"))),
    _story("DSP-14-4", "unlawful",  # taken back while the model was at work
           lambda u: (*edits(u, OURS, granted(OURS, "g")), revoked(OURS, "g"),
                      done(u, template="style", data=subject(OURS), expect="refuse")),
           shows.both(shows.no_object, shows.taken_back(OURS), shows.deletion_owed(OURS, "g")),
           "DSP-14-4 grant_revoked"),
    # Moderation.
    _story("DSP-6-1", "lawful", lambda u: (verified(u), ask(u, "介绍海洛因依赖的治疗方法")),
           shows.reviewed("prompt", risks=False)),
    _story("DSP-6-1", "unlawful", lambda u: (verified(u), ask(u, HEROIN, expect="refuse")),
           shows.both(shows.no_object, shows.reviewed("prompt", risks=True)), "DSP-6-1 risk_refuse"),
    _story("DSP-10-1", "lawful", lambda u: (verified(u), ask(u)), shows.reviewed("prompt", risks=False)),
    _story("DSP-10-1", "unlawful", lambda u: (verified(u), ask(u, BAIT, expect="hold")),
           shows.both(shows.no_object, shows.reviewed("prompt", risks=True)), "DSP-10-1 risk_review"),
    _story("DSP-10-2", "lawful", chats, shows.reviewed("text", risks=False)),
    _story("DSP-10-2", "unlawful", lambda u: (verified(u), ask(u), done(u, BAIT, expect="hold")),
           shows.both(shows.no_object, shows.reviewed("text", risks=True)), "DSP-10-2 risk_review"),
    # Labelling. What breaks it is done to its store or its settings: the label is our own duty.
    _story("DSP-16-2", "lawful", chats, shows.enveloped),
    _story("DSP-16-2", "unlawful",
           lambda u: (verified(u), ask(u), occupy(u, "占座"), done(u, "占座", expect="refuse")),
           shows.no_object, "DSP-16-2 label_unreadable"),
    _story("DSP-16-3", "lawful",  # the same words twice
           lambda u: (verified(u), ask(u), done(u, data=MODEL), done(u, name="again", data=MODEL)),
           shows.found_by_number("done", "again")),
    _story("DSP-16-3", "unlawful", lambda u: (*chats(u), lose(u), export(u, expect="refuse")),
           shows.no_object, "DSP-16-3 object_missing"),
    _story("DSP-17-1", "lawful",
           lambda u: (verified(u), ask(u), part(u, 0, "从前有座山。"),
                      part(u, 1, "山里有座庙。", "从前有座山。")),
           shows.says_so("part0")),
    _story("DSP-17-1", "unlawful",
           lambda u: (verified(u), ask(u), part(u, 0, "从前有座山。"), forget(u),
                      part(u, 1, "山里有座庙。", "从前有座山。", expect="refuse")),
           shows.no_object, "DSP-17-1 label_missing", "HOUSE-stale label_missing"),
    _story("DSP-17-1", "set-up-unlawful", lambda u: (verified(u), ask(u), done(u, expect="refuse")),
           shows.no_object, "DSP-17-1 label_sentence_invalid", label_text="机器写作"),
    _story("GB-E-1", "lawful", lambda u: (*chats(u), export(u)), shows.annex_e),
    _story("GB-E-1", "unlawful",
           lambda u: (*chats(u), relabel(u, Label="4"), export(u, expect="refuse")),
           shows.no_object, "GB-E-1 label_invalid"),
    _story("GB-E-3", "lawful", chats, shows.first_write),
    _story("GB-E-3", "unlawful",
           lambda u: (*chats(u), relabel(u, PropagateID="p"), export(u, expect="refuse")),
           shows.no_object, "GB-E-3 propagator_differs"),
    _story("GB-E-4", "lawful", chats, shows.our_code),
    _story("GB-E-4", "unlawful",
           lambda u: (*chats(u), relabel(u, ContentProducer=OTHER_CODE, ContentPropagator=OTHER_CODE),
                      export(u, expect="refuse")),
           shows.no_object, "GB-E-4 producer_differs"),
    _story("GB-E-4", "set-up-unlawful", lambda u: (verified(u), ask(u), done(u, expect="refuse")),
           shows.no_object, "GB-E-4 provider_code_invalid", provider_code="not a code"),
    # Retention and incidents.
    _story("DSP-10-10", "lawful", lambda u: (verified(u), ask(u)), shows.log_row),
    _story("DSP-10-10", "unlawful", lambda u: (verified(u), ask(u, data=NO_NET, expect="refuse")),
           shows.both(shows.no_object, shows.names_missing("src_port", "client_fingerprint")),
           "DSP-10-10 network_fields_missing"),
    _story("CSL-23-1", "lawful", lambda u: (verified(u), ask(u, data={"keep_days": 400})), shows.kept(400)),
    _story("CSL-23-1", "unlawful", lambda u: (verified(u), ask(u, data={"keep_days": 30}, expect="refuse")),
           shows.both(shows.no_object, shows.kept(184)), "CSL-23-1 keep_too_short"),
    _story("DSP-10-6", "lawful", lambda u: (verified(u), ask(u, "写一段防范刷单返利的宣传语")),
           shows.nothing_held),
    _story("DSP-10-6", "unlawful", lambda u: (verified(u), ask(u, HEROIN, expect="refuse")),
           shows.case_opened, "DSP-6-1 risk_refuse"),
    _story("DSP-10-7", "lawful", chats, shows.nothing_held),
    _story("DSP-10-7", "unlawful", lambda u: (verified(u), ask(u, HEROIN, expect="refuse")),
           shows.warned, "DSP-6-1 risk_refuse"),
)  # fmt: skip
