"""Erasure reaches the rows of a person on topics, once nothing is kept; never a penalty, never under a hold."""

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from acts_at_hand import a_bus, accept, an_event, decide
from cli_commands import Running, run
from local_bus import LocalBus
from synthgate.cli import casebook, erase, positions
from synthgate.cli.erase_topics import erase_rows
from synthgate.crypto.tokens import user_token
from synthgate.events.decision import CaseRow
from synthgate.events.facts import AccountRow
from synthgate.events.topics import ERASED
from synthgate.ledger.expiry import DAY_MS
from synthgate.steps.erasure_topics import Person

MARKER = "QUNSHAN-9C4D"
WHO = f"u-{MARKER}"
HEROIN = "买卖海洛因"
FLOOR_MS = 184 * DAY_MS


class OnBus:
    """What the command needs of Kafka, on a LocalBus; between its rounds ``meanwhile`` is done once."""

    def __init__(self, bus: LocalBus) -> None:
        self.bus = bus
        self.meanwhile: list[Any] = []
        self.sent = 0

    async def records(self, _: Any, topic: str, **__: Any) -> AsyncIterator[Any]:
        for partition in range(self.bus.settings.partitions):
            for one in list(self.bus.logs.get((topic, partition), ())):
                record: Any = type("Record", (), {"partition": partition})()
                record.key, record.value = one.key, one.value
                yield record

    @asynccontextmanager
    async def writer(self, _: Any) -> AsyncIterator["OnBus"]:
        yield self
        for one in self.meanwhile:
            one()

    async def send_and_wait(self, topic: str, **record: Any) -> None:
        assert record["value"] is None
        self.sent += 1
        self.bus.append(topic, record["key"], None, partition=record["partition"])


@pytest.fixture
def bus(tmp_path: Path) -> LocalBus:
    """Two people, verified on their own keys; what one of them asked for is refused as illegal, once."""
    bus = a_bus(tmp_path)
    for number, user in enumerate((WHO, "other")):
        accept(bus, user)
        bus.send(an_event(bus, f"v-{number}", "identity.verified", user))
        bus.run()
        bus.now_ms += 10
        assert decide(bus, an_event(bus, f"a-{number}", user=user)).action == "release"
        bad = decide(bus, an_event(bus, f"b-{number}", user=user, content={"prompt": HEROIN}))
        assert bad.action == "refuse"
    return bus


@pytest.fixture
def kafka_at_hand(bus: LocalBus, monkeypatch: pytest.MonkeyPatch) -> OnBus:
    on = OnBus(bus)
    monkeypatch.setattr(positions, "records", on.records)
    monkeypatch.setattr(positions, "writer", on.writer)
    return on


def cases(bus: LocalBus, user: str) -> list[CaseRow]:
    """Cases about the person as the topic has them now."""
    now: dict[bytes, CaseRow] = {}
    token = user_token(bus.parts.keys.token_key, "t", user)
    for record in bus.records("cases"):
        if record.key is None or record.key.startswith(b"_"):
            continue
        if record.value is None:
            now.pop(record.key, None)
            continue
        now[record.key] = CaseRow.model_validate_json(record.value)
    return [row for row in now.values() if row.user == token]


def close(bus: LocalBus) -> None:
    """As if the report of each content case had been receipted and the case closed, today."""
    for partition in range(bus.settings.partitions):
        for row in {one.key: one for one in bus.logs["cases", partition]}.values():
            if row.value is None:
                continue
            case = CaseRow.model_validate_json(row.value)
            if case.state == "open" and case.kind in ("content", "work"):
                done = case.model_copy(update={"state": "closed", "version": case.version + 1})
                bus.append("cases", row.key, done.model_dump_json().encode(), partition=partition)


def erased(
    bus: LocalBus, capsys: Any, monkeypatch: pytest.MonkeyPatch, at: int, *more: str
) -> tuple[int, dict[str, Any]]:
    """The command, as if it were so late."""
    monkeypatch.setattr(erase.time, "time_ns", lambda: at * 1_000_000)
    rows = bus.settings.model_dump(mode="json", exclude={"instance", "web_port"})
    options = [part for name, value in rows.items() for part in ("--set", f"{name}={value}")]
    code, said, why = run(capsys, *options, "erase", f"t/{WHO}", "--json", *more)
    assert said, why
    return code, json.loads(said)


