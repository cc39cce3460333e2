"""Lint, numbers against the published minimums, and what changed between two lists."""

from synthgate.bench.made_up import entries, row
from synthgate.library.survey import difference, lint, statistics


def codes(*rows, **over):
    return {(one.entry, one.code) for one in lint(rows, 1, **over)}


def test_what_a_person_should_look_at():
    rows = (
        row("short", "枪"), row("brief", "gun"), row("good", "枪支弹药"), row("again", "槍支彈藥"),
        row("hidden", "海洛因"), row("hides", "海洛因", "allow"), row("idle", "晴天", "allow"),
        row("useful", "枪支弹药展览", "allow"), row("late", "丁戊己", expires_at="2026-01-01T00:00:00Z"),
        row("due", "庚辛壬", review_due="2026-01-01T00:00:00Z"),
    )  # fmt: skip
    assert codes(*rows) == {
        ("short", "too_short"), ("brief", "too_short"), ("again", "duplicate"), ("hidden", "allowed"),
        ("idle", "covers_nothing"),
    }  # fmt: skip
    dated = codes(*rows, today="2026-06-01T00:00:00Z")
    assert dated - codes(*rows) == {("late", "expired"), ("due", "overdue")}


def test_the_same_word_under_two_risks_is_no_duplicate():
    """An entry has one risk (ADR 0060): a word of two is two entries."""
    rows = [row("law", "枪支弹药", risk="A.1h"), row("health", "枪支弹药", risk="A.4a")]
    assert codes(*rows) == set()
    again = row("again", "槍支彈藥", risk="A.4a")
    assert codes(*rows, again) == {("again", "duplicate")}


def test_an_entry_found_in_harmless_text_is_named_with_its_line():
    rows = [row("bad", "今天天气"), row("good", "枪支弹药")]
    (found,) = lint(rows, 1, ["", "今天天气很好", "今天天气一般"])
    assert (found.entry, found.code) == ("bad", "harmless")
    assert "2 harmless texts, first in line 2" in found.sentence
    assert "天气" not in found.sentence


def test_only_what_is_in_force_is_looked_at():
    assert codes(row("short", "枪", from_version=2)) == set()


def test_a_list_of_the_published_size_reaches_the_minimums_and_a_smaller_one_says_what_it_lacks():
    whole = statistics(entries(), 1)
    assert whole["short"] == []
    assert sum(whole["risks"].values()) == 10_000
    small = statistics([*entries(400), row("off", "甲乙丙", state="off")], 1)
    assert small["entries"] == 400
    assert {one["risk"] for one in small["short"]} >= {"all", "A.1a", "A.2i"}
    assert not any(one["risk"].startswith(("A.3", "A.4", "A.5")) for one in small["short"])


def test_what_changed():
    old = [row("same", "甲乙"), row("gone", "丙丁"), row("other", "戊己")]
    new = [
        row("same", "甲乙", version=9),
        row("new", "庚辛"),
        row("other", "戊己", severity=10, state="off"),
    ]
    assert difference(old, new) == [
        {"entry": "gone", "change": "removed"},
        {"entry": "new", "change": "added"},
        {"entry": "other", "change": "changed", "fields": ["severity", "state"]},
    ]
