"""The usual way of a list: imported for the next version, watched for a while, counted, and taken back.

What a version holds is what two people put in force: nothing that is sent later changes it.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from cli_commands import run
from library_topics import Topics
from synthgate.bench.made_up import row
from synthgate.events.facts import FeatureRow
from synthgate.library.files import written
from synthgate.registries import seals
from synthgate.step import Waiting
from synthgate.steps.active_library import ActiveLibrary

Capture = pytest.CaptureFixture[str]
OLD, MOVED, NEW = "甲乙丙", "丁戊己", "庚辛壬"
TEXT = "，".join((OLD, MOVED, NEW))
FIRST = [row("kept", OLD), row("moved", MOVED, severity=90)]
SECOND = [
    row("kept", OLD, from_version=2),
    row("moved", "不相干", severity=90, from_version=2),
    row("new", NEW, from_version=2),
]
TWO = ("--by", "ann", "--and-by", "bob")
HOUR_MS = 3_600_000


class Chain:
    """The commands, and what moderation finds at once or at a time."""

    def __init__(self, topics: Topics, capsys: Capture, folder: Path) -> None:
        self.topics = topics
        self._capsys, self._folder = capsys, folder
        self._active = ActiveLibrary(topics.registries)

    def __call__(self, *words: str) -> tuple[int, str, str]:
        return run(self._capsys, *("--set", f"data_dir={self._folder}"), "library", *words)

    def sent(self, version: int, rows: list[FeatureRow]) -> tuple[int, str, str]:
        path = self._folder / f"list-{version}.jsonl"
        path.write_text("".join(written(rows, ".jsonl")), encoding="utf-8")
        return self("import", str(path), "--library-version", str(version))

    def found(self, *, new: bool = False) -> tuple[int, dict[str, int]]:
        """The version searched, and what counts for how many percent. new: by a worker that begins now."""
        active = ActiveLibrary(self.topics.registries) if new else self._active
        library = asyncio.run(active.get(self.topics.positions(), self.topics.now_ms))
        assert library is not None
        return library.version, {hit.entry: hit.share for hit in library.search(TEXT)}


@pytest.fixture
def chain(monkeypatch: pytest.MonkeyPatch, capsys: Capture, tmp_path: Path) -> Chain:
    """Version 1 is in force."""
    made = Chain(Topics(monkeypatch), capsys, tmp_path)
    assert made.sent(1, FIRST)[0] == 0
    code, said, _ = made("activate", "1", *TWO)
    assert (code, said) == (0, "version 1 is in force: 2 entries\n")
    return made


ONE = (1, {"kept": 100, "moved": 100})


def test_the_usual_way_of_a_version_and_back(chain: Chain) -> None:
    one = seals.entries(chain.topics.registries.control, chain.topics.registries.features, 1)
    assert chain.found() == ONE
    code, said, why = chain.sent(2, SECOND)
    assert code == 0, why
    assert said.startswith("2 entries sent, 1 stood there;")
    assert (chain.found(), chain.found(new=True)) == (ONE, ONE)

    code, said, why = chain("activate", "2", *TWO)
    assert code == 0, why
    assert "what is new in it is only watched until" in said
    watched = (1, {"kept": 100, "moved": 100, "new": 0})
    for new in (False, True):
        assert chain.found(new=new) == watched
    chain.topics.now_ms += HOUR_MS - 60_000
    assert chain.found() == watched
    chain.topics.now_ms += 60_000
    for new in (False, True):
        assert chain.found(new=new) == (2, {"kept": 100, "new": 100})

    code, said, why = chain("rollback", "1", *TWO, "--reason", "too wide")
    assert code == 0, why
    assert "version 1 is in force: 2 entries; versions 2 to 2 are withdrawn" in said
    for new in (False, True):
        assert chain.found(new=new) == ONE
    back = seals.entries(chain.topics.registries.control, chain.topics.registries.features, 1)
    assert back == one
    # The next one stands on version 1, not on what was withdrawn.
    assert chain.sent(3, [row("other", "癸子丑", from_version=3)])[0] == 0
    assert chain("activate", "3", *TWO, "--urgent")[0] == 0
    assert chain.found() == (3, ONE[1])


def test_two_people_may_have_it_counted_at_once(chain: Chain) -> None:
    chain.sent(2, SECOND)
    code, said, _ = chain("activate", "2", *TWO, "--urgent")
    assert (code, said) == (0, "version 2 is in force: 3 entries\n")
    assert chain.found() == (2, {"kept": 100, "new": 100})


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([row("new", NEW)], "new is not in version 1"),
        ([row("moved", "不相干", severity=90)], "moved has another value"),
        (
            [row("moved", MOVED, severity=10, to_version=2)],
            "moved has another severity, to_version",
        ),
        ([row("kept", OLD, state="off"), *SECOND[2:]], "kept has another state"),
    ],
)
def test_a_row_for_a_version_that_was_put_in_force_is_sent_nowhere(
    chain: Chain, rows: list[FeatureRow], told: str
) -> None:
    before = len(chain.topics.registries.features)
    code, _, why = chain.sent(1, rows)
    assert code == 1
    assert told in why and "import for version 2" in why
    assert len(chain.topics.registries.features) == before
    assert chain.found(new=True) == ONE
    assert chain("activate", "2", *TWO, "--urgent")[0] == 0, "no import was begun"


def test_the_same_list_again_is_nothing(chain: Chain) -> None:
    code, said, _ = chain.sent(1, FIRST)
    assert (code, said.startswith("0 entries sent, 2 stood there")) == (0, True)


def test_what_was_withdrawn_is_a_number_no_row_is_taken_for(chain: Chain) -> None:
    chain.sent(2, SECOND)
    chain("activate", "2", *TWO, "--urgent")
    chain("rollback", "1", *TWO, "--reason", "too wide")
    code, _, why = chain.sent(2, [row("more", "癸子丑", from_version=2)])
    assert (code, "import for version 3" in why) == (1, True)
    # What is good of it is sent under a new number, though it stands there under the old one.
    code, said, _ = chain.sent(3, [SECOND[2].model_copy(update={"from_version": 3})])
    assert (code, said.startswith("1 entries sent")) == (0, True)


def overwritten(chain: Chain) -> None:
    chain.topics.put(row("moved", "不相干", severity=90))


def erased(chain: Chain) -> None:
    chain.topics.registries.apply("facts.features", 0, 10_000, b"moved/1", None)


def test_what_is_sent_past_the_command_waits_for_its_activation(chain: Chain) -> None:
    chain.topics.now_ms += 1_000
    chain.topics.put(row("stray", NEW))
    for new in (False, True):
        assert chain.found(new=new) == ONE
    code, _, why = chain("activate", "2", *TWO)
    assert (code, "stray was sent for version 1 after version 1 was put in force" in why) == (
        1,
        True,
    )
    assert chain.sent(2, [row("stray", NEW, from_version=2)])[0] == 0
    assert chain("activate", "2", *TWO)[0] == 0
    assert chain.found(new=True) == (1, ONE[1] | {"stray": 0})


@pytest.mark.parametrize("harm", [overwritten, erased])
def test_a_version_that_was_tampered_with_is_not_searched_as_if_it_were_whole(
    chain: Chain, harm: Callable[[Chain], None]
) -> None:
    assert chain.found() == ONE
    chain.topics.now_ms += 1_000
    harm(chain)
    assert chain.found() == ONE, "built before"
    with pytest.raises(Waiting, match="overwritten or erased"):
        chain.found(new=True)
    chain.sent(2, SECOND)
    for words in (("activate", "1", *TWO), ("activate", "2", *TWO)):
        code, _, why = chain(*words)
        assert (code, "activate version 2, --urgent" in why) == (1, True), why
    assert chain("activate", "2", *TWO, "--urgent")[0] == 0
    assert chain.found(new=True)[0] == 2


def test_rows_of_an_earlier_release_are_sealed_when_the_next_version_comes(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, tmp_path: Path
) -> None:
    topics = Topics(monkeypatch)
    chain = Chain(topics, capsys, tmp_path)
    for one in FIRST:
        topics.put(one, key=one.entry)
    control = {"version": 1, "agreed_by": "bob"}
    asyncio.run(topics._control(None, "library", control, "ann", topics.now_ms))  # type: ignore[arg-type]
    assert chain.found() == ONE
    code, _, why = chain.sent(1, [row("late", NEW)])
    assert (code, "late is not in version 1" in why) == (1, True)
    assert chain.sent(2, SECOND)[0] == 0
    assert chain("activate", "2", *TWO, "--urgent")[0] == 0
    assert chain.found() == (2, {"kept": 100, "new": 100})
    assert chain("rollback", "1", *TWO, "--reason", "too wide")[0] == 0
    assert chain.found(new=True) == ONE
