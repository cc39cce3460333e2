"""Moderation: what people put in and what comes out is reviewed before it goes on.

Law        DSP Art. 6, Art. 10 ¶1-2, Art. 18
Rules      DSP-6-1 nothing prohibited is made or spread   DSP-10-1 every input is reviewed
           DSP-6-2 no false news                          DSP-10-2 every result is, before it is delivered
           DSP-6-3 news from listed sources only          DSP-10-3 what is in doubt is, by a person who counts
           DSP-18-2 no help to remove or forge labels     DSP-10-4 two people put the library in force
                                                          DSP-10-5 every verdict names a library version
Hears      generation.requested, and every event that carries a result on its way
Facts      hits of the feature library (no content), the template's reviewers, what a listed reviewer said,
           of each file what of it somebody who counts looked at, and whose news it is
Remembers  nothing
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final, Self

from synthgate.events.event import Event
from synthgate.events.review_facts import (
    REJECTED,
    SEEN_WHOLE,
    FileFact,
    HitFact,
    NewsFact,
    ScoreFact,
)
from synthgate.events.verdicts import Hold, Outcome, Reason, Verdict
from synthgate.law import Law
from synthgate.step import Obligation

NAME: Final = "moderation"
INPUT: Final = "generation.requested"


@dataclass(frozen=True, slots=True)
class ModerationFacts:
    """What was reviewed, with what, and what was found. No content.

    library: version searched, None if none is in force or it holds no entry. parts: what was searched
    (the first hundred).
    hits: the gravest; found: how many there were; risks: highest severity of each risk over all of them.
    registered: the template is registered and enabled; reviewed: a reviewer is configured for this medium.
    platform: the platform's own result (pass | review | block), if its reviewer is listed for the tenant.
    answer: a listed reviewer's answer (pass | refuse) to the hold this comes back from.
    named_risks: of whoever spoke.
    watched: hits of entries in shadow, or that do not count for this user; told, and decided on by nobody.
    files: what the event names that is no text of ours; one of medium text could not be read.
    scores: what the configured scorers said; all of them must have answered.
    news: if the output is news. alone: one person alone put the library in force. unheard: why the answer this
    comes back with does not count (reviewer | outcome). against_label: entries found, taken in under DSP-18-2.
    unapproved: entries found that one person alone took in.
    """

    library: int | None = None
    parts: tuple[str, ...] = ()
    hits: tuple[HitFact, ...] = ()
    found: int = 0
    risks: Mapping[str, int] = field(default_factory=dict)
    registered: bool = False
    reviewed: bool = False
    platform: str | None = None
    answer: str | None = None
    reviewer: str | None = None
    named_risks: tuple[str, ...] = ()
    watched: tuple[HitFact, ...] = ()
    files: tuple[FileFact, ...] = ()
    scores: tuple[ScoreFact, ...] = ()
    news: NewsFact | None = None
    alone: bool = False
    unheard: str | None = None
    against_label: tuple[str, ...] = ()
    unapproved: tuple[str, ...] = ()

    def row(self) -> dict[str, Any]:
        """As recorded in the verdict."""
        row = {name: getattr(self, name) for name in _FIELDS}
        if self.hits:
            row["hits"] = [hit.row() for hit in self.hits]
        if self.watched:
            row["watched"] = [hit.row() for hit in self.watched]
        if self.files:
            row["files"] = [asdict(file) for file in self.files]
        if self.scores:
            row["scores"] = [asdict(score) for score in self.scores]
        if self.news is not None:
            row["news"] = asdict(self.news)
        if self.alone:
            row["alone"] = True
        if self.unheard is not None:
            row["unheard"] = self.unheard
        for name in ("against_label", "unapproved"):
            if getattr(self, name):
                row[name] = list(getattr(self, name))
        return row

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Back from the verdict, for replay."""
        values = dict(row)
        values["hits"] = tuple(HitFact(**hit) for hit in row["hits"])
        values["watched"] = tuple(HitFact(**hit) for hit in row.get("watched", ()))
        values["files"] = tuple(map(FileFact.from_row, row.get("files", ())))
        values["scores"] = tuple(ScoreFact(**score) for score in row.get("scores", ()))
        values["news"] = NewsFact(**row["news"]) if "news" in row else None
        for name in ("against_label", "unapproved"):
            values[name] = tuple(row.get(name, ()))
        values["parts"] = tuple(row["parts"])
        values["named_risks"] = tuple(row["named_risks"])
        return cls(**values)


