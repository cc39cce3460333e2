"""Rule stories of what leaves the platform and of what is made of it: copies without a mark, conversions."""

import io
from typing import Any, Final

from PIL import Image

from rule_evidence import Evidence, Missing, both, holds, kept, no_object
from rule_seen import Seen
from rule_stories import RuleStory, _story, chats, verified
from rule_stories_media import output, served
from synthgate.crypto.tokens import user_token
from synthgate.demo import media
from synthgate.demo.acts import Act
from synthgate.demo.media import MediaFile

RULES: Final = ("LBL-9-1", "LBL-9-2")
WORDS: Final = "春风又绿江南岸。"


def _converted() -> bytes:
    """The picture as another program wrote it: whatever label it bore is gone."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(media.PICTURE.data)) as image:
        image.convert("RGB").save(out, "JPEG")
    return out.getvalue()


JPEG: Final = MediaFile("converted.jpg", "image", "image/jpeg", _converted)


def bare(user: str, **more: Any) -> Act:
    """The user asks for the answer without the line in front."""
    return Act(
        f"{user}-bare", "a copy without the mark", "export.unlabelled_requested", generation=user,
        cites=f"{user}-done", text=more.pop("text", WORDS), **more,
    )  # fmt: skip


def bare_picture(user: str, **more: Any) -> tuple[Act, ...]:
    """The user asks for a picture without the badge."""
    originals = {"content": {"originals": [more.pop("original", media.PICTURE).row()]}}
    asks = Act(
        f"{user}-bare", "a copy without the mark", "export.unlabelled_requested", generation=user,
        cites=f"{user}-done", template="studio", medium="image", data=originals, **more,
    )  # fmt: skip
    return (*output(user, media.PICTURE), asks)


def converted(user: str, *, parents: bool = True, **more: Any) -> tuple[Act, ...]:
    """The picture is converted, which loses its label."""
    without = {} if parents else {"data": {"content": {"parents": []}}}
    made = Act(
        f"{user}-converted", "converted", "content.transformed", generation=user, template="studio",
        cites=f"{user}-done", medium="image", files=(JPEG,), **without, **more,
    )  # fmt: skip
    return (*output(user, media.PICTURE), made)


def without_the_mark(seen: Seen) -> Missing:
    """LBL 9, 5: the picture as the model made it, under the label of the one with the badge."""
    found = served(seen)
    if found.explicit is not None or found.label.row() != seen.act("done")["label"]:
        yield f"the copy shows {found.explicit} and carries {found.label.row()}"
    with (
        Image.open(io.BytesIO(found.data)) as copy,
        Image.open(io.BytesIO(media.PICTURE.data)) as original,
    ):
        if copy.convert("RGB").tobytes() != original.convert("RGB").tobytes():
            yield "the copy is not the picture that was made"


def words_without_the_mark(seen: Seen) -> Missing:
    """LBL 9, 5: the words alone, and beside them the label they had."""
    found = seen.served()
    if found.data.decode() != WORDS or found.label.row() != seen.act("done")["label"]:
        yield f"the copy reads {found.data.decode()!r} and carries {found.label.row()}"


def agreed_to_label(seen: Seen) -> Missing:
    """LBL-9-1: known, and when they accepted terms with which clause."""
    facts = seen.facts("labelling")
    if not (facts["verified"] and facts["duty_clause"] and facts["accepted_at"]):
        yield f"the verdict records {facts}"


def recipient_logged(seen: Seen) -> Missing:
    """LBL-9-2: the entry says who got it."""
    event = seen.passage().event
    token = user_token(seen.keys.token_key, seen.last["tenant"], seen.user)
    if event.user != seen.user or seen.last["user"] != token:
        yield "the entry does not say who got the copy"


def restored(how: str) -> Evidence:
    """DSP-18-1: what was made of it bears its label again, and the verdict says that it did not."""

    def check(seen: Seen) -> Missing:
        found = served(seen)
        if found.label.row() != seen.act("done")["label"] or not found.explicit:
            yield f"the picture made of it carries {found.label.row()} and shows {found.explicit}"
        (told,) = seen.facts("labelling")["outputs"]
        if told["kept"] != how:
            yield f"the verdict says that the label was {told['kept']}"

    return check


STORIES: tuple[RuleStory, ...] = (
    _story("LBL-9-1", "lawful", bare_picture, both(without_the_mark, agreed_to_label)),
    _story("LBL-9-1", "words-lawful", lambda u: (*chats(u), bare(u)),
           both(words_without_the_mark, agreed_to_label)),
    _story("LBL-9-1", "unlawful",  # known by then, but the terms were not accepted yet
           lambda u: (*(verified(u, at_s=-400), *chats(u)[1:]), bare(u, at_s=-200, expect="refuse")),
           both(no_object, holds("labelling", verified=True, accepted_at=None)),
           "LBL-9-1 duty_clause_not_accepted"),
    _story("LBL-9-2", "lawful", lambda u: (*chats(u), bare(u)), both(kept(184), recipient_logged)),
    _story("LBL-9-2", "unlawful",
           lambda u: (*chats(u), bare(u, data={"keep_days": 30}, expect="refuse")),
           no_object, "CSL-23-1 keep_too_short", "LBL-9-2 recipient_log_short"),
    _story("DSP-18-1", "converted-lawful", converted, restored("missing")),
    _story("DSP-18-1", "converted-unlawful", lambda u: converted(u, parents=False, expect="refuse"),
           no_object, "DSP-18-1 parent_missing"),
)  # fmt: skip
