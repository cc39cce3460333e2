"""What an entry says back: the decision and its pass, rebuilt byte for byte from what was logged.

Stored content of an entry, ``passage`` last and spliced::

    {"decision":{…}|null,"pass":{…}|null,"key":base64|null,"passage":<passage bytes>}

``decision`` lacks only what the append itself makes: the receipt, and the pass, which is signed at sending.
An entry with ``decision`` null (a repeat, a second answer) is answered with the latest decision of its root.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson

from synthgate.crypto.passes import PassBody, PassKeys, make_pass
from synthgate.events.passage import Passage
from synthgate.events.types import TYPES
from synthgate.events.verdicts import Verdict, reason_row

_PASSAGE: Final = b',"passage":'


@dataclass(frozen=True, slots=True)
class Promise:
    """How long a pass is good, and whether one is made at all."""

    enforced: bool
    serve_ms: int
    cite_ms: int


class Content(NamedTuple):
    """Content of an entry, unpacked. ``key``: the record's key, as the decision's is."""

    decision: dict[str, Any] | None
    pass_row: dict[str, Any] | None
    key: bytes | None
    passage: bytes


def pack(content: Content) -> bytes:
    """Content of an entry, as it is encrypted."""
    key = None if content.key is None else base64.b64encode(content.key).decode()
    head = orjson.dumps({"decision": content.decision, "pass": content.pass_row, "key": key})
    return b"".join((head[:-1], _PASSAGE, content.passage, b"}"))


def unpack(raw: bytes) -> Content:
    """Back from ``pack``."""
    at = raw.index(_PASSAGE)
    head = orjson.loads(raw[:at] + b"}")
    key = None if head["key"] is None else base64.b64decode(head["key"])
    return Content(head["decision"], head["pass"], key, raw[at + len(_PASSAGE) : -1])


def render(
    decision: Mapping[str, Any],
    pass_row: Mapping[str, Any] | None,
    receipt: Mapping[str, Any],
    keys: PassKeys,
) -> bytes:
    """The decision as it is sent."""
    signed = None
    if pass_row is not None:
        row = dict(pass_row)
        row["subjects"] = tuple(row["subjects"])
        signed = make_pass(keys, PassBody(**row, log=receipt["log"], index=receipt["index"]))
    return orjson.dumps({**decision, "receipt": receipt, "pass": signed})


def decision_row(
    passage: Passage,
    verdict: Verdict,
    *,
    action: str,
    supersedes: int | None,
    promise: Promise,
    user: str | None,
    now_ms: int,
) -> dict[str, Any]:
    """The decision on a passage that carries its five verdicts, without receipt and pass."""
    event = passage.event
    rows = [*passage.said]
    carried = _carried(passage) if action == "release" else {}
    stub = event.stub is not None
    return {
        "v": 1,
        "decision": passage.id,
        "root": str(passage.root),
        "origin": str(passage.origin),
        "tenant": event.tenant,
        "user": user,
        "source": event.source,
        "event_id": event.id,
        "type": event.type,
        "event_hash": passage.event_hash,
        "generation": None if stub else event.generation_id,
        "medium": "none" if stub else event.medium,
        "revision": passage.revision,
        "supersedes": supersedes,
        "action": action,
        "hold": verdict.hold.value if verdict.hold else None,
        "reasons": [*_reasons(rows), *_own(verdict)],
        "verdicts": [
            *map(_line, rows),
            {"obligation": "retention", "outcome": verdict.outcome.value},
        ],
        "objects": carried.get("objects", []),
        "label": carried.get("label"),
        "regimes": ["CN"] if stub else list(event.regimes),
        "enforced": promise.enforced,
        "decided_at": now_ms,
    }


def pass_row(
    decision: Mapping[str, Any],
    subjects: Sequence[str],
    promise: Promise,
    streamed: Mapping[str, Any],
) -> dict[str, Any] | None:
    """What the pass of a release says; None where no pass is due (no gate, observe mode, not a release).

    streamed: what the pass of a part of a stream says beside.
    """
    kind = TYPES.get(decision["type"])
    if decision["action"] != "release" or not promise.enforced or kind is None or not kind.gates:
        return None
    label = decision["label"] or {}
    return {
        "tenant": decision["tenant"],
        "generation": decision["generation"],
        "event_type": decision["type"],
        "produce_id": label.get("ProduceID"),
        "user": decision["user"],
        "subjects": list(subjects),
        "objects": {row["name"]: row["sha256"] for row in decision["objects"]},
        "action": "release",
        "serve_until": decision["decided_at"] + promise.serve_ms,
        "cite_until": decision["decided_at"] + promise.cite_ms,
        **streamed,
    }


def _carried(passage: Passage) -> Mapping[str, Any]:
    labelling = passage.verdict("labelling") or {}
    return labelling.get("carried") or {}


def _reasons(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Reasons of every duty before; "an earlier duty refused" says nothing new and is left out."""
    return [
        {"obligation": row["obligation"], **reason}
        for row in rows
        for reason in row["reasons"]
        if reason["rule"] != "HOUSE-upstream"
    ]


def _own(verdict: Verdict) -> list[dict[str, Any]]:
    return [
        {"obligation": "retention", **reason_row(reason)}
        for reason in verdict.reasons
        if reason.rule != "HOUSE-upstream" or reason.code == "upstream_missing"
    ]


def _line(row: Mapping[str, Any]) -> dict[str, Any]:
    line = {"obligation": row["obligation"], "outcome": row["outcome"]}
    if not row["reasons"]:
        return line
    if "hold" in row:
        line["hold"] = row["hold"]
    risks = sorted(
        {r["where"][5:] for r in row["reasons"] if r.get("where", "").startswith("risk:")}
    )
    if risks:
        line["risks"] = risks
    return line
