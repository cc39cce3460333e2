from collections import Counter
from dataclasses import replace

import pytest

from example_app.load import FORBIDDEN, UNLAWFUL, Ask, Kind, Result, asks, wrong
from example_app.model_stub import BACKWARDS

(LAWFUL,) = asks(1)
RIGHT = Result(LAWFUL, 200, "release", "g1", (), "AI [g1] mark-0-end a quiet harbour")
REFUSED = Result(replace(LAWFUL, kind=Kind.PROMPT), 403, "refuse", "g1", ("risk_refuse",), None)


def test_every_kind_of_user_comes() -> None:
    kinds = Counter(ask.kind for ask in asks(1000))
    assert kinds[Kind.LAWFUL] == 600
    assert {kinds[kind] for kind in UNLAWFUL} == {80}
    users = {kind: {a.user for a in asks(1000) if a.kind is kind} for kind in Kind}
    assert sum(map(len, users.values())) == len(set().union(*users.values()))


def test_no_harmless_ask_holds_the_forbidden_word() -> None:
    for ask in asks(100):
        assert (FORBIDDEN in ask.prompt) == (ask.kind is Kind.PROMPT)
        assert (BACKWARDS in ask.prompt) == (ask.kind is Kind.OUTPUT)


@pytest.mark.parametrize(
    "result",
    [
        RIGHT,
        REFUSED,
        replace(RIGHT, status=503, action="undecided", text=None),
        replace(REFUSED, status=503, action="undecided"),
        replace(RIGHT, status=403, action="refuse", codes=("expired",), text=None),
    ],
)
def test_right_results(result: Result) -> None:
    assert wrong([result]) == []


@pytest.mark.parametrize(
    "result",
    [
        replace(RIGHT, text="AI [g1] mark-1-end a quiet harbour"),
        replace(RIGHT, text="AI [g2] mark-0-end a quiet harbour"),
        replace(RIGHT, text=None),
        replace(RIGHT, action="refuse", status=403, text=None, codes=("unverified_request",)),
        replace(RIGHT, action="undecided"),
        replace(RIGHT, action="error"),
        replace(REFUSED, action="release", text="AI [g1] mark-0-end"),
        replace(REFUSED, text="anything"),
        replace(REFUSED, action="hold"),
    ],
)
def test_wrong_results(result: Result) -> None:
    assert wrong([result]) == [result]


def test_marks_are_told_apart() -> None:
    one, ten = asks(11)[1], asks(11)[10]
    assert isinstance(one, Ask)
    text = f"[g1] {ten.prompt}"
    assert wrong([Result(one, 200, "release", "g1", (), text)])
