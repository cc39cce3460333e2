"""Whatever dies wherever: what is released lies in the store, labelled; sweeping leaves nothing else."""

import hashlib
import itertools
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from acts_at_hand import a_bus, accept, answer, decide, verify
from local_bus import LocalBus
from synthgate.crypto.keys import KeyFolder
from synthgate.demo import media
from synthgate.demo.acts import Act, Cited, Story, event_of
from synthgate.demo.facts import control, facts
from synthgate.effects import objects as objects_module
from synthgate.effects import workshop
from synthgate.effects.carriers import catalogue, png
from synthgate.effects.labelled_file import LabelledFile, Marked, mark
from synthgate.effects.objects import BESIDE, LocalObjects, origin_of
from synthgate.events.decision import Decision
from synthgate.ledger import KeyRing, LocalStore
from synthgate.step import Outputs
from synthgate.steps.sweeping import Swept, sweep

WHO = Story("painter", "", (), accepts=False)


class KilledError(BaseException):
    """The process is killed here: nothing may catch it."""


class Steps:
    """Counts what is done to the world, and dies before the ``at``-th of it, once."""

    def __init__(self) -> None:
        self.done, self.at = 0, -1

    def before(self) -> None:
        self.done += 1
        if self.done == self.at:
            raise KilledError


class Dying(LocalBus):
    """Each record published is a step."""

    steps: Steps

    def _publish(self, outputs: Outputs, partition: int) -> None:
        for topics in (outputs.by_topic, outputs.last):
            for topic, records in topics.items():
                for record in records:
                    self.steps.before()
                    super()._publish(Outputs(by_topic={topic: [record]}), partition)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    """Each file written or named is a step; no picture is encoded to the same bytes twice."""
    steps, count = Steps(), itertools.count()

    def before(name: str) -> None:
        real: Callable[..., Any] = getattr(objects_module, name)

        def step(*args: Any) -> Any:
            steps.before()
            return real(*args)

        monkeypatch.setattr(objects_module, name, step)

    before("_write_new")
    before("_link")

    def never_the_same(*asked: Any, **how: Any) -> Marked:
        made = mark(*asked, **how)
        end = made.data.rindex(b"IEND") - 4
        more = png.build_chunk(b"tEXt", b"Comment\x00%d" % next(count))
        return Marked(
            made.data[:end] + more + made.data[end:], made.media_type, made.suffix, made.explicit,
            made.unshown,
        )  # fmt: skip

    monkeypatch.setattr(workshop, "mark", never_the_same)
    return steps


def a_chain(folder: Path, steps: Steps | None = None, *, fused: bool = False) -> Any:
    bus: Any = a_bus(folder, fused=fused)
    for topic, row in facts(bus.now_ms):
        bus.fact(topic, row)
    accept(bus, "painter", "demo")
    decide(bus, event(bus, Act("v", "", "identity.verified")))
    if steps is not None:
        bus.__class__, bus.steps = Dying, steps
    media.PICTURE.place(bus.settings.media_folders["demo"])
    return bus


def event(bus: LocalBus, act: Act, cited: Decision | None = None) -> dict[str, Any]:
    bus.now_ms += 1000
    brought = cited and Cited(cited.pass_, tuple(o.model_dump() for o in cited.objects))
    return event_of(WHO, act, bus.now_ms, brought, "r")


def asks(bus: LocalBus, name: str = "g") -> Decision:
    return decide(
        bus, event(bus, painting(f"{name}-ask", "generation.requested", name, prompt="画一座山"))
    )


def painting(id: str, kind: str, name: str = "g", **more: Any) -> Act:
    return Act(id, id, kind, generation=name, template="studio", medium="image", **more)


def drawn(bus: LocalBus, asked: Decision, name: str = "g", **more: Any) -> dict[str, Any]:
    act = painting(f"{name}-done", "generation.completed", name, files=(media.PICTURE,), **more)
    return event(bus, act, asked)


def swept(bus: LocalBus, *, dry_run: bool = False) -> Swept:
    settings = bus.settings
    ring = KeyRing.open(settings.ledger_dir / "userkeys", KeyFolder(settings.keys_dir).master_key)
    store = LocalObjects(settings.objects_dir)
    return sweep(store, LocalStore(settings.ledger_dir), ring, dry_run=dry_run)


