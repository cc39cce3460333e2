"""The files in schemas/ are what the models say, and ``--check`` names every way they may not be."""

import json
import shutil
from pathlib import Path

import pytest

from synthgate.__main__ import main
from synthgate.cli import schemas
from synthgate.events import schema
from synthgate.events.decision import Decision

REPOSITORY = Path(__file__).parents[2]
FOLDER = REPOSITORY / "schemas"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert main(["schemas", "--dir", str(tmp_path)]) == 0
    return tmp_path


def test_files_of_the_repository_are_fresh_and_keep_what_was_released() -> None:
    assert schemas.differences(FOLDER, schemas.files()) == []
    assert schemas.broken_promises(FOLDER, schemas.files()) == []


def test_written_files_pass_the_check(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schemas", "--dir", str(folder), "--check"]) == 0
    assert "as the models say" in capsys.readouterr().out


@pytest.mark.parametrize("fault", ["differs", "missing", "orphan"])
def test_check_fails_on(fault: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "decisions.v1.schema.json"
    if fault == "differs":
        path.write_text(path.read_text() + "\n")
    elif fault == "missing":
        path.unlink()
    else:
        path = path.rename(folder / "verdicts.v1.schema.json")
        shutil.copy(path, folder / "decisions.v1.schema.json")
    assert main(["schemas", "--dir", str(folder), "--check"]) == 1
    said = capsys.readouterr().out
    assert {"orphan": "nothing makes this file"}.get(fault, fault) in said
    assert str(path) in said
    assert main(["schemas", "--dir", str(folder)]) == 0
    assert main(["schemas", "--dir", str(folder), "--check"]) == 0


def release(folder: Path) -> Path:
    assert main(["schemas", "--dir", str(folder), "--release"]) == 0
    return folder / "released" / "decisions.v1.schema.json"


def test_growth_may_be_released(folder: Path) -> None:
    path = release(folder)
    older = json.loads(path.read_text())
    del older["properties"]["regimes"]
    older["required"].remove("regimes")
    path.write_text(json.dumps(older))
    # `regimes` is now required of what we say: readers only gain. It counts as narrowing all the same,
    # because records already on the topic lack it.
    assert main(["schemas", "--dir", str(folder), "--check"]) == 1
    older["required"].append("regimes")
    path.write_text(json.dumps(older))
    assert main(["schemas", "--dir", str(folder), "--check"]) == 0
    release(folder)
    assert path.read_text() == (folder / path.name).read_text()


def test_what_was_released_may_not_be_taken_back(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = release(folder)
    older = json.loads(path.read_text())
    older["properties"]["appeal_link"] = {"type": "string"}
    path.write_text(json.dumps(older))
    assert main(["schemas", "--dir", str(folder), "--check"]) == 1
    assert "decisions.v1/appeal_link: removed" in capsys.readouterr().out
    assert main(["schemas", "--dir", str(folder), "--release"]) == 1


def test_a_raised_version_is_a_new_promise(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = release(folder)
    older = json.loads(path.read_text())
    older["properties"]["appeal_link"] = {"type": "string"}
    path.write_text(json.dumps(older))
    monkeypatch.setitem(schema.VERSIONS, "decisions", 2)
    assert main(["schemas", "--dir", str(folder)]) == 0
    assert not (folder / "decisions.v1.schema.json").exists()
    assert main(["schemas", "--dir", str(folder), "--check"]) == 0
    monkeypatch.setitem(schema.VERSIONS, "decisions", 1)
    release_of_two = folder / "released" / "decisions.v2.schema.json"
    shutil.copy(folder / "decisions.v2.schema.json", release_of_two)
    assert main(["schemas", "--dir", str(folder)]) == 0
    assert any(
        "version 2 was released" in line
        for line in schemas.broken_promises(folder, schemas.files())
    )


def test_a_released_topic_may_not_vanish(folder: Path) -> None:
    path = release(folder)
    path.rename(path.with_name("passages.scored.v1.schema.json"))
    assert any(
        "a released topic stays" in line
        for line in schemas.broken_promises(folder, schemas.files())
    )


def test_a_required_field_added_to_a_model_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stricter(Decision):
        appeal_link: str

    release(folder)
    monkeypatch.setitem(schema.MODELS, "decisions", Stricter)
    assert schemas.broken_promises(folder, schemas.files()) == [
        "decisions.v1/appeal_link: now required (raise its version in events/schema.py, or undo)"
    ]


def test_a_folder_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schemas", "--dir", "/nowhere/schemas"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
