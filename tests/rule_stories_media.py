"""Rule stories of files: pictures, sounds, films and documents by reference."""

from pathlib import Path
from typing import Any, Final

from PIL import Image

from rule_evidence import Evidence, Missing, both, holds, no_object
from rule_seen import Seen
from rule_stories import Fact, RuleStory, _story, verified
from synthgate.demo import media
from synthgate.demo.acts import Act, moment
from synthgate.demo.facts import contract, studio
from synthgate.demo.media import MediaFile
from synthgate.demo.media_stories import SHOWN_BESIDE
from synthgate.effects.carriers import catalogue, png
from synthgate.effects.explicit import tools
from synthgate.effects.label import Label
from synthgate.effects.labelled_file import LabelledFile
from synthgate.effects.produce_id import produce_id
from synthgate.effects.provider_code import SAMPLE_CODE

RULES: Final = (
    "DSP-16-1", "DSP-17-2", "DSP-17-3", "DSP-17-4", "DSP-17-6", "LBL-4-7", "GB-E-2", "DSP-18-1",
    "LBL-6-1", "LBL-6-2", "LBL-6-3",
)  # fmt: skip
_FILES: Final = Path(__file__).parent / "effects" / "carriers" / "files"
OTHER: Final = Label.first("001191440300708461136T1308L", "X-1")


def _from(name: str, medium: str, media_type: str) -> MediaFile:
    return MediaFile(name, medium, media_type, (_FILES / name).read_bytes)


def _labelled_by_another() -> bytes:
    data = media.picture(96, 64)
    return catalogue.of(data).write(data, OTHER)


def _with_traces() -> bytes:
    data = media.picture(96, 64)
    end = data.rindex(b"IEND") - 4
    said = png.build_chunk(b"tEXt", b"parameters\x00Steps: 20, Sampler: Euler a, Seed: 1")
    return data[:end] + said + data[end:]


def _tampered() -> bytes:
    chunks, _ = png.taken_apart(_labelled_by_another())
    data = _labelled_by_another().replace(b"X-1", b"X 1")
    pieces = (png.build_chunk(one.kind, data[one.body : one.end - 4]) for one in chunks)
    return b"".join([png.SIGNATURE, *pieces])


def _broken() -> bytes:
    return media.picture()[:-40]


VORBIS: Final = _from("tone.ogg", "audio", "audio/ogg")
SHEET: Final = _from(
    "rich.xlsx", "other", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
)
"""A package without a workbook: there is no sheet to say it on."""
CLIP: Final = _from("film.mp4", "video", "video/mp4")
"""One second: too short for the two its label is to be seen."""
THEIRS: Final = MediaFile("theirs.png", "image", "image/png", _labelled_by_another)
TAMPERED: Final = MediaFile("tampered.png", "image", "image/png", _tampered)
TRACED: Final = MediaFile("traced.png", "image", "image/png", _with_traces)
CUT: Final = MediaFile("cut.png", "image", "image/png", _broken)
CLIP_FAULT: Final = "label_too_small" if tools.missing() is None else "label_program_missing"


_old_template: Final = Fact(
    "facts.templates", lambda now: studio("old-player", now, interface_label=True)
)
_old_contract: Final = Fact(
    "control", lambda now: contract("old-player", now, valid_until=moment(now - 60_000))
)
"""A player whose prompt was tested, for a time that is over."""


def output(user: str, file: MediaFile, **more: Any) -> tuple[Act, ...]:
    """A verified user asks for a file, and the model makes it."""
    template = more.pop("template", "studio")
    same = {"generation": user, "template": template, "medium": file.medium}
    return (
        verified(user),
        Act(f"{user}-ask", "asked", prompt="画一个安静的港湾", **same),
        Act(f"{user}-done", "made", "generation.completed", cites=f"{user}-ask", files=(file,), **same, **more),
    )  # fmt: skip


