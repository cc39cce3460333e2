"""The command says what goes and what stays, and touches nothing on a dry run."""

import json
from pathlib import Path
from typing import Any

from acts_at_hand import a_bus, an_event, decide, verify
from cli_commands import run
from synthgate.effects.objects import LocalObjects


def test_it_removes_what_no_entry_names(tmp_path: Path, capsys: Any) -> None:
    bus = a_bus(tmp_path)
    verify(bus)
    asked = decide(bus, an_event(bus, "q"))
    generation = {"id": "g-q", "medium": "text", "template": "chat", "purpose": "chat"}
    text = an_event(
        bus, "a", "generation.completed", content={"text": "x"}, generation=generation,
        **{"pass": asked.pass_},
    )  # fmt: skip
    (row,) = decide(bus, text).objects
    store = LocalObjects(bus.settings.objects_dir)
    left = row.name.replace(row.sha256, "0" * 64)
    store.put_all({left: b"12345", left + ".aigc.json": b"12345"})
    rows = bus.settings.model_dump(mode="json", exclude={"instance", "web_port"})
    options = [part for name, value in rows.items() for part in ("--set", f"{name}={value}")]

    code, said, _ = run(capsys, *options, "sweep", "--dry-run")
    assert (code, said) == (
        0,
        "would be removed: 2 files, 10 bytes\nkept: 2 named by an entry, 0 whose origin is not logged yet\n",
    )
    assert store.exists(left)
    code, said, _ = run(capsys, *options, "sweep", "--json")
    assert (code, json.loads(said)) == (0, {"objects": 2, "bytes": 10, "cited": 2, "unlogged": 0})
    assert not store.exists(left)
    assert store.exists(row.name)
    assert store.exists(row.name + ".aigc.json")
