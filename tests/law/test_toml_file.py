import pytest

from synthgate.law.toml_file import LawError, LawModel, build, read_toml, take


class Number(LawModel):
    days: int


def test_unreadable_files_are_named(tmp_path):
    (tmp_path / "broken.toml").write_text("days = ", encoding="utf-8")
    (tmp_path / "latin.toml").write_bytes(b'x = "\xe9"')
    for name in ("absent.toml", "broken.toml", "latin.toml"):
        with pytest.raises(LawError, match=name):
            read_toml(tmp_path / name)


def test_errors_name_place_and_key():
    with pytest.raises(LawError, match=r"file\.toml: row 3: dayz"):
        build(Number, {"days": 1, "dayz": 2}, "file.toml: row 3")
    with pytest.raises(LawError, match=r"days.*'1'"):
        build(Number, {"days": "1"}, "file.toml")


def test_take_wants_a_list_of_tables():
    table = {"row": [{"a": 1}], "rest": 1}
    assert take(table, "row", "file") == [{"a": 1}]
    assert table == {"rest": 1}
    with pytest.raises(LawError, match=r"\[\[row\]\]"):
        take({"row": {"a": 1}}, "row", "file")
