"""What the app shows people besides the label: a contract of that kind, in force, rightly worded; or no."""

import pytest

from acts import a_contract, a_template, admitted, some_terms
from steps.test_labelling import Chain, faults, says
from synthgate.effects.labelled_text import LabelledText

FREE = a_template(a17_item=None)
PLAZA = a_template(template="chat", media=["virtual_scene"], a17_item=4)
FILE = {"name": "plaza.glb", "sha256": "d" * 64, "media_type": "model/gltf-binary", "size_bytes": 4}


def scene(**content):
    return admitted("scene.started", content, generation={"medium": "virtual_scene"})


def shown(shows, **over):
    return a_contract("chat", "7", shows=shows, **({"wording": "AI生成"} | over))


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (a_contract(), "interface_unknown"),
        (shown("declaration"), "interface_unknown"),
        (shown("start_frame", height_percent=6), "interface_unknown"),
        (shown("anything"), "interface_unknown"),
        (shown("offer", valid_until="2026-11-20T07:59:59Z"), "interface_expired"),
        (shown("offer", wording="可以加标识"), None),
    ],
)
async def test_an_offer_to_label_is_a_contract_of_that_kind(tmp_path, row, code):
    verdict, carried = await Chain(tmp_path, FREE, row).one(says("你好"))
    assert faults(verdict) == ([] if code is None else [("DSP-17-7", code)])
    assert (carried is None) == (code is not None)
    assert verdict.facts["prompt"] == ("chat/7" if code is None else None)


@pytest.mark.parametrize(
    ("over", "code"),
    [
        ({"height_percent": 5}, None),
        ({"height_percent": 5.5}, None),
        ({"height_percent": 4.99}, "label_too_small"),
        ({"height_percent": "6"}, "label_too_small"),
        ({}, "label_too_small"),
        ({"height_percent": 6, "wording": "AI"}, "interface_wording"),
        ({"height_percent": 6, "tested_at": "2026-11-20T08:00:01Z"}, "interface_expired"),
    ],
)
async def test_a_start_frame_says_both_words_and_as_tall_as_they_must_be(tmp_path, over, code):
    verdict, _ = await Chain(tmp_path, PLAZA, shown("start_frame", **over)).one(scene(text="广场"))
    assert faults(verdict) == ([] if code is None else [("DSP-17-5", code)])


async def test_the_label_of_a_scene_lies_beside_its_words_or_the_hashes_of_its_files(tmp_path):
    chain = Chain(tmp_path, PLAZA, shown("start_frame", height_percent=6))
    for content, words in (({"text": "广场"}, "广场"), ({"objects": [FILE]}, "d" * 64 + "\n")):
        verdict, carried = await chain.one(scene(**content))
        assert verdict.outcome == "pass"
        (row,) = carried["objects"]
        found = LabelledText.read(chain.store, row["name"])
        assert found.data.decode() == f"AI生成\n{words}"
        assert found.label.row() == carried["label"]
    verdict, carried = await chain.one(scene())
    assert (faults(verdict), carried) == ([("DSP-16-2", "nothing_to_label")], None)


async def test_terms_without_the_clause_give_nothing_out(tmp_path):
    lacks = (
        {"labels_sha256": None},
        {"labels_sha256": "x"},
        {"effective_at": "2026-11-20T08:00:01Z"},
    )
    for over in lacks:
        verdict, carried = await Chain(tmp_path, a_template(), some_terms(**over)).one(says("你好"))
        assert (faults(verdict), carried) == ([("LBL-8-1", "labels_undescribed")], None)
