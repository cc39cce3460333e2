"""A rule that is dropped is missed: its unlawful story turns red, its lawful one stays as it was."""

from pathlib import Path

import pytest

from every_rule import RULES, STORIES
from rule_players import play_here
from rule_stories import RuleStory
from synthgate.law import LawBook, load


def unmet(
    folder: Path, stories: list[RuleStory], book: LawBook | None = None
) -> dict[str, list[str]]:
    """What did not come as told, by story; stories with settings of their own get a bus of their own."""
    alike: dict[str, list[RuleStory]] = {}
    for story in stories:
        alike.setdefault(repr(sorted(story.settings.items())), []).append(story)
    found = {}
    for number, group in enumerate(alike.values()):
        for story, seen in zip(group, play_here(folder / str(number), group, book), strict=True):
            found[story.user] = story.unmet(seen)
    return found


def test_under_the_whole_law_every_story_comes_out_as_told(tmp_path: Path) -> None:
    faults = unmet(tmp_path, list(STORIES))
    assert {user: said for user, said in faults.items() if said} == {}


@pytest.mark.parametrize("rule", RULES)
def test_dropping_the_rule_turns_its_unlawful_stories_red_and_not_its_lawful_one(
    tmp_path: Path, rule: str
) -> None:
    mine = [story for story in STORIES if story.rule == rule]
    faults = unmet(tmp_path, mine, load().without(rule))
    assert {user for user, said in faults.items() if not said} == {
        story.user for story in mine if story.lawful
    }