def lying(bus: LocalBus) -> set[str]:
    """Objects in the store, by name, without what lies beside them."""
    store = LocalObjects(bus.settings.objects_dir)
    names = {name for log in range(2) for name, _ in store.names(log) if origin_of(name)}
    return {name for name in names if not name.endswith(BESIDE)}


def released(bus: LocalBus) -> set[str]:
    return {row.name for decision in bus.decisions() for row in decision.objects}


def each_death(tmp_path: Path, steps: Steps, *, fused: bool) -> Iterator[Any]:
    """A chain that has labelled a picture, killed before its first step, its second, …; and never."""
    for at in itertools.count(1):
        bus = a_chain(tmp_path / str(at), steps, fused=fused)
        asked = asks(bus)
        bus.send(drawn(bus, asked))
        steps.done, steps.at = 0, at
        try:
            bus.run()
        except KilledError:
            bus.start()
            bus.run()
            yield bus
        else:
            assert at > 10
            return


@pytest.mark.parametrize("fused", [False, True])
def test_killed_at_any_step_a_picture_is_released_once_and_lies_there(
    tmp_path: Path, steps: Steps, *, fused: bool
) -> None:
    left = 0
    for bus in each_death(tmp_path, steps, fused=fused):
        said = [one for one in bus.decisions() if one.event_id == "r-g-done"]
        assert {one.action for one in said} == {"release"}
        assert len({one.receipt.hash for one in said}) == 1
        (row,) = said[0].objects
        found = LabelledFile.read(bus.parts.objects, row.name)
        assert found is not None
        assert hashlib.sha256(found.data).hexdigest() == row.sha256
        assert len(catalogue.of(found.data).read(found.data).places) == 1
        left += len(lying(bus)) - 1
        swept(bus)
        assert lying(bus) == released(bus) == {row.name}
        assert LabelledFile.read(bus.parts.objects, row.name) == found
    assert left > 0, "no death left anything to sweep"


def test_killed_while_it_sweeps_it_sweeps_the_rest(tmp_path: Path, monkeypatch: Any) -> None:
    bus = a_chain(tmp_path)
    asked = asks(bus)
    done = decide(bus, drawn(bus, asked))
    row = done.objects[0].name
    store = LocalObjects(bus.settings.objects_dir)
    stem, sha = row.rsplit("-", 1)
    for number in range(3):
        store.put(f"{stem}-{hashlib.sha256(bytes([number])).hexdigest()}.png", b"x")
    real, removed = LocalObjects.remove, []

    def dies(self: LocalObjects, name: str) -> bool:
        if len(removed) == 1:
            raise KilledError
        removed.append(name)
        return real(self, name)

    monkeypatch.setattr(LocalObjects, "remove", dies)
    with pytest.raises(KilledError):
        swept(bus)
    monkeypatch.undo()
    assert swept(bus, dry_run=True).objects == 2
    assert swept(bus).objects == 2
    assert lying(bus) == {row}
    assert sha in row


def test_what_is_not_logged_yet_stays_and_so_does_what_an_export_names(tmp_path: Path) -> None:
    bus = a_chain(tmp_path)
    done = decide(bus, drawn(bus, asks(bus)))
    exported = decide(bus, event(bus, painting("g-out", "asset.exported"), done))
    assert exported.objects == done.objects
    store = LocalObjects(bus.settings.objects_dir)
    ahead = f"0/1-generation.events-0-999999-{'0' * 64}.png"
    store.put_all({ahead: b"x", "0/stream-x.json": b"{}"})
    said = swept(bus)
    assert (said.objects, said.unlogged, said.cited) == (0, 1, 2)
    assert lying(bus) == {ahead, done.objects[0].name}
    assert store.exists("0/stream-x.json")


def test_what_was_labelled_for_a_repeat_goes(tmp_path: Path) -> None:
    bus = a_chain(tmp_path)
    sent = drawn(bus, asks(bus))
    first = decide(bus, sent)
    bus.send(sent)
    bus.run()
    assert len(lying(bus)) == 2  # the repeat was labelled too, under its own origin
    assert swept(bus).objects == 2
    assert lying(bus) == {first.objects[0].name}


