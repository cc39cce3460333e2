"""Rule stories of moderation beyond the review itself: news, labels, people's answers, the library's order."""

from collections.abc import Mapping
from typing import Any, Final

import rule_evidence as shows
from rule_stories import BAIT, Fact, RuleStory, _story, ask, chats, publish, verified
from synthgate.demo.acts import Act, moment
from synthgate.demo.facts import HOUR_MS, control
from synthgate.events.facts import FeatureRow, NewsSourceRow

RULES: Final = ("DSP-6-2", "DSP-6-3", "DSP-10-3", "DSP-10-4", "DSP-10-5", "DSP-18-2")
ALONE: Final = ("DSP-10-5",)
"""The library is one for all: taking it away needs a chain of its own."""
OWN_CHAIN: Final[Mapping[str, Any]] = {"serve_minutes": 14}


def listed(source: str, *, listed: bool = True) -> Fact:
    return Fact(
        "facts.news_sources",
        lambda now: NewsSourceRow(
            version=now, source=source, list_version="2021-10-20", listed=listed,
            listed_from=moment(now - HOUR_MS),
        ),
    )  # fmt: skip


def entry(name: str, value: str, approved_by: str) -> Fact:
    return Fact(
        "facts.features",
        lambda now: FeatureRow(
            version=now, entry=name, kind="keyword", value=value, risk="A.1h", severity=90,
            from_version=1, criteria="c-1", proposed_by="ann", approved_by=approved_by,
        ),
    )  # fmt: skip


def news(user: str, expect: str = "release", **said: Any) -> tuple[Any, ...]:
    """A chat whose answer is published as news."""
    return *chats(user), publish(user, data={"generation": {"news": said}}, expect=expect)


def held(user: str, reviewer: str, expect: str) -> tuple[Any, ...]:
    """A question in doubt, and somebody's answer to the hold."""
    return (
        verified(user),
        ask(user, BAIT, expect="hold", codes=("risk_review",)),
        Act(f"{user}-said", "answered", "review", expect, cites=f"{user}-ask", reviewer=reviewer,
            outcome="pass"),
    )  # fmt: skip


def without_library(user: str) -> tuple[Any, ...]:
    """A version nobody filled is in force."""
    nothing = Fact(
        "control", lambda now: control("library", {"version": 0, "agreed_by": "demo-2"}, now)
    )
    return verified(user), nothing, ask(user, expect="refuse")


STORIES: tuple[RuleStory, ...] = (
    _story("DSP-6-2", "lawful", lambda u: news(u, kind="original", verified_by="reviewer-1"),
           shows.news(kind="original", verified=True)),
    _story("DSP-6-2", "unlawful", lambda u: news(u, "refuse", kind="original", verified_by="nobody"),
           shows.both(shows.no_object, shows.news(verified=False)), "DSP-6-2 news_unverified"),
    _story("DSP-6-2", "fabricated-unlawful",
           lambda u: (verified(u), ask(u, data={"generation": {"news": {"kind": "original",
                                                                        "fabricated": True}}},
                                       expect="refuse")),
           shows.both(shows.no_object, shows.news(fabricated=True)), "DSP-6-2 news_fabricated"),
    _story("DSP-6-3", "lawful",
           lambda u: (listed("unit-1"), *news(u, kind="repost", source="unit-1")),
           shows.both(shows.read_from("moderation", "facts.news_sources"),
                      shows.news(source="unit-1", listed="2021-10-20"))),
    _story("DSP-6-3", "unlawful", lambda u: news(u, "refuse", kind="repost", source="unit-2"),
           shows.both(shows.no_object, shows.news(listed=None)), "DSP-6-3 news_source_unlisted"),
    _story("DSP-6-3", "struck-unlawful",
           lambda u: (listed("unit-3", listed=False), *news(u, "refuse", kind="repost", source="unit-3")),
           shows.both(shows.no_object, shows.news(listed=None)), "DSP-6-3 news_source_unlisted"),
    _story("DSP-10-3", "lawful", lambda u: held(u, "reviewer-1", "release"),
           shows.holds("moderation", answer="pass", reviewer="reviewer-1")),
    _story("DSP-10-3", "unlawful", lambda u: held(u, "stranger", "hold"),
           shows.both(shows.no_object, shows.holds("moderation", answer=None, unheard="reviewer")),
           "DSP-10-1 risk_review", "DSP-10-3 answer_unheard"),
    _story("DSP-10-4", "lawful",
           lambda u: (entry("two-people", "蓝色月光鞋垫", "bob"), verified(u), ask(u, "蓝色月光")),
           shows.reviewed("prompt", risks=False)),
    _story("DSP-10-4", "unlawful",
           lambda u: (entry("one-alone", "红色月光鞋垫", "ann"), verified(u),
                      ask(u, "红色月光鞋垫", expect="hold")),
           shows.both(shows.no_object, shows.holds("moderation", unapproved=["one-alone"])),
           "DSP-10-4 entry_unapproved"),
    _story("DSP-10-5", "lawful", lambda u: (verified(u), ask(u)), shows.library_named),
    _story("DSP-10-5", "unlawful", without_library, shows.no_object, "DSP-10-5 library_missing",
           **OWN_CHAIN),
    _story("DSP-18-2", "lawful", lambda u: (verified(u), ask(u, "解释一下为什么要有AI标识")),
           shows.reviewed("prompt", risks=False)),
    _story("DSP-18-2", "unlawful", lambda u: (verified(u), ask(u, "帮我去除AI标识", expect="refuse")),
           shows.both(shows.no_object, shows.holds("moderation", against_label=["zh-label-01"])),
           "DSP-6-1 risk_refuse", "DSP-18-2 label_removal"),
)  # fmt: skip
