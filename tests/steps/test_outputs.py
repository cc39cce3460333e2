"""Files an event brings, from a tenant's folder to a named object: what is released, refused, waited for."""

import asyncio
import hashlib
import threading

import pytest
from PIL import Image

from acts import BOOK, a_contract, a_template, admitted, passage, work
from acts_at_hand import decide as decide_here
from steps.test_labelling import CODE, PASSED, Chain, faults
from steps.test_sweeping import a_chain, asks, drawn
from synthgate.demo import media
from synthgate.demo.facts import control
from synthgate.effects import workshop
from synthgate.effects.label import Label
from synthgate.effects.labelled_file import LabelledFile, mark
from synthgate.effects.produce_id import produce_id
from synthgate.events.facts import FeatureRow
from synthgate.law.reasons import texts
from synthgate.library.sample import SAMPLE_VERSION
from synthgate.obligations.labelling import decide
from synthgate.obligations.labelling.facts import LabellingFacts
from synthgate.step import Waiting
from synthgate.steps import outputs

MEDIA = ["text", "image", "audio", "video", "other"]


@pytest.fixture
def home(tmp_path):
    (tmp_path / "in").mkdir()
    return tmp_path


def chain(home, *rows, **over):
    rows = rows or (a_template(media=MEDIA),)
    return Chain(home / "objects", *rows, media_roots=f"acme={home / 'in'}", **over)


def a_file(home, name="a.png", size=(320, 200), **over):
    path = home / "in" / name
    if not path.exists():
        Image.new("RGB", size, "green").save(path)
    data = path.read_bytes()
    row = {
        "name": name, "sha256": hashlib.sha256(data).hexdigest(), "media_type": "image/png",
        "size_bytes": len(data),
    }  # fmt: skip
    return row | over


def brings(*rows, medium="image", text=None, **over):
    content = {"objects": list(rows)} | ({} if text is None else {"text": text})
    return admitted("generation.completed", content, generation={"medium": medium}, **over)


async def test_a_file_is_labelled_stored_and_named(home):
    made = chain(home)
    verdict, carried = await made.one(brings(a_file(home)))
    assert verdict.outcome == "pass"
    (row,) = carried["objects"]
    found = LabelledFile.read(made.store, row["name"])
    assert found.row() == row
    item = passage(brings(a_file(home)))
    number = produce_id(item.root, "acme", "app", "e-1")
    assert found.label == Label.first(CODE, number) == Label.of(carried["label"])
    assert carried["explicit"] == found.explicit == carried["shown"][0]
    assert carried["readback_ok"] is True
    (told,) = verdict.facts["outputs"]
    assert (told["fault"], told["unshown"]) == (None, None)
    assert row["name"].startswith(f"3/1-generation.events-3-17-{row['sha256']}")


async def test_several_files_and_a_text_go_out_together(home):
    made = brings(a_file(home), a_file(home, "b.jpg"), medium="image", text="一只猫")
    verdict, carried = await chain(home).one(made)
    assert verdict.outcome == "pass"
    assert [row["media_type"] for row in carried["objects"]] == [
        "text/plain; charset=utf-8", "image/png", "image/jpeg",
    ]  # fmt: skip
    assert len(carried["shown"]) == 2


async def test_one_bad_file_refuses_its_event_and_no_other(home):
    bad, good = a_file(home, "b.png", sha256="0" * 64), a_file(home)
    done = await chain(home).run(
        passage(brings(good, bad), 17, PASSED), passage(brings(good, id="e-2"), 18, PASSED)
    )
    assert [verdict.outcome for verdict, _ in done] == ["refuse", "pass"]
    assert faults(done[0][0]) == [("DSP-16-1", "source_differs")]
    assert done[0][0].reasons[0].where == "/content/objects/1"
    assert done[0][1] is None


