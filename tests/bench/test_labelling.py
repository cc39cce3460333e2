"""``synthgate bench labelling`` runs and says what it promises; no figure is judged here."""

from pathlib import Path

import orjson
import pytest

from synthgate.__main__ import main
from synthgate.bench import labelling


def test_quick_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labelling, "_SIDE", 256)
    monkeypatch.setattr(labelling, "QUICK_TURNS", 3)
    assert main(["bench", "labelling", "--quick", "--json", "--folder", str(tmp_path)]) == 0
    found = orjson.loads(capsys.readouterr().out)
    assert len(found["rows"]) == 7
    for row in found["rows"]:
        assert row["ms"] > 0
        assert row["bare_ms"] > 0
    assert set(found["two_threads"]) == {"jpeg", "png", "webp", "cores", "aim_least"}
    assert list(tmp_path.iterdir()) == []
    assert main(["bench", "labelling", "--quick", "--folder", str(tmp_path)]) == 0
    assert "aim: at most 1.2" in capsys.readouterr().out
