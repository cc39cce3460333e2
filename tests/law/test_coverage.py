import sys
import types

import pytest

from synthgate.events.types import EVENT_TYPES
from synthgate.law import LawError, coverage, load

PLAN = coverage.load_plan()
THIS_ISSUE = (
    "DSP-9-1", "DSP-9-2", "DSP-10-9", "DSP-14-1", "DSP-14-2", "DSP-14-3", "DSP-14-4", "DSP-6-1", "DSP-10-1",
    "DSP-10-2", "DSP-16-2", "DSP-16-3", "DSP-17-1", "GB-E-1", "GB-E-3", "GB-E-4", "DSP-10-10", "CSL-23-1",
    "DSP-10-6", "DSP-10-7", "DSP-8-1", "DSP-8-2", "DSP-9-3", "DSP-9-4", "DSP-9-5", "DSP-9-6", "DSP-21-2",
    "MIN-31-1", "DSP-14-5", "DSP-14-6", "DSP-14-7", "DSP-15-2", "PIPL-55-1", "NDR-12-1",
    "DSP-16-1", "DSP-17-2", "DSP-17-3", "DSP-17-4", "DSP-17-6", "GB-E-2", "LBL-4-7",
    "DSP-18-1", "LBL-6-1", "LBL-6-2", "LBL-6-3", "LBL-9-1", "LBL-9-2",
    "DSP-10-8", "GAI-14-1", "DSP-11-1", "DSP-11-2", "DSP-11-3", "DSP-12-1", "DSP-12-2", "DSP-12-3", "CSL-49-1",
    "DSP-21-1", "INC-4-1", "INC-4-2", "INC-7-1", "INC-8-1", "PIPL-57-1", "NDR-10-1",
    "DSP-13-1", "PIPL-47-1", "GAI-11-1", "DSP-6-2", "DSP-6-3", "DSP-10-3", "DSP-10-4", "DSP-10-5", "DSP-18-2",
    "DSP-17-5", "DSP-17-7", "LBL-6-4", "LBL-8-1",
)  # fmt: skip


def test_the_84_obligations_are_the_same_in_plan_rows_and_events():
    rules = PLAN.rules()
    assert len(rules) == 84
    assert set(rules) == {r for r in load().rules() if not r.startswith("HOUSE-")}
    assert set(rules) == {rule for row in EVENT_TYPES for rule in row.rules}


def test_rules_stand_in_a_readers_order():
    rules = PLAN.rules()
    assert rules.index("DSP-9-1") < rules.index("DSP-10-1") < rules.index("DSP-10-10")
    assert rules.index("DSP-21-2") < rules.index("LBL-4-7") < rules.index("GB-E-1")


def test_evidence_is_said_for_what_is_decided_now():
    assert set(PLAN.evidence) == set(THIS_ISSUE)


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
