"""From a label back to who, what and when, handed over whole (DSP-10-10, DSP-16-3, DSP-21-1)."""

import errno
import html
import io
import json
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acts_at_hand import a_bus, accept, an_event, decide
from cli_commands import run
from local_bus import LocalBus
from printed.reading import read_out, said, squeezed
from synthgate.cli import casebook
from synthgate.crypto.keys import KeyFolder
from synthgate.events.decision import CaseRow, Decision
from synthgate.ledger import bundle as bundles
from synthgate.ledger.bundle import BundleDamaged, decode_bundle, encode_bundle
from synthgate.ledger.bundle_check import check_bundle
from synthgate.printed import face
from synthgate.steps import evidence, evidence_page

WORDS = "a poem on QUNSHAN <b>&"
USER = "u-QUNSHAN"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[LocalBus, Decision, Decision]:
    """A prompt and its answer of one person, a refusal that opened a case, an act of another."""
    bus = a_bus(tmp_path_factory.mktemp("evidence"))
    for number, user in enumerate((USER, "other")):  # ids are the platform's, and name nobody
        accept(bus, user)
        bus.send(an_event(bus, f"v-{number}", "identity.verified", user))
        bus.run()
        bus.now_ms += 10
    asked = decide(bus, an_event(bus, "a", user=USER, content={"prompt": WORDS}))
    answered = decide(
        bus,
        an_event(
            bus, "b", "generation.completed", USER, content={"text": WORDS},
            generation={"id": "g-a", "medium": "text", "template": "chat", "purpose": "chat",
                        "model": "m-7"},
            **{"pass": asked.pass_},
        ),
    )  # fmt: skip
    bad = decide(bus, an_event(bus, "bad", user="other", content={"prompt": "买卖海洛因"}))
    assert (asked.action, answered.action, bad.action) == ("release", "release", "refuse")
    return bus, asked, answered


@pytest.fixture
def home(told: tuple[LocalBus, Decision, Decision]) -> list[str]:
    rows = told[0].settings.model_dump(mode="json", exclude={"instance", "web_port"})
    return [part for name, value in rows.items() for part in ("--set", f"{name}={value}")]


@pytest.fixture
def make(home: list[str], tmp_path: Path, capsys: Any) -> Any:
    def made(*argv: str, name: str = "bundle.zip") -> tuple[int, Path, str]:
        out = tmp_path / name
        code, said, why = run(
            capsys,
            *home,
            "evidence",
            *argv,
            "--out",
            str(out),
            "--by",
            "li",
            "--reason",
            "2026-117",
        )
        return code, out, said + why

    return made


@pytest.fixture
def check(told: tuple[LocalBus, Decision, Decision], tmp_path: Path, capsys: Any) -> Any:
    """Verify elsewhere: the bundle and the public key are all there is."""

    def checked(path: Path, *argv: str) -> tuple[int, Any]:
        away = tmp_path / "away"
        away.mkdir(exist_ok=True)
        shutil.copy(told[0].settings.keys_dir / "checkpoint.pub", away / "their.pub")
        argv = ("verify", str(path), "--key", str(away / "their.pub"), *argv)
        code, said, why = run(capsys, "--set", f"data_dir={away}", *argv, "--json")
        return code, json.loads(said) if said else why

    return checked


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def shown(page: bytes) -> str:
    """What a reader sees of a page."""
    body = page.decode().split("<body>")[1]
    return html.unescape(re.sub(r"<[^>]+>", " ", body))


