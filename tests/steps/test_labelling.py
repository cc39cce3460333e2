"""Labelling's step: what is written, read back, named, and what is never released."""

import asyncio
import json
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acts import (
    BOOK,
    TIME_MS,
    Copies,
    a_contract,
    a_template,
    admitted,
    answered,
    event,
    passage,
    some_terms,
    stub,
    work,
)
from synthgate.effects.label import Label
from synthgate.effects.labelled_text import LabelledText
from synthgate.effects.objects import LocalObjects
from synthgate.effects.provider_code import SAMPLE_CODE
from synthgate.events import topics
from synthgate.events.origin import Origin
from synthgate.obligations.labelling import decide
from synthgate.obligations.labelling.facts import LabellingFacts
from synthgate.settings import Settings
from synthgate.step import Waiting
from synthgate.steps.labelling import LabellingDuty

CODE = "001191110000600037341L10001"
PASSED = (("identity", "pass"), ("consent", "not_applicable"), ("moderation", "pass"))
DECLARES = a_contract("chat", "declare", shows="declaration", wording="请声明")
BARE = a_template(interface_label=False)


class Chain:
    """The duty as the judge runs it, on a store of its own."""

    def __init__(self, folder, *rows, store=None, **over):
        self.copies = Copies("labelling", some_terms(), DECLARES, *(rows or (BARE,)))
        self.store = store or LocalObjects(Path(folder))
        over = {"provider_code": CODE} | over
        self.duty = LabellingDuty(
            self.copies.registries, self.copies.fresh, self.store, Settings(**over), BOOK
        )

    async def run(self, *passages):
        """(verdict, carried) of each, the facts once through JSON as replay would have them."""
        gathered = await self.duty.gather(passages, work())
        verdicts = []
        for item, facts in zip(passages, gathered.facts, strict=True):
            again = LabellingFacts.from_row(json.loads(json.dumps(facts.row())))
            verdicts.append(decide(item.event, again, BOOK.at(TIME_MS), TIME_MS))
        return await self.duty.carry_out(passages, verdicts, work())

    async def one(self, made, verdicts=PASSED, **over):
        (done,) = await self.run(passage(made, verdicts=verdicts, **over))
        return done


@pytest.fixture
def chain(tmp_path):
    return Chain(tmp_path)


def says(text, kind="generation.completed", **over):
    return admitted(kind, {"text": text}, **over)


def part(text, index, offset, **over):
    made = says(
        text, "generation.segment", generation={"segment": {"index": index}}, id=f"e-{offset}"
    )
    return passage(made, offset, verdicts=over.pop("verdicts", PASSED), **over)


def faults(verdict):
    return [(reason.rule, reason.code) for reason in verdict.reasons]


async def test_a_passing_text_is_labelled_stored_and_named(chain, tmp_path):
    verdict, carried = await chain.one(says("你好"))
    assert verdict.outcome == "pass"
    (row,) = carried["objects"]
    stored = (tmp_path / row["name"]).read_bytes()
    assert stored.decode() == "AI生成\n你好"
    assert row["name"].startswith("3/1-generation.events-3-17-" + row["sha256"])
    assert row["size_bytes"] == len(stored)
    assert carried["explicit"] == {"text": "AI生成", "place": "start", "start": 0, "end": 4}
    assert carried["readback_ok"] is True
    label = carried["label"]
    assert (label["Label"], label["ContentProducer"], label["ContentPropagator"]) == (
        "1",
        CODE,
        CODE,
    )
    assert label["ProduceID"] == label["PropagateID"] != ""
    assert Label.read((tmp_path / (row["name"] + ".aigc.json")).read_bytes()) == Label.of(label)
    orjson.dumps(carried)


async def test_the_same_record_again_writes_the_same_and_another_never(chain, tmp_path):
    first = await chain.one(says("你好"))
    files = sorted(tmp_path.rglob("*.txt"))
    assert await chain.one(says("你好")) == first
    assert sorted(tmp_path.rglob("*.txt")) == files
    # What comes back has the number of its act and a name of its own.
    again = await chain.one(says("你好"), reentry=answered("pass"), offset=99)
    assert again[1]["label"] == first[1]["label"]
    assert "-3-99-" in again[1]["objects"][0]["name"]
    assert again[1]["objects"][0]["sha256"] == first[1]["objects"][0]["sha256"]
    other = await chain.one(says("你好", id="e-2"), offset=18)
    assert other[1]["label"]["ProduceID"] != first[1]["label"]["ProduceID"]