_FIELDS: Final = tuple(item.name for item in fields(ModerationFacts))[:11]
"""The others are recorded only where they say something."""


def decide(event: Event, facts: ModerationFacts, law: Law, as_of: int) -> Verdict:
    """Refuse what is prohibited, unreviewed or unreviewable; hold what is in doubt; else pass.

    Pure and total. A "pass" of whoever judged lifts a doubt, never a refusal. All faults of the graver kind are
    named at once.
    """
    cell = law.cell(event.type, event.role, event.medium, NAME)
    if not cell.applies:
        return Verdict(NAME, Outcome.NOT_APPLICABLE, (), facts.row(), cell=cell.id)
    refusals = (
        *_configured(facts, law),
        *_complete(event, facts, law),
        *_prohibited(event, facts, law),
        *_against_labels(facts, law),
        *_news(event, facts, law),
        *_judged_bad(event, facts, law),
    )
    if refusals:
        return Verdict(NAME, Outcome.REFUSE, refusals, facts.row())
    # Before a person is asked, every machine has answered: nobody judges what a machine will refuse anyway.
    unanswered = tuple(_unanswered(event, facts, law))
    if unanswered:
        return Verdict(NAME, Outcome.HOLD, unanswered, facts.row(), hold=Hold.RETRY)
    doubts = tuple(_doubtful(event, facts, law))
    if doubts:
        return Verdict(NAME, Outcome.HOLD, doubts, facts.row(), hold=Hold.REVIEW)
    return Verdict(NAME, Outcome.PASS, (), facts.row())


def _rule(event: Event) -> str:
    """Under which rule the review itself is owed."""
    return "DSP-10-1" if event.type == INPUT else "DSP-10-2"


def _configured(facts: ModerationFacts, law: Law) -> Iterator[Reason]:
    """What nobody configured does not pass."""
    if not facts.registered:
        yield from law.fault(
            "HOUSE-not_configured", "template_unregistered", "/generation/template"
        )
    elif not facts.reviewed:
        yield from law.fault("HOUSE-not_configured", "no_reviewer", "/generation/medium")
    if facts.library is None:
        yield from law.fault("DSP-10-5", "library_missing")
    elif facts.alone:
        yield from law.fault("DSP-10-4", "library_unagreed", f"library:{facts.library}")


def _complete(event: Event, facts: ModerationFacts, law: Law) -> Iterator[Reason]:
    """DSP-10-1, 10-2: there is something to review, and it is what will be delivered."""
    read = any(part == "text" or part.startswith("object/") for part in facts.parts)
    if any(file.medium == "text" for file in facts.files):
        yield from law.fault("HOUSE-not_configured", "text_missing", "/content/objects")
    if event.type == INPUT:
        if "prompt" not in facts.parts:
            yield from law.fault("DSP-10-1", "prompt_missing", "/content/prompt")
    elif not read and not facts.files:
        if event.content.get("objects"):
            yield from law.fault("HOUSE-not_configured", "text_missing", "/content/objects")
        else:
            yield from law.fault("DSP-10-2", "text_missing", "/content/text")


def _severities(facts: ModerationFacts) -> Mapping[str, int]:
    """The highest severity of each risk, whoever found it."""
    found = dict(facts.risks)
    for score in facts.scores:
        for risk, severity in score.risks.items():
            found[risk] = max(severity, found.get(risk, severity))
    return found


def _prohibited(event: Event, facts: ModerationFacts, law: Law) -> Iterator[Reason]:
    """DSP-6-1: a risk found at the severity from which it is refused."""
    for risk, severity in sorted(_severities(facts).items()):
        threshold = law.policy.moderation.threshold(risk, event.type)
        if threshold is not None and threshold.refuse is not None and severity >= threshold.refuse:
            yield from law.fault("DSP-6-1", "risk_refuse", f"risk:{risk}")


def _against_labels(facts: ModerationFacts, law: Law) -> Iterator[Reason]:
    """DSP-18-2: who asks to remove, hide or forge a label is refused, whatever the severity."""
    for entry in facts.against_label:
        yield from law.fault("DSP-18-2", "label_removal", f"entry:{entry}")


