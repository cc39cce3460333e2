"""``synthgate registry``: every bad row named, what is sent twice counts once, a diff that finds it all."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cli_commands import PATIENCE_S, Running, run
from synthgate.cli.registry import Progress
from synthgate.cli.registry_rows import KINDS, BadRowError, read, record

Capture = pytest.CaptureFixture[str]
USER = {
    "user": "u-1", "method": "mobile", "checker": "carrier", "verified_at": "2026-01-01T00:00:00Z",
    "evidence_ref": "vault/1", "age_band": "adult",
}  # fmt: skip
GRANT: dict[str, Any] = {
    "subject": "subj-imp-01", "grant": "g-1", "grantor": "subject", "age_band": "adult",
    "biometric": ["style", "voice"], "purposes": ["chat"], "separate": True, "notice_sha256": "a" * 64,
    "granted_at": "2026-01-01T00:00:00Z", "channel": "app", "proof_ref": "vault/1", "necessity_shown": True,
}  # fmt: skip
UNIT = {
    "source": "新华社", "list_version": "2021-10", "listed": "true", "listed_from": "2021-10-20T00:00:00Z",
}  # fmt: skip


DIES_IN_MID_IMPORT = """
import os, signal, sys
from synthgate.__main__ import main
from synthgate.cli.registry import Progress

save = Progress.save

def save_once(self, rows):
    if self.rows:
        os.kill(os.getpid(), signal.SIGKILL)
    save(self, rows)

