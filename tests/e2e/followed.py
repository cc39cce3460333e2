"""What must have followed from the decisions: cases, standings, notices, progress. Part of ``history``."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from e2e.history import Entry, History, Record


def parse(value: bytes) -> dict[str, Any]:
    """One JSON object."""
    row = json.loads(value)
    assert isinstance(row, dict)
    return row


def violates(entry: "Entry") -> bool:
    """Whether an entry's decision is one that a case, a warning and a notice must follow from."""
    decision = entry.content["decision"]
    if decision is None or decision["action"] != "refuse" or not decision["enforced"]:
        return False
    codes = {(row["obligation"], row["code"]) for row in decision["reasons"]}
    late = {"expired", "superseded", "clock"} & {code for _, code in codes}
    return ("moderation", "risk_refuse") in codes and not late


def owed(history: "History") -> dict[str, dict[str, Any]]:
    """Decisions that a case must follow from, by id: of each act the first that violates."""
    found = [entry.content["decision"] for entry in history.entry.values() if violates(entry)]
    first: dict[str, dict[str, Any]] = {}
    for decision in sorted(found, key=lambda one: one["revision"]):
        first.setdefault(decision["root"], decision)
    return {decision["decision"]: decision for decision in first.values()}


def latest(topic: "dict[int, list[Record]]") -> dict[str, dict[str, Any]]:
    """The row with the highest version, by key; of equal ones the last."""
    found: dict[str, dict[str, Any]] = {}
    for records in topic.values():
        for record in records:
            row, key = parse(record.value), (record.key or b"").decode()
            if key not in found or row["version"] >= found[key]["version"]:
                found[key] = row
    return found


def content_cases(history: "History") -> dict[str, dict[str, Any]]:
    """Cases of content, by id."""
    return {name: row for name, row in latest(history.cases).items() if row["kind"] == "content"}


def cases(history: "History") -> Iterator[str]:
    """A case of content for each violation and none besides; no case in two versions of one number."""
    expected = owed(history)
    causes = Counter(row["cause"] for row in content_cases(history).values())
    yield from (f"{name} has no case" for name in sorted(expected.keys() - causes.keys()))
    yield from (f"a case of {name}, which is none" for name in sorted(causes.keys() - expected))
    yield from (f"{name} has {n} cases" for name, n in causes.items() if n > 1)
    yield from (f"case {name}" for name in _torn(history.cases))
    for row in content_cases(history).values():
        decision = expected.get(row["cause"])
        if decision is not None:
            receipt = row["receipt"]
            entry = history.entry.get((receipt["log"], receipt["index"]))
            if (
                entry is None
                or entry.hash != receipt["hash"]
                or entry.content["decision"] != decision
            ):
                yield f"{row['case']} holds the receipt of another decision: {receipt}"


def _torn(topic: "dict[int, list[Record]]") -> Iterator[str]:
    """Keys whose newest row has two contents or is not the last one, or that lie on two partitions.

    A worker that froze and woke may have said an older row late; its owner must have said the newest again.
    """
    newest: dict[bytes | None, tuple[int, set[bytes]]] = {}
    last: dict[bytes | None, int] = {}
    places: defaultdict[bytes | None, set[int]] = defaultdict(set)
    for partition, records in topic.items():
        for record in records:
            version = last[record.key] = parse(record.value)["version"]
            places[record.key].add(partition)
            best, values = newest.get(record.key, (-1, set()))
            if version > best:
                newest[record.key] = (version, {record.value})
            elif version == best:
                values.add(record.value)
    for key, (version, values) in newest.items():
        if len(values) > 1:
            yield f"{key!r} version {version} was sent in {len(values)} versions"
        if last[key] != version:
            yield f"{key!r} ends with version {last[key]}; its newest is {version}"
    for key, found in places.items():
        if len(found) > 1:
            yield f"{key!r} lies on partitions {sorted(found)}"


def settled(topic: "dict[int, list[Record]]") -> bool:
    """Whether every key's newest row is one, and its last."""
    return not any(True for _ in _torn(topic))


def holds(history: "History") -> Iterator[str]:
    """A hold has its case; it is open exactly as long as the latest revision holds.

    Its version says more than the revision: each try in vain is one (decision 0053).
    """
    last: dict[str, dict[str, Any]] = {}
    held: set[str] = set()
    for entry in history.entry.values():
        decision = entry.content["decision"]
        if decision is None:
            continue
        root = decision["root"]
        if decision["action"] == "hold":
            held.add(root)
        if root not in last or decision["revision"] > last[root]["revision"]:
            last[root] = decision
    rows = {name: row for name, row in latest(history.cases).items() if row["kind"] == "hold"}
    for root in held:
        row = rows.pop(f"hold/{root}", None)
        state = "open" if last[root]["action"] == "hold" else "closed"
        if row is None:
            yield f"{root} was held, and has no case"
        elif (row["state"], row["detail"]["revision"]) != (state, last[root]["revision"]) or (
            row["version"] < last[root]["revision"]
        ):
            said = f"{row['state']} on revision {row['detail']['revision']}"
            yield f"the hold of {root} is {said}; it should be {state} on {last[root]['revision']}"
    yield from (f"{name} holds nothing" for name in rows)


def standings(history: "History") -> Iterator[str]:
    """Every violation of a known user counts against that user, once."""
    counted: Counter[str] = Counter()
    for row in latest(history.standings).values():
        counted.update(row["causes"])
    attributed = {name for name, decision in owed(history).items() if decision["user"] is not None}
    yield from (f"{name} counts against nobody" for name in sorted(attributed - counted.keys()))
    yield from (f"{name} counts, and is nothing" for name in sorted(counted.keys() - attributed))
    yield from (f"{name} counts {n} times" for name, n in counted.items() if n > 1)
    yield from (f"standing {name}" for name in _torn(history.standings))


def notices(history: "History") -> Iterator[str]:
    """One notice a violation of a known user, a removal only of one; every copy of what is owed the same.

    What is owed because a consent was taken back rests on that row, and is the same in every copy.
    """
    copies: defaultdict[str, set[bytes]] = defaultdict(set)
    told, removed = set(), set()
    for records in history.work.values():
        for record in records:
            row = parse(record.value)
            copies[row["id"]].add(record.value)
            if row["kind"] == "notice.due":
                told.add(row["cause"])
            elif not row["cause"].startswith("facts.revocations/"):
                removed.add(row["cause"])
    violations = owed(history)
    attributed = {name for name, decision in violations.items() if decision["user"] is not None}
    yield from (f"{name} was not told to anybody" for name in sorted(attributed - told))
    yield from (f"a notice of {name}, which is nothing" for name in sorted(told - attributed))
    yield from (f"a removal of {name}, which is lawful" for name in removed - violations.keys())
    yield from (
        f"{name} has {len(v)} different notices" for name, v in copies.items() if len(v) > 1
    )


def progress(history: "History") -> Iterator[str]:
    """Incidents has answered every decision there is, and none that there is not."""
    rows = latest(history.cases)
    for log, entries in history.logs.items():
        last = max((i for i, entry in enumerate(entries) if entry.said), default=-1)
        row = rows.get(f"_answered/{log}")
        answered = -1 if row is None else row["detail"]["index"]
        if answered != last:
            yield f"log {log} was answered up to {answered}; its last decision is {last}"