def exported(user: str, file: MediaFile, template: str = "studio", **more: Any) -> tuple[Act, ...]:
    """What was made leaves as a file."""
    export = Act(
        f"{user}-export", "exported", "asset.exported", generation=user, template=template,
        cites=f"{user}-done", medium=file.medium, **more,
    )  # fmt: skip
    return (*output(user, file, template=template), export)


def taken_in(
    user: str, file: MediaFile, template: str = SHOWN_BESIDE, **more: Any
) -> tuple[Act, ...]:
    """A verified user brings a file from elsewhere."""
    act = Act(
        f"{user}-in", "brought", "content.ingested", generation=user, template=template, medium="image",
        files=(file,), **more,
    )  # fmt: skip
    return verified(user), act


def words_taken_in(user: str) -> tuple[Act, ...]:
    """A verified user brings a text from elsewhere."""
    act = Act(
        f"{user}-in", "brought", "content.ingested", generation=user, template=SHOWN_BESIDE,
        text="春天来了。\n(本文由AI生成)",
    )  # fmt: skip
    return verified(user), act


def words_propagated(seen: Seen) -> Missing:
    """LBL 6(3): the words as they came, beside them that they are suspected, and us as their propagator."""
    found = seen.served()
    row = found.label.row()
    if (row["Label"], row["ContentPropagator"]) != ("3", SAMPLE_CODE) or row != seen.last["label"]:
        yield f"beside the text stands {row}"
    if found.explicit is not None or not found.data.decode().startswith("春天"):
        yield "the text is not as it came"


def propagated(value: str, **kept: str) -> Evidence:
    """LBL-6: the file carries the value, what was there before, and us as its propagator."""

    def check(seen: Seen) -> Missing:
        row = served(seen).label.row()
        wanted = {"Label": value, "ContentPropagator": SAMPLE_CODE} | kept
        if {name: row[name] for name in wanted} != wanted or row != seen.last["label"]:
            yield f"the file says {row}"
        if seen.facts("labelling")["interface"] != f"{SHOWN_BESIDE}/1":
            yield "the verdict names no interface that tells people"

    return check


def served(seen: Seen) -> LabelledFile:
    """The one object the last decision names, as it lies in the store."""
    (row,) = seen.last["objects"]
    found = LabelledFile.read(seen.objects, row["name"])
    assert found is not None, "the object released is not in the store"
    assert found.row() == row
    return found


def carries_one_label(seen: Seen) -> Missing:
    """DSP-16-1, GB-E-2: the file itself carries our label, once, with this act's number."""
    found = served(seen)
    reading = catalogue.of(found.data, found.name).read(found.data)
    if reading.labels != (found.label,) or len(reading.places) != 1:
        yield f"{len(reading.places)} labels in the file"
    if found.label.row() != seen.last["label"]:
        yield "the decision names another label"
    passage = seen.passage(seen.act("done"))
    event = passage.event
    if found.label.produce_id != produce_id(passage.root, event.tenant, event.source, event.id):
        yield "the label's number is not that of the act"
    if not seen.verdict("labelling")["carried"]["readback_ok"]:
        yield "the verdict does not say that it was read back"


def perceived(**wanted: Any) -> Evidence:
    """DSP-17: the note and the verdict say where people perceive it."""

    def check(seen: Seen) -> Missing:
        explicit = served(seen).explicit or {}
        if {name: explicit.get(name) for name in wanted} != wanted:
            yield f"the note says {explicit}"
        if seen.verdict("labelling")["carried"]["shown"] != [explicit]:
            yield "the verdict says otherwise than the note"

    return check


def badge_measured(seen: Seen) -> Missing:
    """DSP-17-3: the letters are as tall as the standard wants."""
    explicit = served(seen).explicit or {}
    if explicit.get("height_ratio", 0) < 0.05 or explicit.get("text") != "AI生成":
        yield f"the badge is {explicit}"
    with Image.open(seen.settings.objects_dir / seen.last["objects"][0]["name"]) as image:
        if image.size != (480, 320):
            yield f"the picture is {image.size}"


