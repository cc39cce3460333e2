"""The desk's topics: tasks as they stand now, acts written, answers sent."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthgate.cli.errors import CommandError

if TYPE_CHECKING:
    from synthgate.desk.tasks import Task
    from synthgate.events.decision import CaseRow
    from synthgate.events.desk_rows import DeskRow
    from synthgate.registries import Registries
    from synthgate.settings import Settings

TOPIC = "desk.events"


@dataclass(slots=True)
class Seen:
    """Cases as they are now, acts in the order of their partition, and who may review."""

    cases: "list[CaseRow]"
    acts: "list[tuple[int, DeskRow]]"
    registries: "Registries"

    def tasks(self, settings: "Settings") -> "list[Task]":
        """Open tasks."""
        from synthgate.desk.tasks import tasks

        return tasks(self.cases, self.acts, settings.second_opinion_percent)

    def task(self, settings: "Settings", case: str) -> "Task":
        """One open task, by case or root.

        Raises:
            CommandError: there is none.
        """
        name = case if case.startswith("hold/") else f"hold/{case}"
        for task in self.tasks(settings):
            if task.case.case == name:
                return task
        raise CommandError(
            f"no open review task {case}: answered, expired, or never a task; `synthgate review next`"
            " shows what waits"
        )


async def look(settings: "Settings") -> Seen:
    """Everything the desk needs to know now."""
    from synthgate.cli.positions import records
    from synthgate.events.decision import CaseRow
    from synthgate.events.desk_rows import DeskRow
    from synthgate.registries import Registries

    newest: dict[str, CaseRow] = {}
    async for record in records(settings, "cases", whole=True, follow=False):
        row = _read(CaseRow, record.value)
        if row is not None and row.kind == "hold":
            held = newest.get(row.case)
            if held is None or row.version > held.version:
                newest[row.case] = row
    acts = []
    async for record in records(settings, TOPIC, whole=True, follow=False):
        act = _read(DeskRow, record.value)
        if act is not None:
            acts.append((record.timestamp, act))
    registries = Registries(["control"])
    async for record in records(settings, "control", whole=True, follow=False):
        registries.apply("control", record.partition, record.offset, record.key, record.value)
    return Seen(list(newest.values()), acts, registries)


def check_listed(seen: Seen, task: "Task", name: str) -> None:
    """Whether somebody's answer would count.

    Raises:
        CommandError: the tenant does not list them for the medium.
    """
    tenant, medium = task.case.tenant, str(task.case.detail["medium"])
    if name not in seen.registries.control.reviews(tenant, medium):
        raise CommandError(
            f"{name!r} is not listed as a reviewer of {medium} for tenant {tenant!r}: the chain would"
            f" not count the answer; list them on control, reviewers/{tenant}"
        )


async def act(settings: "Settings", task: "Task", what: str, by: str, **more: Any) -> None:
    """Write one act, on the task's own partition; returns once it is acknowledged."""
    from synthgate.cli.positions import writer
    from synthgate.events.desk_rows import DeskRow

    assert task.case.receipt is not None
    row = DeskRow.model_validate(
        {"case": task.case.case, "answers": task.case.receipt.hash, "act": what, "by": by, **more}
    )
    async with writer(settings) as producer:
        await producer.send_and_wait(
            settings.topic(TOPIC), row.model_dump_json().encode(), key=row.case.encode(),
            partition=task.case.receipt.log,
        )  # fmt: skip


async def answer(
    settings: "Settings", task: "Task", outcome: str, risks: tuple[str, ...], by: tuple[str, ...]
) -> None:
    """Send the answer to the chain. by: everybody who agreed, who spoke last stands for them."""
    import base64

    from synthgate.client import Writer
    from synthgate.client.build import now_ms, rfc3339
    from synthgate.client.decisions import Decision
    from synthgate.client.desk import OPERATOR_TOPIC, Desk

    receipt = task.case.receipt
    assert receipt is not None
    row = {
        "tenant": task.case.tenant, "root": task.case.detail["root"], "action": "hold",
        "hold": "review", "receipt": receipt.model_dump(),
    }  # fmt: skip
    key = None if task.case.key is None else base64.b64decode(task.case.key)
    evidence = {
        "reviewer": by[-1], "outcome": outcome, "at": rfc3339(now_ms()), "risks": list(risks),
        "agreed": list(by[:-1]),
    }  # fmt: skip
    async with Writer.from_settings(settings, OPERATOR_TOPIC) as writer:
        decision = Decision(row, key, receipt.log)
        await Desk(writer, "synthgate:desk").reenter(decision, "review", evidence)


def _read(model: Any, value: bytes | None) -> Any:
    """A row, or None for what is none: nobody's task is hidden behind somebody's bad record."""
    from pydantic import ValidationError

    try:
        return model.model_validate_json(value or b"")
    except ValidationError:
        return None
