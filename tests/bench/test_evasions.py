"""``synthgate bench evasions`` prints recall by technique and what is refused wrongly."""

import orjson
import pytest

from synthgate.__main__ import main
from synthgate.bench import evasions
from synthgate.bench.made_up import PAIRS, TECHNIQUES


def test_the_table(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evasions, "QUICK_EACH", 5)
    assert main(["bench", "evasions", "--quick", "--json"]) == 0
    found = orjson.loads(capsys.readouterr().out)
    assert len(found["recall"]) == len(TECHNIQUES) + len(PAIRS)
    assert all(0 <= share <= 1 for share in found["recall"].values())
    assert found["recall_of_two"]["pinyin"] == 0
    assert main(["bench", "evasions", "--quick"]) == 0
    said = capsys.readouterr().out
    assert f"over-refusal {found['over_refusal']:.1%} of 2,000 harmless sentences" in said
    assert said.index("homophone+separated") < said.index("two ideographs") < said.rindex("pinyin")
    assert "60 of 60 that nobody allowed" in said
    assert f"by accident {found['refused_accidents']} of the 1,700 others" in said
