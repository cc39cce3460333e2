"""``synthgate case``, ``appeal``, ``report``, ``work``, ``order``, ``complaint``: against a chain that runs."""

import asyncio
import hashlib
import io
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import every_rule
from case_evidence import taken_up
from cli_commands import PATIENCE_S, Running, run
from printed.reading import read_out
from printed.reading import said as said_by
from rule_players import play_on
from rule_stories import _story
from rule_stories_cases import STORIES, complaint
from synthgate.client import Gate
from synthgate.demo import aftermath
from synthgate.demo.acts import SOURCE, TENANT

Capture = pytest.CaptureFixture[str]
TOLD = ("DSP-12-3", "DSP-12-2", "DSP-11-1")


@pytest.fixture(scope="module")
def told(chain: Running) -> dict[str, Any]:
    """An appeal, a complaint and a rumour; the case of each."""
    stories = [one for one in STORIES if one.rule in TOLD and not one.lawful]
    seen = asyncio.run(play_on(chain.settings, stories))
    cases = {}
    for story, one in zip(stories, seen, strict=True):
        assert story.unmet(one) == []
        kind = {"DSP-12-3": "appeal", "DSP-12-2": "complaint", "DSP-11-1": "rumour"}[story.rule]
        cases[kind] = next(
            row["case"]
            for row in one.rows["cases"]
            if row["kind"] == kind
            and (f"/{one.user}" in row["case"] if kind == "rumour" else _caused(row, one.user))
        )
    return cases


def _caused(row: Mapping[str, Any], user: str) -> bool:
    return bool(row["cause"].endswith(("#1", user)))


def said(capsys: Capture, *argv: str) -> Any:
    code, out, why = run(capsys, *argv, "--json")
    assert code in (0, 1), why
    return [json.loads(line) for line in out.splitlines()]


BY = ("--by", "ann", "--reason", "looked at it")


def test_an_appeal_is_found_decided_once_and_shown(
    told: dict[str, Any], chain: Running, capsys: Capture
) -> None:
    case = told["appeal"]
    assert case in [row["case"] for row in said(capsys, "appeal", "list", *chain.options)]
    (answer,) = said(capsys, "appeal", "uphold", case, *BY, *chain.options)
    assert (answer["status"], answer["refused"]) == ("upheld", None)
    code, out, _ = run(capsys, "appeal", "reject", case, *BY, *chain.options)
    assert code == 1 and "a case that is upheld cannot take appeal.rejected" in out
    code, out, _ = run(capsys, "case", "show", case, *chain.options)
    assert code == 0 and "appeal.upheld by ann: looked at it  -> upheld" in out
    assert "REFUSED" in out and "notice.due" in out and "DSP-12-3 (internal target)  met" in out
    assert case not in [row["case"] for row in said(capsys, "appeal", "list", *chain.options)]


def test_a_complaint_is_decided(told: dict[str, Any], chain: Running, capsys: Capture) -> None:
    (answer,) = said(capsys, "complaint", "uphold", told["complaint"], *BY, *chain.options)
    assert answer["status"] == "upheld"
    kinds = {row["kind"] for row in said(capsys, "work", "list", *chain.options)}
    assert {"notice.due", "takedown.due", "recall.due"} <= kinds


