from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from law.folders import change, copy_of_law
from synthgate.events.verdicts import Force
from synthgate.law import LawError, load
from synthgate.law.rows import day_ms

BOOK = load()
NOW = day_ms(date(2026, 6, 1))
MOMENTS = st.integers(min_value=day_ms(date(2015, 1, 1)), max_value=day_ms(date(2030, 1, 1)))


@given(MOMENTS)
def test_a_rule_is_found_exactly_while_its_row_counts(moment):
    law = BOOK.at(moment)
    for row in BOOK.rows:
        for rule in row.rules:
            assert (law.rule(rule) is row) == row.in_force(moment)


@given(MOMENTS, MOMENTS)
def test_one_law_object_between_two_effective_dates(one, two):
    days = {d for row in BOOK.rows for d in (row.from_ms, row.to_ms) if d is not None}
    between = any(min(one, two) < day <= max(one, two) for day in days)
    assert (BOOK.at(one) is BOOK.at(two)) == (not between)
    assert (BOOK.at(one).hash == BOOK.at(two).hash) == (not between)


def test_reason_and_fault_cite_the_row():
    law = BOOK.at(NOW)
    reason = law.reason("DSP-9-1", "unverified_publish", "user")
    assert (reason.rule, reason.article, reason.force) == ("DSP-9-1", "DSP 9", Force.STATUTE)
    assert law.fault("DSP-9-1", "unverified_publish", "user") == (reason,)
    assert law.reason("DSP-9-2", "unverified_request").force is Force.HOUSE_POLICY


def test_before_the_provisions_only_house_policy_and_older_law_speak():
    law = BOOK.at(day_ms(date(2023, 1, 10)) - 1)
    assert law.fault("DSP-9-1", "unverified_publish") == ()
    assert law.fault("DSP-9-2", "unverified_request") == ()
    assert law.fault("CSL-23-1", "x")
    assert law.fault("HOUSE-clock", "clock")
    with pytest.raises(KeyError):
        law.reason("DSP-9-1", "unverified_publish")


@pytest.mark.parametrize("rule", sorted(BOOK.rules()))
def test_dropping_a_rule_silences_it_alone(rule):
    less = BOOK.without(rule)
    assert less.hash != BOOK.hash
    assert BOOK.rules() - less.rules() == {rule}
    assert less.at(NOW).fault(rule, "x") == ()
    assert BOOK.at(NOW).fault(rule, "x")


def test_dropping_what_is_not_there_is_an_error():
    with pytest.raises(KeyError):
        BOOK.without("DSP-99-1")


def test_only_relaxable_house_policy_can_be_relaxed():
    relaxed = load(relaxed=["DSP-9-2"])
    assert relaxed.at(NOW).fault("DSP-9-2", "unverified_request") == ()
    assert relaxed.hash != BOOK.hash
    assert relaxed.hash == BOOK.without("DSP-9-2").hash
    for rule in ("DSP-9-1", "HOUSE-no_pass", "DSP-99-9"):
        with pytest.raises(LawError, match=f"{rule} cannot be relaxed; these can: DSP-9-2"):
            load(relaxed=[rule])


def test_cells_are_found_and_an_unknown_product_is_an_error():
    law = BOOK.at(NOW)
    cell = law.cell("generation.requested", "provider", "text", "consent")
    assert cell.applies
    assert cell.id == "consent.edit"
    with pytest.raises(LawError, match=r"generation\.requested x provider x smell x consent"):
        law.cell("generation.requested", "provider", "smell", "consent")


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("policy.toml", '"A.1a" = { review = 30', '"A.1a" = { review = 31'),
        ("applicability.toml", 'article = "LBL 4 ¶2"', 'article = "LBL 4"'),
        ("rows/gb_45438_2025.toml", 'article = "6.1 c"', 'article = "6.1 d"'),
        ("rows/dsp_2022.toml", "effective_to = 2025-09-01", "effective_to = 2025-08-31"),
    ],
)
def test_what_can_change_a_decision_changes_the_hash(tmp_path, file, old, new):
    folder = copy_of_law(tmp_path)
    assert load(folder).hash == BOOK.hash
    other = copy_of_law(tmp_path / "other")
    change(other / file, old, new)
    assert load(other).hash != BOOK.hash


def test_a_persons_verification_leaves_the_hash_alone(tmp_path):
    folder = copy_of_law(tmp_path)
    path = folder / "rows" / "minors_2023.toml"
    change(path, 'verified_by = ""', 'verified_by = "Li Lei"')
    change(path, 'verified_on = ""', "verified_on = 2026-05-04")
    book = load(folder)
    assert book.at(NOW).rule("MIN-31-1").verified
    assert book.hash == BOOK.hash


def test_the_order_of_rows_and_files_leaves_the_hash_alone(tmp_path):
    folder = copy_of_law(tmp_path)
    path = folder / "rows" / "gb_45438_2025.toml"
    head, *rows = path.read_text(encoding="utf-8").split("[[row]]")
    path.write_text(
        "[[row]]".join([head, *(row + "\n" for row in reversed(rows))]), encoding="utf-8"
    )
    path.rename(folder / "rows" / "zz.toml")
    assert load(folder).hash == BOOK.hash


def test_the_house_rules_everyone_relies_on_exist():
    wanted = {
        "malformed", "clock", "expired", "no_pass", "not_configured", "partition", "origin_conflict",
        "bug", "repeat", "superseded", "stale", "hold_expired", "upstream",
    }  # fmt: skip
    assert {f"HOUSE-{code}" for code in wanted} <= BOOK.rules()


def test_an_empty_folder_is_no_law(tmp_path):
    with pytest.raises(LawError, match="no law rows"):
        load(tmp_path)


def test_models_are_frozen():
    with pytest.raises(Exception, match="frozen"):
        BOOK.rows[0].article = "0"
    with pytest.raises(Exception, match="frozen"):
        BOOK.policy.retention.keep_days = 1
