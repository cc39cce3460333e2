"""Rule stories played: on a local bus under any law book, and through a running chain."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson

from cases_at_hand import tell
from local_bus import LocalBus, local_settings
from rule_seen import Row, Seen
from rule_stories import Fact, RuleStory, Tamper
from rule_stories_cases import Appeal, Finding
from synthgate.cli.positions import records
from synthgate.client import Decision, Gate, Undecided
from synthgate.demo.acts import SOURCE, TENANT, Act, Story
from synthgate.demo.facts import facts
from synthgate.demo.player import Player, _now_ms
from synthgate.demo.straight import Straight
from synthgate.law import LawBook
from synthgate.settings import Settings
from synthgate.steps.cases import progress_id
from teller import Teller

AFTERWARDS = ("cases", "standings", "work")
ANSWERED_S = 120.0
"""For an answer, and until incidents has heard it, on a machine that has much else to do."""


class LocalTeller(Teller):
    """Acts, and what happens between them, on a local bus."""

    def act(self, story: Story, act: Act | Fact | Tamper) -> None:
        if isinstance(act, Fact):
            self.bus.fact(act.topic, act.row(self.bus.now_ms))
        elif isinstance(act, Tamper):
            act.do(self.bus.settings.objects_dir, self.told())
        elif isinstance(act, Finding):
            data = {"tenant": TENANT, "case": act.name, "detail": dict(act.detail)}
            tell(self.bus, act.kind, **data)
        else:
            super().act(story, act.known(self.told()) if isinstance(act, Appeal) else act)

    def told(self) -> dict[str, Row]:
        return {
            name: said.model_dump(mode="json", by_alias=True) for name, said in self.said.items()
        }


def play_here(
    folder: Path, stories: Sequence[RuleStory], book: LawBook | None = None
) -> list[Seen]:
    """Tell stories that share their settings, one after the other, on a bus of their own."""
    bus = LocalBus(local_settings(folder, **stories[0].settings), book=book)
    for topic, row in facts(bus.now_ms):
        bus.fact(topic, row)
    tellers = []
    for one in stories:
        tellers.append(LocalTeller(bus))
        tellers[-1].play(one.story)
    rows = {t: [orjson.loads(r.value or b"") for r in bus.records(t)] for t in AFTERWARDS}
    return [
        Seen(bus.settings, one.user, teller.told(), rows)
        for one, teller in zip(stories, tellers, strict=True)
    ]


class ChainPlayer(Player):
    """Acts, and what happens between them, through the client of a running chain."""

    def __init__(self, gate: Gate, straight: Straight, settings: Settings) -> None:
        media = settings.media_folders[TENANT]
        super().__init__(gate, straight, "rules", lambda told: None, media, ANSWERED_S)
        self._settings = settings

    async def _act(self, story: Story, act: Act | Fact | Tamper) -> Decision | Undecided | None:
        if isinstance(act, Fact):
            await self._fact(act.topic, act.row(_now_ms()))
            return None
        if isinstance(act, Tamper):
            act.do(self._settings.objects_dir, self.told(story))
            return None
        if isinstance(act, Finding):
            await self._gate.casework.find(act.kind, act.name, act.detail)
            return None
        return await super()._act(
            story, act.known(self.told(story)) if isinstance(act, Appeal) else act
        )

    def told(self, story: Story) -> dict[str, Row]:
        """Decision rows by act, of one story; an act nobody answered is missing."""
        ids = [act.id for act in story.acts if isinstance(act, Act)]
        return {name: self._said[name].row for name in ids if name in self._said}


async def play_on(settings: Settings, stories: Sequence[RuleStory]) -> list[Seen]:
    """Tell stories side by side through a running chain; wait until incidents has answered them all."""
    async with (
        Gate.from_settings(settings, tenant=TENANT, source=SOURCE) as gate,
        Straight(settings) as straight,
    ):
        player = ChainPlayer(gate, straight, settings)
        await player.facts()
        await player.play(tuple(one.story for one in stories))
        told = [player.told(one.story) for one in stories]
    found = {
        act.case: act.version
        for one in stories
        for act in one.story.acts
        if isinstance(act, Finding | Fact) and act.case
    }
    rows = await _answered(settings, told, found)
    return [Seen(settings, one.user, said, rows) for one, said in zip(stories, told, strict=True)]


async def _answered(
    settings: Settings, told: Sequence[Mapping[str, Row]], found: Mapping[str, int]
) -> Mapping[str, Sequence[Row]]:
    """What incidents wrote, once it says that every decision and finding was answered."""
    wanted: dict[str, int] = {}
    for said in told:
        for row in said.values():
            name = progress_id(row["receipt"]["log"])
            wanted[name] = max(wanted.get(name, -1), row["receipt"]["index"])
    until = time.monotonic() + ANSWERED_S
    while True:
        rows = {topic: await _rows(settings, topic) for topic in AFTERWARDS}
        reached = {row["case"]: row["detail"].get("index", -1) for row in rows["cases"]}
        come: dict[str, int] = {}
        for row in rows["cases"]:
            come[row["case"]] = max(come.get(row["case"], 0), row["version"])
        if all(reached.get(name, -1) >= index for name, index in wanted.items()) and all(
            come.get(name, 0) >= version for name, version in found.items()
        ):
            return rows
        assert time.monotonic() < until, (
            f"not in {ANSWERED_S:g} s: wanted {wanted}, answered"
            f" { {name: reached.get(name) for name in wanted} }; wanted {dict(found)}, come"
            f" { {name: come.get(name) for name in found} }"
        )


async def _rows(settings: Settings, topic: str) -> list[Row]:
    found = records(settings, topic, whole=True, follow=False)
    return [orjson.loads(record.value) async for record in found]
