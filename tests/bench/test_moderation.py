"""``synthgate bench moderation`` runs and says what it promises; no figure is judged here."""

import orjson
import pytest

from synthgate.__main__ import main
from synthgate.bench import moderation, picture_bank

FIELDS = {
    "bench", "quick", "cores", "system", "python", "libraries", "keywords", "characters", "texts",
    "hits_per_text", "us_per_text", "not_installed", "ratio", "ratio_aim", "texts_per_second",
    "texts_per_second_aim", "build_cpu_seconds", "build_aim", "rebuild_beside_seconds",
    "searched_meanwhile", "longest_pause_ms", "pictures",
}  # fmt: skip


def test_quick_json(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moderation, "QUICK_KEYWORDS", 2_000)
    monkeypatch.setattr(moderation, "TEXTS", 20)
    monkeypatch.setattr(picture_bank, "QUICK_HASHES", 2_000)
    assert main(["bench", "moderation", "--quick", "--json"]) == 0
    found = orjson.loads(capsys.readouterr().out)
    assert set(found) == FIELDS
    assert {"ours", "bare"} <= set(found["us_per_text"])
    assert found["keywords"] == 2_000
    assert found["ratio"] > 0
    assert found["pictures"]["look_up_p50_ms"] > 0
    assert found["searched_meanwhile"] > 0
    assert main(["bench", "moderation", "--quick"]) == 0
    said = capsys.readouterr().out
    assert "ratio to bare" in said
    assert bool(found["not_installed"]) == ("`./deploy/setup peers`" in said)
