"""People's answers: a reviewer decides a hold.

The answer is a record of its own, ``passage.reentered`` on ``operator.events``, under the key and on the
partition of the
original: the door fetches the event from the ledger by the receipt, and every duty decides again.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from synthgate.client.build import now_ms, random_id, rfc3339
from synthgate.client.check import bound_headers, validated
from synthgate.client.decisions import Decision
from synthgate.client.errors import EventError
from synthgate.client.writer import Placed, Writer

OPERATOR_TOPIC: Final = "operator.events"


class Desk:
    """Writes people's answers. source: CloudEvents source of the desk."""

    def __init__(self, writer: Writer, source: str) -> None:
        self._writer = writer
        self._source = source

    async def answer_hold(
        self,
        decision: Decision,
        outcome: Literal["pass", "refuse"],
        reviewer: str,
        *,
        risks: Sequence[str] = (),
        at_ms: int | None = None,
        id: str | None = None,  # noqa: A002 (the CloudEvents name)
    ) -> Placed:
        """Answer a hold; return once the broker has acknowledged it.

        risks: what the reviewer saw (``A.1h``), for a refusal. Each decision can be answered once: a second
        answer is logged and releases nothing.

        Raises:
            EventError: the decision holds nothing, or bears no key.
            GateError: not acknowledged.
        """
        if decision.action != "hold":
            raise EventError(
                "not_a_hold", "/action", f"the decision is {decision.action}",
                "only a hold can be decided by a reviewer; answer the latest revision",
            )  # fmt: skip
        if decision.hold != "review":
            raise EventError(
                "not_for_review", "/hold", f"the hold is {decision.hold}",
                "it comes back by itself; only what a person must judge is answered here",
            )  # fmt: skip
        at = now_ms() if at_ms is None else at_ms
        said = {"reviewer": reviewer, "outcome": outcome, "at": rfc3339(at), "risks": list(risks)}
        return await self.reenter(decision, "review", said, at_ms=at, id=id)

    async def reenter(
        self,
        decision: Decision,
        cause: Literal["review", "appeal", "recall"],
        evidence: Mapping[str, Any],
        *,
        at_ms: int | None = None,
        id: str | None = None,  # noqa: A002 (the CloudEvents name)
    ) -> Placed:
        """Any answer of a person to a decision.

        Raises:
            EventError: what would not be admitted.
            GateError: not acknowledged.
        """
        if decision.key is None:
            raise EventError(
                "no_key", "/key", "the decision's record bears no key",
                "take the decision from the topic, or use redrive",
            )  # fmt: skip
        receipt = decision.receipt
        data = {
            "tenant": decision.row["tenant"],
            "root": decision.row["root"],
            "cause": cause,
            "receipt": {name: receipt[name] for name in ("log", "index", "hash")},
            "evidence": dict(evidence),
        }
        attrs = {
            "specversion": "1.0",
            "id": id or random_id(),
            "source": self._source,
            "type": "passage.reentered",
            "time": rfc3339(now_ms() if at_ms is None else at_ms),
        }
        value = validated(attrs, data, topic=OPERATOR_TOPIC)
        return await self._writer.write_and_wait(
            OPERATOR_TOPIC, decision.key, value,
            headers=bound_headers(attrs), partition=decision.partition,
        )  # fmt: skip
