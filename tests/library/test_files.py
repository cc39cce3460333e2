"""Lists as files: what comes back is what went out, and one bad row is named and stops the whole list."""

import json
import string
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synthgate.bench.made_up import entries, row
from synthgate.library.files import FIELDS, LibraryFileError, read_rows, written
from synthgate.library.sample import sample_rows

HASH = "a1" * 32
GOOD = (
    "entry,kind,value,risk,severity,from_version,criteria,proposed_by,approved_by\n"
    "one,keyword,海洛因,A.1h,90,1,c-1,ann,bob\n"
)
DEFAULTS = {
    "from_version": 1, "risk": "A.1f", "severity": 90, "criteria": "c-1", "proposed_by": "ann",
    "approved_by": "bob",
}  # fmt: skip


def put(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
def test_a_list_comes_back_as_it_went_out(tmp_path: Path, ending: str) -> None:
    rows = [
        *entries(50),
        row("quotes", 'a "b", c\nd', gap=3, state="percent", percent=5, legal_basis="DSP 10"),
        row("formula", "=1+1", review_due="2026-12-01T00:00:00Z", to_version=4),
        row("allow", "海洛因依赖", "allow"),
        row("list", "none", "list"),
        row("regex", r"1[3-9]\d{9}", "regex"),
        row("phrase", "代办…证件", "phrase"),
        row("pdq", HASH, "pdq"),
        row("url", "evil.org/pay", "url"),
    ]
    path = put(tmp_path, f"list{ending}", "".join(written(rows, ending)))
    assert read_rows(path) == [one.model_copy(update={"version": 0}) for one in rows]


NAMES = st.text(string.ascii_letters + "枪支,\"'\n ;\t", min_size=1, max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    values=st.lists(NAMES.filter(str.strip), min_size=1, max_size=8),
    ending=st.sampled_from([".csv", ".jsonl"]),
)
def test_any_words_survive_a_file(tmp_path: Path, values: list[str], ending: str) -> None:
    rows = [row(f"e{at}", value) for at, value in enumerate(values)]
    path = put(tmp_path, f"list{ending}", "".join(written(rows, ending)))
    assert [one.value for one in read_rows(path)] == values


def test_hash_lists_of_both_kinds(tmp_path: Path) -> None:
    lines = f"# shared\n{HASH}\n{HASH.replace('a', 'B')}, from a partner\n\n"
    plain = read_rows(put(tmp_path, "bank.txt", lines), DEFAULTS)
    assert [(one.kind, one.value, one.source) for one in plain] == [
        ("pdq", HASH, None),
        ("pdq", HASH.replace("a", "b"), "from a partner"),
    ]
    descriptor = {"id": "77", "raw_indicator": HASH.upper(), "type": "HASH_PDQ", "tags": ["x"]}
    shared = read_rows(put(tmp_path, "bank.jsonl", json.dumps(descriptor)), DEFAULTS)
    assert [(one.value, one.source) for one in shared] == [(HASH, "threatexchange 77")]
    assert "".join(written(plain, ".txt")) == f"{HASH}\n{HASH.replace('a', 'b')}\n"


def test_the_sample_is_read_like_any_list() -> None:
    path = Path(str(resources.files("synthgate.library") / "sample.toml"))
    assert read_rows(path) == list(sample_rows())
    with pytest.raises(LibraryFileError, match=r"ends in \.csv, \.jsonl, \.txt;"):
        "".join(written([], ".toml"))


TOML = """[defaults]
kind = "keyword"
risk = "A.1h"
severity = 90
from_version = 1
criteria = "c-1"
proposed_by = "ann"
approved_by = "bob"
[[entry]]
entry = "one"
value = "海洛因"
"""


@pytest.mark.parametrize(
    ("name", "text", "line", "word"),
    [
        ("a.toml", TOML + '[[entry]]\nentry = "two"\nvalue = "枪支"\nrisk = "A.9z"', 2, "risk"),
        ("a.toml", TOML + '[[entry]]\nentry = "one"\nvalue = "枪支"', 2, "line 1 already"),
        ("a.toml", TOML + "[[entry", 1, "no TOML"),
        ("a.toml", "sample = true", 1, "[[entry]]"),
        ("a.toml", "entry = [5]", 1, "no table"),
        ("a.toml", "defaults = 5\nentry = []", 1, "[[entry]]"),
        ("a.csv", GOOD + "two,keyword,枪支,A.1h,90,1,c-1,ann,ann\n", 3, "approved_by"),
        ("a.csv", GOOD + "two,keyword,枪支,,90,1,c-1,ann,bob\n", 3, "risk"),
        ("a.csv", GOOD + "two,keyword,枪支,A.9z,90,1,c-1,ann,bob\n", 3, "risk"),
        ("a.csv", GOOD + "two,keyword,枪支,A.1h,many,1,c-1,ann,bob\n", 3, "severity"),
        ("a.csv", GOOD + "two,keyword,枪支,A.1h,101,1,c-1,ann,bob\n", 3, "severity"),
        ("a.csv", GOOD + "two,word,枪支,A.1h,90,1,c-1,ann,bob\n", 3, "kind"),
        ("a.csv", GOOD + "two,keyword,\u200b,A.1h,90,1,c-1,ann,bob\n", 3, "value"),
        ("a.csv", GOOD + "two,keyword,,A.1h,90,1,c-1,ann,bob\n", 3, "value"),
        ("a.csv", GOOD + "two,regex,(a,A.1h,90,1,c-1,ann,bob\n", 3, "value"),
        ("a.csv", GOOD + r"two,regex,(a)\1,A.1h,90,1,c-1,ann,bob" + "\n", 3, "value"),
        ("a.csv", GOOD + "two,phrase,代办,A.1h,90,1,c-1,ann,bob\n", 3, "value"),
        ("a.csv", GOOD + "two,pdq,zz,A.1h,90,1,c-1,ann,bob\n", 3, "value"),
        ("a.csv", GOOD + "two,domain,nodot,A.1h,90,1,c-1,ann,bob\n", 3, "value"),
        ("a.csv", GOOD + "two,list,sideways,,0,1,c-1,ann,bob\n", 3, "value"),
        ("a.csv", GOOD + "one,keyword,枪支,A.1h,90,1,c-1,ann,bob\n", 3, "stands in line 2"),
        ("a.csv", GOOD + "two,keyword,枪支\n", 3, "3 cells"),
        ("a.csv", GOOD + 'two,keyword,"枪支,A.1h\n', 3, "CSV"),
        ("a.csv", "entry,colour\na,red\n", 2, "colour"),
        ("a.csv", "entry,entry\na,b\n", 1, "twice"),
        ("a.csv", "", 1, "header"),
        ("a.csv", GOOD.encode() + b"two,keyword,\xff,A.1h\n", 3, "UTF-8"),
        ("a.jsonl", '{"entry":"a"}', 1, "kind"),
        ("a.jsonl", "[1]", 1, "object"),
        ("a.jsonl", '{"entry":"a","entry":"b"}', 1, "twice"),
        ("a.jsonl", "{" * 100_000, 1, "JSON"),
        ("a.jsonl", "[" * 100_000, 1, "JSON"),
        ("a.jsonl", '{"raw_indicator":"00","type":"HASH_MD5"}', 1, "HASH_MD5"),
        ("a.jsonl", '{"entry":"a","kind":"keyword","value":"\\ud800"}', 1, "value"),
        ("a.txt", "abc\n", 1, "PDQ"),
        ("a.xls", "PK", None, "ending"),
    ],
)
def test_one_bad_row_is_named_and_nothing_is_loaded(
    tmp_path: Path, name: str, text: str | bytes, line: int | None, word: str
) -> None:
    path = put(tmp_path, name, text)
    with pytest.raises(LibraryFileError) as caught:
        read_rows(path, DEFAULTS if name == "a.txt" else None)
    sentence = str(caught.value)
    assert sentence.startswith(str(path) if line is None else f"{path}:{line}: ")
    assert word in sentence
    assert sentence.endswith("nothing was loaded")
    assert "\n" not in sentence


def test_all_faults_are_counted(tmp_path: Path) -> None:
    bad = "".join(f"e{at},keyword,枪支,A.1h,90,1,c-1,ann,ann\n" for at in range(40))
    with pytest.raises(LibraryFileError, match="39 more") as caught:
        read_rows(put(tmp_path, "a.csv", GOOD + bad))
    assert len(caught.value.faults) == 20


def test_columns_are_the_fields_of_the_regulation() -> None:
    assert set(FIELDS) >= {
        "entry", "kind", "value", "risk", "severity", "source", "legal_basis", "proposed_by", "approved_by",
        "criteria", "rule", "procedure_step", "effective_from", "expires_at", "review_due",
        "withdrawn_reason",
    }  # fmt: skip