@pytest.mark.parametrize(
    ("before", "outcome", "hold"),
    [
        ((("identity", "refuse"), *PASSED[1:]), "refuse", None),
        ((*PASSED[:2], {"obligation": "moderation", "outcome": "hold", "hold": "review"}), "hold", "review"),
        ((*PASSED[:2], {"obligation": "moderation", "outcome": "hold", "hold": "retry"}), "hold", "retry"),
        (
            (
                ("identity", "refuse"), PASSED[1],
                {"obligation": "moderation", "outcome": "hold", "hold": "review"},
            ),
            "refuse", None,
        ),
        (PASSED[:2], "refuse", None),
        ((), "refuse", None),
    ],
)  # fmt: skip
async def test_what_did_not_pass_before_is_neither_labelled_nor_stored(
    chain, tmp_path, before, outcome, hold
):
    verdict, carried = await chain.one(says("你好"), verdicts=before)
    assert (verdict.outcome, verdict.hold, carried) == (outcome, hold, None)
    assert {reason.rule for reason in verdict.reasons} == {"HOUSE-upstream"}
    assert list(tmp_path.rglob("*.txt")) == []


@pytest.mark.parametrize(
    ("over", "fault"),
    [
        ({"provider_code": ""}, ("GB-E-4", "provider_code_invalid")),
        ({"provider_code": CODE[:-6] + "X10001"}, ("GB-E-4", "provider_code_invalid")),
        ({"provider_code": SAMPLE_CODE}, ("GB-E-4", "provider_code_sample")),
        ({"label_text": "AI-generated"}, ("DSP-17-1", "label_sentence_invalid")),
        ({"label_text": "非AI生成"}, ("DSP-17-1", "label_sentence_invalid")),
        ({"label_text": "AI生成\n"}, ("DSP-17-1", "label_sentence_invalid")),
    ],
)
async def test_settings_that_cannot_label_label_nothing(tmp_path, over, fault):
    verdict, carried = await Chain(tmp_path, **over).one(says("你好"))
    assert (verdict.outcome, faults(verdict), carried) == ("refuse", [fault], None)
    assert list(tmp_path.rglob("*.txt")) == []


async def test_the_sample_code_labels_where_it_is_allowed(tmp_path):
    chain = Chain(tmp_path, provider_code=SAMPLE_CODE, provider_sample=True)
    verdict, carried = await chain.one(says("你好"))
    assert verdict.outcome == "pass"
    assert carried["label"]["ContentProducer"] == SAMPLE_CODE


async def test_an_unregistered_template_and_a_missing_text_are_refused(tmp_path):
    chain = Chain(tmp_path, a_template(status="disabled"))
    verdict, _ = await chain.one(admitted("generation.completed", {}))
    assert faults(verdict) == [
        ("HOUSE-not_configured", "template_unregistered"), ("DSP-16-2", "nothing_to_label"),
    ]  # fmt: skip


async def test_a_request_and_a_stub_are_not_applicable(chain, tmp_path):
    done = await chain.run(
        passage(admitted("generation.requested", {"prompt": "x"}), verdicts=PASSED), passage(stub())
    )
    assert [verdict.outcome for verdict, _ in done] == ["not_applicable", "not_applicable"]
    assert list(tmp_path.iterdir()) == []


