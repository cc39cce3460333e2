"""Each rule's lawful and unlawful story through the running chain on real Kafka, with what it leaves behind."""

from every_rule import ALONE, RULES, STORIES
from live_chain import RunningChain
from rule_players import play_on
from whole_log import whole_and_replayed

NAMED = (
    "DSP-9-1", "DSP-9-2", "DSP-10-9",
    "DSP-14-1", "DSP-14-2", "DSP-14-3", "DSP-14-4",
    "DSP-6-1", "DSP-10-1", "DSP-10-2",
    "DSP-16-2", "DSP-16-3", "DSP-17-1", "GB-E-1", "GB-E-3", "GB-E-4",
    "DSP-10-10", "CSL-23-1",
    "DSP-10-6", "DSP-10-7",
    "DSP-8-1", "DSP-8-2", "DSP-9-3", "DSP-9-4", "DSP-9-5", "DSP-9-6", "DSP-21-2", "MIN-31-1",
    "DSP-14-5", "DSP-14-6", "DSP-14-7", "DSP-15-2", "PIPL-55-1", "NDR-12-1",
    "DSP-16-1", "DSP-17-2", "DSP-17-3", "DSP-17-4", "DSP-17-6", "LBL-4-7", "GB-E-2",
    "DSP-18-1", "LBL-6-1", "LBL-6-2", "LBL-6-3", "LBL-9-1", "LBL-9-2",
    "DSP-10-8", "GAI-14-1", "DSP-11-1", "DSP-11-2", "DSP-11-3", "DSP-12-1", "DSP-12-2", "DSP-12-3",
    "CSL-49-1", "INC-4-1", "INC-4-2", "INC-7-1", "INC-8-1", "PIPL-57-1", "NDR-10-1", "DSP-21-1",
    "DSP-13-1", "PIPL-47-1", "GAI-11-1", "DSP-7-1", "DSP-15-1",
    "DSP-19-1", "DSP-19-2", "DSP-19-3", "DSP-19-4", "DSP-20-1", "DSP-20-2",
    "DSP-6-2", "DSP-6-3", "DSP-10-3", "DSP-10-4", "DSP-10-5", "DSP-18-2",
    "DSP-17-5", "DSP-17-7", "LBL-6-4", "LBL-8-1",
)  # fmt: skip


def test_every_rule_has_a_lawful_and_an_unlawful_story() -> None:
    assert NAMED == RULES
    here = [story for story in STORIES if not story.settings or story.rule in ALONE]
    for rule in RULES:
        assert {story.lawful for story in here if story.rule == rule} == {True, False}, rule
    assert len({story.user for story in STORIES}) == len(STORIES)


async def test_every_story_comes_out_as_told_on_real_kafka(chain: RunningChain) -> None:
    stories = [story for story in STORIES if not story.settings]
    seen = await play_on(chain.settings, stories)
    unmet = {story.user: story.unmet(one) for story, one in zip(stories, seen, strict=True)}
    assert {user: faults for user, faults in unmet.items() if faults} == {}
    await whole_and_replayed(chain.settings)