def test_from_a_labelled_file_to_who_what_and_when_checked_elsewhere(
    told: tuple[LocalBus, Decision, Decision], make: Any, check: Any
) -> None:
    bus, asked, answered = told
    path = bus.settings.objects_dir / answered.objects[0].name
    code, out, said = make(str(path))
    assert code == 0, said
    assert out.stat().st_mode & 0o077 == 0
    code, found = check(out)
    assert (code, found["whole"], found["entries"], found["opened"]) == (0, True, 2, 0)
    assert ["only the clear headers" in note for note in found["notes"]] == [True]
    files = members(out)
    report = json.loads(files["report.json"])
    made = next(row for row in report["rows"] if row["type"] == "generation.completed")
    assert answered.label
    assert made["produce_id"] == made["label"]["ProduceID"] == answered.label["ProduceID"]
    assert (made["model"], made["template"], made["event_id"]) == ("m-7", "chat", "b")
    assert made["user"] == asked.user is not None
    assert made["objects"][0]["sha256"] == answered.objects[0].sha256
    assert [one["obligation"] for one in made["verdicts"]] == [
        "identity", "consent", "moderation", "labelling", "retention",
    ]  # fmt: skip
    manifest = json.loads(files["manifest.json"])
    assert manifest["laws"] == [bus.parts.book.hash] and manifest["libraries"]
    assert manifest["media"] == [
        {"name": answered.objects[0].name, "sha256": answered.objects[0].sha256}
    ]
    assert {name for name in files if name.startswith("entries")} == {
        f"entries/{one.receipt.log:05d}/{one.receipt.index}" for one in (asked, answered)
    }