def test_a_report_is_previewed_approved_and_receipted_and_work_is_proved(
    told: dict[str, Any], chain: Running, capsys: Capture, tmp_path: Path
) -> None:
    case = told["rumour"]
    unit = ("--unit", "某平台")
    code, out, _ = run(capsys, "report", "preview", case, *unit, *chain.options)
    report = json.loads(out)
    assert code == 0 and report["case"] == case and report["internal_target"] is True
    html = run(
        capsys, "report", "preview", case, *unit, "--format", "html", "--lang", "zh", *chain.options
    )[1]
    assert report["title"]["zh"] in html and "待补充" in html
    printed = ("--format", "pdf", "--lang", "zh", *chain.options)
    code, _, why = run(capsys, "report", "preview", case, *unit, *printed)
    assert code == 78 and "--out is needed" in why
    out = ("--out", str(tmp_path / "report.pdf"))
    assert run(capsys, "report", "preview", case, *unit, *printed, *out)[0] == 0
    assert read_out((tmp_path / "report.pdf").read_bytes(), tmp_path) == said_by(html)
    assert run(capsys, "report", "preview", case, *unit, *printed, *out)[0] == 78, (
        "never over a file"
    )
    nothing = ("--set", f"pdf_font={tmp_path}/none.ttf", "--out", str(tmp_path / "second.pdf"))
    code, _, why = run(capsys, "report", "preview", case, *unit, *printed, *nothing)
    assert code == 78 and "none.ttf cannot be read" in why and "fonts-noto-cjk" in why
    (answer,) = said(capsys, "report", "approve", case, *BY, *chain.options)
    assert answer["refused"] is None
    slip = tmp_path / "slip.txt"
    slip.write_text("received")
    channel = ("--channel", "12377", "--file", str(slip))
    (answer,) = said(capsys, "report", "receipt", case, *channel, *BY, *chain.options)
    assert answer["status"] == "reported"
    for work in said(capsys, "work", "list", *chain.options):
        if work["case"] == case:
            proof = ("--proof", "shot=s-1")
            (answer,) = said(capsys, "work", "done", work["id"], *proof, *BY, *chain.options)
            assert answer["status"] == "done"
    (row,) = said(capsys, "case", "show", case, *chain.options)
    assert row["status"] == "dispelled"
    assert {one["status"] for one in row["work"]} == {"done"}


def test_an_order_is_kept_carried_out_and_a_function_suspended(
    chain: Running, capsys: Capture, tmp_path: Path
) -> None:
    tenant = ("--tenant", "orders")
    by = ("--detail", "answer_by=2031-01-01T00:00:00Z")
    (answer,) = said(capsys, "order", "open", "o-1", *tenant, *by, *chain.options)
    (switched,) = said(
        capsys, "order", "suspend", "content.published", *tenant, "--order", "o-1", *chain.options
    )
    assert (answer["case"], switched["off"]) == ("order/orders/o-1", True)
    until = time.monotonic() + PATIENCE_S
    while answer["case"] not in (
        listed := [row["case"] for row in said(capsys, "order", "list", *chain.options)]
    ):
        assert time.monotonic() < until, listed
    manifest = tmp_path / "manifest.json"
    manifest.write_text("{}")
    shown = ("--manifest", str(manifest))
    for act, status in (("carried-out",), "carried_out"), (("answered", *shown), "answered"):
        (came,) = said(capsys, "order", *act, answer["case"], *BY, *chain.options)
        assert came["status"] == status
    (row,) = said(capsys, "case", "show", answer["case"], *chain.options)
    assert row["timeline"][-1]["detail"] == {"manifest_sha256": hashlib.sha256(b"{}").hexdigest()}
    assert row["deadlines"][0]["met_at"] is not None


def test_what_is_wrong_is_said_in_one_line(chain: Running, capsys: Capture) -> None:
    code, _, why = run(capsys, "case", "show", "none", *chain.options)
    assert code == 1 and "no case none" in why and "synthgate case list" in why
    code, _, why = run(
        capsys, "case", "act", "x", "y", "--by", "a", "--detail", "z", *chain.options
    )
    assert "NAME=VALUE" in why
    code, _, why = run(
        capsys, "report", "receipt", "x", "--channel", "c", "--file", "/none/x", "--by", "a",
        *chain.options,
    )  # fmt: skip
    assert code == 1


