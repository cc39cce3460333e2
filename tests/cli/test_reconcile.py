"""``synthgate reconcile``: an export against a ledger that a chain wrote."""

import asyncio
import json
from pathlib import Path

import pytest

from cli_commands import Running, run
from rule_players import play_on
from rule_stories import STORIES


def test_what_was_let_out_passes_and_what_was_not_is_named(
    chain: Running, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    story = next(one for one in STORIES if one.user == "dsp-10-2-lawful")
    (seen,) = asyncio.run(play_on(chain.settings, [story]))
    row = seen.last
    line = {
        "tenant": row["tenant"], "generation": row["generation"],
        "sha256": row["objects"][0]["sha256"], "at": "2099-01-01T00:00:00Z",
    }  # fmt: skip
    export = tmp_path / "served.jsonl"
    export.write_text(json.dumps(line) + "\n\n")
    code, out, _ = run(capsys, "reconcile", str(export), *chain.options)
    assert code == 0 and "1 served, 0 of them round the chain" in out
    code, out, _ = run(capsys, "reconcile", "--grace-minutes", "0", *chain.options)
    assert code == 0 and f"unreconciled: {row['tenant']}/{row['generation']} let out by" in out
    assert "0 unreconciled" in run(capsys, "reconcile", *chain.options)[1], "not asked for yet"
    wrong = [
        line | {"sha256": "0" * 64},
        line | {"generation": "none"},
        line | {"at": "2020-01-01T00:00:00Z"},
    ]
    export.write_text("\n".join(map(json.dumps, wrong)))
    code, out, _ = run(capsys, "reconcile", str(export), "--json", *chain.options)
    told = [json.loads(text) for text in out.splitlines()]
    assert code == 1
    assert [one["way"] for one in told if "way" in one] == [
        "other_hash", "without_a_release", "before_the_decision",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "line 1: 'at' missing"),
        ("\n[]", "line 2: not as the help"),
        ("x", "line 1: not as"),
    ],
)
def test_a_line_that_is_none_is_named_by_its_number(
    chain: Running, capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, said: str
) -> None:
    export = tmp_path / "served.jsonl"
    export.write_text(text)
    code, _, why = run(capsys, "reconcile", str(export), *chain.options)
    assert code == 78 and said in why
