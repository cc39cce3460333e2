"""What a platform sends in the long run: lawful, refused, held, repeated, malformed; consents taken back.

A hundred numbers are one round. Most are requests as ``load.py`` makes them; the others, by place in the round,
are the acts below. The same numbers give the same acts of the same users.
"""

import hashlib
from collections import Counter, deque
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson

from synthgate.bench.load import (
    TENANT,
    UNREGISTERED,
    USERS,
    Sent,
    event_id,
    events,
    moment,
    verified,
)
from synthgate.events.facts import ConsentRow, ControlRow, RevocationRow, Row, TemplateRow
from synthgate.settings import Settings
from synthgate.steps.partition import partition_of

ROUND: Final = 100
ACTS: Final[Mapping[int, str]] = {
    3: "entry", 11: "held", 19: "unknown template", 27: "image", 35: "no pass", 43: "edit",
    51: "revoked", 59: "again", 67: "again", 75: "other bytes", 83: "raw", 91: "raw",
}  # fmt: skip
"""By place in a round. No place: a lawful request."""
SELDOM: Final = 10
"""An act for illegal content is in every so manieth round: its case stays open until a desk has closed it."""
ANSWERS: Final[Mapping[str, str]] = {
    "lawful": "release", "entry": "refuse", "held": "hold", "unknown template": "refuse",
    "image": "refuse", "no pass": "refuse", "edit": "release", "revoked": "refuse",
}  # fmt: skip
"""First answer to an act with an id of its own."""
REVIEWED: Final = "release"
"""What a hold becomes by its reviewer's word."""
WITH_ID: Final = sum(ACTS.get(place, "lawful") in ANSWERS for place in range(ROUND)) / ROUND
"""Share of acts that bear an id of their own, and so have an answer to wait for."""
RAW: Final = (
    b"\xff\xfe not json", b'{"tenant":"bench","tenant":"bench"}', b"[]", b"",
    b'{"tenant":"bench","n":1180591620717411303424}',
)  # fmt: skip
BAD_USERS: Final = 40
"""People whose requests hold an entry of the library: they are warned and suspended, and go on asking."""
EDITORS: Final = 40
"""People who edit others."""
_BAD: Final = USERS
_EDITORS: Final = USERS + BAD_USERS
PERSONS: Final = 500
"""People edited. Every second one's consent is given anew and taken back all the time."""
EDITS: Final = "style"
REVIEWER: Final = "bench-reviewer"
_NOTICE: Final = hashlib.sha256(b"bench notice").hexdigest()
_HOUR_MS: Final = 3_600_000
AGAIN: Final = 30
"""A repeat is of the event so many numbers before: a lawful one, for every place of a repeat."""


class Act(NamedTuple):
    """One record to send; ``number``: of its event, None where it bears no id of its own."""

    kind: str
    number: int | None
    sent: Sent


def kind_of(number: int) -> str:
    """The act of that number."""
    kind = ACTS.get(number % ROUND, "lawful")
    return "lawful" if kind == "entry" and number // ROUND % SELDOM else kind


def shares() -> dict[str, float]:
    """How many of a hundred acts are of each kind, but for the lawful."""
    many = Counter(kind_of(number) for number in range(ROUND * SELDOM))
    return {kind: times * 100 / many.total() for kind, times in many.items() if kind != "lawful"}


