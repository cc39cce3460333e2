"""What ``test_promise`` writes: users who ask, a lag ago as far as anybody can see, and what forbids it."""

import json
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from confluent_kafka import TIMESTAMP_CREATE_TIME, TIMESTAMP_LOG_APPEND_TIME, Producer

from synthgate.cli.produce import line_of
from synthgate.demo.acts import NET, SOURCE, TENANT, TERMS, moment
from synthgate.events.facts import (
    AccountRow,
    RecallRow,
    RevocationRow,
    Row,
    SwitchRow,
    key_of,
)
from synthgate.settings import Settings

WAIT_S = 180.0
SUBJECT = "subj-promise"
SOURCES = "generation.events"
Facts = dict[str, tuple[str, Callable[[int], Row]]]

FORBIDS: Facts = {
    "closed": ("facts.accounts", lambda now: AccountRow(
        version=now, tenant=TENANT, user="closed", standing="closed", reason="terms", since=moment(now))),
    "revoked": ("facts.revocations", lambda now: RevocationRow(
        version=now, tenant=TENANT, subject=SUBJECT, grant="g", revoked_at=moment(now))),
    "switched": ("facts.switches", lambda now: SwitchRow(
        version=now, tenant=TENANT, function="template:promise-off", off=True, order="o-1",
        since=moment(now))),
    "recalled": ("facts.recalls", lambda now: RecallRow(
        version=now, tenant=TENANT, generation="g-recalled", recalled=True, reason="x", since=moment(now))),
}  # fmt: skip
"""By user of the backlog: what forbids what they ask for."""


class Bus:
    """What the test writes, and when the broker had it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer = Producer(
            {"bootstrap.servers": settings.brokers, "partitioner": "murmur2", "linger.ms": 5}
        )
        self.users: dict[tuple[int, int], str] = {}
        """User of a request, by partition and offset."""
        self.stamped = ""
        """Whose time the newest event bears."""

    def fact(self, topic: str, row: Row) -> None:
        value = row.model_dump_json(by_alias=True).encode()
        self._producer.produce(self._settings.topic(topic), value, key_of(topic, row).encode())
        self._producer.poll(0)

    def event(self, kind: str, user: str, name: str, at_ms: int, **data: Any) -> None:
        """An event of its own time, appended at that time as far as anybody can see."""
        told = {
            "type": kind, "id": name, "source": SOURCE, "time": moment(at_ms),
            "data": {"tenant": TENANT, "user": {"id": user}, **data},
        }  # fmt: skip
        line = line_of(json.dumps(told).encode())

        def heard(error: Any, record: Any) -> None:
            assert error is None, error
            kinds = {
                TIMESTAMP_CREATE_TIME: "CreateTime",
                TIMESTAMP_LOG_APPEND_TIME: "LogAppendTime",
            }
            self.stamped = kinds[record.timestamp()[0]]
            if kind == "generation.requested":
                self.users[record.partition(), record.offset()] = user

        self._producer.produce(
            self._settings.topic(SOURCES), line.value, line.key, headers=line.headers,
            timestamp=at_ms, on_delivery=heard,
        )  # fmt: skip
        self._producer.poll(0)

    def flush(self) -> int:
        """Unix ms at which all of it was acknowledged."""
        assert self._producer.flush(WAIT_S) == 0
        return time.time_ns() // 1_000_000


class Asking:
    """Four users who ask, each in turn, a lag ago as far as anybody can see. ``asked``: how often, by user."""

    def __init__(self, bus: Bus, then: int) -> None:
        self._bus = bus
        self._then = then
        self.asked: Counter[str] = Counter()

    def introduce(self) -> None:
        """Verify them and tell them of the terms."""
        bus, then = self._bus, self._then
        for user in FORBIDS:
            bus.event(
                "identity.verified", user, f"v-{user}", then - 9000, method="mobile", checker="c",
                verified_at=moment(then - 9000), evidence_ref=f"vault/{user}", age_band="adult",
            )  # fmt: skip
            bus.event(
                "terms.accepted", user, f"t-{user}", then - 8000, terms_version=TERMS,
                duty_notice_shown=True, accepted_at=moment(then - 8000),
            )  # fmt: skip
            bus.event(
                "consent.prompted", user, f"p-{user}", then - 7000, template="style",
                prompted_at=moment(then - 7000),
            )  # fmt: skip

    def ask(self, user: str) -> None:
        """Once more."""
        number = self.asked[user]
        self.asked[user] += 1
        templates = {"revoked": "style", "switched": "promise-off"}
        person = {"subjects": [{"token": SUBJECT, "age_band": "adult", "is_actor": False}]}
        generation = {
            "id": "g-recalled" if user == "recalled" else f"g-{user}-{number}",
            "medium": "text", "template": templates.get(user, "chat"), "purpose": "chat",
        }  # fmt: skip
        self._bus.event(
            "generation.requested", user, f"r-{user}-{number}", self._then + number, net=dict(NET),
            generation=generation, content={"prompt": "写一首关于春天的诗"},
            **(person if user == "revoked" else {}),
        )  # fmt: skip
