"""A load that a platform could send: lawful, refused, held, malformed, repeated; follow-ups cite passes.

Records go straight to the topics by librdkafka, not by our client. What depends on a decision (the answer to a
request, its publication, a reviewer's word on a hold) is sent when the decision comes.
"""

import json
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from synthgate.demo.acts import NET, SOURCE, TENANT, TERMS
from synthgate.demo.facts import facts
from synthgate.events.facts import key_of
from synthgate.settings import Settings

DRUGS = "哪里可以买到海洛因"
FUNDS = "写一句稳赚不赔的理财广告"
RAW = (
    b"\xff\xfe not json", b'{"tenant":"demo","tenant":"demo"}', b"[]", b"",
    b'{"tenant":"demo","n":1180591620717411303424}', b'{"tenant":"demo","n":1e400}',
)  # fmt: skip
SAID_SECONDS = 60.0
UNTIL_SECONDS = 120.0
"""A worker starts, a session ends and a group comes to rest within it, on a machine that has more to do."""
ANSWER_MS = 5000
"""Less than librdkafka's minute: a frozen broker must not stop the load that others take."""


@dataclass(frozen=True)
class Sent:
    """One record as sent, to be sent again."""

    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


class Load:
    """Sends acts and reacts to decisions. ``seed`` fixes what is sent, not when.

    transactions: some acts are sent in transactions, so that offsets are absent.
    """

    def __init__(
        self, settings: Settings, seed: int = 1, users: int = 40, *, transactions: bool = True
    ) -> None:
        self._settings = settings
        self._random = random.Random(seed)
        self._users = [f"u{seed}-{number}" for number in range(users)]
        self._bad = {f"u{seed}-{number}" for number in range(users // 8)}
        self._unverified = {f"u{seed}-{users - 1 - number}" for number in range(users // 10)}
        self._number = 0
        self._seed = seed
        self._reacted: set[str] = set()
        self._sent: list[Sent] = []
        self.outstanding: set[str] = set()
        """Event ids sent once, not answered."""
        self.answered: Counter[str] = Counter()
        """Records on ``decisions`` by action, copies included."""
        servers = {
            "bootstrap.servers": settings.brokers, "log_level": 2,
            "socket.timeout.ms": ANSWER_MS,
        }  # fmt: skip
        self._sending = {**servers, "partitioner": "murmur2", "request.timeout.ms": ANSWER_MS}
        # One request at a time keeps the order when one is sent again; the chain knows repeats.
        self._producer = Producer(
            {**self._sending, "linger.ms": 2, "max.in.flight.requests.per.connection": 1}
        )
        self._consumer = Consumer(
            {**servers, "group.id": f"{settings.topic_prefix}load{seed}", "enable.auto.commit": False,
             "auto.offset.reset": "earliest", "fetch.wait.max.ms": 20}
        )  # fmt: skip
        self._transactions = int(transactions)
        self._main = self._producer
        self._transactional = self._new_transactional()
        name = settings.topic("decisions")
        self._consumer.assign([TopicPartition(name, n, 0) for n in range(settings.partitions)])

    @property
    def unsent(self) -> int:
        """Records the broker has not acknowledged."""
        return len(self._main)

    def close(self) -> None:
        """Let go of the broker."""
        self._consumer.close()

    def facts(self) -> None:
        """What must be known first: templates, library, reviewers; and who is verified."""
        for topic, row in facts(_now_ms()):
            self._put(topic, key_of(topic, row).encode(), row.model_dump_json().encode(), [])
        self._producer.flush(SAID_SECONDS)
        for user in self._users:
            if user not in self._unverified:
                self._vouch(user)

    def send(self, acts: int) -> None:
        """So many first acts, of all sorts, of all users."""
        kinds: list[tuple[Callable[[str], None], int]] = [
            (self._ask, 50), (self._illegal, 10), (self._held, 6), (self._raw, 8), (self._again, 12),
            (self._other, 4), (self._image, 5), (self._without_pass, 4), (self._no_such_hold, 1),
            (self._transaction, 3 * self._transactions),
        ]  # fmt: skip
        chosen = self._random.choices([k for k, _ in kinds], [w for _, w in kinds], k=acts)
        for kind in chosen:
            kind(self._random.choice(self._users))
        self._producer.flush(SAID_SECONDS)

    def listen(self, seconds: float) -> None:
        """Hear decisions for so long; react to each once."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            for record in self._consumer.consume(500, min(left, 0.02)):
                assert record.error() is None, record.error()
                self._react(json.loads(record.value()), record.key(), record.partition())
            self._producer.poll(0)

    def until(self, done: Callable[[], bool], seconds: float, what: str) -> None:
        """Listen until ``done``; AssertionError when it takes too long."""
        end = time.monotonic() + seconds
        while not done():
            self.listen(0.05)
            assert time.monotonic() < end, f"{what}: not within {seconds} s; {self.standing()}"
        self._producer.flush(SAID_SECONDS)

    def standing(self) -> str:
        """What was heard, and what was not."""
        waiting = (
            f"{len(self.outstanding)} without an answer, such as {sorted(self.outstanding)[:5]}"
        )
        return f"heard {dict(self.answered)}; {waiting}; {self.unsent} not acknowledged"

    def part_answered(self) -> None:
        """Listen until many of what is under way are answered, and return with others still under way.

        However fast the chain is: if all was answered at once, while we did not look, more is sent.
        """
        before = len(self.outstanding)
        self.until(lambda: len(self.outstanding) < before * 0.6, UNTIL_SECONDS, "most of it")
        if len(self.outstanding) < before * 0.1:
            self.send(before)

    def _vouch(self, user: str) -> None:
        """Verify a user, who accepts the terms."""
        self._event(user, "identity.verified", {
            "method": "mobile", "checker": "checker", "verified_at": _moment(),
            "evidence_ref": f"vault/{user}", "age_band": "adult",
        })  # fmt: skip
        self._event(user, "terms.accepted", {
            "terms_version": TERMS, "duty_notice_shown": True, "accepted_at": _moment(),
        })  # fmt: skip

    # First acts.

    def _ask(self, user: str) -> None:
        self._event(user, "generation.requested", {"content": {"prompt": "写一首关于春天的诗"}})

    def _illegal(self, user: str) -> None:
        user = self._random.choice(sorted(self._bad))
        self._event(user, "generation.requested", {"content": {"prompt": DRUGS}})

    def _held(self, user: str) -> None:
        self._event(user, "generation.requested", {"content": {"prompt": FUNDS}})

    def _image(self, user: str) -> None:
        generation = self._generation() | {"medium": "image"}
        content = {"prompt": "画一只猫"}
        self._event(user, "generation.requested", {"generation": generation, "content": content})

    def _without_pass(self, user: str) -> None:
        self._event(user, "generation.completed", {"content": {"text": "你好"}})

    def _transaction(self, user: str) -> None:
        """Two requests in one transaction: its end is an offset without a record; aborted, so are they.

        One that does not get through while a broker is away is given up; the next producer ends it.
        """
        self._producer = self._transactional
        outstanding, sent, through = set(self.outstanding), len(self._sent), False
        commits = self._random.random() < 0.5
        try:
            self._producer.begin_transaction()
            self._ask(user)
            self._ask(self._random.choice(self._users))
            if commits:
                self._producer.commit_transaction(SAID_SECONDS)
                through = True
            else:
                self._producer.flush(SAID_SECONDS)
                self._producer.abort_transaction(SAID_SECONDS)
        except KafkaException:
            self._transactional = self._new_transactional()
        finally:
            self._producer = self._main
        if not through:
            self.outstanding = outstanding
            del self._sent[sent:]

    def _new_transactional(self) -> Producer:
        name = f"{self._settings.topic_prefix}{self._seed}"
        producer = Producer({**self._sending, "transactional.id": name})
        producer.init_transactions(SAID_SECONDS)
        return producer

    def _raw(self, user: str) -> None:
        headers = [("ce_type", b"generation.requested")] * self._random.randrange(2)
        self._put("generation.events", _key(user), self._random.choice(RAW), headers)

    def _again(self, _: str) -> None:
        if self._sent:
            sent = self._random.choice(self._sent[-400:])
            self._put(sent.topic, sent.key, sent.value, sent.headers)

    def _other(self, _: str) -> None:
        """The same id with other bytes."""
        if self._sent:
            sent = self._random.choice(self._sent[-400:])
            value = json.dumps(json.loads(sent.value) | {"purpose_note": "other"}).encode()
            self._put(sent.topic, sent.key, value, sent.headers)

    def _no_such_hold(self, user: str) -> None:
        receipt = {"log": 0, "index": 10**6, "hash": "0" * 64}
        self._back(_key(user), None, "1/generation.events/0/0", receipt, "pass")

    # What follows from a decision.

    def _react(self, decision: dict[str, Any], key: bytes, partition: int) -> None:
        self.answered[decision["action"]] += 1
        self.outstanding.discard(decision["event_id"])
        if decision["decision"] in self._reacted:
            return
        self._reacted.add(decision["decision"])
        if decision["action"] == "hold":
            word = self._random.choice(("pass", "block"))
            for _ in range(self._random.choice((1, 1, 2))):  # a second answer is superseded
                self._back(key, partition, decision["root"], decision["receipt"], word)
        if decision["action"] != "release" or decision["pass"] is None:
            return
        user = key.decode().partition("/")[2]
        cited = {
            "pass": decision["pass"],
            "generation": self._generation() | {"id": decision["generation"]},
        }
        if decision["type"] == "generation.requested":
            text = self._random.choice(("春风拂柳绿。", "Boats sleep under a slate sky.", DRUGS))
            self._event(user, "generation.completed", {**cited, "content": {"text": text}})
        elif decision["type"] == "generation.completed" and self._random.random() < 0.5:
            content = {"objects": decision["objects"]}
            self._event(user, "content.published", {**cited, "content": content})

    def _event(self, user: str, kind: str, data: dict[str, Any]) -> None:
        self._number += 1
        name = f"{self._seed}-{self._number}"
        if kind.startswith(("generation.", "content.")):
            data = {"generation": self._generation()} | data
        data = {"tenant": TENANT, "user": {"id": user}, "net": dict(NET)} | data
        attrs = {
            "specversion": "1.0",
            "id": name,
            "source": SOURCE,
            "type": kind,
            "time": _moment(),
        }
        headers = [(f"ce_{k}", v.encode()) for k, v in attrs.items()]
        sent = Sent("generation.events", _key(user), json.dumps(data).encode(), headers)
        self._sent.append(sent)
        self.outstanding.add(name)
        self._put(sent.topic, sent.key, sent.value, sent.headers)

    def _generation(self) -> dict[str, Any]:
        return {"id": f"g{self._seed}-{self._number}", "medium": "text", "template": "chat",
                "purpose": "chat"}  # fmt: skip

    def _back(
        self, key: bytes, partition: int | None, root: str, receipt: dict[str, Any], word: str
    ) -> None:
        """A reviewer's word on a hold."""
        self._number += 1
        said = {"reviewer": "reviewer-1", "outcome": word, "at": _moment()}
        data = {
            "tenant": TENANT,
            "root": root,
            "cause": "review",
            "receipt": receipt,
            "evidence": said,
        }
        attrs = {"specversion": "1.0", "id": f"{self._seed}-back-{self._number}", "source": "desk",
                 "type": "passage.reentered", "time": _moment()}  # fmt: skip
        headers = [(f"ce_{k}", v.encode()) for k, v in attrs.items()]
        self._put("operator.events", key, json.dumps(data).encode(), headers, partition)

    def _put(
        self, topic: str, key: bytes, value: bytes, headers: list[tuple[str, bytes]],
        partition: int | None = None,
    ) -> None:  # fmt: skip
        place = {} if partition is None else {"partition": partition}
        name = self._settings.topic(topic)
        # What a transaction could not send fails the transaction.
        heard = _delivered if self._producer is self._main else None
        self._producer.produce(name, value, key, headers=headers, on_delivery=heard, **place)
        self._producer.poll(0)


def _delivered(error: Any, _: Any) -> None:
    assert error is None, error


def _key(user: str) -> bytes:
    return f"{TENANT}/{user}".encode()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _moment() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