Progress.save = save_once
main(sys.argv[1:])
"""
"""The command, gone when more was acknowledged than it has noted."""


def lines(path: Path, *rows: Any) -> Path:
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return path


def csv_of(path: Path, rows: list[dict[str, Any]]) -> Path:
    def cell(value: Any) -> str:
        return "|".join(value) if isinstance(value, list) else str(value)

    names = list(rows[0])
    told = [",".join(names), *(",".join(cell(row[name]) for name in names) for row in rows)]
    path.write_text("\n".join(told) + "\n", encoding="utf-8-sig")
    return path


def test_csv_and_json_lines_say_the_same(tmp_path: Path) -> None:
    for kind, row in (("users", USER), ("consents", GRANT)):
        made = []
        for path in (lines(tmp_path / "a.jsonl", row), csv_of(tmp_path / "a.csv", [row])):
            ((_, members, fault),) = read(path, KINDS[kind])
            assert (members, fault) == (row, "")
            made.append(record(KINDS[kind], "acme", members, 5))
        assert made[0] == made[1]
    assert made[0].key == b"acme/subj-imp-01/g-1"
    assert json.loads(made[0].value)["version"] == 1_767_225_600_000


def test_a_news_source_is_a_row_of_no_tenant(capsys: Capture, tmp_path: Path) -> None:
    kind = KINDS["news-sources"]
    for path in (
        lines(tmp_path / "a.jsonl", {**UNIT, "listed": True}),
        csv_of(tmp_path / "a.csv", [UNIT]),
    ):
        ((_, members, fault),) = read(path, kind)
        made = record(kind, "", members, 5)
        assert (fault, made.topic, made.key.decode()) == ("", "facts.news_sources", "新华社")
        assert json.loads(made.value) | {"v": 1} == {
            **UNIT, "v": 1, "version": 5, "listed": True, "listed_until": None,
        }  # fmt: skip
    with pytest.raises(BadRowError, match="/tenant"):
        record(kind, "", {**UNIT, "listed": True, "tenant": "acme"}, 5)
    bring = ("registry", "import", "news-sources", str(path), "--dry-run")
    assert run(capsys, *bring)[:2] == (0, "news-sources: 1 rows good, 0 bad\n")
    code, _, why = run(capsys, *bring, "--tenant", "acme")
    assert (code, "of no tenant" in why) == (78, True)
    for verb in ("import", "diff"):
        code, _, why = run(capsys, "registry", verb, "users", str(path))
        assert (code, "whose users" in why) == (78, True)


def test_cells_of_a_template() -> None:
    from synthgate.cli.registry_rows import _members

    cells = {
        "template": "t", "media": "text|image", "ds_class": "DS1", "a17_item": "1", "real_person": "false",
        "status": "enabled", "models": "", "version": "7",
        "processors": '[{"name": "api", "contract": "c", "signed_at": "2026-01-01T00:00:00Z"}]',
        "assessment": '{"id": "sa", "by": "self", "valid_until": "2027-01-01T00:00:00Z"}',
    }  # fmt: skip
    row = _members(cells, KINDS["templates"].model)
    made = json.loads(record(KINDS["templates"], "acme", row, 5).value)
    assert (made["version"], made["media"], made["models"]) == (7, ["text", "image"], None)
    assert made["processors"][0]["name"] == "api"
    for name, cell in (("a17_item", "x"), ("real_person", "yes"), ("processors", "[")):
        with pytest.raises(BadRowError, match=name):
            _members(cells | {name: cell}, KINDS["templates"].model)


BAD_ROWS = [
    "not json", '{"user":"a","user":"b"}', {**USER, "method": "face"}, {**USER, "user": ""}, {"user": "u"},
    {**USER, "user": "13800138000"}, {**USER, "evidence_ref": "id 11010519491231002X"},
    {**USER, "verified_at": "yesterday"}, {**USER, "user": 7}, "[]",
]  # fmt: skip


def test_a_hundred_bad_rows_in_ten_thousand_are_all_named(capsys: Capture, tmp_path: Path) -> None:
    rows: list[Any] = [{**USER, "user": f"u-{n}"} for n in range(10_000)]
    wanted = list(range(50, 10_000, 100))
    for n, at in enumerate(wanted):
        rows[at - 1] = BAD_ROWS[n % len(BAD_ROWS)]
    path = lines(tmp_path / "users.jsonl", *rows)
    code, said, _ = run(
        capsys, "registry", "import", "users", str(path), "--tenant", "acme", "--dry-run"
    )
    assert code == 1
    named = [int(line.split(":")[0].split()[1]) for line in said.splitlines()[:-1]]
    assert named == wanted
    assert said.splitlines()[-1] == "users: 9900 rows good, 100 bad"
    assert "13800138000" not in said
    assert "11010519491231002X" not in said
    nowhere = ("--set", "brokers=127.0.0.1:1")
    code, said, why = run(
        capsys, "registry", "import", "users", str(path), "--tenant", "acme", *nowhere
    )
    assert (code, "nothing was sent" in why) == (1, True)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("user,method\nu-1\n", "line 2: more or fewer cells"),
        ("user,method\nu-1,mobile,x\n", "line 2: more or fewer cells"),
        ('user,method\n"u-1"x,mobile\nu-2,mobile\n', "line 2: no CSV"),
        ("user,method\n\udce9,mobile\n", "line 2: /user: not UTF-8"),
    ],
)
def test_what_is_no_row_of_a_csv_is_named(
    capsys: Capture, tmp_path: Path, text: str, told: str
) -> None:
    path = tmp_path / "users.csv"
    path.write_bytes(text.encode(errors="surrogateescape"))
    said = run(capsys, "registry", "import", "users", str(path), "--tenant", "acme", "--dry-run")[1]
    assert told in said


def test_progress_is_of_one_file_kind_and_tenant(tmp_path: Path) -> None:
    path = lines(tmp_path / "users.jsonl", USER)
    Progress(path, "users", "acme").save(7)
    assert Progress(path, "users", "acme").rows == 7
    assert Progress(path, "users", "other").rows == 0
    assert Progress(path, "terms", "acme").rows == 0
    (tmp_path / "users.jsonl.progress").write_text("{")
    assert Progress(path, "users", "acme").rows == 0
    Progress(path, "users", "acme").save(7)
    lines(path, {**USER, "user": "other"})
    assert Progress(path, "users", "acme").rows == 0


@pytest.fixture
def tenant() -> str:
    """Of this test, tried for the first time or again: the chain is everybody's."""
    return f"imp-{os.urandom(4).hex()}"


def imported(
    capsys: Capture, chain: Running, tenant: str, kind: str, path: Path, *more: str
) -> tuple[int, str]:
    argv = ("registry", "import", kind, str(path), "--tenant", tenant, *more, *chain.options)
    code, said, why = run(capsys, *argv)
    return code, said + why


def differs(capsys: Capture, chain: Running, tenant: str, kind: str, path: Path) -> tuple[int, str]:
    code, said, why = run(
        capsys, "registry", "diff", kind, str(path), "--tenant", tenant, *chain.options
    )
    return code, said + why


