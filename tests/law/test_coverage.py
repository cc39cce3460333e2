import sys
import types

import pytest

from synthgate.events.types import EVENT_TYPES
from synthgate.law import LawError, coverage, load

PLAN = coverage.load_plan()


def test_the_84_obligations_are_the_same_in_plan_rows_and_events():
    rules = PLAN.rules()
    assert len(rules) == 84
    assert set(rules) == {r for r in load().rules() if not r.startswith("HOUSE-")}
    assert set(rules) == {rule for row in EVENT_TYPES for rule in row.rules}


def test_rules_stand_in_a_readers_order():
    rules = PLAN.rules()
    assert rules.index("DSP-9-1") < rules.index("DSP-10-1") < rules.index("DSP-10-10")
    assert rules.index("DSP-21-2") < rules.index("LBL-4-7") < rules.index("GB-E-1")


def test_every_obligation_is_decided_and_its_evidence_is_named():
    assert set(PLAN.evidence) == set(PLAN.rules()) == set(PLAN.rules()) & set(coverage.deciders())


def test_no_duty_claims_a_rule_nobody_knows():
    assert set(coverage.deciders()) <= load().rules()


def test_deciders_are_read_from_obligation_records(monkeypatch, tmp_path):
    (tmp_path / "consent.py").write_text("class OBLIGATION:\n    rules = ('DSP-14-1',)\n")
    (tmp_path / "words.py").write_text("MEANING = 42\n")
    package = types.ModuleType("synthgate.obligations")
    package.__path__ = [str(tmp_path)]
    for name in [n for n in sys.modules if n.startswith("synthgate.obligations.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "synthgate.obligations", package)
    assert coverage.deciders() == {"DSP-14-1": ("consent",)}
    for name in ("consent", "words"):
        monkeypatch.delitem(sys.modules, f"synthgate.obligations.{name}", raising=False)


def test_of_a_duty_that_is_a_folder_the_file_is_named():
    found = coverage.deciders()
    assert found["LBL-6-1"] == ("labelling/taken_in",)
    assert found["DSP-9-1"] == ("identity",)


def test_without_duties_nothing_is_decided(monkeypatch):
    monkeypatch.setitem(sys.modules, "synthgate.obligations", None)
    assert coverage.deciders() == {}


def test_tests_are_found_by_whole_rule_id(tmp_path):
    folder = tmp_path / "tests" / "obligations"
    folder.mkdir(parents=True)
    (folder / "test_incidents.py").write_text('RULE = "DSP-10-10"\n')
    (tmp_path / "tests" / "law").mkdir()
    (tmp_path / "tests" / "law" / "test_rows.py").write_text('"DSP-10-1"\n')
    assert coverage.files_naming(["DSP-10-1", "DSP-10-10"], tmp_path) == {
        "DSP-10-1": (),
        "DSP-10-10": ("tests/obligations/test_incidents.py",),
    }
    assert coverage.files_naming(["DSP-10-1"], tmp_path / "nowhere") == {"DSP-10-1": ()}


def test_uncovered_counts_obligations_in_force_only():
    in_force = ["DSP-10-1", "DSP-9-1", "HOUSE-clock", "DSP-10-2"]
    assert coverage.uncovered(in_force, {"DSP-9-1": ("identity",)}) == ("DSP-10-1", "DSP-10-2")


def test_triggers_are_event_types():
    assert coverage.triggers("DSP-9-1") == ("content.published",)
    assert "generation.segment" in coverage.triggers("DSP-17-1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[areas]\nledger = ["A-1", "A-1"]\n[evidence]\n', "listed twice: A-1"),
        ('[areas]\nledger = ["A-1"]\n[evidence]\nA-2 = "x"\n', "evidence for no obligation: A-2"),
        (
            'every_event = ["A-2"]\n[areas]\nledger = ["A-1"]\n[evidence]\n',
            "every_event for no obligation: A-2",
        ),
        ('[areas]\ngarden = ["A-1"]\n[evidence]\n', "garden"),
    ],
)
def test_faults_are_refused(tmp_path, text, message):
    path = tmp_path / "coverage.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LawError, match=message):
        coverage.load_plan(path)