class Mix:
    """Makes acts in order, from number 0 on."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._next = 0
        self._before: deque[Sent] = deque(maxlen=AGAIN)

    def made(self, count: int, now_ms: int) -> list[Act]:
        """The next ``count`` acts, all of the time ``now_ms``."""
        first, self._next = self._next, self._next + count
        requests = events(self._settings, count, now_ms, first=first)
        return [self._act(number, sent) for number, sent in enumerate(requests, first)]

    def _act(self, number: int, request: Sent) -> Act:
        kind, sent = kind_of(number), request
        if kind == "raw":
            sent = request._replace(value=RAW[number // ROUND % len(RAW)], headers=[])
        elif kind == "again":
            sent = self._before[0]
        elif kind == "other bytes":
            changed = orjson.loads(self._before[0].value) | {"purpose_note": "other"}
            sent = self._before[0]._replace(value=orjson.dumps(changed))
        elif kind != "lawful":
            sent = _other(self._settings, kind, number, request)
        self._before.append(request)
        return Act(kind, number if kind in ANSWERS else None, sent)


def _other(settings: Settings, kind: str, number: int, request: Sent) -> Sent:
    """The lawful request of that number, made into another act."""
    data: dict[str, Any] = orjson.loads(request.value)
    headers, turn = request.headers, number // ROUND
    if kind == "entry":
        data["user"]["id"] = f"user-{_BAD + turn // SELDOM % BAD_USERS:05d}"
        data["content"] = {"prompt": "哪里可以买到海洛因"}
    elif kind == "held":
        data["content"] = {"prompt": "写一句稳赚不赔的理财广告"}
    elif kind == "unknown template":
        data["generation"]["template"] = UNREGISTERED
    elif kind == "image":
        data["generation"]["medium"] = "image"
    elif kind == "no pass":
        data["content"] = {"text": "你好"}
        headers = [(n, b"generation.completed" if n == "ce_type" else v) for n, v in headers]
    else:
        data["user"]["id"] = f"user-{_EDITORS + turn % EDITORS:05d}"
        data["generation"]["template"] = EDITS
        person = turn * 2 % PERSONS + (kind == "revoked")
        data["subjects"] = [{"token": _person(person), "age_band": "adult"}]
    key = f"{TENANT}/{data['user']['id']}".encode()
    return Sent(partition_of(key, settings.partitions), key, orjson.dumps(data), headers)


def facts(now_ms: int) -> list[tuple[str, Row]]:
    """What the mix needs beside the facts of ``load.py``: a template for edits, a reviewer, consents."""
    at = moment(now_ms)
    template = TemplateRow(
        version=1, tenant=TENANT, template=EDITS, media=["text"], ds_class="DS1", a17_item=1,
        reviewed_media=["text"], status="enabled", edits_person=["style"],
    )  # fmt: skip
    reviewers = ControlRow(
        version=1, name=f"reviewers/{TENANT}", body={"reviewers": [REVIEWER]}, by="bench", at=at
    )
    rows: list[tuple[str, Row]] = [("facts.templates", template), ("control", reviewers)]
    rows += [("facts.consents", _consent(person, now_ms)) for person in range(PERSONS)]
    rows += [("registry.users", verified(_BAD + each, now_ms)) for each in range(BAD_USERS)]
    rows += [
        ("registry.users", verified(_EDITORS + each, now_ms, told_of=EDITS))
        for each in range(EDITORS)
    ]
    rows += [("facts.revocations", revocation(person, now_ms)) for person in range(1, PERSONS, 2)]
    return rows


def revocation(person: int, now_ms: int) -> Row:
    """The person takes the consent back (again): a later version of the row that is there."""
    return RevocationRow(
        version=now_ms, tenant=TENANT, subject=_person(person), grant=f"grant-{person}",
        revoked_at=moment(now_ms - _HOUR_MS // 2), biometric=["style"],
    )  # fmt: skip


def _consent(person: int, now_ms: int) -> Row:
    return ConsentRow(
        version=1, tenant=TENANT, subject=_person(person), grant=f"grant-{person}",
        grantor="subject", age_band="adult", biometric=["style"], purposes=["chat"], separate=True,
        notice_sha256=_NOTICE, channel="bench-app", proof_ref=f"vault/{person}", necessity_shown=True,
        granted_at=moment(now_ms - _HOUR_MS),
    )  # fmt: skip


def _person(person: int) -> str:
    return f"subj-bench-{person:04d}"


def answer_to(hold: Mapping[str, Any], now_ms: int) -> tuple[bytes, list[tuple[str, bytes]]]:
    """A reviewer's word on a held event, for ``operator.events``: value and headers. hold: the decision."""
    data = {
        "tenant": TENANT, "root": hold["root"], "cause": "review", "receipt": hold["receipt"],
        "evidence": {"reviewer": REVIEWER, "outcome": "pass", "at": moment(now_ms)},
    }  # fmt: skip
    attrs = {
        "specversion": "1.0", "id": f"answer-{hold['decision']}", "source": "bench-desk",
        "type": "passage.reentered", "time": moment(now_ms),
    }  # fmt: skip
    return orjson.dumps(data), [(f"ce_{name}", text.encode()) for name, text in attrs.items()]


def number_of(name: str | None) -> int | None:
    """The number of an event of ours by its id; None for any other."""
    head, _, digits = (name or "").rpartition("-")
    return int(digits) if digits.isdigit() and event_id(int(digits)) == f"{head}-{digits}" else None
