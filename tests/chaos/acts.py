"""The load of ``e2e`` with acts of which the answer is known beforehand, whatever is broken meanwhile.

* **sure**: a verified user who never did wrong asks for a poem. It must be released: a refusal or a hold could
  only come of a fact that was not known, which is a reason to wait.
* **barred**: a user asks whose suspension the broker acknowledged before. It must be refused: a release could
  only come of a copy that was trusted and had not read so far.

Nobody repeats these acts and nothing follows from them, so each has one answer.
"""

import random
from typing import Any

from e2e.load import Load, _moment, _now_ms
from synthgate.demo.acts import TENANT
from synthgate.events.facts import AccountRow, key_of
from synthgate.settings import Settings

SURE_USERS = 6
BARRED_EACH_MAX = 40
"""Acts of users barred, per suspension."""
FLUSH_SECONDS = 60.0


class KnownLoad(Load):
    """``sure`` and ``barred``: ids of such acts, the latter with what is held against their user."""

    def __init__(self, settings: Settings, seed: int, *, transactions: bool) -> None:
        super().__init__(settings, seed, transactions=transactions)
        self._chance = random.Random(seed)
        self._sure_users = [f"sure{seed}-{number}" for number in range(SURE_USERS)]
        self._suspended: list[str] = []
        self._barred_left = 0
        self.sure: set[str] = set()
        self.barred: set[str] = set()
        self.released: set[str] = set()
        """Ids of released events."""
        self.refused: set[str] = set()

    @property
    def wrong(self) -> set[str]:
        """Ids of known acts that were heard to be answered as they must not be."""
        return (self.sure & self.refused) | (self.barred & self.released)

    def facts(self) -> None:
        super().facts()
        for user in self._sure_users:
            self._vouch_alone(user)

    def send(self, acts: int) -> None:
        """Of all sorts, and of the known ones a few."""
        super().send(acts)
        self.sure.add(self._known(self._chance.choice(self._sure_users)))
        if self._suspended and self._barred_left:
            self._barred_left -= 1
            self.barred.add(self._known(self._chance.choice(self._suspended)))
        self._producer.flush(FLUSH_SECONDS)

    def suspend(self) -> None:
        """Verify a new user, let it be, then suspend it; returns when the broker has acknowledged that."""
        user = f"barred{self._seed}-{len(self._suspended)}"
        self._vouch_alone(user)
        row = AccountRow(
            version=_now_ms(), tenant=TENANT, user=user, standing="suspended", reason="terms",
            since=_moment(),
        )  # fmt: skip
        key = key_of("facts.accounts", row).encode()
        self._put("facts.accounts", key, row.model_dump_json().encode(), [])
        left = self._producer.flush(FLUSH_SECONDS)
        assert left == 0, "the broker did not acknowledge a suspension"
        self._suspended.append(user)
        self._barred_left = BARRED_EACH_MAX

    def _vouch_alone(self, user: str) -> None:
        """Vouch for a user, and let nobody repeat that."""
        before = len(self._sent)
        self._vouch(user)
        del self._sent[before:]

    def _known(self, user: str) -> str:
        self._event(user, "generation.requested", {"content": {"prompt": "写一首关于秋天的诗"}})
        self._sent.pop()
        return f"{self._seed}-{self._number}"

    def _react(self, decision: dict[str, Any], key: bytes, partition: int) -> None:
        if decision["action"] == "release":
            self.released.add(decision["event_id"])
        elif decision["action"] == "refuse":
            self.refused.add(decision["event_id"])
        known = decision["event_id"] in self.sure or decision["event_id"] in self.barred
        if known or decision["hold"] == "retry":  # what is to be tried again comes back by itself
            self.answered[decision["action"]] += 1
            self.outstanding.discard(decision["event_id"])
        else:
            super()._react(decision, key, partition)
