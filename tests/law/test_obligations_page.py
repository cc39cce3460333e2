from synthgate.law import coverage, obligations_page


def test_the_page_in_the_tree_is_fresh(capsys):
    assert obligations_page.main(["--check"]) == 0, capsys.readouterr().err


def test_one_line_for_each_obligation():
    page = obligations_page.render()
    for rule in coverage.load_plan().rules():
        assert page.count(f"\n| {rule} |") == 1, rule
    assert page.count("\n| HOUSE-") == 15


def test_what_is_not_decided_names_its_area(monkeypatch, tmp_path):
    monkeypatch.setattr(coverage, "deciders", dict)
    page = obligations_page.render(tmp_path)
    assert "0 of 84 obligations have a deciding file." in page
    (line,) = [row for row in page.splitlines() if row.startswith("| INC-4-1 |")]
    assert "`incident.detected`" in line
    assert "not yet, cases" in line
    (line,) = [row for row in page.splitlines() if row.startswith("| CSL-23-1 |")]
    assert "| every event |" in line


def test_what_is_decided_names_file_evidence_and_test(monkeypatch, tmp_path):
    monkeypatch.setattr(
        coverage, "deciders", lambda: {"DSP-9-1": ("identity",), "DSP-7-1": ("identity",)}
    )
    for folder, name in (("chain", "test_words"), ("obligations", "test_identity")):
        path = tmp_path / "tests" / folder / f"{name}.py"
        path.parent.mkdir(parents=True)
        path.write_text('RULE = "DSP-9-1"\n')
    lines = {line.split(" | ")[0]: line for line in obligations_page.render(tmp_path).splitlines()}
    assert lines["| DSP-9-1"].endswith(
        "| `obligations/identity.py` | verdict identity: facts.verified"
        " | `tests/obligations/test_identity.py`, `tests/chain/test_words.py` |"
    )
    assert lines["| DSP-7-1"].endswith(
        "| `obligations/identity.py` | cases: upkeep's detail.kept, lacks, deadlines (review) | none names it |"
    )


def test_a_house_rule_is_found_where_it_is_used(monkeypatch, tmp_path):
    monkeypatch.setattr(coverage, "deciders", dict)
    path = tmp_path / "src" / "synthgate" / "steps" / "door.py"
    path.parent.mkdir(parents=True)
    path.write_text('law.fault("HOUSE-clock", "clock")\n')
    lines = {line.split(" | ")[0]: line for line in obligations_page.render(tmp_path).splitlines()}
    assert "`steps/door.py`" in lines["| HOUSE-clock"]
    assert "not yet" in lines["| HOUSE-bug"]


def test_a_stale_page_fails_and_writing_mends_it(monkeypatch, tmp_path, capsys):
    page = tmp_path / "OBLIGATIONS.md"
    monkeypatch.setattr(obligations_page, "PAGE", page)
    assert obligations_page.main(["--check"]) == 1
    page.write_text("old", encoding="utf-8")
    assert obligations_page.main(["--check"]) == 1
    assert "stale" in capsys.readouterr().err
    assert obligations_page.main([]) == 0
    assert obligations_page.main(["--check"]) == 0
