"""Rule stories of what the app tells people: start frames, offers, reminders, and its service agreement."""

from collections.abc import Mapping
from typing import Any, Final

from rule_evidence import Evidence, Missing, both, holds, no_object
from rule_seen import Seen
from rule_stories import Fact, RuleStory, _story, ask, done, verified
from rule_stories_media import THEIRS, propagated, taken_in
from synthgate.demo import media
from synthgate.demo.acts import TENANT, Act, moment
from synthgate.demo.facts import ASKS_TO_DECLARE, NOTICE, contract, studio, template, terms
from synthgate.demo.media import MediaFile

RULES: Final = ("DSP-17-5", "DSP-17-7", "LBL-6-4", "LBL-8-1")
ALONE: Final = ("LBL-8-1",)
"""The terms are one for all: what they leave out needs a chain of its own."""
OWN_CHAIN: Final[Mapping[str, Any]] = {"serve_minutes": 13}
SCENE: Final = MediaFile(
    "plaza.glb", "virtual_scene", "model/gltf-binary", lambda: b"glTF" + bytes(60)
)


PLAIN: Final = MediaFile("plain.png", "image", "image/png", lambda: media.picture(96, 64))


def _scenery(name: str) -> Fact:
    """A template of scenes people could take for real."""
    kinds = {
        "media": ["virtual_scene"],
        "reviewed_media": ["text", "virtual_scene"],
        "ds_class": "DS6",
    }
    return Fact("facts.templates", lambda now: studio(name, now, a17_item=4, **kinds))


def _tool(name: str) -> Fact:
    """A template whose output nobody takes for real."""
    return Fact(
        "facts.templates", lambda now: template(name, now).model_copy(update={"a17_item": None})
    )


def _shows(name: str, shows: str, **over: Any) -> Fact:
    return Fact("control", lambda now: contract(name, now, shows, shows=shows, **over))


_silent: Final = Fact("control", lambda now: terms(TENANT, now, labels_sha256=None))
"""The terms say nothing of labels."""


def enters(user: str, name: str, *before: Fact, **more: Any) -> tuple[Any, ...]:
    """A user asks for a scene and enters it."""
    same = {"generation": user, "template": name, "medium": "virtual_scene"}
    starts = Act(
        f"{user}-done",
        "starts",
        "scene.started",
        cites=f"{user}-ask",
        files=(SCENE,),
        **same,
        **more,
    )
    return (
        _scenery(name), *before, verified(user),
        Act(f"{user}-ask", "asked", prompt="一个安静的广场", **same), starts,
    )  # fmt: skip


def starts_with_label(name: str) -> Evidence:
    """DSP-17-5, 16-2: the contract is named; the label lies beside the hash of the scene."""

    def check(seen: Seen) -> Missing:
        found = seen.served()
        if found.data.decode().splitlines() != [seen.settings.label_text, SCENE.row()["sha256"]]:
            yield f"the label lies beside {found.data.decode()!r}"
        if found.label.row() != seen.last["label"]:
            yield "the decision names another label"
        yield from holds("labelling", prompt=f"{name}/start_frame", prompt_fault=None)(seen)

    return check


def says_how(seen: Seen) -> Missing:
    """LBL-8-1: the verdict names the clause."""
    yield from holds("labelling", labels_clause=NOTICE)(seen)


STORIES: tuple[RuleStory, ...] = (
    _story("DSP-17-5", "lawful",
           lambda u: enters(u, "plaza", _shows("plaza", "start_frame", wording="AI生成", height_percent=6)),
           starts_with_label("plaza")),
    _story("DSP-17-5", "unlawful", lambda u: enters(u, "square", expect="refuse"),
           no_object, "DSP-17-5 interface_unknown"),
    _story("DSP-17-5", "tiny-unlawful",
           lambda u: enters(u, "yard", _shows("yard", "start_frame", wording="AI生成", height_percent=4.9),
                            expect="refuse"),
           no_object, "DSP-17-5 label_too_small"),
    _story("DSP-17-7", "lawful",
           lambda u: (_tool("spell"), _shows("spell", "offer", wording="可添加AI生成标识"), verified(u),
                      ask(u, template="spell"), done(u, template="spell")),
           holds("labelling", prompt="spell/offer", a17_item=None)),
    _story("DSP-17-7", "unlawful",
           lambda u: (_tool("mute"), verified(u), ask(u, template="mute"),
                      done(u, template="mute", expect="refuse")),
           no_object, "DSP-17-7 interface_unknown"),
    _story("LBL-6-4", "lawful", lambda u: taken_in(u, THEIRS),
           both(propagated("1"), holds("labelling", prompt="reader/declare"))),
    _story("LBL-6-4", "unlawful",
           lambda u: (Fact("facts.templates", lambda now: studio("dumb", now)),
                      Fact("control", lambda now: contract("dumb", now, valid_until=moment(now - 1000),
                                                           **ASKS_TO_DECLARE)),
                      *taken_in(u, PLAIN, "dumb", expect="refuse")),
           no_object, "LBL-6-4 interface_expired"),
    _story("LBL-8-1", "lawful", lambda u: (verified(u), ask(u), done(u)), says_how),
    _story("LBL-8-1", "unlawful",
           lambda u: (_silent, verified(u), ask(u), done(u, expect="refuse")),
           both(no_object, holds("labelling", labels_clause=None)), "LBL-8-1 labels_undescribed", **OWN_CHAIN),
)  # fmt: skip
