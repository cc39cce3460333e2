import pytest
from hypothesis import given
from hypothesis import strategies as st

from law.folders import change, copy_of_law
from synthgate.events.facts import STANDING_ORDER
from synthgate.law import LawError
from synthgate.law.book import FOLDER
from synthgate.law.policy import RISKS, load_policy

POLICY = load_policy(FOLDER / "policy.toml")
LADDER = POLICY.incidents.ladder[-1]


def test_the_31_risks():
    assert len(RISKS) == 31
    assert (RISKS[0], RISKS[7], RISKS[16], RISKS[-1]) == ("A.1a", "A.1h", "A.2i", "A.5b")
    assert set(POLICY.moderation.thresholds) == set(RISKS)


def test_quality_is_never_refused_by_machine():
    for risk, threshold in POLICY.moderation.thresholds.items():
        assert (threshold.refuse is None) == risk.startswith("A.5"), risk


@given(st.integers(0, 50), st.integers(0, 50))
def test_the_ladder_never_falls(one, two):
    low, high = (STANDING_ORDER.index(LADDER.standing_for(n)) for n in sorted((one, two)))
    assert low <= high


def test_the_ladder_begins_with_a_warning():
    assert [LADDER.standing_for(n) for n in (0, 1, 3, 5, 10)] == list(STANDING_ORDER)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("draft_hours = 1", "draft_hours = 1\nluck = 1", "incidents.luck"),
        ("draft_hours = 1", "draft_hours = 0", "draft_hours"),
        ('image = ["picture"]', "", "image"),
        ('by_type."content.published"', 'by_type."content.eaten"', "content.eaten"),
        ('\n"A.1g" = { review = 30, refuse = 60 }', '\n"A.9g" = { review = 30 }', "A.9g"),
        ('image = ["picture"]', 'image = ["smell"]', "image"),
        ('image = ["picture"]', 'image = ["picture"]\nsmell = ["text"]', "smell"),
        ("keep_days = 184", "keep_days = 183", "keep_days"),
        ('"A.5b" = { review = 90 }', "", "A.5b"),
        ('"A.5b" = { review = 90 }', '"A.5c" = { review = 90 }', "A.5b, A.5c"),
        ('"A.1a" = { review = 30, refuse = 60 }', '"A.1a" = { review = 61, refuse = 60 }', "below"),
        (
            '"A.1a" = { review = 30, refuse = 60 }',
            '"A.1a" = { review = 30, refuse = 101 }',
            "refuse",
        ),
        ('"src_ip", ', '"source_ip", ', "source_ip"),
        ('methods = ["mobile"', 'methods = ["letter"', "letter"),
        ("closed_from = 10", "closed_from = 4", "must not fall"),
        ("closed_from = 10", "closed_from = 101", "above 100"),
        ('severe_risks = ["A.1a"', 'severe_risks = ["A.9a"', "A.9a"),
        ("effective_from = 2023-01-10", 'effective_from = "soon"', "effective_from"),
        ('report_risks = ["A.1a"', 'report_risks = ["A.9a"', "A.9a"),
    ],
)
def test_faults_are_refused_by_name(tmp_path, old, new, message):
    path = copy_of_law(tmp_path) / "policy.toml"
    text = path.read_text(encoding="utf-8")
    # keep_days also ends proof_keep_days; only whole lines are meant.
    if text.count(old) == 1:
        change(path, old, new)
    else:
        path.write_text(text.replace(f"\n{old}", f"\n{new}"), encoding="utf-8")
    with pytest.raises(LawError, match=message):
        load_policy(path)
