"""``synthgate label`` and ``inspect``: files in, files out, exit codes; nothing of others replaced."""

import json
import os
from pathlib import Path

import pytest

from cli_commands import run
from effects.carriers.builders import FILES, GOOD, jpeg
from synthgate.effects import provider_code
from synthgate.effects.label import Label
from synthgate.effects.labelled_file import Unlabelled, mark
from synthgate.effects.provider_code import SAMPLE_CODE

VALID_USCC = "91110000600037341L"
OURS = ("--set", f"provider_code={SAMPLE_CODE}", "--set", "provider_sample=true")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for good in GOOD:
        if good.carrier.medium == "image" and good.name != "deep.png":
            (tmp_path / good.name).write_bytes(good.data)
    (tmp_path / "a.txt").write_text("你好\n", encoding="utf-8")
    (tmp_path / "passed-over.py").write_text("x = 1\n", encoding="utf-8")
    (tmp_path / ".hidden.jpg").write_bytes(b"no")
    return tmp_path


def test_a_folder_is_labelled_in_processes_and_inspected(folder: Path, capsys):
    out = folder.parent / "out"
    code, said, _ = run(
        capsys, "label", str(folder), "--out", str(out), "--jobs", "2", "--json", *OURS
    )
    rows = json.loads(said)["files"]
    assert (code, {row["outcome"] for row in rows}) == (0, {"labelled"})
    assert len(rows) == len([path for path in folder.iterdir() if path.suffix != ".py"]) - 1
    code, said, _ = run(capsys, "inspect", str(out), "--json")
    assert code == 0
    found = json.loads(said)["files"]
    assert {row["conclusion"] for row in found} == {"compliant"}
    assert len(found) == len(rows)
    assert sorted(path.name for path in out.iterdir() if path.name.startswith(".")) == []
    code, said, _ = run(capsys, "label", str(out), "--in-place", *OURS)
    assert code == 0
    assert said.count("already") == len(rows)


def test_a_file_gets_a_labelled_one_beside_it_and_nothing_is_overwritten(tmp_path: Path, capsys):
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg())
    code, said, _ = run(capsys, "label", str(path), *OURS)
    assert code == 0
    assert "AI生成 at bottom-right" in said
    assert path.read_bytes() == jpeg()
    code, said, _ = run(capsys, "label", str(path), *OURS)
    assert code == 1
    assert "a.labelled.jpg is there already" in said
    assert names(tmp_path) == ["a.jpg", "a.labelled.jpg"]


def test_in_place_keeps_the_mode(tmp_path: Path, capsys):
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg())
    path.chmod(0o640)
    assert run(capsys, "label", str(path), "--in-place", *OURS)[0] == 0
    assert path.stat().st_mode & 0o777 == 0o640
    assert names(tmp_path) == ["a.jpg"]


def test_no_code_no_label(tmp_path: Path, capsys):
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg())
    code, _, said = run(capsys, "label", str(path))
    assert code == 78
    assert "SYNTHGATE_PROVIDER_CODE" in said
    code, _, said = run(capsys, "label", str(path), "--set", f"provider_code={SAMPLE_CODE}")
    assert code == 78
    assert names(tmp_path) == ["a.jpg"]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("label", "nowhere.jpg", *OURS), "no such file"),
        (("inspect", "nowhere"), "no such file"),
        (("label", ".", "--text", "AI", *OURS), "--text"),
        (("label", ".", "--corner", "middle", *OURS), "bottom-right"),
        (("inspect", ".", "--jobs", "0"), "--jobs"),
    ],
)
def test_wrong_use_is_one_line(argv, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, said = run(capsys, *argv)
    assert code == 78
    assert words in said
    assert said.count("\n") == 1


def test_what_cannot_be_read_is_inconclusive(tmp_path: Path, capsys):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "large.jpg").write_bytes(bytes((1 << 20) + 1))
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere")
    (tmp_path / "zero.jpg").write_bytes(b"")
    (tmp_path / "bad\x1b[2Jname.jpg").write_bytes(b"\xff\xd8\xff")
    paths = [str(path) for path in sorted(tmp_path.iterdir())]
    code, said, _ = run(capsys, "inspect", *paths, "--max-mib", "1")
    assert code == 1
    assert said.count("inconclusive") == 5
    assert "\x1b" not in said
    for why in (
        "no plain file",
        "larger than 1 MiB",
        "No such file",
        "no format known",
        "truncated",
    ):
        assert why in said
    code, said, _ = run(capsys, "label", *paths, "--max-mib", "1", *OURS)
    assert (code, said.count("refused")) == (1, 5)


def test_what_a_label_of_others_says_cannot_steer_the_terminal(tmp_path: Path, capsys):
    front = '---\nAIGC:\n  Label: "1"\n  ContentProducer: "a\x1b[31mb"\n  ProduceID: "1"\n' + (
        '  ReservedCode1: ""\n  ContentPropagator: "a"\n  PropagateID: "1"\n  ReservedCode2: ""\n---\n'
    )
    (tmp_path / "a.md").write_text(front, encoding="utf-8")
    code, said, _ = run(capsys, "inspect", str(tmp_path))
    assert code == 1
    assert "\x1b" not in said
    assert "Annex E" in said


def test_film_and_sound_take_the_fields_alone(tmp_path: Path, capsys):
    for name in ("film.mp4", "tone.opus", "plain.pdf"):
        (tmp_path / name).write_bytes((FILES / name).read_bytes())
    assert run(capsys, "label", str(tmp_path), "--in-place", "--implicit-only", *OURS)[0] == 0
    code, said, _ = run(capsys, "inspect", str(tmp_path))
    assert (code, said.count("compliant 合规")) == (0, 3)


def test_it_can_be_tried_without_a_code_and_says_what_that_is_worth(tmp_path: Path, capsys):
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg())
    code, said, _ = run(capsys, "label", str(path), "--sample")
    assert code == 0
    assert "not for publication" in said
    made = tmp_path / "a.labelled.jpg"
    code, said, _ = run(capsys, "inspect", str(made))
    assert code == 0
    assert "compliant" in said
    assert "not for publication" in said
    own = provider_code.parse(f"0011{VALID_USCC}10001").text
    with pytest.raises(Unlabelled) as refused:
        mark(made.read_bytes(), made.name, "image", "AI生成", Label.first(own, "P-1"))
    assert refused.value.code == "label_foreign"
    code, _, said = run(capsys, "label", str(path), "--sample", "--set", f"provider_code={own}")
    assert code == 78
    assert "say one" in said


def test_without_a_code_the_way_to_try_it_is_named(tmp_path: Path, capsys):
    (tmp_path / "a.jpg").write_bytes(jpeg())
    code, _, said = run(capsys, "label", str(tmp_path / "a.jpg"))
    assert code == 78
    assert "--sample" in said
    assert names(tmp_path) == ["a.jpg"]
