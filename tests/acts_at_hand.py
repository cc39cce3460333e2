"""Events and a bus for tests of steps: valid ones with your changes."""

from pathlib import Path
from typing import Any

from local_bus import LocalBus, local_settings
from synthgate.demo.acts import NET, TERMS, moment
from synthgate.demo.facts import control, template, terms
from synthgate.events.decision import Decision
from synthgate.events.facts import UserFact, UserRow
from synthgate.library.sample import SAMPLE_VERSION, sample_rows

SOURCE = "test"


def a_bus(folder: Path, *, fused: bool = False, **over: Any) -> LocalBus:
    """A chain that knows the sample library and the templates ``chat`` and ``style``."""
    bus = LocalBus(local_settings(folder, **over), fused=fused)
    now = bus.now_ms
    for row in sample_rows():
        bus.fact("facts.features", row)
    bus.fact("control", control("library", {"version": SAMPLE_VERSION, "agreed_by": "b"}, now))
    for tenant in ("t", "demo"):
        bus.fact("control", terms(tenant, now))
        bus.fact("control", control(f"reviewers/{tenant}", {"reviewers": ["r-1"]}, now))
        for name, edits in (("chat", []), ("style", ["style"])):
            row = template(name, now, edits_person=edits).model_copy(update={"tenant": tenant})
            bus.fact("facts.templates", row)
    return bus


def an_event(
    bus: LocalBus, id: str, type: str = "generation.requested", user: str = "u", **data: Any
) -> dict[str, Any]:
    """A CloudEvent with data; ``data`` members are laid over."""
    body: dict[str, Any] = {"tenant": "t", "user": {"id": user}, "net": dict(NET)}
    if type.split(".", maxsplit=1)[0] in ("generation", "asset", "content"):
        body["generation"] = {
            "id": f"g-{id}",
            "medium": "text",
            "template": "chat",
            "purpose": "chat",
        }
    if type == "generation.requested":
        body["content"] = {"prompt": "write a poem"}
    if type == "identity.verified":
        body |= {
            "method": "mobile", "checker": "c", "verified_at": moment(bus.now_ms),
            "evidence_ref": "e", "age_band": "adult",
        }  # fmt: skip
    if type == "terms.accepted":
        body |= {
            "terms_version": TERMS, "duty_notice_shown": True, "accepted_at": moment(bus.now_ms),
        }  # fmt: skip
    body |= data
    return {
        "specversion": "1.0", "id": id, "source": SOURCE, "type": type, "time": moment(bus.now_ms),
        "data": body,
    }  # fmt: skip


def verify(bus: LocalBus, user: str = "u") -> None:
    """Vouch for a user, who accepted the terms long ago."""
    accept(bus, user)
    bus.send(an_event(bus, f"verify-{user}", "identity.verified", user))
    bus.run()
    bus.now_ms += 10


def accept(bus: LocalBus, user: str = "u", tenant: str = "t", version: str = TERMS) -> None:
    """The user accepted the terms in force: as identity folded it."""
    at = bus.now_ms - 1000
    fact = UserFact(
        source=SOURCE,
        id=f"terms-{user}",
        hash="0" * 64,
        at=at,
        type="terms.accepted",
        value=version,
    )
    bus.fact("registry.users", UserRow(version=1, tenant=tenant, user=user, facts=[fact]))


def decide(bus: LocalBus, event: dict[str, Any]) -> Decision:
    """Send and return the decision it gets."""
    before = bus.ends("decisions")
    bus.send(event)
    bus.run()
    (answer,) = bus.since("decisions", before)
    return Decision.model_validate_json(answer.value or b"")


def answer(bus: LocalBus, decision: Decision, cause: str, **evidence: Any) -> Decision:
    """Answer a decision and return what comes of it."""
    import orjson

    first = next(
        r for r in bus.records("decisions") if decision.receipt.hash.encode() in (r.value or b"")
    )
    data = {
        "tenant": decision.tenant, "root": decision.root, "cause": cause,
        "receipt": decision.receipt.model_dump(), "evidence": evidence,
    }  # fmt: skip
    attrs = {
        "specversion": "1.0", "id": f"back-{bus.now_ms}", "source": "desk",
        "type": "passage.reentered", "time": moment(bus.now_ms),
    }  # fmt: skip
    headers = [(f"ce_{k}", v.encode()) for k, v in attrs.items()]
    before = bus.ends("decisions")
    bus.append("operator.events", first.key, orjson.dumps(data), headers, decision.receipt.log)
    bus.run()
    (said,) = bus.since("decisions", before)
    return Decision.model_validate_json(said.value or b"")


def codes(decision: Decision) -> set[str]:
    return {reason.code for reason in decision.reasons}
