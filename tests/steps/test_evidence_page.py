"""What others wrote into an event stands on the page as they wrote it, and the page is made all the same."""

import html
import json
from typing import Any

import pytest

from synthgate.steps import evidence, evidence_page


def page(language: str, **row: Any) -> str:
    report = {
        "asked": {}, "made": {"by": "li", "reason": "hold", "at": 0}, "entries": 1, "actions": {}, "states": {},
        "laws": [], "libraries": [], "rules": [], "codes": {},
        "rows": [{"log": 0, "index": 0, "action": "release", "verdicts": None, **row}],
    }  # fmt: skip
    return html.unescape(evidence_page.page(report, language))


@pytest.mark.parametrize("language", evidence.LANGUAGES)
@pytest.mark.parametrize("at", [10**18, -(10**18), 253_402_300_799_000])
def test_a_time_that_no_calendar_has_is_shown_as_it_is(language: str, at: int) -> None:
    year = str(at) if language == "zh" or abs(at) == 10**18 else "9999-12-31 23:59:59"
    assert year in page(language, event_time=at)
    assert str(at) in page(language, event={"data": {"at": at, "keep_until": at}})


@pytest.mark.parametrize("language", evidence.LANGUAGES)
def test_words_of_others_are_not_taken_for_ours(language: str) -> None:
    event = {"content": {"prompt": "release"}, "user": "hold", "made": ["<pass>", "人工智能"]}
    made = page(
        language, action="refuse", event=event, model="kept", net={"agent": "erased", "action": 5}
    )
    assert json.dumps(event, ensure_ascii=False, indent=1) in made
    assert "<td>kept</td>" in made and ": erased" in made and ": hold" in made
    assert ("拒绝" if language == "zh" else "refused") in made