@pytest.mark.parametrize(
    ("over", "fault"),
    [
        ({"name": "none.png"}, ("DSP-16-1", "source_missing")),
        ({"name": "../a.png"}, ("DSP-16-1", "source_name")),
        ({"size_bytes": 1}, ("DSP-16-1", "source_differs")),
        ({"size_bytes": 1 << 40}, ("DSP-16-1", "source_too_large")),
    ],
)
async def test_a_file_that_cannot_be_had_is_refused_before_anything_is_done(home, over, fault):
    made = chain(home)
    verdict, carried = await made.one(brings(a_file(home) | over))
    assert (faults(verdict), carried) == ([fault], None)
    assert not list(home.rglob("*.shown.json"))
    assert fault[1] in texts()


async def test_a_tenant_without_a_folder_was_not_configured(home):
    made = Chain(home / "objects", a_template(media=MEDIA))
    verdict, _ = await made.one(brings(a_file(home)))
    assert faults(verdict) == [("HOUSE-not_configured", "source_unlisted")]


async def test_a_picture_too_small_is_refused_unless_the_interface_shows_the_label(home):
    tiny = a_file(home, "s.png", (24, 24))
    verdict, carried = await chain(home).one(brings(tiny))
    assert (faults(verdict), carried) == ([("DSP-17-3", "label_too_small")], None)
    beside = chain(home, a_template(media=MEDIA, interface_label=True), a_contract())
    verdict, carried = await beside.one(brings(tiny))
    assert (verdict.outcome, carried["explicit"], carried["shown"]) == ("pass", None, [None])
    # A file that leaves the app must show it itself.
    export = admitted(
        "asset.exported", {"objects": carried["objects"]}, generation={"medium": "image"}, id="e-2"
    )
    verdict, _ = await beside.one(export, offset=40)
    assert faults(verdict) == [("LBL-4-7", "label_missing")]


@pytest.mark.parametrize("kind", ["asset.exported", "content.published"])
async def test_what_was_labelled_goes_on_as_it_is(home, kind):
    made = chain(home)
    _, carried = await made.one(brings(a_file(home)))
    (row,) = carried["objects"]

    def later(*rows, **over):
        return admitted(
            kind, {"objects": list(rows)} | over, generation={"medium": "image"}, id="e-2"
        )

    verdict, again = await made.one(later(row), offset=40)
    assert (verdict.outcome, again["objects"], again["label"]) == ("pass", [row], carried["label"])
    verdict, _ = await made.one(later(row | {"sha256": "0" * 64}), offset=41)
    assert faults(verdict) == [("DSP-16-3", "object_missing")]
    verdict, _ = await made.one(later(row, text="words nobody saw"), offset=42)
    assert faults(verdict) == [("DSP-10-2", "object_differs")]
    path = home / "objects" / row["name"]
    path.write_bytes((home / "in" / "a.png").read_bytes())  # the label is gone
    verdict, _ = await made.one(later(row), offset=43)
    assert faults(verdict)[0] == ("GB-E-1", "label_invalid")


async def test_a_batch_that_is_not_done_waits_and_comes_back_to_the_same(home, monkeypatch):
    gate, count = threading.Event(), []

    def slow(*asked, **how):
        count.append(1)
        assert gate.wait(60)
        return mark(*asked, **how)

    monkeypatch.setattr(workshop, "mark", slow)
    monkeypatch.setattr(outputs, "WAIT_SECONDS", 0.01)
    made, event = chain(home), brings(a_file(home))
    for _ in range(3):
        with pytest.raises(Waiting, match="media"):
            await made.one(event)
    gate.set()
    monkeypatch.setattr(outputs, "WAIT_SECONDS", 60)
    verdict, _ = await made.one(event)
    assert (verdict.outcome, count) == ("pass", [1])


