"""What an app store asks for, signed, and nothing that is missing left unsaid (DSP-13-1)."""

import hashlib
import html
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from acts_at_hand import a_bus
from cli_commands import run
from local_bus import LocalBus
from printed.reading import read_out, squeezed
from printed.reading import said as page_said
from synthgate.cli import positions
from synthgate.demo.acts import moment
from synthgate.demo.facts import HOUR_MS, contract, template, terms
from synthgate.effects.provider_code import SAMPLE_CODE
from synthgate.ledger.bundle import encode_bundle
from synthgate.steps import filing

SCREEN = b"a picture of the screen"
NAME = "chat <b>&"


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalBus:
    """A tenant with filed and unfiled templates, a face template whose assessment has run out, a surface."""
    bus = a_bus(tmp_path / "data")
    now = 4_000_000_000_000  # contracts and assessments are weighed by the clock
    assessment = {"id": "sa-1", "by": "professional", "valid_until": "2020-01-01T00:00:00Z"}
    for row in (
        template(NAME, now, filing="网信算备0000001号"),
        template(
            "face", now, filing="网信算备0000002号", edits_person=["face"], assessment=assessment
        ),
        template("gone", now).model_copy(update={"status": "disabled"}),
    ):
        bus.fact("facts.templates", row.model_copy(update={"tenant": "t"}))
    bus.fact("control", terms("t", 1_600_000_000_000, "of-2020"))
    shown = {"screenshot_sha256": hashlib.sha256(SCREEN).hexdigest()}
    row = contract("app", now, valid_until=moment(now + HOUR_MS), **shown)
    bus.fact("control", row.model_copy(update={"name": "interface/t/app/1"}))

    async def records(_: Any, topic: str, **__: Any) -> Any:
        for partition in range(bus.settings.partitions):
            for one in bus.logs.get((topic, partition), ()):
                record: Any = type("Record", (), {"partition": partition, "offset": one.offset})()
                record.key, record.value = one.key, one.value
                yield record

    monkeypatch.setattr(positions, "records", records)
    return bus


def made(
    bus: LocalBus, capsys: Any, out: Path, *attach: Path, more: tuple[str, ...] = ()
) -> tuple[int, str, dict[str, Any]]:
    rows = bus.settings.model_dump(mode="json", exclude={"instance", "web_port"})
    options = [part for name, value in rows.items() for part in ("--set", f"{name}={value}")]
    named = [part for path in attach for part in ("--attach", str(path))]
    who = ("--by", "li", "--reason", "store-9", "--out", str(out), *more)
    code, said, why = run(capsys, *options, "evidence", "--filing", "t", *named, *who)
    assert out.exists(), why
    with zipfile.ZipFile(out) as archive:
        return code, said, json.loads(archive.read("filing.json"))


def test_what_is_missing_is_named_and_what_is_there_is_not(
    bus: LocalBus, capsys: Any, tmp_path: Path
) -> None:
    code, said, row = made(bus, capsys, tmp_path / "pack.zip")
    assert code == 1
    missing = {(one["what"], one["about"]) for one in row["missing"]}
    assert missing == {
        ("provider_code", SAMPLE_CODE), ("filing", "chat"), ("filing", "style"), ("assessment", "face"),
        ("screenshot", "app/1"), ("sample", ""),
    }  # fmt: skip
    assert "missing: assessment face" in said
    screen = tmp_path / "screen.png"
    screen.write_bytes(SCREEN)
    poem = tmp_path / "poem.txt"
    poem.write_text("春风又绿江南岸。\n", "utf-8")
    rows = bus.settings.model_dump(mode="json", exclude={"instance", "web_port"})
    options = [part for name, value in rows.items() for part in ("--set", f"{name}={value}")]
    code, said, why = run(capsys, *options, "label", str(poem), "--out", str(tmp_path / "labelled"))
    assert code == 0, said + why
    labelled = next(path for path in (tmp_path / "labelled").iterdir() if path.suffix == ".txt")
    row = made(bus, capsys, tmp_path / "second.zip", screen, labelled)[2]
    left = {one["what"] for one in row["missing"]}
    assert left == {"provider_code", "filing", "assessment"}
    assert row["attached"][1]["label"]["ContentProducer"] == SAMPLE_CODE