def test_printed_it_says_what_the_data_says_and_is_checked(
    make: Any, check: Any, tmp_path: Path, told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, why = make("--user", f"t/{USER}", "--content", "--pdf")
    assert code == 0, why
    code, found = check(out)
    assert (code, found["notes"]) == (0, [])
    files = members(out)
    report = json.loads(files["report.json"])
    for language in evidence.LANGUAGES:
        text = read_out(files[f"report.{language}.pdf"], tmp_path)
        assert text == said(files[f"report.{language}.html"].decode())
        for row in report["rows"]:
            assert squeezed(json.dumps(row["event"], ensure_ascii=False, indent=1)) in text
            assert f"{row['log']}/{row['index']}" in text and row["user"] in text

    def again(**over: bytes) -> Any:
        keys, name = KeyFolder(told[0].settings.keys_dir), told[0].settings.log_name
        public = keys.checkpoint_public
        whole = decode_bundle(out.read_bytes(), public, "x")
        path = tmp_path / "again.zip"
        changed = {**whole.files, "report.en.pdf": files["report.zh.pdf"]} if over else whole.files
        path.write_bytes(encode_bundle(whole.manifest, changed, name, keys.checkpoint_private))
        return check(path)

    assert again()[1]["faults"] == []
    assert again(x=b"")[1]["faults"] == ["report.en.pdf: is not the page of report.json"]
    monkeypatch.setattr(face, "PACKAGE", "no_such_package")
    code, found = check(out)
    assert code == 0 and ["printed by other means" in one for one in found["notes"]] == [True]
    code, _, why = make("--user", f"t/{USER}", "--pdf", name="second.zip")
    assert code == 78 and "set pdf_font" in why


def test_without_content_no_word_and_no_account_leaves(make: Any) -> None:
    out = make("--user", f"t/{USER}")[1]
    assert b"QUNSHAN" not in out.read_bytes()
    assert "keys.json" not in members(out)


def test_with_content_it_opens_and_the_pages_say_what_the_data_says(make: Any, check: Any) -> None:
    code, out, said = make("--user", f"t/{USER}", "--content")
    assert code == 0, said
    code, found = check(out)
    assert (code, found["entries"], found["opened"]) == (0, 3, 3)
    files = members(out)
    report = json.loads(files["report.json"])
    for row in report["rows"]:
        assert row["account"] == USER
        assert row["net"] == row["event"]["net"] and row["net"]["src_ip"]
    for language in evidence.LANGUAGES:
        page = shown(files[f"report.{language}.html"])
        assert WORDS in page
        for row in report["rows"]:
            told = (
                row["event_id"], row["tenant"], row["user"], row["type"], row["net"]["src_ip"],
                evidence_page.moment(row["event_time"], language), *report["laws"],
                f"{row['log']}/{row['index']}", *(one["sha256"] for one in row["objects"]),
            )  # fmt: skip
            assert [one for one in told if one not in page] == []
        figures = set(re.findall(r"\d+", page.replace("2026-11-28", "")))
        known = files["report.json"].decode() + "".join(
            evidence_page.moment(row[name], language)
            for row in [*report["rows"], report["made"]]
            for name in ("event_time", "recorded_at", "keep_until", "at")
            if row.get(name)
        )
        assert {figure for figure in figures if figure not in known} == set()


def test_a_case_brings_what_it_came_from(
    told: tuple[LocalBus, Decision, Decision], make: Any, check: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    bus = told[0]
    book = casebook.Casebook()
    for partition in range(bus.settings.partitions):
        for record in bus.logs.get(("cases", partition), ()):
            if record.value and not (record.key or b"_").startswith(b"_"):
                book.put(CaseRow.model_validate_json(record.value), partition)
    (case,) = (held.row for held in book.of("content"))

    async def read(_: Any) -> casebook.Casebook:
        return book

    monkeypatch.setattr(casebook, "read", read)
    code, out, said = make("--case", case.case)
    assert code == 0, said
    code, found = check(out)
    assert (code, "case.json is the maker's word" in found["notes"]) == (0, True)
    report = json.loads(members(out)["report.json"])
    assert [row["event_id"] for row in report["rows"]] == ["bad"]
    assert "DSP-6-1" in {rule for one in report["rules"] for rule in one["rules"]}
    assert json.loads(members(out)["case.json"])["case"] == case.case


def test_sealed_to_a_recipient_who_alone_opens_it(make: Any, check: Any, tmp_path: Path) -> None:
    private = X25519PrivateKey.generate()
    (tmp_path / "their.pub").write_text(private.public_key().public_bytes_raw().hex())
    (tmp_path / "their.key").write_text(private.private_bytes_raw().hex())
    (tmp_path / "other.key").write_text("11" * 32)
    code, out, _ = make("--user", f"t/{USER}", "--content", "--to", str(tmp_path / "their.pub"))
    assert code == 0
    assert b"QUNSHAN" not in out.read_bytes() and b"manifest" not in out.read_bytes()
    assert check(out)[0] == 78
    assert check(out, "--open", str(tmp_path / "other.key"))[0] == 78
    code, found = check(out, "--open", str(tmp_path / "their.key"))
    assert (code, found["opened"]) == (0, 3)


def test_each_is_noted_first_and_a_changed_register_gives_nothing(
    told: tuple[LocalBus, Decision, Decision], home: list[str], make: Any, capsys: Any
) -> None:
    path = told[0].settings.exports_path
    code, out, _ = make("--time", "1970-01-01T00:00:00Z..2100-01-01T00:00:00Z")
    assert code == 0
    assert make("--produce-id", "nobody-s", name="none.zip")[0] == 1
    said = [json.loads(line) for line in run(capsys, *home, "evidence", "--list")[1].splitlines()]
    (row,) = [one for one in said if "time" in one["asked"]]
    assert (row["by"], row["reason"], row["content"]) == ("li", "2026-117", False)
    assert len(row["sha256"]) == 64
    assert "QUNSHAN" not in path.read_text()
    assert make("--user", f"t/{USER}")[0] == 78, "never over a file that is there"
    whole = path.read_text()
    path.write_text(whole + '{"torn')
    assert make("--user", f"t/{USER}", name="2.zip")[0] == 0, "what a crash left is dropped"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines).replace('"li"', '"no"', 1))
    code, out, why = make("--user", f"t/{USER}", name="3.zip")
    assert (code, out.exists(), "line 2" in why) == (1, False, True)
    path.write_text("".join(lines))
    assert make("--user", f"t/{USER}", name="3.zip")[0] == 0


