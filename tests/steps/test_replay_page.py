"""The page of a replay: every figure of the report, nothing from elsewhere, data never as markup."""

import html
import re
from typing import Any
from xml.etree import ElementTree

import pytest

from synthgate.law import load
from synthgate.steps import replay_page

REPORT: dict[str, Any] = {
    "depth": "decision", "entries": 7_001, "verdicts": 35_005, "equal": 25_002, "different": 9_003,
    "not_checkable": {"erased": 601, "<b>not labelled then": 399}, "laws": {"abc<script>": 35_005},
    "candidate": "def&co", "candidate_library": 12,
    "examples": [{"entry": "0/<3>", "duty": "moderation", "fields": ["facts", "<i>"]}],
    "flips": [
        {
            "rule": "DSP-6-1", "now": "given", "verdicts": 8_123,
            "outcomes": {"pass to refuse": 8_000, "hold to refuse": 123},
            "examples": [
                {"entry": "1/2", "duty": "moderation", "before": ["pass"],
                 "after": ["refuse", "<risk>"]},
            ],
        },
        {
            "rule": "HOUSE-upstream", "now": "no longer given", "verdicts": 880,
            "outcomes": {"refuse to not_applicable": 880}, "examples": [],
        },
    ],
}  # fmt: skip


def made(language: str) -> str:
    return replay_page.page(
        {**REPORT, "rules": replay_page.rules_named(REPORT, [load()])}, language
    )


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_figure_stands_on_the_page_and_the_bars_are_to_scale(language: str) -> None:
    text = made(language)
    for figure in (7_001, 35_005, 25_002, 9_003, 601, 399, 12, 8_123, 8_000, 123, 880):
        assert re.search(rf"\b{figure}\b", text), figure
    charts = [ElementTree.fromstring(one) for one in re.findall(r"<svg.*?</svg>", text, re.DOTALL)]
    widths = [[int(bar.get("width", "")) for bar in chart.iter("rect")] for chart in charts]
    (same, other, gone), (erased, unlabelled), (given, not_given) = widths
    assert same > other > gone > 0
    assert other / same == pytest.approx(9_003 / 25_002, abs=0.01)
    assert unlabelled / erased == pytest.approx(399 / 601, abs=0.01)
    assert not_given / given == pytest.approx(880 / 8_123, abs=0.01)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_it_stands_alone_and_what_is_data_is_no_markup(language: str) -> None:
    text = made(language)
    assert not re.search(r"<script|<link|<img|<iframe|src=|href=|url\(|https?:", text)
    for planted in ("<b>not labelled", "abc<script>", "0/<3>", "<i>", "<risk>", "def&co"):
        assert planted not in text
        assert planted in html.unescape(text)


def test_a_rule_is_said_with_its_force_and_house_policy_is_never_law() -> None:
    rules = {row["rule"]: row for row in replay_page.rules_named(REPORT, [load()])}
    assert set(rules) == {"DSP-6-1", "HOUSE-upstream"}
    assert (rules["DSP-6-1"]["force"], rules["HOUSE-upstream"]["force"]) == (
        "statute", "house policy",
    )  # fmt: skip
    assert "内部规则" in made("zh") and "[house policy]" in made("en")
    assert "not compared with the official text" in made("en")


def test_nothing_that_differs_is_said_and_a_report_at_evidence_depth_is_shown() -> None:
    report = {
        "depth": "evidence", "duties": ["consent", "moderation"], "entries": 1, "verdicts": 2, "equal": 2,
        "different": 0, "not_checkable": {}, "examples": [],
    }  # fmt: skip
    text = replay_page.page(report, "en")
    assert "nothing differs" in text and "consent, moderation" in text
