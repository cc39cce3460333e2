"""deploy/setup, deploy/test, deploy/demo and .ci/run, with stand-ins for Python and the tools."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONSTRAINTS = ("deploy/constraints.txt", "deploy/constraints-peers.txt")
SCRIPTS = ("deploy/setup", "deploy/demo", "deploy/test", ".ci/run")
TOOLS = ("bash", "sh", "cat", "chmod", "cksum", "cp", "dirname", "mkdir", "rm", "tr")

# Runs `-c` for real; makes a "virtual environment" of itself; writes down what pip was asked for.
PYTHON = """#!/bin/sh
case "$1 $2" in
  "-c "*) exec {python} "$@" ;;
  "-m venv") mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
  "-m pip")
    [ "$3" = --version ] && exit 0
    echo "$@" >> pip.log
    [ ! -e pip.fails ] ;;
  *) echo "Python stand-in" ;;
esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the scripts and what they read, and nothing installed."""
    folder = tmp_path / "checkout"
    for name in (*SCRIPTS, "pyproject.toml", *CONSTRAINTS):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    programs = tmp_path / "programs"
    programs.mkdir()
    for tool in TOOLS:
        (programs / tool).symlink_to(shutil.which(tool) or "")
    return folder


def program(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o755)


def with_python(checkout: Path) -> Path:
    python = checkout.parent / "programs" / "python3.11"
    program(python, PYTHON.format(python=sys.executable))
    return checkout


def run(checkout: Path, *command: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["bash", *command],
        cwd=checkout.parent,
        env={"PATH": str(checkout.parent / "programs")} | environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def pip_calls(checkout: Path) -> list[str]:
    log = checkout / "pip.log"
    return log.read_text().splitlines() if log.exists() else []


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_can_be_run_and_parsed(name: str) -> None:
    assert os.access(ROOT / name, os.X_OK)
    assert (ROOT / name).read_text().startswith("#!/usr/bin/env bash\n")
    subprocess.run(["bash", "-n", str(ROOT / name)], check=True)


def test_setup_without_python_says_what_to_install(checkout: Path) -> None:
    # A version manager's shim: a name without a Python behind it.
    program(checkout.parent / "programs" / "python3.13", "#!/bin/sh\nexit 127\n")
    done = run(checkout, "checkout/deploy/setup")
    assert done.returncode == 1
    assert "Python 3.11 or newer was not found: install python3.11" in done.stderr


def test_setup_refuses_an_unknown_choice(checkout: Path) -> None:
    done = run(with_python(checkout), "checkout/deploy/setup", "tset")
    assert done.returncode == 1
    assert "unknown choice 'tset'" in done.stderr


def test_setup_installs_once_pinned_with_what_builds_first(checkout: Path) -> None:
    with_python(checkout)
    assert run(checkout, "checkout/deploy/setup").returncode == 0
    first, second = pip_calls(checkout)
    assert first.endswith("-c deploy/constraints.txt setuptools wheel cython numpy")
    assert second.endswith("-c deploy/constraints.txt --no-build-isolation -e .[test]")
    for choice in ("test", "demo"):  # test has all that demo needs
        assert run(checkout, "checkout/deploy/setup", choice).returncode == 0
    assert len(pip_calls(checkout)) == 2


def test_peers_have_an_environment_and_a_few_pins_of_their_own(checkout: Path) -> None:
    with_python(checkout)
    assert run(checkout, "checkout/deploy/setup").returncode == 0
    assert run(checkout, "checkout/deploy/setup", "peers").returncode == 0
    assert pip_calls(checkout)[-1].endswith(
        "-c .venv-peers/constraints.txt --no-build-isolation -e .[peers]"
    )
    pins = (checkout / ".venv-peers" / "constraints.txt").read_text().splitlines()
    common, own = (
        {row for row in (ROOT / name).read_text().splitlines() if not row.startswith("#")}
        for name in CONSTRAINTS
    )
    assert own <= set(pins)
    names = [row.partition("==")[0] for row in pins if not row.startswith("#")]
    assert sorted(names) == sorted({row.partition("==")[0] for row in common | own})
    assert run(checkout, "checkout/deploy/setup", "peers").returncode == 0
    assert len(pip_calls(checkout)) == 4


@pytest.mark.parametrize("name", ["pyproject.toml", *CONSTRAINTS])
def test_setup_installs_again_when_what_it_reads_changed(checkout: Path, name: str) -> None:
    with_python(checkout)
    assert run(checkout, "checkout/deploy/setup", "demo").returncode == 0
    with (checkout / name).open("a") as file:
        file.write("# changed\n")
    assert run(checkout, "checkout/deploy/setup", "demo").returncode == 0
    assert len(pip_calls(checkout)) == 4


def test_setup_installs_again_in_a_folder_that_was_moved(checkout: Path) -> None:
    with_python(checkout)
    assert run(checkout, "checkout/deploy/setup").returncode == 0
    checkout.rename(checkout.parent / "moved")
    assert run(checkout, "moved/deploy/setup").returncode == 0
    assert len(pip_calls(checkout.parent / "moved")) == 4


def test_a_failed_install_is_told_and_not_taken_for_done(checkout: Path) -> None:
    with_python(checkout)
    (checkout / "pip.fails").touch()
    done = run(checkout, "checkout/deploy/setup")
    assert done.returncode == 1
    assert "the packages could not be installed" in done.stderr
    (checkout / "pip.fails").unlink()
    assert run(checkout, "checkout/deploy/setup").returncode == 0
    assert len(pip_calls(checkout)) == 3


def test_two_setups_at_once_install_once(checkout: Path) -> None:
    with_python(checkout)
    environ = {"PATH": str(checkout.parent / "programs")}
    both = [subprocess.Popen(["bash", "deploy/setup"], cwd=checkout, env=environ) for _ in range(2)]
    assert [one.wait(60) for one in both] == [0, 0]
    assert len(pip_calls(checkout)) == 2


@pytest.fixture
def ready(checkout: Path) -> Path:
    """A checkout set up, its tools stand-ins that write down how they were called."""
    with_python(checkout)
    assert run(checkout, "checkout/deploy/setup").returncode == 0
    for tool in ("ruff", "mypy", "lint-imports", "synthgate", "pytest"):
        text = f'#!/bin/sh\necho "{tool} $*" >> tools.log\n[ "$FAILS" != {tool} ]\n'
        program(checkout / ".venv" / "bin" / tool, text)
    return checkout


def test_the_check_runs_everything_and_hands_options_to_pytest(ready: Path) -> None:
    done = run(ready, "checkout/deploy/test", "-k", "two words")
    assert done.returncode == 0, done.stderr
    assert (ready / "tools.log").read_text().splitlines() == [
        "ruff check src tests",
        "ruff format --check src tests",
        "mypy ",
        "lint-imports ",
        "synthgate schemas --check",
        "pytest --half without-broker -n auto --dist worksteal -k two words",
        "pytest --half with-broker -n 2 --dist loadfile --no-loadscope-reorder --reruns 1 -rR -k two words",
    ]


@pytest.mark.parametrize("tool", ["ruff", "mypy", "lint-imports", "synthgate", "pytest"])
def test_each_check_can_fail_the_whole_and_is_named_last(ready: Path, tool: str) -> None:
    done = run(ready, "checkout/.ci/run", FAILS=tool)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].strip().startswith(tool)
    assert "pytest " in (ready / "tools.log").read_text()


def test_the_demo_gets_its_options(ready: Path) -> None:
    done = run(ready, "checkout/deploy/demo", "--keep")
    assert done.returncode == 0
    assert (ready.parent / "tools.log").read_text() == "synthgate demo --keep\n"