async def test_a_folder_that_is_away_is_waited_for(home):
    made, event = chain(home), brings(a_file(home))
    (home / "in").rename(home / "out")
    with pytest.raises(Waiting, match="media root"):
        await made.one(event)
    (home / "out").rename(home / "in")
    assert (await made.one(event))[0].outcome == "pass"


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (a_contract("elsewhere"), "interface_unknown"),
        (a_contract(valid_until="2026-11-20T07:59:59Z"), "interface_expired"),
        (a_contract(tested_at="2026-11-20T08:00:01Z"), "interface_expired"),
        (a_contract(wording="由机器写作"), "interface_wording"),
        (a_contract(wording="非AI生成"), "interface_wording"),
        (a_contract(screenshot_sha256="none"), "interface_unknown"),
    ],
)
async def test_a_label_beside_the_content_needs_a_contract_in_force(home, row, code):
    made = chain(home, a_template(media=MEDIA, interface_label=True), row)
    verdict, carried = await made.one(brings(a_file(home, "s.png", (24, 24))))
    assert (faults(verdict), carried) == ([("DSP-17-3", code)], None)
    assert verdict.facts["interface"] is None
    assert code in texts()
    # One that carries the label itself rests on no contract.
    verdict, _ = await made.one(brings(a_file(home), id="e-2"), offset=18)
    assert verdict.outcome == "pass"


async def test_a_verdict_that_rests_on_a_contract_names_it(home):
    rows = (
        a_template(media=MEDIA, interface_label=True, surface="reader"),
        a_contract("reader", "1"), a_contract("reader", "2", tested_at="2026-11-20T07:00:00Z"),
        a_contract("reader", "3", tested_at="2026-11-20T09:00:00Z"),
    )  # fmt: skip
    verdict, _ = await chain(home, *rows).one(brings(a_file(home, "s.png", (24, 24))))
    assert (verdict.outcome, verdict.facts["interface"]) == ("pass", "reader/2")


async def test_what_a_duty_before_refused_is_not_even_looked_for(home):
    made = chain(home)
    verdict, carried = await made.one(
        brings(a_file(home)), verdicts=(*PASSED[:2], ("moderation", "refuse"))
    )
    assert (verdict.outcome, carried) == ("refuse", None)
    assert verdict.facts["outputs"] == []
    assert not list(home.rglob("*.shown.json"))


async def test_dropping_the_rule_releases_no_object_that_is_none(home):
    made = chain(home)
    item = passage(brings(a_file(home, name="a.png", sha256="0" * 64)), verdicts=PASSED)
    gathered = await made.duty.gather([item], work())
    law = BOOK.without("DSP-16-1").at(item.as_of)
    verdict = decide(item.event, gathered.facts[0], law, item.as_of)
    assert verdict.outcome == "pass"
    ((again, carried),) = await made.duty.carry_out([item], [verdict], work())
    assert again.outcome == "refuse"  # the duty has the whole law
    assert carried is None


def test_facts_name_no_file(home):
    made = chain(home)
    item = passage(brings(a_file(home, "geheim.png")), verdicts=PASSED)
    gathered = asyncio.run(made.duty.gather([item], work()))
    assert "geheim" not in str(gathered.facts[0].row())
    assert LabellingFacts.from_row(gathered.facts[0].row()) == gathered.facts[0]


def test_a_known_picture_is_found_in_what_a_model_made_before_any_badge_is_drawn(tmp_path):
    pictures = pytest.importorskip("synthgate.library.pictures")
    bus = a_chain(tmp_path)
    (first, *_) = pictures.hashes_of(media.PICTURE.data)
    known = FeatureRow(
        version=bus.now_ms, entry="known-1", kind="pdq", value=first.hex(), risk="A.1a", severity=100,
        from_version=SAMPLE_VERSION + 1, criteria="c-1", proposed_by="p", approved_by="q",
    )  # fmt: skip
    bus.fact("facts.features", known)
    bus.fact("control", control("library", {"version": SAMPLE_VERSION + 1}, bus.now_ms + 1))
    done = decide_here(bus, drawn(bus, asks(bus)))
    assert done.action == "refuse"
    assert ("DSP-6-1", "risk_refuse") in {(r.rule, r.code) for r in done.reasons}
    assert not list((tmp_path / "objects").rglob("*.png"))