def test_what_its_maker_changed_afterwards_is_found(
    told: tuple[LocalBus, Decision, Decision], make: Any, check: Any, tmp_path: Path
) -> None:
    """Signed anew with the very key: what the entries say stands against it."""
    keys = told[0].parts.keys
    out = make("--user", f"t/{USER}", "--content")[1]
    whole = decode_bundle(out.read_bytes(), keys.checkpoint_public, "x")

    def again(change: Any) -> tuple[int, Any]:
        manifest = json.loads(json.dumps(whole.manifest))
        files = dict(whole.files)
        change(manifest, files)
        path = tmp_path / "again.zip"
        name, private = told[0].settings.log_name, keys.checkpoint_private
        path.write_bytes(encode_bundle(manifest, files, name, private))
        return check(path)

    def reported(**values: Any) -> Any:
        def change(manifest: Any, files: Any) -> None:
            report = json.loads(files["report.json"])
            report["rows"][0] |= values
            files["report.json"] = json.dumps(report).encode()
            for one in evidence.LANGUAGES:
                files[f"report.{one}.html"] = evidence_page.page(report, one).encode()

        return change

    def drop(name: str) -> Any:
        return lambda manifest, files: files.pop(name)

    def swap(manifest: Any, files: Any) -> None:
        one, two = sorted(name for name in files if name.startswith("entries"))[:2]
        files[one], files[two] = files[two], files[one]

    def page(manifest: Any, files: Any) -> None:
        files["report.en.html"] = files["report.en.html"].replace(b"released", b"refused")

    def key(manifest: Any, files: Any) -> None:
        rows = json.loads(files["keys.json"])
        files["keys.json"] = json.dumps(dict.fromkeys(rows, "00" * 32)).encode()

    def path(manifest: Any, files: Any) -> None:
        manifest["entries"][0]["path"] = manifest["entries"][1]["path"]

    def summed_up(name: str, value: Any) -> Any:
        def change(manifest: Any, files: Any) -> None:
            report = json.loads(files["report.json"]) | {name: value}
            files["report.json"] = json.dumps(report).encode()
            for one in evidence.LANGUAGES:
                files[f"report.{one}.html"] = evidence_page.page(report, one).encode()

        return change

    house = {"rules": ["HOUSE-x"], "cites": "DSP 10", "force": "statute", "verified": True}
    house |= {"source": "", "zh": "应当", "en": "must"}
    code, found = again(lambda manifest, files: None)
    assert (code, found["notes"]) == (0, [])
    name = next(name for name in whole.files if name.startswith("entries"))
    checkpoint = next(name for name in whole.files if name.startswith("checkpoints"))
    for change, says in (
        (reported(action="hold"), "says otherwise: action"),
        (reported(account="somebody"), "says otherwise: account"),
        (reported(verdicts=[]), "says otherwise: verdicts"),
        (reported(index=999), "other entries"),
        (page, "is not the page of report.json"),
        (summed_up("rules", [house]), "does not come of its rows: rules"),
        (summed_up("actions", {"release": 9}), "does not come of its rows: actions"),
        (summed_up("states", {"kept": 9}), "does not come of its rows: states"),
        (lambda manifest, files: manifest["media"].clear(), "media are not those"),
        (key, "does not open its content"),
        (path, "does not lead to the checkpoint"),
        (swap, "is not what was logged"),
        (drop(name), "not in both"),
        (drop(checkpoint), "is not in the bundle"),
        (drop("report.json"), "report.json"),
    ):
        code, found = again(change)
        assert (code, says in str(found["faults"])) == (1, True), (says, found["faults"])