def test_what_comes_back_from_a_hold_is_named_by_its_own_origin_and_stays(tmp_path: Path) -> None:
    bus = a_chain(tmp_path)
    bus.fact(
        "control", control("reviewers/demo", {"reviewers": ["r-1", "checker-1"]}, bus.now_ms + 1)
    )
    held = decide(bus, drawn(bus, asks(bus), reviewed=False))
    assert held.action == "hold"
    assert lying(bus) == set()
    passed = answer(bus, held, "review", outcome="pass", reviewer="r-1")
    assert passed.action == "release", passed.reasons
    assert swept(bus).objects == 0
    (row,) = passed.objects
    assert str(origin_of(row.name)) == passed.origin
    assert lying(bus) == {row.name}


def test_an_object_lost_before_the_append_is_not_released(tmp_path: Path, monkeypatch: Any) -> None:
    bus = a_chain(tmp_path)
    asked = asks(bus)

    def lose(self: Any, outputs: Outputs, partition: int) -> None:
        for path in Path(bus.settings.objects_dir).rglob("*.png"):
            path.unlink()
        publish(self, outputs, partition)

    publish = LocalBus._publish
    monkeypatch.setattr(LocalBus, "_publish", lose)
    done = decide(bus, drawn(bus, asked))
    assert done.action == "refuse"
    assert [(r.rule, r.code) for r in done.reasons] == [("HOUSE-stale", "object_missing")]
    assert done.objects == []


def test_a_user_who_was_erased_leaves_nothing_behind(tmp_path: Path) -> None:
    bus = a_chain(tmp_path)
    verify(bus)
    done = decide(bus, drawn(bus, asks(bus)))
    store = LocalObjects(bus.settings.objects_dir)
    stem = done.objects[0].name.rsplit("-", 1)[0]
    store.put(f"{stem}-{'0' * 64}.png", b"left over")
    settings = bus.settings
    ring = KeyRing.open(settings.ledger_dir / "userkeys", KeyFolder(settings.keys_dir).master_key)
    entry = bus.parts.logs.get(done.receipt.log).read(done.receipt.index)
    ring.erase(entry.header["kid"])
    store.remove(done.objects[0].name)
    swept(bus)
    assert lying(bus) == set()


class Restless(Dying):
    """Dies before any step, by chance; afterwards some stages read some of their input again."""

    dice = random.Random(0)
    deaths = 0

    def _publish(self, outputs: Outputs, partition: int) -> None:
        if self.dice.random() < 0.1:
            self.deaths += 1
            raise KilledError
        super()._publish(outputs, partition)

    def survive(self) -> None:
        while True:
            try:
                return self.run(200)
            except KilledError:
                self.start()
                for place in self.read:
                    if self.dice.random() < 0.2:
                        self.read[place] = max(0, self.read[place] - self.dice.choice([1, 5]))


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("seed", range(2))
def test_pictures_and_words_interleaved_with_deaths(
    tmp_path: Path, steps: Steps, seed: int, *, fused: bool
) -> None:
    bus = a_chain(tmp_path, steps, fused=fused)
    asked = {name: asks(bus, name) for name in "abcdef"}
    bus.__class__, bus.dice = Restless, random.Random(seed)
    for name, decision in asked.items():
        if name in "ace":
            bus.send(drawn(bus, decision, name))
            words = Act(
                f"{name}-words",
                "",
                "generation.requested",
                prompt="写一首诗",
                generation=f"w{name}",
            )
            bus.send(event(bus, words))
        else:
            bus.send(drawn(bus, decision, name, reviewed=name != "f"))
        if bus.dice.random() < 0.5:
            bus.survive()
    bus.survive()

    said: dict[str, set[tuple[str, str, int | None]]] = {}
    for one in bus.decisions():
        said.setdefault(one.event_id or "", set()).add(
            (one.action, one.receipt.hash, one.repeat_of)
        )
    assert (
        len(said) == 3 + 2 * 6 + 3 - 2
    )  # identity, requests and pictures, words; terms are folded
    assert all(len(answers) == 1 for answers in said.values()), said
    assert {repeat for answers in said.values() for _, _, repeat in answers} == {None}
    actions = {name: next(iter(said[f"r-{name}-done"]))[0] for name in "abcdef"}
    assert actions == dict.fromkeys("abcde", "release") | {"f": "hold"}
    swept(bus)
    assert lying(bus) == released(bus)
    assert len(released(bus)) == 5
