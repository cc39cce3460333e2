"""Plays stories on a local bus, act by act, and keeps what was said."""

from typing import Any

import orjson

from local_bus import LocalBus
from synthgate.demo.acts import TENANT, Act, Cited, Story, event_of
from synthgate.demo.facts import recall
from synthgate.events.decision import Decision

RUN = "t"


class Teller:
    """Plays stories on a local bus."""

    def __init__(self, bus: LocalBus) -> None:
        self.bus = bus
        self.said: dict[str, Decision] = {}
        self.sent: dict[str, dict[str, Any]] = {}

    def play(self, story: Story) -> None:
        for act in story.acts:
            self.bus.now_ms += 1000
            self.act(story, act)

    def act(self, story: Story, act: Act) -> None:
        if act.type == "recall":
            self.bus.fact("facts.recalls", recall(f"{RUN}-{act.generation}", self.bus.now_ms))
            return
        before = self.bus.ends("decisions")
        if act.type == "review":
            self.review(act)
        elif act.raw is not None:
            key = act.key or f"demo/{story.user}"
            self.bus.append("generation.events", key.encode(), act.raw)
        else:
            self.event(story, act)
        self.bus.run()
        (answer,) = self.bus.since("decisions", before)
        self.said[act.id] = Decision.model_validate_json(answer.value or b"")

    def event(self, story: Story, act: Act) -> None:
        before = self.said[act.cites] if act.cites else None
        cited = before and Cited(before.pass_, tuple(o.model_dump() for o in before.objects))
        for file in act.files:
            file.place(self.bus.settings.media_folders[TENANT])
        event = event_of(story, act, self.bus.now_ms, cited, RUN)
        if act.again is not None:
            first = self.sent[act.again]
            event = {**first["event"]}
            if act.prompt is not None:
                event = {**event, "data": {**event["data"], "content": {"prompt": act.prompt}}}
        self.sent[act.id] = {"id": event["id"], "event": event}
        if act.key is None:
            self.bus.send(event)
            return
        headers = [(f"ce_{k}", str(v).encode()) for k, v in event.items() if k != "data"]
        value = orjson.dumps(event["data"])
        self.bus.append("generation.events", act.key.encode(), value, headers)

    def review(self, act: Act) -> None:
        held = self.said[act.cites or ""]
        first = next(
            r
            for r in self.bus.records("decisions")
            if held.receipt.hash.encode() in (r.value or b"")
        )
        data = {
            "tenant": held.tenant, "root": held.root, "cause": "review",
            "receipt": held.receipt.model_dump(),
            "evidence": {"outcome": act.outcome, "reviewer": act.reviewer},
        }  # fmt: skip
        event = {"specversion": "1.0", "id": act.id, "source": "desk", "type": "passage.reentered",
                 "time": "2026-11-22T00:00:00Z"}  # fmt: skip
        headers = [(f"ce_{k}", v.encode()) for k, v in event.items()]
        self.bus.append("operator.events", first.key, orjson.dumps(data), headers, held.receipt.log)