def test_a_screenshot_encoded_twice_finds_its_passage_and_it_is_recalled_with_proof_and_answered(
    chain: Running, capsys: Capture, tmp_path: Path
) -> None:
    picture = next(one for one in every_rule.STORIES if one.user == "dsp-17-3-lawful")
    shot = _story("DSP-12-2", "shot", lambda user: (complaint(user),), taken_up)
    made, complained = asyncio.run(play_on(chain.settings, [picture, shot]))
    released = made.last
    (served,) = [row for row in released["objects"] if row["media_type"].startswith("image")]
    data = (chain.settings.objects_dir / served["name"]).read_bytes()
    once, twice = io.BytesIO(), tmp_path / "shot.webp"
    Image.open(io.BytesIO(data)).convert("RGB").save(once, "JPEG", quality=60)
    Image.open(once).save(twice, "WEBP", quality=60)
    case = next(
        row["case"]
        for row in complained.rows["cases"]
        if row["kind"] == "complaint" and row["cause"] == complained.last["decision"]
    )
    file = ("--file", str(twice))
    found = said(capsys, "complaint", "match", case, *file, *BY, *chain.options)
    assert found[0]["sha256"] == served["sha256"] and found[0]["distance"] <= 31
    said(capsys, "complaint", "uphold", case, *BY, *chain.options)
    (row,) = said(capsys, "case", "show", case, *chain.options)
    about = {w["detail"]["work"]["kind"]: w["detail"]["work"]["about"] for w in row["work"]}
    for kind in ("takedown.due", "recall.due"):
        assert about[kind]["sha256"] == served["sha256"]
        assert about[kind]["generation"] == released["generation"]
    owed = [w["detail"]["work"] for w in row["work"]]
    told = [w for w in owed if w["kind"] == "notice.due"]
    assert [w["about"]["status"] for w in told] == ["received", "upheld"]
    assert "受理" in told[0]["text"]["zh"] and "looked at it" in told[1]["text"]["en"]
    assert {w["recipient"] for w in told} == {complained.last["user"]} != {None}
    for work in owed:  # the platform answers, on topics too
        proof = ("--proof", f"shot={work['kind']}", "--proof", "sha256=" + "e" * 64)
        said(capsys, "work", "done", work["id"], *proof, *BY, *chain.options)
    (row,) = said(capsys, "case", "show", case, *chain.options)
    assert {w["status"] for w in row["work"]} == {"done"} and len(row["work"]) == 4
    for work in row["work"]:
        assert work["timeline"][-1]["detail"]["shot"] == work["detail"]["work"]["kind"]
    assert (row["state"], row["status"], row["deadlines"][0]["reached_at"]) == (
        "closed", "upheld", None,
    )  # fmt: skip
    assert row["deadlines"][0]["met_at"] is not None


def test_how_far_a_rumour_went_is_read_from_the_logs_and_owed(
    chain: Running, capsys: Capture
) -> None:
    chat = next(one for one in every_rule.STORIES if one.user == "dsp-16-3-lawful")
    (seen,) = asyncio.run(play_on(chain.settings, [chat]))
    number = f"produce_id={seen.last['label']['ProduceID']}"
    found = ("rumour.detected", "far", "--tenant", TENANT, "--detail", number)
    (opened,) = said(capsys, "case", "find", *found, *chain.options)
    for _ in range(2):
        (reach,) = said(capsys, "case", "reach", opened["case"], "--owe", *chain.options)
    assert reach["generators"] == [seen.last["user"]] and reach["unreadable"] == 0
    (row,) = said(capsys, "case", "show", opened["case"], *chain.options)
    kinds = [work["detail"]["work"]["kind"] for work in row["work"]]
    assert kinds.count("rebuttal.due") == 1
    by = ("--tenant", "orders", "--detail", "answer_by=2031-01-01T00:00:00Z")
    (order,) = said(capsys, "order", "open", "of-nothing", *by, *chain.options)
    code, _, why = run(capsys, "case", "reach", order["case"], *chain.options)
    assert code == 1 and "synthgate trace" in why


async def test_the_demo_shows_one_refusal_become_a_case_and_be_undone(
    told: dict[str, Any], chain: Running, capsys: Capture
) -> None:
    settings = chain.settings
    async with Gate.from_settings(settings, tenant=TENANT, source=SOURCE) as gate:
        assert await aftermath.tell(gate, settings, "cli") == 0
    out = capsys.readouterr().out
    for word in ("case opened", "standing warned", "appeal taken up", "standing ok", "overturned"):
        assert word in out
