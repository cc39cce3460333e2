"""The data map is fresh and knows every field, topic, column and file (GAI-11-1, PIPL-47-1)."""

import re
from pathlib import Path

import pytest

from acts_at_hand import a_bus, an_event, decide, verify
from cli_commands import run
from synthgate.events import schema
from synthgate.events.topics import TOPICS
from synthgate.ledger import LocalStore
from synthgate.ledger.entry import HEADER_FIELDS
from synthgate.ledger.reader import LogReader
from synthgate.steps import data_map, data_map_page, trace_index

CLASSED = frozenset().union(*data_map.CLASSES.values())


def test_the_page_in_the_tree_is_fresh(capsys):
    assert data_map_page.main(["--check"]) == 0, capsys.readouterr().err


def names():
    return {name for topic in TOPICS for name in data_map.names_in(schema.document(topic))}


def test_every_field_of_every_topic_is_known():
    unknown = names() - CLASSED - data_map.NOT_PERSONAL
    assert unknown == set(), "say in steps/data_map.py whether these may hold a person's data"
    assert set() == CLASSED & data_map.NOT_PERSONAL
    assert names() >= (CLASSED | data_map.NOT_PERSONAL)


def test_a_field_deep_in_a_model_is_seen():
    deep = {"$defs": {"X": {"properties": {"a": {"items": [{"properties": {"nickname": {}}}]}}}}}
    assert set(data_map.names_in(deep)) == {"a", "nickname"}


def test_every_topic_has_its_row_and_says_what_its_models_hold():
    rows = {row.place: row for row in data_map.topics()}
    assert len(rows) == len(TOPICS)
    assert {"account", "network", "words"} <= set(rows["topic `generation.events`"].holds)
    assert rows["topic `generation.events`"].period == "168 h"
    assert "staff" in rows["topic `facts.features`"].holds
    for row in (*rows.values(), *data_map.STORES.values()):
        assert all((row.place, *row[2:])), row


@pytest.fixture(scope="module")
def used(tmp_path_factory):
    """An installation after an act, with everything the commands leave behind."""
    bus = a_bus(tmp_path_factory.mktemp("mapped"))
    verify(bus)
    assert decide(bus, an_event(bus, "a")).action == "release"
    return bus


def test_every_file_of_an_installation_is_on_the_map(used, capsys, tmp_path):
    options = ["--set", f"data_dir={used.settings.data_dir}", "--set", "partitions=2"]
    out = str(tmp_path / "bundle.zip")
    for command in (
        ["log", "build"],
        ["trace", "--user", "t/u"],
        ["evidence", "--user", "t/u", "--out", out, "--by", "li", "--reason", "r"],
        ["hold", "place", "h", "--by", "li", "--reason", "r"],
        ["erase", "t/u"],
    ):
        run(capsys, *options, *command)
    names = {path.name for path in used.settings.data_dir.iterdir()}
    assert {"ledger", "proofs", "keys", "trace.sqlite3", "holds.json"} <= names
    assert {"exports.jsonl", "erasures.jsonl"} <= names
    assert {re.sub(r"-(wal|shm)$", "", name) for name in names} <= set(data_map.STORES)


def test_every_clear_field_of_an_entry_and_every_column_of_the_index_is_known(used):
    headers = [
        LogReader(LocalStore(used.settings.ledger_dir), None, log).header(index)
        for log, head in used.parts.logs.heads().items()
        for index in range(head)
    ]
    assert HEADER_FIELDS <= data_map.HEADER
    assert {name for header in headers for name in header} <= data_map.HEADER
    columns = set(re.findall(r"(\w+) (?:INTEGER|TEXT)", trace_index._SCHEMA))
    assert columns == data_map.INDEX


def test_a_stale_page_fails_and_writing_mends_it(monkeypatch, tmp_path: Path):
    monkeypatch.setattr(data_map_page, "PAGE", tmp_path / "DATA_MAP.md")
    assert data_map_page.main(["--check"]) == 1
    assert data_map_page.main([]) == 0
    assert data_map_page.main(["--check"]) == 0