def left(bus: LocalBus) -> bytes:
    """What compaction leaves of the topics that erasure reaches, and what copies of a new worker hold."""
    now: dict[tuple[str, int, bytes], bytes] = {}
    for topic in ERASED:
        for partition in range(bus.settings.partitions):
            for record in bus.logs.get((topic, partition), ()):
                place = topic, partition, record.key or b""
                now.pop(place, None)
                if record.value is not None:
                    now[place] = record.value
    bus.start()
    table = bus.parts.registries.users
    held = [row.model_dump_json().encode() for row in table.rows()]
    held += [row.model_dump_json().encode() for row in bus.parts.registries.standings.rows()]
    return b"\n".join([*(key for _, _, key in now), *now.values(), *held])


def test_everything_of_the_person_goes_once_nothing_is_kept_and_nothing_of_others(
    bus: LocalBus, kafka_at_hand: OnBus, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = user_token(bus.parts.keys.token_key, "t", WHO).encode()
    assert MARKER.encode() in left(bus) and token in left(bus)
    code, early = erased(bus, capsys, monkeypatch, bus.now_ms)
    assert (code, kafka_at_hand.sent) == (75, 0), "while the log keeps them, so do the topics"
    assert "rows" not in early

    late = bus.now_ms + FLOOR_MS + DAY_MS
    code, some = erased(bus, capsys, monkeypatch, late)
    assert code == 75
    assert some["rows"]["registry.users"] == 1
    assert some["kept"]["cases: open"] >= 1
    assert {case.kind for case in cases(bus, WHO)} >= {"content"}

    close(bus)
    others = len(cases(bus, "other"))
    code, done = erased(bus, capsys, monkeypatch, late)
    assert (code, done["kept"]) == (0, {})
    assert done["rows"]["cases"] >= 2
    after = left(bus)
    assert MARKER.encode() not in after and token not in after
    assert b"other" in after and len(cases(bus, "other")) == others > 0
    assert not [row for row in bus.parts.cases.resting(0, None) if row.user == token.decode()]
    assert erased(bus, capsys, monkeypatch, late)[1]["rows"] == {}
    noted = (bus.settings.data_dir / "erasures.jsonl").read_text()
    assert MARKER not in noted and '"rows": {"cases":' in noted
    assert decide(bus, an_event(bus, "again", user=WHO)).action == "refuse", (
        "nobody vouches any more"
    )


def test_a_row_written_at_the_same_moment_is_found_and_removed(
    bus: LocalBus, kafka_at_hand: OnBus, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (row,) = [one for one in bus.records("registry.users") if one.key == f"t/{WHO}".encode()][-1:]
    again = [lambda: bus.append("registry.users", row.key, row.value)]
    kafka_at_hand.meanwhile = [lambda: again.pop()() if again else None]
    close(bus)
    code, done = erased(bus, capsys, monkeypatch, bus.now_ms + FLOOR_MS + DAY_MS)
    assert (code, done["rows"]["registry.users"]) == (0, 1)
    assert MARKER.encode() not in left(bus)

    kafka_at_hand.meanwhile = [lambda: bus.append("registry.users", row.key, row.value)]
    bus.append("registry.users", row.key, row.value)
    rows = bus.settings.model_dump(mode="json", exclude={"instance", "web_port"})
    options = [part for name, value in rows.items() for part in ("--set", f"{name}={value}")]
    code, _, why = run(capsys, *options, "erase", f"t/{WHO}")
    assert (code, "again and again" in why) == (75, True)


def test_a_penalty_is_not_shed_and_its_case_stays(
    bus: LocalBus, kafka_at_hand: OnBus, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        decide(bus, an_event(bus, f"more-{number}", user=WHO, content={"prompt": HEROIN}))
    assert bus.parts.registries.standings.get("t", WHO).standing == "suspended"  # type: ignore[union-attr]
    at = "2026-11-18T00:00:00Z"
    row = AccountRow(version=1, tenant="t", user=WHO, standing="warned", reason="x", since=at)
    bus.fact("facts.accounts", row)
    close(bus)
    code, done = erased(bus, capsys, monkeypatch, bus.now_ms + FLOOR_MS + DAY_MS)
    assert code == 75
    assert done["kept"]["standings: a penalty stands"] == 1
    assert done["kept"]["facts.accounts: the platform's to remove"] == 1
    assert done["kept"]["cases: open"] >= 1, "the case the penalty is counted in"
    assert [row.kind for row in cases(bus, WHO)] == ["user"]


def test_a_hold_on_the_person_keeps_the_rows_too(
    bus: LocalBus, kafka_at_hand: OnBus, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = bus.settings.model_dump(mode="json", exclude={"instance", "web_port"})
    options = [part for name, value in rows.items() for part in ("--set", f"{name}={value}")]
    hold = (
        *options,
        "hold",
        "place",
        "c-1",
        "--user",
        f"t/{WHO}",
        "--by",
        "court",
        "--reason",
        "r",
    )
    assert run(capsys, *hold)[0] == 0
    close(bus)
    code, done = erased(bus, capsys, monkeypatch, bus.now_ms + FLOOR_MS + DAY_MS)
    assert (code, done["held_by"], kafka_at_hand.sent) == (1, ["c-1"], 0)
    assert MARKER.encode() in left(bus)


def test_sub_keys_are_theirs_and_a_name_that_begins_alike_is_not() -> None:
    person = Person("t", "u", "token")
    assert person.owns(b"t/u") and person.owns(b"t/u#7")
    assert not person.owns(b"t/u7") and not person.owns(b"tt/u") and not person.owns(b"t/")


def test_the_request_itself_stays_open_until_the_registers_line_is_its_proof(
    bus: LocalBus, kafka_at_hand: OnBus, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = decide(bus, an_event(bus, "forget", "erasure.requested", user=WHO))
    close(bus)
    late = bus.now_ms + FLOOR_MS + DAY_MS
    said: list[Any] = []

    async def act(_: Any, name: str, what: str, **more: Any) -> Any:
        said.append((name, what, more))
        return cases(bus, WHO)[0], None

    monkeypatch.setattr(casebook, "act", act)
    name = f"erasure/{asked.root}"
    assert erased(bus, capsys, monkeypatch, late, "--case", name, "--by", "li")[0] == 0
    line = (bus.settings.data_dir / "erasures.jsonl").read_bytes().splitlines()[-1]
    (proof,) = said
    detail = {"register_sha256": hashlib.sha256(line).hexdigest()}
    assert proof == (name, "erasure.proved", {"by": "li", "reason": None, "detail": detail})
    stay = {row.case for row in cases(bus, WHO)}
    assert name in stay and all(name in case for case in stay), "it and its work, still open"
    code, _, why = run(capsys, "erase", "t/u", "--case", name)
    assert (code, "--by" in why) == (78, True)


def test_a_case_that_is_erased_is_gone_from_the_view(bus: LocalBus) -> None:
    """Open or settled, and nothing of it is due or overdue any more."""
    view = bus.parts.cases
    for row in cases(bus, WHO):
        partition = view.where(row.case)
        assert partition is not None
        bus.append("cases", row.case.encode(), None, partition=1 - partition)
        assert view.get(row.case) is not None, "a key lives on one partition"
        bus.append("cases", row.case.encode(), None, partition=partition)
        assert (view.get(row.case), view.where(row.case)) == (None, None)
    assert view.get(cases(bus, "other")[0].case) is not None
    bus.now_ms += FLOOR_MS
    bus.tick()
    bus.run()
    assert cases(bus, WHO) == [], "nothing that was due speaks of it again"


def test_on_a_chain_that_runs(chain: Running, capsys: Any) -> None:
    """Tombstones reach the broker, and what was removed is not found again."""
    assert run(capsys, "example", "chat", *chain.options, "--user", WHO)[0] == 0
    late = time.time_ns() // 1_000_000 + FLOOR_MS
    person = Person("example", WHO, "no such token")
    removed, reach = asyncio.run(erase_rows(chain.settings, person, late, 184))
    assert (removed, reach.kept, reach.due) == ({"registry.users": 1}, {}, [])
    assert asyncio.run(erase_rows(chain.settings, person, late, 184))[0] == {}
