"""Events and passages of generations, with your changes; and registry copies that are always fresh."""

import hashlib

import orjson

from synthgate.events import topics
from synthgate.events.event import STUB, Event
from synthgate.events.facts import ROWS, ControlRow, TemplateRow, key_of
from synthgate.events.origin import Origin
from synthgate.events.passage import Passage, Reentry
from synthgate.events.types import TYPES
from synthgate.law import load
from synthgate.library.sample import sample_rows
from synthgate.registries import Registries
from synthgate.step import Work

TIME = "2026-11-20T08:00:00Z"
TIME_MS = 1_795_161_600_000
BOOK = load()
LAW = BOOK.at(TIME_MS)


def event(kind="generation.completed", content=None, **over):
    """One event; ``content`` as given, other data by name (``generation`` is merged)."""
    attrs = {
        "specversion": "1.0",
        "id": over.pop("id", "e-1"),
        "source": "app",
        "type": kind,
        "time": TIME,
    }
    generation = {"id": "g-1", "medium": "text", "template": "chat"} | over.pop("generation", {})
    data = {"tenant": "acme", "user": {"id": "u-1"}, "generation": generation}
    if content is not None:
        data["content"] = content
    return Event(attrs, data | over)


def admitted(kind="generation.completed", content=None, **over):
    """The same, as the door would let it in: validated by its model."""
    made = event(kind, content, **over)
    TYPES[kind].model.model_validate_json(orjson.dumps(made.data))
    return made


def stub(code="not_json"):
    """What stands for a record that could not be processed."""
    data = {
        "tenant": "acme",
        "code": code,
        "sha256": "0" * 64,
        "size_bytes": 3,
        "detail": "",
        "of": "",
    }
    return Event({"id": "e-1", "source": "app", "type": STUB, "time": TIME}, data)


def passage(made, offset=17, verdicts=(), reentry=None):
    """A passage that carries an event; ``verdicts``: (duty, outcome) or whole rows."""
    data = orjson.dumps(made.data)
    result = Passage(
        origin=Origin(1, "generation.events", 3, offset), at=TIME_MS, lane="fast", attrs=made.attrs,
        event_hash=hashlib.sha256(data).hexdigest(), event_bytes=data, key=b"acme/u-1", reentry=reentry,
    )  # fmt: skip
    for row in verdicts:
        named = row if isinstance(row, dict) else {"obligation": row[0], "outcome": row[1]}
        result.add_verdict(named | {"reasons": [], "facts": {}} | named)
    return result


def answered(outcome, cause="review", **evidence):
    """A re-entry with the desk's answer."""
    evidence = {"outcome": outcome, "reviewer": "desk-7"} | evidence
    return Reentry(Origin(1, "generation.events", 3, 17), cause, 5, 2, evidence)


def work():
    return Work(partition=3, now_ms=TIME_MS)


class AlwaysFresh:
    """Copies that have always read to the end; ``positions`` says how far."""

    def __init__(self):
        self.positions = {topic: [0] for topic in topics.BY_NAME}
        self.asked = []

    async def fresh(self, asked):
        self.asked.append(tuple(asked))
        return {topic: tuple(self.positions[topic]) for topic in asked}


class Copies:
    """Registries of one duty with rows of your choice."""

    def __init__(self, duty, *rows):
        self.fresh = AlwaysFresh()
        self.registries = Registries(topics.COPIES[duty])
        self.add(*rows)

    def add(self, *rows):
        for row in rows:
            (topic,) = (t for t, model in ROWS.items() if isinstance(row, model))
            self.fresh.positions[topic][0] += 1
            offset = self.fresh.positions[topic][0]
            key = key_of(topic, row).encode()
            self.registries.apply(topic, 0, offset, key, row.model_dump_json().encode())


def a_template(**over):
    row = {
        "version": 1, "tenant": "acme", "template": "chat", "media": ["text"], "ds_class": "DS1", "a17_item": 1,
        "reviewed_media": ["text"], "status": "enabled",
    }  # fmt: skip
    return TemplateRow(**(row | over))


def control(name, **body):
    return ControlRow(version=1, name=name, body=body, by="ops", at=TIME)


def a_contract(surface="chat", version="1", **over):
    """The app shows the label lastingly on this surface; tested before, and for a day."""
    body = {
        "wording": "内容由AI生成", "screenshot_sha256": "a" * 64, "tested_at": "2026-11-19T08:00:00Z",
        "valid_until": "2026-11-21T08:00:00Z",
    }  # fmt: skip
    return control(f"interface/acme/{surface}/{version}", **(body | over))


def some_terms(**over):
    """Service terms in force, with clauses on labels and on copies without one."""
    since = "2026-11-19T08:00:00Z"
    body = {
        "url": "https://acme.example/terms", "sha256": "a" * 64, "published_at": since, "notified_at": since,
        "effective_at": since, "labels_sha256": "b" * 64, "duty_sha256": "c" * 64,
    }  # fmt: skip
    return control("terms/acme/v1", **(body | over))


def library_in_force(version=1):
    """The sample library, activated."""
    return (*sample_rows(), control("library", version=version, agreed_by="ops-2"))
