"""One command line: fast help, one readable line per error, exit codes a supervisor can obey."""

import subprocess
import sys
from pathlib import Path

import pytest

from synthgate import cli
from synthgate.__main__ import main
from synthgate.cli.errors import CommandError, told
from synthgate.step import Waiting

NOWHERE = "brokers=127.0.0.1:1"


def fail(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str]:
    """Exit code and the one line."""
    code = main(argv)
    said = capsys.readouterr().err
    assert said.startswith("synthgate: ")
    assert said.count("\n") == 1, said
    return code, said


def test_help_loads_nothing_heavy() -> None:
    heavy = ("aiokafka", "faust", "pydantic", "orjson", "logging", "asyncio")
    script = (
        "import sys; from synthgate import cli; cli.parser().format_help();"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    source = str(Path(cli.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True, text=True, check=True, env={"PYTHONPATH": source},
    )  # fmt: skip
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([name, "--help"])
    assert left.value.code == 0
    assert f"synthgate {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "argv",
    [
        ("--set", "partitons=3", "config", "show"),
        ("config", "show", "--set", "partitons=3"),
        ("topics", "list", "--set", "partitons=3"),
    ],
)
def test_unknown_setting_is_refused_with_a_suggestion(
    argv: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = fail(capsys, *argv)
    assert code == 78
    assert "did you mean partitions (SYNTHGATE_PARTITIONS)?" in said


def test_unknown_variable_and_unknown_key_in_a_file_are_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "synthgate.toml"
    file.write_text('broker = "127.0.0.1:9092"\n')
    assert "did you mean brokers" in fail(capsys, "--config", str(file), "config", "show")[1]
    monkeypatch.setenv("SYNTHGATE_EPOC", "2")
    assert "did you mean epoch" in fail(capsys, "config", "show")[1]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("config", "show", "--set", "partitions=many"), "partitions of every topic"),
        (("config", "show", "--set", "partitions"), "NAME=VALUE"),
        (("config", "show", "--config", "/nowhere.toml"), "/nowhere.toml: No such file"),
    ],
)
def test_wrong_settings_are_configuration(
    argv: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = fail(capsys, *argv)
    assert code == 78
    assert words in said


def test_a_setting_in_front_and_one_behind_both_count(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--set", "partitions=3", "config", "show", "--set", "epoch=4", "--json"]) == 0
    said = capsys.readouterr().out
    assert '"partitions": 3' in said
    assert '"epoch": 4' in said


@pytest.mark.parametrize(
    "argv",
    [
        ("topics", "check"),
        ("topics", "create", "--set", "replicas=1", "--set", "insync_min=1"),
        ("topics", "accept-loss", "generation.events", "0", "--reason", "x"),
    ],
)
def test_no_broker_is_try_later(argv: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    code, said = fail(capsys, *argv, "--set", NOWHERE)
    assert code == 75
    assert "no broker answers at 127.0.0.1:1" in said


def test_a_bug_keeps_its_traceback() -> None:
    assert told(ZeroDivisionError("x")) is None


def test_codes_of_known_errors() -> None:
    from aiokafka import errors as kafka

    assert told(Waiting("ledger")) == ("waiting for ledger", 75)
    assert told(CommandError("no", 78)) == ("no", 78)
    for error, code in (
        (kafka.TopicAuthorizationFailedError("x"), 78),
        (kafka.NotLeaderForPartitionError(), 75),
        (kafka.MessageSizeTooLargeError("big"), 1),
        (TimeoutError(), 75),
    ):
        found = told(error)
        assert found is not None
        assert found[1] == code
        assert "[Error" not in found[0]
    assert told(FileNotFoundError(2, "No such file or directory", "x.jsonl")) == (
        "x.jsonl: No such file or directory", 1,
    )  # fmt: skip