def test_import_then_diff(chain: Running, tenant: str, capsys: Capture, tmp_path: Path) -> None:
    grants = [{**GRANT, "subject": f"subj-imp-{n:02}"} for n in range(20)]
    path = csv_of(tmp_path / "consents.csv", grants)
    assert "20 missing here" in differs(capsys, chain, tenant, "consents", path)[1]
    code, said = imported(capsys, chain, tenant, "consents", path)
    assert (code, "20 rows sent now" in said) == (0, True)
    assert differs(capsys, chain, tenant, "consents", path) == (
        0, "consents: 20 the same, 0 missing here, 0 different, 0 here alone, 0 bad rows\n",
    )  # fmt: skip
    assert "0 rows sent now, 20 in all" in imported(capsys, chain, tenant, "consents", path)[1]
    fewer = csv_of(tmp_path / "fewer.csv", [*grants[1:], {**grants[0], "grant": "g-2"}])
    code, said = differs(capsys, chain, tenant, "consents", fewer)
    assert code == 1
    assert "19 the same, 1 missing here, 0 different, 1 here alone" in said
    assert f"alone    {tenant}/subj-imp-00/g-1" in said
    changed = csv_of(tmp_path / "changed.csv", [{**g, "purposes": ["news"]} for g in grants])
    assert "20 different" in differs(capsys, chain, tenant, "consents", changed)[1]

    users = lines(tmp_path / "users.jsonl", USER, "broken", {**USER, "user": "u-2"})
    code, said = imported(capsys, chain, tenant, "users", users, "--skip-bad")
    assert (code, "2 rows sent now" in said, "line 2" in said) == (1, True, True)
    code, said = imported(capsys, chain, tenant, "users", users, "--skip-bad")
    assert (code, "0 rows sent now, 2 in all" in said, "line 2" in said) == (1, True, True)
    until = time.monotonic() + 2 * PATIENCE_S
    while "2 the same" not in (said := differs(capsys, chain, tenant, "users", users)[1]):
        assert time.monotonic() < until, said
    terms = [{"user": u, "terms_version": "1", "duty_notice_shown": True,
              "accepted_at": "2026-01-01T00:00:00Z"} for u in ("u-1", "u-2")]  # fmt: skip
    path = lines(tmp_path / "terms.jsonl", *terms)
    assert "2 missing here" not in differs(capsys, chain, tenant, "terms", path)[1], (
        "they are known, without terms"
    )
    imported(capsys, chain, tenant, "terms", path)
    while "2 the same" not in (said := differs(capsys, chain, tenant, "terms", path)[1]):
        assert time.monotonic() < until, said


def test_the_list_of_news_sources_is_of_all_tenants(
    chain: Running, capsys: Capture, tmp_path: Path
) -> None:
    name = f"新华社-{os.urandom(4).hex()}"
    path = csv_of(tmp_path / "units.csv", [{**UNIT, "source": name}])
    code, said, why = run(capsys, "registry", "import", "news-sources", str(path), *chain.options)
    assert (code, "1 rows sent now" in said) == (0, True), said + why
    compared = ("registry", "diff", "news-sources", str(path), *chain.options)
    assert "1 the same, 0 missing here, 0 different" in run(capsys, *compared)[1]
    csv_of(path, [{**UNIT, "source": name, "listed": "false"}])
    assert "0 missing here, 1 different" in run(capsys, *compared)[1]
    csv_of(path, [{**UNIT, "source": f"{name}-2"}])
    said = run(capsys, *compared)[1]
    assert f"alone    {name}\n" in said


def test_killed_in_mid_import_it_goes_on_where_it_was(
    chain: Running, tenant: str, capsys: Capture, tmp_path: Path
) -> None:
    grants = [{**GRANT, "subject": f"subj-kill-{n:05}"} for n in range(6_000)]
    path = lines(tmp_path / "consents.jsonl", *grants)
    argv = ["registry", "import", "consents", str(path), "--tenant", tenant, *chain.options]
    died = subprocess.run(
        [sys.executable, "-c", DIES_IN_MID_IMPORT, *argv], check=False, capture_output=True,
        text=True, timeout=2 * PATIENCE_S, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert died.returncode == -signal.SIGKILL, died.stderr
    done = json.loads((tmp_path / "consents.jsonl.progress").read_text())["rows"]
    assert 0 < done < 6_000
    code, said, _ = run(capsys, *argv)
    assert (code, f"{6_000 - done} rows sent now" in said) == (0, True)
    said = run(capsys, "registry", "diff", *argv[2:])[1]
    assert "6000 the same, 0 missing here, 0 different, 0 here alone" in said


def test_a_file_that_is_not_there(capsys: Capture) -> None:
    for verb in ("import", "diff"):
        code, _, why = run(capsys, "registry", verb, "users", "/nowhere", "--tenant", "acme")
        assert (code, "no file" in why) == (1, True)
