import re
from datetime import date, timedelta

import pytest

from synthgate.events.verdicts import Force
from synthgate.law.book import FOLDER
from synthgate.law.rows import day_ms, load_rows
from synthgate.law.toml_file import LawError

EDITIONS, ROWS = load_rows(FOLDER / "rows")

HEAD = """
regime = "CN"
law = "TST"
edition = "1"
cite = "TST"
title_en = "Test law"
title_zh = "测试法"
instrument = "law"
force = "statute"
effective_from = 2023-01-10
source = "https://example.org"
grade = "Q"
"""
ROW = """
[[row]]
rules = ["TST-1-1"]
article = "1"
en = "One."
zh = "一。"
verified_by = ""
verified_on = ""
"""


def loaded(folder, **files):
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return load_rows(folder)


def row_of(rule, day=date(2026, 6, 1)):
    (row,) = [r for r in ROWS if rule in r.rules and r.in_force(day_ms(day))]
    return row


def test_days_begin_in_china():
    # 2026-01-01 00:00 +08:00 is 16:00 UTC of the day before.
    assert day_ms(date(2026, 1, 1)) == 1_767_196_800_000
    row = row_of("CSL-23-1")
    assert row.citation == "CSL (2025) 23(3)"
    assert not row.in_force(day_ms(date(2026, 1, 1)) - 1)


@pytest.mark.parametrize(
    ("rule", "before", "citation"),
    [
        ("CSL-23-1", date(2026, 1, 1), "CSL (2016) 21(3)"),
        ("CSL-49-1", date(2026, 1, 1), "CSL (2016) 47"),
        ("DSP-10-8", date(2025, 11, 1), "TC260-003 user input detection"),
    ],
)
def test_an_earlier_edition_counts_until_its_last_day(rule, before, citation):
    assert row_of(rule, before - timedelta(days=1)).citation == citation
    assert row_of(rule, before).citation != citation


@pytest.mark.parametrize(
    ("rule", "first"),
    [
        ("DSP-9-1", date(2023, 1, 10)),
        ("DSP-9-2", date(2023, 1, 10)),
        ("DSP-17-1", date(2023, 1, 10)),
        ("DSP-16-3", date(2025, 9, 1)),
        ("GB-E-1", date(2025, 9, 1)),
        ("LBL-4-7", date(2025, 9, 1)),
        ("INC-4-2", date(2025, 11, 1)),
        ("GAI-14-1", date(2023, 8, 15)),
        ("MIN-31-1", date(2024, 1, 1)),
        ("NDR-12-1", date(2025, 1, 1)),
    ],
)
def test_no_rule_counts_before_its_day(rule, first):
    assert row_of(rule, first)
    assert not [r for r in ROWS if rule in r.rules and r.in_force(day_ms(first) - 1)]


def test_force_is_honest():
    assert {row_of(r).force for r in ("GB-E-1", "GB-E-2", "GB-E-3")} == {Force.MANDATORY_STANDARD}
    assert {row_of(r).force for r in ("GB-E-4", "DSP-10-8")} == {Force.RECOMMENDED_STANDARD}
    assert row_of("DSP-9-1").force is Force.STATUTE
    assert row_of("DSP-9-2").force is Force.HOUSE_POLICY
    for row in ROWS:
        assert (row.law == "HOUSE") == (row.force is Force.HOUSE_POLICY), row.rules
        assert (row.cite == "house policy") == (row.force is Force.HOUSE_POLICY), row.rules


def test_every_row_has_a_source_and_nobody_has_verified_one():
    for row in ROWS:
        assert re.match(r"https?://|LawRefBook/Laws |read at grade |grade I", row.source), row.rules
        assert not row.verified, row.rules
        assert row.en.endswith("."), row.rules
        assert row.zh.endswith("。"), row.rules


