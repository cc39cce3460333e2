"""Files from elsewhere: released under a name of ours, as what they are, or refused with what is wrong."""

from acts import a_contract, a_template, admitted
from steps.test_labelling import CODE, PASSED, faults
from steps.test_outputs import MEDIA, a_file, chain, home  # noqa: F401 (home is a fixture)
from synthgate.effects.carriers import catalogue
from synthgate.effects.label import Label

THEIRS = Label.first("001191440300708461136T1308L", "X-1")
SHOWN = (a_template(media=MEDIA, interface_label=True), a_contract())


def brought(*rows, **over):
    return admitted(
        "content.ingested", {"objects": list(rows)}, generation={"medium": "image"}, **over
    )


def labelled(folder, name="theirs.png"):
    data = (folder / "in" / a_file(folder)["name"]).read_bytes()
    (folder / "in" / name).write_bytes(catalogue.of(data).write(data, THEIRS))
    return a_file(folder, name)


async def test_a_label_is_kept_and_we_are_added(home):  # noqa: F811
    verdict, carried = await chain(home, *SHOWN).one(brought(labelled(home)))
    assert verdict.outcome == "pass"
    (row,) = carried["objects"]
    data = (home / "objects" / row["name"]).read_bytes()
    (found,) = catalogue.of(data).read(data).labels
    assert (found.content_producer, found.produce_id) == (THEIRS.content_producer, "X-1")
    assert found.content_propagator == CODE
    assert carried["label"] == found.row()
    assert carried["explicit"] is None
    assert verdict.facts["outputs"] == [
        {"fault": None, "unshown": None, "found": "1", "signs": False, "kept": None}
    ]


async def test_what_says_nothing_goes_out_as_it_came_without_a_label(home):  # noqa: F811
    plain = a_file(home)
    verdict, carried = await chain(home).one(brought(plain))
    assert verdict.outcome == "pass"
    (row,) = carried["objects"]
    assert row["sha256"] == plain["sha256"]
    assert (home / "objects" / row["name"]).read_bytes() == (home / "in" / "a.png").read_bytes()
    assert carried["label"] is None


async def test_declared_without_a_notice_is_refused_before_it_is_read(home):  # noqa: F811
    verdict, carried = await chain(home).one(brought(a_file(home), declared_ai=True))
    assert (faults(verdict), carried) == ([("LBL-6-2", "notice_missing")], None)
    assert not list((home / "objects").rglob("*.png"))


async def test_what_is_found_in_it_is_decided_on_again(home):  # noqa: F811
    verdict, carried = await chain(home).one(brought(labelled(home)))
    assert (faults(verdict), carried) == ([("LBL-6-1", "notice_missing")], None)


async def test_words_beside_it_are_nobodys_output(home):  # noqa: F811
    made = admitted(
        "content.ingested",
        {"objects": [a_file(home)], "text": "看这只猫"},
        generation={"medium": "image"},
    )
    _, carried = await chain(home).one(made)
    assert len(carried["objects"]) == 1
    assert not list((home / "objects").rglob("*.txt"))


async def test_words_alone_cannot_be_taken_in_yet(home):  # noqa: F811
    made = admitted("content.ingested", {"text": "x"})
    verdict, _ = await chain(home).one(made, verdicts=PASSED)
    assert faults(verdict) == [("HOUSE-not_configured", "no_labeller")]