def _news(event: Event, facts: ModerationFacts, law: Law) -> Iterator[Reason]:
    """DSP-6-2, 6-3: no fabricated news at all; none to the public that nobody checked, or from nowhere."""
    news = facts.news
    if news is None:
        return
    if news.fabricated:
        yield from law.fault("DSP-6-2", "news_fabricated", "/generation/news/fabricated")
    if news.kind == "repost":
        if news.listed is None:
            yield from law.fault("DSP-6-3", "news_source_unlisted", "/generation/news/source")
    elif event.publish and not news.verified:
        code = "news_unsaid" if news.kind == "unsaid" else "news_unverified"
        yield from law.fault("DSP-6-2", code, "/generation/news")


def _judged_bad(event: Event, facts: ModerationFacts, law: Law) -> Iterator[Reason]:
    """A reviewer who counts said no: the desk, or a listed reviewer of the platform.

    Prohibited by the risks the reviewer names, else by those in doubt; refused even if there are none. A risk
    that is never refused for itself (quality, A.5) makes nothing prohibited, and nobody is warned for it.
    """
    if facts.answer == "refuse" or facts.platform == "block":
        known = law.policy.moderation.thresholds
        named = [risk for risk in facts.named_risks if risk in known]
        named = named or _in_doubt(event, facts, law)
        for risk in named:
            if risk in known and known[risk].refuse is None:
                continue
            yield from law.fault("DSP-6-1", "risk_refuse", f"risk:{risk}")
        yield from law.fault(_rule(event), "review_refused")


def _unanswered(event: Event, facts: ModerationFacts, law: Law) -> Iterator[Reason]:
    """DSP-10-1, 10-2: a scorer that should have judged did not, and no person has instead."""
    if facts.answer == "pass":
        return
    for score in facts.scores:
        if score.fault is not None and score.fault != REJECTED:
            yield from law.fault(_rule(event), "scorer_away", f"{score.scorer} {score.part}")


def _doubtful(event: Event, facts: ModerationFacts, law: Law) -> Iterator[Reason]:
    """DSP-10-1 to 10-3: a person must judge, and none has whose word counts."""
    if facts.unheard is not None:
        yield from law.fault("DSP-10-3", "answer_unheard", f"/evidence/{facts.unheard}")
    for file in facts.files:
        needed = law.policy.moderation.needs.get(file.medium)
        seen = needed is not None and set(needed) <= set(file.seen)
        if not seen and SEEN_WHOLE.isdisjoint(file.seen):
            where = f"/content/objects/{file.number}"
            yield from law.fault(_rule(event), "object_unreviewed", where)
    if facts.answer == "pass":
        return
    for entry in facts.unapproved:
        yield from law.fault("DSP-10-4", "entry_unapproved", f"entry:{entry}")
    for score in facts.scores:
        if score.fault == REJECTED:
            yield from law.fault(_rule(event), "scorer_rejects", f"{score.scorer} {score.part}")
    if facts.platform == "review":
        yield from law.fault(_rule(event), "risk_review", "/review")
    if facts.platform == "pass":
        return
    for risk in _in_doubt(event, facts, law):
        yield from law.fault(_rule(event), "risk_review", f"risk:{risk}")


def _in_doubt(event: Event, facts: ModerationFacts, law: Law) -> list[str]:
    """Risks at or above the severity from which a person judges; one nobody set a threshold for, always."""
    found = []
    for risk, severity in sorted(_severities(facts).items()):
        threshold = law.policy.moderation.threshold(risk, event.type)
        if threshold is None or severity >= threshold.review:
            found.append(risk)
    return found


OBLIGATION = Obligation(
    name=NAME,
    articles=("DSP 6", "DSP 10", "DSP 18"),
    rules=(
        "DSP-6-1", "DSP-6-2", "DSP-6-3", "DSP-10-1", "DSP-10-2", "DSP-10-3", "DSP-10-4", "DSP-10-5",
        "DSP-18-2",
    ),
    hears=(
        "generation.requested", "generation.completed", "generation.segment", "asset.exported",
        "content.published",
    ),
    decide=decide,
)  # fmt: skip