def test_house_numbers_do_not_stand_in_sentences_of_law():
    """The provisions say 及时; four hours are the incident measures' alone."""
    for row in ROWS:
        if "hour" in row.en and row.force is Force.STATUTE:
            assert row.law in {"INC", "NDR"}, row.rules


def test_house_rules_count_always():
    for row in ROWS:
        if row.rules[0].startswith("HOUSE-"):
            assert row.in_force(-(10**15))
            assert row.in_force(10**15)


def test_further_bases_stand_in_known_editions():
    known = {(e.law, e.edition) for e in EDITIONS}
    assert all((b.law, b.edition) in known for row in ROWS for b in row.also)
    assert row_of("DSP-17-1").also


def test_a_small_file_loads(tmp_path):
    _, (row,) = loaded(tmp_path, a=HEAD + ROW)
    assert row.rules == ("TST-1-1",)
    assert row.text("zh") == "一。"
    assert row.text("en") == "One."


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.replace('article', 'colour = 1\narticle'), r"a\.toml: row 1 \(TST-1-1\).*colour"),
        (lambda t: t.replace('grade = "Q"', 'grade = "Q"\ncolour = "red"'), r"a\.toml: colour"),
        (lambda t: t.replace('source = "https://example.org"\n', ""), r"a\.toml: source"),
        (lambda t: t.replace("https://example.org", ""), r"a\.toml: source"),
        (lambda t: t.replace("effective_from = 2023-01-10\n", ""), "effective_from"),
        (lambda t: t.replace('article = "1"\n', ""), r"row 1 \(TST-1-1\): article"),
        (lambda t: t.replace('["TST-1-1"]', "[]"), "rules"),
        (lambda t: t.replace('["TST-1-1"]', '["tst 1"]'), "rules"),
        (lambda t: t.replace('["TST-1-1"]', '["TST-1-1", "TST-1-1"]'), "named twice"),
        (lambda t: t.replace('["TST-1-1"]', '["HOUSE-own"]'), "HOUSE rule"),
        (lambda t: t.replace('verified_by = ""', 'verified_by = "Li"'), "come together"),
        (lambda t: t.replace('zh = "一。"', 'zh = "一。"\nnote_en = "x"'), "note_en and note_zh"),
        (lambda t: t.replace('zh = "一。"', 'zh = "一。"\nrelaxable = true'), "relaxable"),
        (lambda t: t.replace('zh = "一。"', 'zh = "一。"\neffective_to = 2023-01-10'), "not after"),
        (lambda t: t.replace('force = "statute"', 'force = "strong"'), "force"),
        (
            lambda t: t + 'also = [{ law = "NONE", edition = "1", article = "1" }]\n',
            r"a\.toml: row 1.*NONE 1",
        ),
    ],
)  # fmt: skip
def test_faults_are_refused_by_file_and_row(tmp_path, change, message):
    text = HEAD + ROW
    assert change(text) != text
    with pytest.raises(LawError, match=message):
        loaded(tmp_path, a=change(text))


def test_one_rule_may_not_overlap_in_time(tmp_path):
    later = ROW.replace('article = "1"', 'article = "2"\neffective_from = 2025-01-01')
    with pytest.raises(LawError, match=r"a\.toml: row 2 \(TST-1-1\).*overlaps.*row 1"):
        loaded(tmp_path, a=HEAD + ROW + later)
    ended = ROW.replace('article = "1"', 'article = "1"\neffective_to = 2025-01-02')
    with pytest.raises(LawError, match="overlaps"):
        loaded(tmp_path, a=HEAD + ended + later)
    touching = ended.replace("2025-01-02", "2025-01-01")
    assert len(loaded(tmp_path, a=HEAD + touching + later)[1]) == 2


def test_one_edition_stands_in_one_file(tmp_path):
    with pytest.raises(LawError, match="defined twice"):
        loaded(tmp_path, a=HEAD + ROW, b=HEAD + ROW.replace("TST-1-1", "TST-1-2"))
