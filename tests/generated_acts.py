"""Acts put together by chance, of every kind the text chain decides on: for tests that want many and unlike."""

import random
from typing import Any

from acts_at_hand import an_event
from local_bus import LocalBus
from synthgate.demo.acts import CHECKER, moment
from synthgate.demo.facts import HOUR_MS, consent, template
from synthgate.events.decision import Decision
from synthgate.events.facts import AccountRow, RevocationRow, SwitchRow
from synthgate.library.sample import sample_rows

USERS = [f"u-{number}" for number in range(40)]
STRANGERS = ["stranger-1", "stranger-2"]
SUBJECTS = [f"subject-{number:02d}" for number in range(8)]
WORDS = [
    "a poem on", "the sea", "写一首诗", "关于", "秋天", "的", "信", "river", "mountain", "tea", "月亮",
    "letter", "工作", "总结", "计划", "story", "故事", "to my friend", "天气", "很好", "blue", "train", "火车",
    "城市", "42", "garden", "𝒇𝒂𝒏𝒄𝒚", "é", "zero\u200bwidth", "👍",
]  # fmt: skip
BANNED = [row.value for row in sample_rows() if row.kind in ("keyword", "domain", "url")]
KINDS = {
    "asked": 40, "done": 26, "published": 6, "styled": 6, "prompted": 3, "bare": 3, "unregistered": 3,
    "repeat": 3, "late": 2, "torn": 2, "verified": 2, "off": 1, "odd": 1, "forged": 2,
}  # fmt: skip


def told(bus: LocalBus, chance: random.Random) -> None:
    """What is known before: people, templates, consents given and taken back, accounts, a switch."""
    at = moment(bus.now_ms - HOUR_MS)
    for user in USERS:
        if chance.random() < 0.9:
            bus.send(an_event(bus, f"terms-{user}", "terms.accepted", user))
        band = chance.choice(["adult", "adult", "adult", "14to17", "lt14"])
        if chance.random() < 0.9:
            bus.send(an_event(bus, f"v-{user}", "identity.verified", user, age_band=band))
        if chance.random() < 0.1:
            standing = chance.choice(["warned", "suspended", "closed"])
            row = AccountRow(
                version=1, tenant="t", user=user, standing=standing, reason="terms", since=at
            )  # fmt: skip
            bus.fact("facts.accounts", row)
    for number, subject in enumerate(SUBJECTS):
        if number % 4 == 3:
            continue
        row = consent(subject, f"grant-{number}", bus.now_ms).model_copy(update={"tenant": "t"})
        bus.fact("facts.consents", row)
        if number % 4 == 2:
            gone = RevocationRow(
                version=1, tenant="t", subject=subject, grant=f"grant-{number}", revoked_at=at,
                biometric=["style"],
            )  # fmt: skip
            bus.fact("facts.revocations", gone)
    for name in ("off", "news"):
        bus.fact(
            "facts.templates", template(name, bus.now_ms).model_copy(update={"tenant": "t"})
        )  # fmt: skip
    off = SwitchRow(
        version=1, tenant="t", function="template:off", off=True, order="o-1", since=at
    )  # fmt: skip
    bus.fact("facts.switches", off)
    bus.run()
    bus.now_ms += 2_000


class Acts:
    """Sends acts by chance and remembers what was let out, so that later ones can follow it."""

    def __init__(self, bus: LocalBus, seed: int) -> None:
        self._bus = bus
        self._chance = random.Random(seed)
        self._number = 0
        self._asked: list[tuple[str, Decision]] = []
        self._made: list[tuple[str, Decision]] = []
        self._sent: list[dict[str, Any]] = []
        told(bus, self._chance)

    def send(self, count: int) -> None:
        """So many at once, and run the chain to rest."""
        bus, before = self._bus, self._bus.ends("decisions")
        names, weights = tuple(KINDS), tuple(KINDS.values())
        for kind in self._chance.choices(names, weights, k=count):
            self._number += 1
            event = self._one(kind, f"e-{self._number}")
            if isinstance(event, bytes):
                bus.append("generation.events", b"t/u-1", event, [])
                continue
            self._sent.append(event)
            bus.send(event)
        bus.run()
        bus.now_ms += self._chance.randrange(1, 2_000)
        for record in bus.since("decisions", before):
            found = Decision.model_validate_json(record.value or b"")
            if found.action == "release" and found.pass_:
                user = (record.key or b"").decode().partition("/")[2]
                kept = self._made if found.objects else self._asked
                kept.append((user, found))
        self._asked, self._made = self._asked[-200:], self._made[-200:]
        self._sent = self._sent[-200:]

    def _one(self, kind: str, id_: str) -> dict[str, Any] | bytes:
        chance, bus = self._chance, self._bus
        user = chance.choice(USERS if chance.random() < 0.96 else STRANGERS)
        if kind == "torn":
            return chance.choice([b"{not json", b"\xff\xfe", b"[]", b'{"tenant":"t"}', b""])
        if kind == "repeat" and self._sent:
            return chance.choice(self._sent)
        if kind == "verified":
            return an_event(bus, id_, "identity.verified", user)
        if kind == "prompted":
            generation = {
                "id": f"g-{id_}",
                "medium": "text",
                "template": "style",
                "purpose": "chat",
            }
            asked = [{"token": chance.choice(SUBJECTS), "age_band": "adult"}]
            return an_event(
                bus, id_, "consent.prompted", user, generation=generation, subjects=asked
            )  # fmt: skip
        if kind in ("done", "published", "forged") and self._asked:
            return self._following(kind, id_)
        event = an_event(bus, id_, user=user, content={"prompt": self._words()})
        data = event["data"]
        if kind == "styled":
            data["generation"]["template"] = "style"
            data["subjects"] = [{"token": chance.choice(SUBJECTS), "age_band": "adult"}]
        elif kind == "bare":
            del data["net"]
        elif kind in ("unregistered", "off"):
            data["generation"]["template"] = "off" if kind == "off" else "nobody-s"
        elif kind == "late":
            event["time"] = moment(bus.now_ms - chance.randrange(1, 90) * HOUR_MS)
        elif kind == "odd":
            data["more"] = {"notes": [self._words(), {"deep": self._words()}]}
        return event

    def _following(self, kind: str, id_: str) -> dict[str, Any]:
        """The answer of an act that was let out, or its publication; ``forged``: by a pass of someone else."""
        chance = self._chance
        made = kind == "published" and self._made
        user, before = chance.choice(self._made if made else self._asked)
        generation = {
            "id": before.generation, "medium": "text", "template": "chat", "purpose": "chat"
        }  # fmt: skip
        more: dict[str, Any] = {"generation": generation, "pass": before.pass_}
        if kind == "forged":
            user = chance.choice(USERS)
            more["pass"] = chance.choice([before.pass_[:-4] + "AAAA", "", before.pass_])
        if made:
            more["content"] = {"objects": [one.model_dump(mode="json") for one in before.objects]}
            return an_event(self._bus, id_, "content.published", user, **more)
        more["content"] = {"text": self._words()}
        if chance.random() < 0.1:
            result = chance.choice(["pass", "review", "block"])
            more["review"] = {"reviewer": CHECKER, "result": result}
        return an_event(self._bus, id_, "generation.completed", user, **more)

    def _words(self) -> str:
        chance = self._chance
        words = [chance.choice(WORDS) for _ in range(chance.randrange(1, 30))]
        if chance.random() < 0.12:
            words.insert(chance.randrange(len(words) + 1), chance.choice(BANNED))
        return chance.choice([" ", "", "，"]).join(words)
