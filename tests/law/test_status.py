from datetime import date

import pytest

from law.folders import change, copy_of_law
from synthgate.events.verdicts import Force
from synthgate.law import load
from synthgate.law.rows import day_ms
from synthgate.law.status import render, status, summary

BOOK = load()
NOW = day_ms(date(2026, 6, 1))


@pytest.mark.parametrize(
    "day", [date(2016, 1, 1), date(2023, 6, 1), date(2025, 10, 1), date(2026, 6, 1)]
)
def test_every_row_is_counted_once(day):
    found = status(BOOK, day_ms(day), {})
    assert sum(count.rows for count in found.counts) == len(BOOK.rows)
    assert len(found.not_yet) == sum(count.not_yet for count in found.counts)
    assert len(found.ended) == sum(count.ended for count in found.counts)


def test_today_all_84_are_in_force_and_decided_ones_are_not_listed():
    found = status(BOOK, NOW, {"DSP-9-1": ("identity",), "HOUSE-clock": ("identity",)})
    assert found.obligations == 84
    assert len(found.uncovered) == 83
    assert found.covered == 1
    assert "DSP-9-1" not in found.uncovered


def test_before_their_day_obligations_are_not_owed():
    found = status(BOOK, day_ms(date(2024, 6, 1)), {})
    assert "GB-E-1" not in found.uncovered
    assert any("GB-E-1" in row.rules for row in found.not_yet)
    assert "INC-4-1" in {rule for row in found.not_yet for rule in row.rules}


def test_house_policy_needs_no_comparison(tmp_path):
    found = status(BOOK, NOW, {})
    assert found.law_rows == len(found.unverified)
    assert all(row.force is not Force.HOUSE_POLICY for row in found.unverified)
    folder = copy_of_law(tmp_path)
    path = folder / "rows" / "minors_2023.toml"
    change(path, 'verified_by = ""', 'verified_by = "Li Lei"')
    change(path, 'verified_on = ""', "verified_on = 2026-05-04")
    assert len(status(load(folder), NOW, {}).unverified) == found.law_rows - 1


def test_both_languages_say_the_same_numbers():
    found = status(BOOK, NOW, {"DSP-9-1": ("identity",)})
    english, chinese = render(found, "en"), render(found, "zh")
    rows = str(found.law_rows)
    for text in (english, chinese):
        assert "83" in text
        assert "84" in text
        assert rows in text
        assert "CSL (2016) 47" in text
        assert "2026-01-01" in text
        assert "DSP-10-10" in text
        assert found.book_hash[:12] in text
    assert "house policy" in english
    assert "内部规则" in chinese
    assert summary(found, "en") in english
    assert summary(found, "zh") in chinese


def test_the_day_is_chinas():
    assert "2026-06-01" in render(status(BOOK, NOW, {}), "en")
    assert "2026-05-31" in render(status(BOOK, NOW - 1, {}), "en")


def test_data_form_is_complete():
    row = status(BOOK, NOW, {}).row()
    assert set(row["rows"]) == {force.value for force in Force}
    assert row["uncovered"]
    assert row["book"] == BOOK.hash