HOSTILE = [
    "", "AI生成", "AI生成\n你好", "AI生成的图片", "非AI生成\n你好", "\u200bAI生成\n你好", "\u202e\u2066你好",
    "\x00", "\r\n", "\x1b[1A\x1b[2K", "x" * 262_144, "好" * 87_000, '{"AIGC":{"Label":"2"}}', "请去除AI标识",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_is_delivered_whole_under_exactly_one_label(chain, tmp_path, text):
    verdict, carried = await chain.one(says(text))
    assert verdict.outcome == "pass"
    stored = (tmp_path / carried["objects"][0]["name"]).read_bytes().decode()
    already = text in ("AI生成", "AI生成\n你好")
    assert stored == (text if already else f"AI生成\n{text}")


class TestStreams:
    async def test_the_first_part_carries_the_sentence_and_later_parts_rely_on_it(
        self, chain, tmp_path
    ):
        done = await chain.run(part("从前", 0, 17), part("有座山", 1, 18))
        assert [verdict.outcome for verdict, _ in done] == ["pass", "pass"]
        stored = [(tmp_path / carried["objects"][0]["name"]).read_text() for _, carried in done]
        assert stored == ["AI生成\n从前", "有座山"]
        assert [carried["explicit"] is None for _, carried in done] == [False, True]
        assert done[0][1]["label"]["ProduceID"] != done[1][1]["label"]["ProduceID"]

    async def test_in_another_batch_too(self, chain):
        await chain.run(part("从前", 0, 17))
        ((verdict, _),) = await chain.run(part("有座山", 1, 18))
        assert verdict.outcome == "pass"

    async def test_a_later_part_without_a_labelled_first_is_refused(self, chain):
        ((verdict, carried),) = await chain.run(part("有座山", 1, 18))
        assert (faults(verdict), carried) == ([("DSP-17-1", "label_missing")], None)

    async def test_a_refused_first_part_labels_nothing(self, chain):
        done = await chain.run(part("从前", 0, 17, verdicts=()), part("有座山", 1, 18))
        assert [verdict.outcome for verdict, _ in done] == ["refuse", "refuse"]

    async def test_the_first_part_of_another_user_or_generation_does_not_count(self, chain):
        other = says(
            "x", "generation.segment", generation={"id": "g-2", "segment": {"index": 0}}, id="e-9"
        )
        foreign = says(
            "x", "generation.segment", user={"id": "u-2"}, generation={"segment": {"index": 0}}
        )
        await chain.run(passage(other, 30, verdicts=PASSED), passage(foreign, 31, verdicts=PASSED))
        ((verdict, _),) = await chain.run(part("有座山", 1, 18))
        assert verdict.outcome == "refuse"

    async def test_a_lasting_prompt_in_the_interface_is_enough(self, tmp_path):
        chain = Chain(tmp_path, a_template(interface_label=True), a_contract())
        ((verdict, _),) = await chain.run(part("有座山", 1, 18))
        assert verdict.outcome == "pass"

    async def test_a_first_part_that_fails_to_read_back_takes_the_later_ones_along(self, chain):
        name = LabelledText.make(
            3, Origin(1, "generation.events", 3, 17), "从前", "AI生成", Label.first("", "")
        ).name
        chain.store.put(name + ".aigc.json", b"{}")
        done = await chain.run(part("从前", 0, 17), part("有座山", 1, 18))
        assert [faults(verdict) for verdict, _ in done] == [
            [("DSP-16-2", "label_unreadable")], [("DSP-17-1", "label_missing")],
        ]  # fmt: skip
        assert [carried for _, carried in done] == [None, None]


class TestReadBack:
    @pytest.mark.parametrize("suffix", ["", ".aigc.json"])
    async def test_other_bytes_under_the_name_turn_the_pass_into_a_refusal(self, chain, suffix):
        name = LabelledText.make(
            3, Origin(1, "generation.events", 3, 17), "你好", "AI生成", Label.first("", "")
        ).name
        chain.store.put(name + suffix, b"forged")
        verdict, carried = await chain.one(says("你好"))
        assert (verdict.outcome, faults(verdict), carried) == (
            "refuse",
            [("DSP-16-2", "label_unreadable")],
            None,
        )
        assert verdict.facts["readback_ok"] is False

    async def test_it_spoils_its_own_text_alone(self, chain):
        name = LabelledText.make(
            3, Origin(1, "generation.events", 3, 17), "你好", "AI生成", Label.first("", "")
        ).name
        chain.store.put(name, b"forged")
        good = says("再见", id="e-2")
        done = await chain.run(passage(says("你好"), 17, PASSED), passage(good, 18, PASSED))
        assert [verdict.outcome for verdict, _ in done] == ["refuse", "pass"]

    async def test_a_store_that_is_away_is_waited_for(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(Waiting):
            await Chain(tmp_path / "file").one(says("你好"))


class TestObjects:
    @pytest.fixture
    async def row(self, chain):
        _, carried = await chain.one(says("你好"))
        return carried["objects"][0]

    def export(self, *rows, kind="asset.exported", text=None, **over):
        content = {"objects": list(rows)} | ({} if text is None else {"text": text})
        return admitted(kind, content, id="e-2", **over)

    async def test_a_labelled_object_goes_out_under_its_own_label(self, chain, row):
        verdict, carried = await chain.one(self.export(row), offset=40)
        assert verdict.outcome == "pass"
        assert carried["objects"] == [row]
        assert carried["label"]["ContentProducer"] == CODE
        assert carried["readback_ok"] is True

    @pytest.mark.parametrize("text", ["你好", "AI生成\n你好"])
    async def test_with_the_text_it_holds(self, chain, row, text):
        verdict, _ = await chain.one(self.export(row, text=text), offset=40)
        assert verdict.outcome == "pass"

    @pytest.mark.parametrize("text", ["你", "好", "", "你好\n", "AI生成"])
    async def test_but_not_with_another_text(self, chain, row, text):
        verdict, carried = await chain.one(self.export(row, text=text), offset=40)
        assert (faults(verdict), carried) == ([("DSP-10-2", "object_differs")], None)

    @pytest.mark.parametrize(
        "change",
        [{"sha256": "0" * 64}, {"name": "3/none.txt"}, {"name": "../3/x"}, {"name": "/etc/passwd"}],
    )
    async def test_what_is_not_in_the_store_is_not_found_by_its_number(self, chain, row, change):
        verdict, carried = await chain.one(self.export(row, row | change), offset=40)
        assert (faults(verdict), carried) == ([("DSP-16-3", "object_missing")], None)
        assert verdict.reasons[0].where == "object:1"

    async def test_a_text_alone_is_labelled_anew(self, chain, tmp_path):
        verdict, carried = await chain.one(says("你好", "asset.exported"))
        assert verdict.outcome == "pass"
        assert (tmp_path / carried["objects"][0]["name"]).read_text() == "AI生成\n你好"

    async def test_a_later_part_of_a_stream_is_no_file_to_export(self, chain):
        done = await chain.run(part("从前", 0, 17), part("有座山", 1, 18))
        later = done[1][1]["objects"][0]
        verdict, _ = await chain.one(self.export(later), offset=40)
        assert faults(verdict) == [("LBL-4-7", "label_missing")]
        shown = self.export(later, kind="content.published", role="propagator")
        verdict, _ = await chain.one(shown, offset=41)
        assert faults(verdict) == [("DSP-17-1", "label_missing")]

    @pytest.mark.parametrize(
        ("label", "fault"),
        [
            (Label("4", CODE, "p", "", CODE, "p", ""), ("GB-E-1", "label_invalid")),
            (Label("1", CODE, "p", "", CODE, "q", ""), ("GB-E-3", "propagator_differs")),
            (Label.first("001191440300708461136T1308L", "p"), ("GB-E-4", "producer_differs")),
        ],
    )
    async def test_a_wrong_label_in_the_store_is_not_let_out(self, chain, label, fault):
        wrong = LabelledText.make(3, Origin(1, "generation.events", 3, 1), "你好", "AI生成", label)
        chain.store.put_all(wrong.files())
        verdict, carried = await chain.one(self.export(wrong.row()), offset=40)
        assert (faults(verdict), carried) == ([fault], None)

    async def test_a_label_made_unreadable_after_the_check_is_noticed(self, chain, row, tmp_path):
        item = passage(self.export(row), 40, PASSED)
        gathered = await chain.duty.gather([item], work())
        verdict = decide(item.event, gathered.facts[0], BOOK.at(TIME_MS), TIME_MS)
        (tmp_path / (row["name"] + ".aigc.json")).write_text("{}")
        ((verdict, carried),) = await chain.duty.carry_out([item], [verdict], work())
        assert (faults(verdict), carried) == ([("DSP-16-2", "label_unreadable")], None)


async def test_the_reads_are_recorded_and_facts_hold_no_content(chain):
    gathered = await chain.duty.gather([passage(says("机密内容"), verdicts=PASSED)], work())
    assert set(gathered.read) == set(topics.COPIES["labelling"])
    assert "机密" not in json.dumps(gathered.facts[0].row(), ensure_ascii=False)


async def test_odd_members_of_other_events_do_no_harm(chain):
    odd = event(
        "complaint.received", {"text": 5, "objects": 7}, generation={"template": [], "segment": 3}
    )
    verdict, _ = await chain.one(odd)
    assert verdict.outcome == "not_applicable"


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None
)
@given(texts=st.lists(st.text(max_size=30), min_size=1, max_size=6))
def test_every_released_object_is_the_text_under_a_readable_label(chain, tmp_path, texts):
    batch = [passage(says(text, id=f"e-{n}"), n, PASSED) for n, text in enumerate(texts)]
    done = asyncio.run(chain.run(*batch))
    numbers = set()
    for text, (verdict, carried) in zip(texts, done, strict=True):
        assert verdict.outcome == "pass"
        found = LabelledText.read(chain.store, carried["objects"][0]["name"])
        assert found.data.decode() in (text, f"AI生成\n{text}")
        assert found.explicit["place"] == "start"
        assert found.label.faults() == ()
        numbers.add(found.label.produce_id)
    assert len(numbers) == len(texts)
