"""``synthgate config``: what is in force and where it comes from, and what makes no sense together."""

import tomllib
from pathlib import Path

import pytest

from synthgate.__main__ import main
from synthgate.settings import Settings


def lines(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    return {line.split(" = ")[0]: line for line in capsys.readouterr().out.splitlines()}


def test_show_names_every_setting_and_where_it_comes_from(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "synthgate.toml"
    file.write_text("epoch = 2\nreplicas = 1\n")
    monkeypatch.setenv("SYNTHGATE_REPLICAS", "5")
    assert main(["--config", str(file), "--set", "partitions=3", "config", "show"]) == 0
    shown = lines(capsys)
    assert set(shown) == set(Settings.model_fields)
    assert f"epoch = 2{'':31} # {file}: " in shown["epoch"]
    assert "replicas = 5 " in shown["replicas"]
    assert "SYNTHGATE_REPLICAS" in shown["replicas"]
    assert "# --set: " in shown["partitions"]
    assert "# default: " in shown["brokers"]


def test_show_prints_toml_that_reads_back(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["config", "show", "--set", "label_text=人工智能生成"]) == 0
    file = tmp_path / "again.toml"
    file.write_text(capsys.readouterr().out, encoding="utf-8")
    assert tomllib.loads(file.read_text(encoding="utf-8"))["label_text"] == "人工智能生成"
    assert Settings.load(file, {}) == Settings.load(None, {}, label_text="人工智能生成")


@pytest.mark.parametrize(
    ("over", "words"),
    [
        (["replicas=1"], "nothing could be written"),
        (["provider_code="], "provider_code is empty"),
        (["provider_code=abc"], "has 3 characters, not 27"),
        (["serve_minutes=9000"], "longer than cite_hours"),
        (["revoke_s=50"], "throw the worker out"),
        (["stall_s=36"], "the record at which a worker stands"),
        (["cite_hours=100"], "outlive the chain topics"),
        (["data_dir=/proc/x"], "no key folder"),
    ],
)
def test_check_says_what_is_wrong(
    over: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = [part for pair in over for part in ("--set", pair)]
    assert main(["config", "check", *argv]) == 78
    assert words in capsys.readouterr().out


def test_check_is_content_with_a_whole_configuration(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "keys").mkdir()
    argv = ["--set", f"data_dir={tmp_path}", "--set", "provider_code=" + "0" * 27]
    assert main(["config", "check", *argv]) == 0
    assert capsys.readouterr().out == "settings: nothing wrong found\n"
