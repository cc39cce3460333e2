"""The page of carriers is fresh, all green, and says of explicit labels what happens."""

import re

import pytest

from effects.carriers.builders import Good, of_every_carrier
from effects.presentations import presentation
from effects.workbooks import workbook
from synthgate.effects import files
from synthgate.effects.carriers import catalogue, page
from synthgate.effects.files import Order, Refused
from synthgate.effects.provider_code import SAMPLE_CODE


def test_the_page_in_the_tree_is_fresh_and_green(capsys):
    assert page.main(["--check"]) == 0, capsys.readouterr().err
    text = page.PAGE.read_text(encoding="utf-8")
    assert "**no**" not in text
    for carrier in catalogue.CARRIERS:
        (row,) = re.findall(rf"^\| {carrier.name} \|.*$", text, re.MULTILINE)
        assert row.count("| yes ") == 4


def test_a_stale_page_fails_and_writing_mends_it(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(page, "PAGE", tmp_path / "CARRIERS.md")
    monkeypatch.setattr(page, "render", lambda: "new")
    assert page.main(["--check"]) == 1
    page.PAGE.write_text("old", encoding="utf-8")
    assert page.main(["--check"]) == 1
    assert "stale" in capsys.readouterr().err
    assert page.main([]) == 0
    assert page.main(["--check"]) == 0


def test_a_carrier_that_breaks_a_promise_is_not_green(monkeypatch):
    from dataclasses import replace

    carrier = catalogue.CARRIERS[0]
    seeds = page._seeds(carrier, page.CORPUS)
    broken = replace(carrier, rewrite=lambda data, _: data)
    monkeypatch.setattr(
        page.fuzzing, "run", lambda *_, **__: page.fuzzing.Tally(inputs=page.INPUTS)
    )
    assert page._row(broken, seeds).count("**no**") == 1
    assert page._row(carrier, []).count("**no**") == 3


@pytest.mark.parametrize("good", list(of_every_carrier()), ids=lambda good: good.carrier.name)
def test_explicit_labels_are_refused_where_the_page_says_so(good: Good, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    # The smallest ones have no slide or sheet to say it on, and are refused for that.
    whole = {"pptx": presentation, "xlsx": workbook}.get(good.carrier.name, lambda: good.data)
    data = whole()
    try:
        files.label(data, good.name, Order(SAMPLE_CODE))
        outcome = "put"
    except Refused as error:
        outcome = error.code
    told = page.explicit(good.carrier)
    if told is None:
        assert outcome == "unsupported"
    elif "ffmpeg" in told:
        assert outcome == "program"
    else:
        assert outcome == "put"