STORIES: tuple[RuleStory, ...] = (
    _story("DSP-16-1", "lawful", lambda u: output(u, media.PICTURE), carries_one_label),
    _story("DSP-16-1", "unlawful", lambda u: output(u, CUT, expect="refuse"),
           no_object, "DSP-16-1 file_broken"),
    _story("DSP-17-2", "lawful", lambda u: output(u, media.SOUND),
           perceived(rhythm="short long, short short", place="start")),
    _story("DSP-17-2", "unlawful", lambda u: output(u, VORBIS, expect="refuse"),
           no_object, "DSP-17-2 label_unplaceable"),
    _story("DSP-17-3", "lawful", lambda u: output(u, media.PICTURE), badge_measured),
    _story("DSP-17-3", "unlawful", lambda u: output(u, media.BLOT, expect="refuse"),
           no_object, "DSP-17-3 label_too_small"),
    _story("DSP-17-4", "lawful",  # around the player (GB 45438 5.6)
           lambda u: output(u, CLIP, template=SHOWN_BESIDE),
           both(carries_one_label, holds("labelling", interface=f"{SHOWN_BESIDE}/1"))),
    _story("DSP-17-4", "unlawful", lambda u: output(u, CLIP, expect="refuse"),
           no_object, f"DSP-17-4 {CLIP_FAULT}"),
    _story("DSP-17-4", "expired-unlawful",
           lambda u: (_old_template, _old_contract, *output(u, CLIP, template="old-player", expect="refuse")),
           both(no_object, holds("labelling", interface=None)), "DSP-17-4 interface_expired"),
    _story("DSP-17-6", "lawful", lambda u: output(u, media.DOCX), perceived(text="AI生成", place="start")),
    _story("DSP-17-6", "unlawful", lambda u: output(u, SHEET, expect="refuse"),
           no_object, "DSP-17-6 label_unplaceable"),
    _story("LBL-4-7", "lawful", lambda u: exported(u, media.PICTURE), carries_one_label),
    _story("LBL-4-7", "unlawful",  # the reader shows it beside the page, the file does not
           lambda u: exported(u, SHEET, SHOWN_BESIDE, expect="refuse"),
           no_object, "LBL-4-7 label_missing"),
    _story("DSP-18-1", "lawful",  # producer and number stay as they came
           lambda u: taken_in(u, THEIRS),
           propagated("1", ContentProducer=OTHER.content_producer, ProduceID="X-1")),
    _story("DSP-18-1", "unlawful", lambda u: taken_in(u, TAMPERED, expect="refuse"),
           no_object, "DSP-18-1 label_altered"),
    _story("LBL-6-1", "lawful", lambda u: taken_in(u, THEIRS), propagated("1")),
    _story("LBL-6-1", "unlawful", lambda u: taken_in(u, THEIRS, "studio", expect="refuse"),
           no_object, "LBL-6-1 notice_missing"),
    _story("LBL-6-2", "lawful", lambda u: taken_in(u, media.PICTURE, data={"declared_ai": True}),
           propagated("2")),
    _story("LBL-6-2", "unlawful",
           lambda u: taken_in(u, media.PICTURE, "studio", data={"declared_ai": True}, expect="refuse"),
           no_object, "LBL-6-2 notice_missing"),
    _story("LBL-6-3", "lawful", lambda u: taken_in(u, TRACED), propagated("3")),
    _story("LBL-6-3", "words-lawful",  # an explicit label in somebody's text is a trace
           words_taken_in, words_propagated),
    _story("LBL-6-3", "unlawful", lambda u: taken_in(u, TRACED, "studio", expect="refuse"),
           no_object, "LBL-6-3 notice_missing"),
    _story("GB-E-2", "lawful", lambda u: output(u, media.PICTURE), carries_one_label),
    _story("GB-E-2", "unlawful", lambda u: output(u, THEIRS, expect="refuse"),
           no_object, "GB-E-2 label_foreign"),
)  # fmt: skip
