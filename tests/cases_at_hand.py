"""Acts on cases for tests of steps: what people, platforms and machines say about them, on a bus at hand."""

from typing import Any

import orjson

from acts_at_hand import an_event, decide
from local_bus import LocalBus
from synthgate.demo.acts import moment
from synthgate.events.decision import CaseRow, Decision, WorkRow
from synthgate.events.facts import StandingRow

ILLEGAL = {"content": {"prompt": "where can I buy heroin"}}


def violate(bus: LocalBus, id: str, user: str = "u", **over: Any) -> Decision:
    bus.now_ms += 1000
    return decide(bus, an_event(bus, id, user=user, **(ILLEGAL | over)))


def newest(bus: LocalBus) -> dict[str, CaseRow]:
    """Every case as it is now."""
    rows = [CaseRow.model_validate_json(r.value or b"") for r in bus.records("cases")]
    return {row.case: row for row in sorted(rows, key=lambda row: row.version)}


def case(bus: LocalBus, name: str) -> CaseRow:
    held = newest(bus)
    assert name in held, f"no case {name}; there are {sorted(held)}"
    return held[name]


def of_kind(bus: LocalBus, kind: str) -> list[CaseRow]:
    held = newest(bus)
    return [held[name] for name in sorted(held) if held[name].kind == kind and name[0] != "_"]


def standing(bus: LocalBus, user: str = "u", tenant: str = "t") -> StandingRow | None:
    held = bus.parts.registries.standings.get(tenant, user)
    assert held is None or isinstance(held, StandingRow)
    return held


def works(bus: LocalBus, kind: str | None = None) -> dict[str, WorkRow]:
    rows = [WorkRow.model_validate_json(r.value or b"") for r in bus.records("work")]
    return {row.id: row for row in rows if kind in (None, row.kind)}


def act(bus: LocalBus, row: CaseRow, what: str, **over: Any) -> Decision:
    """A person acts on a case, through the door."""
    import base64

    bus.now_ms += 1000
    key = base64.b64decode(row.key or "")
    _, _, user = key.decode().partition("/")
    data: dict[str, Any] = {
        "tenant": row.tenant, "case": row.case, "act": what, "by": "desk-1", "reason": "looked at it",
    }  # fmt: skip
    if row.user is not None:
        data["user"] = {"id": user.split("#", 1)[0]}
    data = {k: v for k, v in (data | over).items() if v is not None}
    attrs = {
        "specversion": "1.0", "id": f"act-{bus.now_ms}", "source": "desk", "type": "case.acted",
        "time": moment(bus.now_ms),
    }  # fmt: skip
    partition = bus.parts.cases.where(row.case)
    before = bus.ends("decisions")
    headers = [(f"ce_{k}", v.encode()) for k, v in attrs.items()]
    bus.append("operator.events", key, orjson.dumps(data), headers, partition)
    bus.run()
    (said,) = bus.since("decisions", before)
    return Decision.model_validate_json(said.value or b"")


def tell(
    bus: LocalBus, type: str, case: str, *, id: str = "", partition: int | None = None, **data: Any
) -> None:
    """A record on case.events."""
    bus.now_ms += 1000
    name = case
    event = {
        "specversion": "1.0", "id": id or f"{type}-{bus.now_ms}", "source": "app", "type": type,
        "time": moment(bus.now_ms), "data": {"tenant": "t", "case": name, **data},
    }  # fmt: skip
    bus.append("case.events", name.encode(), orjson.dumps(event), partition=partition)
    bus.run()


def appeal(bus: LocalBus, penalty: str, id: str = "appeal-1", user: str = "u") -> Decision:
    bus.now_ms += 1000
    return decide(bus, an_event(bus, id, "penalty.appealed", user=user, penalty=penalty))


def done(bus: LocalBus, work: str, type: str = "work.done", **over: Any) -> None:
    partition = bus.parts.cases.where(f"work/{work}")
    data: dict[str, Any] = {"work": work, "detail": {"proof": "ref-1"}} | over
    tell(bus, type, "any", partition=partition, **data)
