"""The page of reviewers is fresh, names every medium, and says that no single look of the bank lets pass."""

from typing import get_args

from synthgate.events.models import Medium
from synthgate.steps import reviewers_page as page


def test_the_page_in_the_tree_is_fresh(capsys):
    assert page.main(["--check"]) == 0, capsys.readouterr().err


def test_every_medium_has_its_rows_and_nobody_lets_none_pass():
    text = page.render()
    for medium in get_args(Medium):
        assert f"\n| {medium} |" in text
    for line in text.splitlines():
        if "| nobody |" in line or "PDQ bank" in line:
            assert "| pass |" not in line
    assert "| image | picture | a person | pass |" in text


def test_a_stale_page_fails_and_writing_mends_it(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(page, "PAGE", tmp_path / "REVIEWERS.md")
    assert page.main(["--check"]) == 1
    assert "stale" in capsys.readouterr().err
    assert page.main([]) == 0
    assert page.main(["--check"]) == 0
