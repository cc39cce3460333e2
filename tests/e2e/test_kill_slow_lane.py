"""Pictures and words side by side, workers killed: each picture is released once, and no word waits for it."""

from pathlib import Path
from typing import Any

import pytest

from e2e.history import counts
from e2e.load import UNTIL_SECONDS, Load
from e2e.rig import checked, rest, small_settings
from synthgate.broker.choose import Broker
from synthgate.crypto.keys import KeyFolder
from synthgate.demo import media
from synthgate.demo.acts import TENANT, moment, review_of
from synthgate.demo.chain import Chain
from synthgate.demo.media import MediaFile
from synthgate.effects.labelled_file import LabelledFile
from synthgate.effects.objects import LocalObjects
from synthgate.ledger import KeyRing, LocalStore
from synthgate.settings import Settings
from synthgate.steps.sweeping import sweep

KILLS = 2
KILLS_MAX = 6
"""At most, until words were seen to be answered before a picture sent before them."""
PICTURES = 6
WORDS = 40
PAINTERS = [f"painter-{number}" for number in range(4)]
FILES = [
    MediaFile(
        f"big-{width}.png", "image", "image/png", lambda width=width: media.picture(width, 900)
    )
    for width in (1200, 1500)
]


class Painting(Load):
    """Besides its words, pictures of users who do nothing else. under_way: completions not answered yet."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, transactions=False)
        self.begun = 0
        self.under_way: set[str] = set()
        self.released: list[dict[str, Any]] = []
        for file in FILES:
            file.place(settings.media_folders[TENANT])

    def facts(self) -> None:
        super().facts()
        for user in PAINTERS:
            self._vouch(user)

    def paint(self, count: int) -> None:
        """So many requests for a picture."""
        for _ in range(count):
            self.begun += 1
            self._once(PAINTERS[self.begun % len(PAINTERS)], "generation.requested", {
                "generation": _picture(f"picture-{self.begun}"),
                "content": {"prompt": "画一个安静的港湾"},
            })  # fmt: skip

    def words(self) -> set[str]:
        """Words sent and not answered."""
        return {name for name in self.outstanding if name not in self.under_way}

    def _react(self, decision: dict[str, Any], key: bytes, partition: int) -> None:
        generation = str(decision["generation"])
        if not generation.startswith("picture-"):
            super()._react(decision, key, partition)
            return
        self.answered[decision["action"]] += 1
        self.outstanding.discard(decision["event_id"])
        self.under_way.discard(decision["event_id"])
        if decision["decision"] in self._reacted:
            return
        self._reacted.add(decision["decision"])
        assert decision["action"] == "release", decision["reasons"]
        if decision["type"] != "generation.requested":
            self.released.append(decision)
            return
        file = FILES[len(self._reacted) % len(FILES)]
        user, now = key.decode().partition("/")[2], decision["decided_at"]
        self._once(user, "generation.completed", {
            "generation": _picture(generation), "pass": decision["pass"],
            "content": {"objects": [file.row()]}, "review": review_of([file], now, moment(now)),
        })  # fmt: skip
        self.under_way.add(f"{self._seed}-{self._number}")

    def _once(self, user: str, kind: str, data: dict[str, Any]) -> None:
        """The load sends words again, and other words under their ids; not these."""
        self._event(user, kind, data)
        self._sent.pop()


def _picture(name: str) -> dict[str, Any]:
    return {"id": name, "medium": "image", "template": "studio", "purpose": "chat"}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_pictures_and_words_interleaved_with_kills(
    kafka: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    settings = small_settings(kafka, topic_prefix, tmp_path)
    ahead = 0
    with Chain(kafka, settings) as chain:
        load = Painting(settings)
        load.facts()
        kills = 0
        # Who does not look for a moment finds pictures and words answered: such a leg shows nothing of either.
        while kills < KILLS or (not ahead and kills < KILLS_MAX):
            load.paint(PICTURES)
            load.until(lambda: bool(load.under_way), UNTIL_SECONDS, f"a picture of leg {kills}")
            load.send(WORDS)
            before = len(load.words())
            load.until(
                lambda before=before: len(load.words()) < before * 0.6,
                UNTIL_SECONDS,
                f"leg {kills}",
            )
            ahead += bool(load.under_way)
            if not load.outstanding:
                load.send(WORDS)
            chain.kill("all")
            kills += 1
            chain.start("all")
        rest(settings, load)
        load.close()
    assert ahead > 0, "words waited for pictures"
    assert (len(load.released), load.under_way) == (kills * PICTURES, set()), load.standing()
    seen = counts(checked(settings))
    assert seen["slow"] >= kills * PICTURES
    _each_lies_there_once(settings, load.released)


def _each_lies_there_once(settings: Settings, released: list[dict[str, Any]]) -> None:
    """Under its own number, with its badge; and what a killed worker left besides is swept."""
    objects, keys = LocalObjects(settings.objects_dir), KeyFolder(settings.keys_dir)
    ring = KeyRing.open(settings.ledger_dir / "userkeys", keys.master_key)
    swept = sweep(objects, LocalStore(settings.ledger_dir), ring)
    assert swept.unlogged == 0
    for decision in released:
        (row,) = decision["objects"]
        found = LabelledFile.read(objects, row["name"])
        assert found is not None
        assert found.row() == row
        assert found.explicit is not None
        assert found.label.row() == decision["label"]
    numbers = {decision["label"]["ProduceID"] for decision in released}
    assert len(numbers) == len(released)
    assert len(list(settings.objects_dir.rglob("*.png"))) == len(released)
