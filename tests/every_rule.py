"""All rules with their stories."""

import rule_stories
import rule_stories_cases
import rule_stories_exports
import rule_stories_media
import rule_stories_moderation
import rule_stories_people
import rule_stories_prompts

_PARTS = (
    rule_stories, rule_stories_people, rule_stories_media, rule_stories_exports, rule_stories_cases,
    rule_stories_moderation, rule_stories_prompts,
)  # fmt: skip
RULES = tuple(rule for part in _PARTS for rule in part.RULES)
STORIES = tuple(story for part in _PARTS for story in part.STORIES)
ALONE = (*rule_stories_moderation.ALONE, *rule_stories_prompts.ALONE)
"""Rules whose unlawful story needs a chain of its own."""
