"""``synthgate law status`` in both languages and as data."""

import json

import pytest

from cli_commands import run
from synthgate.law import load

Capture = pytest.CaptureFixture[str]


def test_status_in_words_and_as_data(capsys: Capture) -> None:
    code, english, _ = run(capsys, "law", "status", "--lang", "en", "--at", "2026-11-21T00:00:00Z")
    assert code == 0
    assert load().hash[:12] in english
    code, chinese, _ = run(capsys, "law", "status", "--lang", "zh", "--at", "2026-11-21T00:00:00Z")
    assert "法律规章" in chinese
    code, data, _ = run(capsys, "law", "status", "--json")
    assert json.loads(data)["book"] == load().hash


def test_a_moment_that_is_none(capsys: Capture) -> None:
    code, _, why = run(capsys, "law", "status", "--at", "tomorrow")
    assert code == 78
    assert "--at" in why


def test_language_is_the_terminals(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.delenv("LC_MESSAGES", raising=False)
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert "现行" in run(capsys, "law", "status")[1]