def test_any_flipped_byte_is_found_or_changes_nothing_that_is_read(
    told: tuple[LocalBus, Decision, Decision], make: Any
) -> None:
    public = told[0].parts.keys.checkpoint_public
    data = make("--user", f"t/{USER}", "--content")[1].read_bytes()
    whole = decode_bundle(data, public, "x")

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, len(data) - 1), st.integers(1, 255))
    def flipped(place: int, by: int) -> None:
        torn = bytearray(data)
        torn[place] ^= by
        try:
            found = decode_bundle(bytes(torn), public, "x")
        except BundleDamaged:
            return
        assert found == whole
        assert check_bundle(found, public).faults == []

    flipped()
    for cut in (0, 10, len(data) // 2, len(data) - 1):
        with pytest.raises(BundleDamaged):
            decode_bundle(data[:cut], public, "x")
    with pytest.raises(BundleDamaged):
        decode_bundle(data, b"\x01" * 32, "x")


@pytest.mark.parametrize(
    "odd", [{"compress_type": zipfile.ZIP_DEFLATED}, {"comment": b"x"}, {"filename": "../x"}]
)
def test_an_archive_that_hides_something_is_none(odd: dict[str, Any]) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("report.json")
        for name, value in odd.items():
            setattr(info, name, value)
        archive.writestr(info, b"{}" * 9, compress_type=info.compress_type)
    with pytest.raises(BundleDamaged):
        decode_bundle(out.getvalue(), b"\x01" * 32, "x")
    assert bundles.VERSION == 1


def test_members_that_lie_over_one_another_are_refused() -> None:
    """A small file that would unpack to a large one."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo("entries/00000/1"), bytes(10_000))
        for number in range(2, 20):
            info = zipfile.ZipInfo(f"entries/00000/{number}")
            info.header_offset, info.CRC = 0, archive.infolist()[0].CRC
            info.file_size = info.compress_size = 10_000
            archive.filelist.append(info)
        archive._didModify = True  # type: ignore[attr-defined]
    assert len(out.getvalue()) < 20_000
    with pytest.raises(BundleDamaged, match="over one another"):
        decode_bundle(out.getvalue(), b"\x01" * 32, "x")


def test_bytes_beside_the_members_are_refused(
    told: tuple[LocalBus, Decision, Decision], make: Any
) -> None:
    """A page before them, or a member that only other programs see: nobody signed either."""
    public = told[0].parts.keys.checkpoint_public
    data = make("--user", f"t/{USER}")[1].read_bytes()
    hidden = io.BytesIO()
    with zipfile.ZipFile(hidden, "w") as archive:
        archive.writestr(zipfile.ZipInfo("report.en.html"), b"<html>nothing was found</html>")
    forged = hidden.getvalue().split(b"PK\x01\x02")[0]
    end = data.rindex(b"PK\x05\x06")
    listed = int.from_bytes(data[end + 16 : end + 20], "little")
    moved = data[end : end + 16] + (listed + len(forged)).to_bytes(4, "little") + data[end + 20 :]
    assert decode_bundle(data, public, "x").manifest
    for odd in (
        b"<html>forged</html>" + data,
        data[:listed] + forged + data[listed:end] + moved,
        data[:end] + b"after the list" + data[end:],
    ):
        with pytest.raises(BundleDamaged):
            decode_bundle(odd, public, "x")


def test_more_than_a_bundle_holds_is_refused(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "BYTES_MAX", 3_000)
    code, out, why = make("--user", f"t/{USER}")
    assert (code, out.exists(), "narrow the question" in why) == (1, False, True)


def test_what_is_erased_or_expired_is_said_and_still_proved(
    told: tuple[LocalBus, Decision, Decision], capsys: Any, tmp_path: Path, check: Any
) -> None:
    from synthgate.cli.erase import erase_user
    from synthgate.ledger import LocalStore, Packer, expiry
    from synthgate.ledger.expiry import DAY_MS

    bus = told[0]
    shutil.copytree(bus.settings.data_dir, tmp_path / "data")
    home = bus.settings.model_copy(update={"data_dir": tmp_path / "data"})
    options = ["--set", f"data_dir={tmp_path / 'data'}"]
    late = bus.now_ms + 400 * DAY_MS
    asked = ["evidence", "--time", "1970-01-01T00:00:00Z..2100-01-01T00:00:00Z", "--by", "li"]
    asked += ["--reason", "r", "--content", "--out"]
    assert run(capsys, *options, *asked, str(tmp_path / "0.zip"))[0] == 0
    assert erase_user(home, "t", USER, late)[1].entries == 3
    assert run(capsys, *options, *asked, str(tmp_path / "1.zip"))[0] == 0
    report = json.loads(members(tmp_path / "1.zip")["report.json"])
    assert report["states"] == {"kept": 2, "erased": 3, "expired": 0}
    assert b"QUNSHAN" not in (tmp_path / "1.zip").read_bytes()
    assert check(tmp_path / "1.zip")[1]["opened"] == 2
    store = LocalStore(home.ledger_dir)
    for log in store.logs():
        Packer(store, log).run(late)
        for pack in expiry.packs(store, log, ()):
            assert expiry.expire(store, pack, late, pack.end)
    assert run(capsys, *options, *asked, str(tmp_path / "2.zip"))[0] == 0
    report = json.loads(members(tmp_path / "2.zip")["report.json"])
    assert report["states"] == {"kept": 0, "erased": 0, "expired": 5}
    code, found = check(tmp_path / "2.zip")
    assert (code, found["entries"], found["opened"]) == (0, 5, 0)
    assert ["had expired" in note for note in found["notes"]] == [True]
    made = decode_bundle((tmp_path / "2.zip").read_bytes(), bus.parts.keys.checkpoint_public, "x")
    report["rows"][0] |= {"user": "somebody", "verdicts": []}
    files = made.files | {"report.json": json.dumps(report).encode()}
    forged = encode_bundle(
        made.manifest, files, bus.settings.log_name, bus.parts.keys.checkpoint_private
    )
    (tmp_path / "3.zip").write_bytes(forged)
    code, found = check(tmp_path / "3.zip")
    assert (code, "says otherwise: user, verdicts" in str(found["faults"])) == (1, True)


def test_pages_of_another_version_are_said_not_to_be_checked(
    told: tuple[LocalBus, Decision, Decision], make: Any, check: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from synthgate.cli import evidence as command

    monkeypatch.setattr(command, "__version__", "0.0.9")
    code, found = check(make("--user", f"t/{USER}", "--content")[1])
    assert (code, ["another version" in note for note in found["notes"]]) == (0, [True])


def test_a_signed_list_of_files_that_is_none_is_a_fault(tmp_path: Path) -> None:
    from synthgate.crypto.notes import sign

    keys = KeyFolder.init(tmp_path / "keys")
    for files in ({"a": 1}, {"a": {}}, [1], None):
        text = json.dumps({"v": 1, "log_name": "x", "files": files}).encode()
        note = sign(bundles._signed("x/evidence", text), "x/evidence", keys.checkpoint_private)
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for name, data in (("manifest.json", text), ("manifest.note", note), ("a", b"")):
                archive.writestr(zipfile.ZipInfo(name), data)
        with pytest.raises(BundleDamaged, match="cannot be read"):
            decode_bundle(out.getvalue(), keys.checkpoint_public, "x")


def test_a_disk_without_hard_links_takes_a_bundle_too(
    make: Any, check: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stick on which it is handed over."""
    from synthgate.ledger.files import FileOps

    def no_links(*_: Any) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    whole = FileOps.write_whole

    def full(ops: FileOps, path: Path, data: bytes) -> None:
        whole(ops, path, data[: len(data) // 2] if path.suffix == ".zip" else data)
        if path.suffix == ".zip":
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(FileOps, "link", no_links)
    code, out, said = make("--user", f"t/{USER}")
    assert (code, check(out)[0]) == (0, 0), said
    assert list(out.parent.glob("*.tmp")) == []
    with monkeypatch.context() as broken:
        broken.setattr(FileOps, "write_whole", full)
        code, out, why = make("--user", f"t/{USER}", name="2.zip")
    assert (code, out.exists(), "No space left" in why) == (1, False, True)
