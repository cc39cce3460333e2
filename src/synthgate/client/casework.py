"""Cases from outside: a finding that opens one, a person's act on one, the platform's answer to work.

A case lives on one partition, and there alone anybody knows it: an act goes to the partition its row was read
from, an answer to the partition the work was read from.
"""

import base64
from collections.abc import Mapping
from typing import Any, Final

from synthgate.client.build import now_ms, random_id, rfc3339
from synthgate.client.check import bound_headers, no_plain_identity, validated
from synthgate.client.desk import OPERATOR_TOPIC
from synthgate.client.writer import Placed, Writer
from synthgate.events.event import Event

CASE_TOPIC: Final = "case.events"


class Casework:
    """Writes about cases of one tenant. source: CloudEvents source."""

    def __init__(self, writer: Writer, tenant: str, source: str) -> None:
        self._writer = writer
        self._tenant = tenant
        self._source = source

    async def find(
        self,
        type: str,  # noqa: A002 (the CloudEvents name)
        case: str,
        detail: Mapping[str, Any] | None = None,
        *,
        discovered_at_ms: int | None = None,
        id: str | None = None,  # noqa: A002 (the CloudEvents name)
    ) -> Placed:
        """Report a finding (``rumour.detected``, ``incident.detected``, …) under the platform's name of it.

        Raises:
            EventError: what would not be admitted.
            GateError: not acknowledged.
        """
        data: dict[str, Any] = {"tenant": self._tenant, "case": case, "detail": dict(detail or {})}
        if discovered_at_ms is not None:
            data["discovered_at"] = rfc3339(discovered_at_ms)
        return await self._write(CASE_TOPIC, case.encode(), None, type, data, id)

    async def answer(
        self,
        type: str,  # noqa: A002 (the CloudEvents name)
        case: str,
        partition: int,
        *,
        work: str | None = None,
        by: str | None = None,
        reason: str | None = None,
        detail: Mapping[str, Any] | None = None,
        id: str | None = None,  # noqa: A002 (the CloudEvents name)
    ) -> Placed:
        """Say that work is done or failed, or enter a receipt. partition: where work or case was read.

        Raises:
            EventError: what would not be admitted.
            GateError: not acknowledged.
        """
        data = {
            "tenant": self._tenant, "case": case, "detail": dict(detail or {}), "work": work, "by": by,
            "reason": reason,
        }  # fmt: skip
        said = {name: value for name, value in data.items() if value is not None}
        return await self._write(CASE_TOPIC, case.encode(), partition, type, said, id)

    async def act(
        self,
        row: Mapping[str, Any],
        partition: int,
        act: str,
        *,
        by: str,
        reason: str | None = None,
        detail: Mapping[str, Any] | None = None,
        id: str | None = None,  # noqa: A002 (the CloudEvents name)
    ) -> Placed:
        """A person acts on a case. row: as read from ``cases``, on that partition.

        Raises:
            EventError: what would not be admitted.
            GateError: not acknowledged.
        """
        key = base64.b64decode(row["key"] or "")
        data: dict[str, Any] = {
            "tenant": row["tenant"], "case": row["case"], "act": act, "by": by,
            "detail": dict(detail or {}),
        }  # fmt: skip
        if reason is not None:
            data["reason"] = reason
        if row["user"] is not None:
            user = key.decode().partition("/")[2].split("#", 1)[0]
            data["user"] = {"id": user}
        return await self._write(OPERATOR_TOPIC, key, partition, "case.acted", data, id)

    async def _write(
        self, topic: str, key: bytes, partition: int | None, type_: str, data: dict[str, Any],
        given: str | None,
    ) -> Placed:  # fmt: skip
        attrs = {
            "specversion": "1.0",
            "id": given or random_id(),
            "source": self._source,
            "type": type_,
            "time": rfc3339(now_ms()),
        }
        value = validated(attrs, data, topic=topic)
        no_plain_identity(Event(attrs, data), key)
        return await self._writer.write_and_wait(
            topic, key, value, headers=bound_headers(attrs), partition=partition
        )
