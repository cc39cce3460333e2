"""Reports: the page says what the data says, what is unknown is pending, items one and two always stand."""

import html
import re
from pathlib import Path

import pytest

from acts_at_hand import a_bus, verify
from cases_at_hand import case, done, of_kind, tell, violate, works
from local_bus import LocalBus
from printed.reading import read_out, squeezed
from synthgate.cases.reports import LANGUAGES, PENDING, document, page
from synthgate.events.decision import CaseRow
from synthgate.law import LawError
from synthgate.law.reports import FILE, templates
from synthgate.printed.document import pdf
from synthgate.printed.face import find_face

RECEIPT = {"channel": "12387", "reference": "CN-1"}


@pytest.fixture
def bus(tmp_path: Path) -> LocalBus:
    bus = a_bus(tmp_path)
    verify(bus)
    return bus


def work_of(bus: LocalBus, row: CaseRow) -> list[CaseRow]:
    return [one for one in of_kind(bus, "work") if one.cause == row.case]


def words(text: str) -> list[str]:
    """What a page says, in order, without its markup."""
    body = re.sub(r"<style>.*?</style>|<head>.*?</head>", "", text, flags=re.DOTALL)
    return [html.unescape(part).strip() for part in re.split(r"<[^>]+>", body) if part.strip()]


def spoken(report: dict, language: str) -> list[str]:
    """What the data says, in the same order."""
    said = [report["title"][language], report["to"][language], report["unit"], report["report"]]
    said += [report["guarded"][language]] if report["guarded"] else []
    for item in report["items"]:
        value = PENDING[language] if item["pending"] else item["value"]
        said += [f"{item['no']}. {item[language]}", value]
    return said + report["evidence"]


def values(report: dict) -> dict[str, str]:
    return {item["key"]: item["value"] for item in report["items"] if not item["pending"]}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_word_for_word_what_the_data_says(bus: LocalBus, language: str) -> None:
    tell(
        bus, "rumour.detected", "r1", detail={"produce_id": "p<1>&", "items": {"harm": "x"}},
    )  # fmt: skip
    for name in works(bus):
        done(bus, name, detail={"proof": "<script>alert(1)</script>"})
    row = case(bus, "rumour/t/r1")
    report = document(row, work_of(bus, row), "某平台 <Ltd>")
    text = page(report, language)
    assert words(text) == spoken(report, language)
    assert "<script>" not in text and text.startswith("<!doctype html>")


@pytest.mark.parametrize("language", LANGUAGES)
def test_printed_it_says_what_the_data_says(bus: LocalBus, language: str, tmp_path: Path) -> None:
    found = {
        "produce_id": "p<1>&",
        "items": {"harm": "约 3 万人 😀 see order-", "follow_up": "1-2-3 " * 60},
    }
    tell(bus, "rumour.detected", "r1", detail=found)
    for name in works(bus):
        done(bus, name, detail={"proof": "<script>alert(1)</script>"})
    row = case(bus, "rumour/t/r1")
    report = document(row, work_of(bus, row), "某平台 <Ltd>")
    told = read_out(pdf(page(report, language), find_face(None)), tmp_path)
    assert told == squeezed("".join(spoken(report, language)))


def test_a_first_report_holds_items_one_and_two_and_says_what_is_pending(bus: LocalBus) -> None:
    tell(bus, "incident.detected", "i1", detail={"measures": {"persons_leaked": 2_000_000}})
    row = case(bus, "incident/t/i1")
    first = document(row, [], "u")
    assert set(values(first)) == {"system", "found"}
    assert "serious or above" in values(first)["found"]
    assert "persons_leaked=2000000" in values(first)["found"]
    assert (first["supplement"], first["internal_target"]) == (False, False)
    tell(bus, "report.receipted", "i1", by="ann", detail=RECEIPT)
    more = {"items": {"cause": "a stolen key", "trend": "call 13800138000", "unknown": "x"}}
    tell(bus, "incident.detected", "i1", detail=more)
    second = document(case(bus, row.case), [], "u")
    assert values(second)["cause"] == "a stolen key" and second["supplement"]
    assert "trend" not in values(second), "a plain number does not enter a case"
    assert second["report"] != first["report"]
    assert any("reference=CN-1" in line for line in second["evidence"])


def test_a_summary_follows_the_handling(bus: LocalBus) -> None:
    tell(bus, "incident.detected", "i1", detail={"items": {"lessons": "rotate keys"}})
    tell(bus, "incident.closed", "i1")
    report = document(case(bus, "incident/t/i1"), [], "u")
    assert report["kind"] == "summary" and values(report)["lessons"] == "rotate keys"


def test_a_content_report_names_the_entry_and_no_person(bus: LocalBus) -> None:
    decision = violate(bus, "b1")
    row = case(bus, f"content/{decision.decision}")
    report = document(row, work_of(bus, row), "u")
    assert f"entry {decision.receipt.index} sha256 {decision.receipt.hash}" in report["evidence"][0]
    assert values(report)["users"] == decision.user
    assert "heroin" not in str(report)
    assert document(row, work_of(bus, row), "u") == report


@pytest.mark.parametrize("kind", templates())
def test_every_template_has_what_is_always_stated(kind: str) -> None:
    items = templates()[kind].item
    assert any(item.always for item in items)
    assert len({item.key for item in items}) == len(items)
    if kind == "incident":
        assert [item.always for item in items] == [True, True, *[False] * 6]


def test_no_report_is_made_of_an_appeal() -> None:
    row = CaseRow(
        case="appeal/1", version=1, kind="appeal", state="open", tenant="t", user=None, opened_at=0,
        cause="c", receipt=None, rules=[],
    )  # fmt: skip
    with pytest.raises(KeyError):
        document(row, [], "u")


def test_a_wrong_template_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "reports.toml"
    path.write_text(FILE.read_text(encoding="utf-8").replace("to_zh", "to_cn", 1), encoding="utf-8")
    with pytest.raises(LawError, match=r"reports\.toml: content"):
        templates(path)