def test_the_verifier_takes_it_elsewhere_and_finds_what_was_changed(
    bus: LocalBus, capsys: Any, tmp_path: Path
) -> None:
    screen = tmp_path / "screen.png"
    screen.write_bytes(SCREEN)
    out = tmp_path / "pack.zip"
    made(bus, capsys, out, screen)
    key = str(bus.settings.keys_dir / "checkpoint.pub")
    code, said, _ = run(capsys, "verify", str(out), "--key", key)
    assert (code, "the maker's word" in said) == (0, True)
    line = json.loads(bus.settings.exports_path.read_text().splitlines()[-1])
    assert (line["asked"], line["sha256"]) == (
        {"filing": "t"}, hashlib.sha256(out.read_bytes()).hexdigest(),
    )  # fmt: skip
    with zipfile.ZipFile(io.BytesIO(out.read_bytes())) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(files.pop("manifest.json"))
    del files["manifest.note"], manifest["files"]
    files["attachments/0"] = b"another picture"
    files["filing.en.html"] += b" "
    private = bus.parts.keys.checkpoint_private
    out.write_bytes(encode_bundle(manifest, files, manifest["log_name"], private))
    code, said, _ = run(capsys, "verify", str(out), "--key", key)
    assert (code, said.count("FAULT")) == (1, 2), (
        "signed again by who holds the key, and still found"
    )


def test_the_pages_say_it_all_and_data_is_no_markup(
    bus: LocalBus, capsys: Any, tmp_path: Path
) -> None:
    row = made(bus, capsys, tmp_path / "pack.zip")[2]
    for language in ("zh", "en"):
        text = filing.page(row, language)
        assert NAME not in text and html.escape(NAME) in text
        assert "网信算备0000001号" in text and SAMPLE_CODE in text
        assert "src=" not in text and "<script" not in text
    assert "在有效期内的安全评估 face" in filing.page(row, "zh")
    assert "nothing was found missing" in filing.page({**row, "missing": []}, "en")


def figures(said: Any) -> Iterator[str]:
    """Every figure and word of the pack's data, as its pages show them."""
    if isinstance(said, dict):
        for inner in said.values():
            yield from figures(inner)
    elif isinstance(said, list):
        for inner in said:
            yield from figures(inner)
    elif said is not None and not isinstance(said, bool):
        yield str(said)


def test_printed_it_says_every_figure_of_the_data_and_is_checked(
    bus: LocalBus, capsys: Any, tmp_path: Path
) -> None:
    screen = tmp_path / "screen.png"
    screen.write_bytes(SCREEN)
    out = tmp_path / "pack.zip"
    row = made(bus, capsys, out, screen, more=("--pdf",))[2]
    key = str(bus.settings.keys_dir / "checkpoint.pub")
    code, said, _ = run(capsys, "verify", str(out), "--key", key)
    assert (code, "printed by other means" in said) == (0, False)
    with zipfile.ZipFile(out) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    shown = {name: row[name] for name in ("tenant", "templates", "terms", "interfaces", "attached")}
    assert len(list(figures(shown))) > 30
    for language in ("zh", "en"):
        text = read_out(files[f"filing.{language}.pdf"], tmp_path)
        assert text == page_said(files[f"filing.{language}.html"].decode())
        for figure in (
            *figures(shown),
            row["provider"]["code"],
            *(one["about"] for one in row["missing"]),
        ):
            assert squeezed(figure) in text, figure
        assert row["missing"], "nothing missing would be said by a sentence"
    manifest = json.loads(files.pop("manifest.json"))
    del files["manifest.note"], manifest["files"]
    files["filing.en.pdf"] = files["filing.zh.pdf"]
    private = bus.parts.keys.checkpoint_private
    out.write_bytes(encode_bundle(manifest, files, manifest["log_name"], private))
    code, said, _ = run(capsys, "verify", str(out), "--key", key)
    assert (code, "filing.en.pdf: is not the page of filing.json" in said) == (1, True)
