"""What leaves the platform through the whole chain: the bytes that were labelled or nothing; and who got it."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from local_bus import LocalBus, local_settings
from rule_players import LocalTeller, play_here
from rule_stories_exports import JPEG, STORIES, bare_picture, converted
from rule_stories_media import exported, output
from synthgate.cli.erase import erase_user
from synthgate.crypto.passes import PassError, verify_pass
from synthgate.demo import media
from synthgate.demo.acts import TENANT, Act, Story
from synthgate.demo.facts import facts
from synthgate.events.topics import DAY_MS


@pytest.fixture
def bus(tmp_path: Path) -> LocalBus:
    made = LocalBus(local_settings(tmp_path))
    for topic, row in facts(made.now_ms):
        made.fact(topic, row)
    return made


def played(bus: LocalBus, *acts: Act) -> LocalTeller:
    teller = LocalTeller(bus)
    teller.play(Story("u", "", acts))
    return teller


def test_a_pass_is_for_the_bytes_that_were_labelled_and_for_no_other(bus: LocalBus) -> None:
    said = played(bus, *exported("u", media.PICTURE)).said["u-export"]
    assert said.action == "release"
    (row,) = said.objects
    data = (bus.settings.objects_dir / row.name).read_bytes()
    asked = {"now_ms": said.decided_at, "use": "serve", "object_name": row.name}
    keys = bus.parts.keys.pass_keys
    held = hashlib.sha256(data).hexdigest()
    assert (
        verify_pass(keys, said.pass_ or "", object_sha256=held, **asked).index == said.receipt.index
    )
    other = hashlib.sha256(JPEG.data).hexdigest()
    with pytest.raises(PassError, match="not those released"):
        verify_pass(keys, said.pass_ or "", object_sha256=other, **asked)


@pytest.mark.parametrize("name", ["converted.jpg", None])
def test_a_conversion_has_another_hash_and_so_no_pass(bus: LocalBus, name: str | None) -> None:
    """Under a name of its own or under that of what was released."""
    made = played(bus, *output("u", media.PICTURE))
    (row,) = made.said["u-done"].objects
    changed = JPEG.row() | {"name": name or row.name}
    export = Act(
        "u-export", "exported", "asset.exported", generation="u", template="studio", cites="u-done",
        medium="image", data={"content": {"objects": [changed]}},
    )  # fmt: skip
    JPEG.place(bus.settings.media_folders[TENANT])
    made.act(Story("u", "", (), accepts=False), export)
    said = made.said["u-export"]
    assert (said.action, said.objects, said.pass_) == ("refuse", [], None)
    told = {(reason.rule, reason.code, reason.where) for reason in said.reasons}
    assert ("HOUSE-no_pass", "pass_invalid", "/content/objects/0") in told


def test_what_was_converted_and_labelled_again_is_released_under_its_own_name(
    bus: LocalBus,
) -> None:
    made = played(bus, *converted("u"))
    before, after = made.said["u-done"], made.said["u-converted"]
    assert after.action == "release"
    assert before.objects[0].name != after.objects[0].name
    assert after.label == before.label


def test_what_was_converted_goes_out_by_its_own_pass(bus: LocalBus) -> None:
    made = played(bus, *converted("u"))
    for kind in ("asset.exported", "content.published", "content.delivered"):
        same = {"generation": "u", "template": "studio", "cites": "u-converted", "medium": "image"}
        objects = [row.model_dump() for row in made.said["u-converted"].objects]
        data = {"objects": objects} if kind == "content.delivered" else {}
        made.act(Story("u", "", (), accepts=False), Act(f"u-{kind}", kind, kind, data=data, **same))
        assert made.said[f"u-{kind}"].action == "release", made.said[f"u-{kind}"].reasons


def test_a_copy_without_a_mark_is_reported_as_delivered_by_its_own_pass(bus: LocalBus) -> None:
    made = played(bus, *bare_picture("u"))
    objects = [row.model_dump() for row in made.said["u-bare"].objects]
    told = Act(
        "u-told", "delivered", "content.delivered", generation="u", template="studio", cites="u-bare",
        medium="image", data={"objects": objects},
    )  # fmt: skip
    made.act(Story("u", "", (), accepts=False), told)
    assert made.said["u-told"].action == "release", made.said["u-told"].reasons


def test_what_was_converted_is_looked_at_before_it_is_released(bus: LocalBus) -> None:
    made = played(bus, *converted("u", reviewed=False))
    assert made.said["u-converted"].action == "hold"
    assert [reason.code for reason in made.said["u-converted"].reasons] == ["object_unreviewed"]


def test_a_parent_of_another_pass_is_none(bus: LocalBus) -> None:
    one = played(bus, *output("u", media.PICTURE)).said["u-done"]
    parents = {"content": {"parents": [one.objects[0].model_dump() | {"sha256": "0" * 64}]}}
    made = played(bus, *output("v", media.PICTURE))
    act = converted("v")[-1]
    made.act(Story("u", "", (), accepts=False), replace(act, data=parents))
    told = {(reason.code, reason.where) for reason in made.said["v-converted"].reasons}
    assert ("pass_invalid", "/content/parents/0") in told


def test_nothing_can_follow_a_copy_without_a_mark(bus: LocalBus) -> None:
    made = played(bus, *bare_picture("u"))
    assert made.said["u-bare"].action == "release"
    publish = Act(
        "u-out", "published", "content.published", generation="u", template="studio", cites="u-bare",
        medium="image",
    )  # fmt: skip
    made.act(Story("u", "", (), accepts=False), publish)
    told = {(reason.rule, reason.where) for reason in made.said["u-out"].reasons}
    assert ("HOUSE-no_pass", "/pass wrong_type") in told


def test_who_got_a_copy_without_a_mark_is_known_for_six_months_whatever_they_ask(
    tmp_path: Path,
) -> None:
    """LBL-9-2: erasure waits."""
    (story,) = (one for one in STORIES if one.rule == "LBL-9-2" and one.lawful)
    (seen,) = play_here(tmp_path, [story])
    at = seen.last["decided_at"]
    _, done = erase_user(seen.settings, TENANT, seen.user, at + 183 * DAY_MS)
    assert (done.entries, done.keys) == (0, [])
    assert done.pending_until is not None
    assert seen.passage().event.user == seen.user
    assert story.unmet(seen) == []
    _, done = erase_user(seen.settings, TENANT, seen.user, at + 185 * DAY_MS)
    assert done.pending_until is None
    assert done.entries > 0
