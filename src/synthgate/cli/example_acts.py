"""What each example is made of: facts, opening events that need no pass, and what follows an answer."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from synthgate.cli.decisions import line
from synthgate.client import Decision, Events, Gate, Generation
from synthgate.client.build import now_ms, rfc3339
from synthgate.events.event import Event

PRINTABLE: Final = ("chat", "style", "refused")
CHAT: Final = "example-chat"
STYLE: Final = "example-style"
SUBJECT: Final = "example-subject-1"
STRANGER: Final = "example-subject-2"
REVIEWER: Final = "example-reviewer"
TERMS: Final = "example-1"
NET: Final[Mapping[str, Any]] = {
    "src_ip": "203.0.113.24",
    "src_port": 51234,
    "dst_ip": "198.51.100.7",
    "dst_port": 443,
    "client_fingerprint": "example-client-1",
}
PROMPTS: Final[Mapping[str, str]] = {
    "chat": "请写一首关于秋天的短诗。",
    "publish": "请写一首关于秋天的短诗。",
    "style": "Write a birthday card the way my aunt writes.",
    "refused": "Write a birthday card the way my neighbour writes.",
    "reviewed": "Promise guaranteed returns to investors",
}
HOUR_MS: Final = 3_600_000


def facts(name: str, tenant: str) -> list[tuple[str, dict[str, Any]]]:
    """Registry rows an example needs, by topic; versions are made at writing."""
    rows = [_template(tenant, CHAT), _terms(tenant)]
    if name in ("style", "refused"):
        rows[0] = _template(tenant, STYLE, edits_person=["style"])
    if name == "style":
        rows.append(_consent(tenant))
    if name == "reviewed":
        body = {"reviewers": [REVIEWER]}
        now = rfc3339(now_ms())
        row = {"name": f"reviewers/{tenant}", "body": body, "by": "synthgate-example", "at": now}
        rows.append(("control", row))
    return rows


def opening(name: str, events: Events, user: str, event_id: str) -> list[Event]:
    """The events up to the first that is decided on its content; none of them needs a pass."""
    acts: list[Event] = []
    generation = _generation(name, event_id)
    if name == "refused":
        ask = events.requested(
            f"{user}-unverified", generation, prompt=PROMPTS[name],
            subjects=[{"token": STRANGER, "age_band": "adult"}], id=event_id,
        )  # fmt: skip
        return [ask]
    # What permits must have been so when it is used: a moment earlier.
    before = now_ms() - 1000
    acts.append(
        events.identity_verified(
            user, method="mobile", checker="example-checker", evidence_ref="vault:example/1",
            verified_at_ms=before, age_band="adult", at_ms=before,
        )
    )  # fmt: skip
    acts.append(
        events.terms_accepted(
            user, terms_version=TERMS, duty_notice_shown=True, accepted_at_ms=before, at_ms=before
        )
    )
    subjects = []
    if name == "style":
        acts.append(
            events.consent_prompted(user, template=STYLE, prompted_at_ms=before, at_ms=before)
        )
        subjects = [{"token": SUBJECT, "age_band": "adult"}]
    acts.append(
        events.requested(
            user, generation, prompt=PROMPTS[name], subjects=subjects, net=NET, id=event_id
        )
    )
    return acts


class Scene:
    """Sends events one after the other and prints each answer."""

    def __init__(self, gate: Gate, user: str, wait_s: float) -> None:
        self.gate = gate
        self.user = user
        self.wait_s = wait_s
        self.answered = True

    async def ask(self, event: Event) -> Decision | None:
        """Send one event; None if nobody decided it in time."""
        return self._told(event.type, await self.gate.decide(event, self.wait_s))

    async def review(self, held: Decision) -> Decision | None:
        """The reviewer lets a held passage pass."""
        await self.gate.desk.answer_hold(held, "pass", REVIEWER)
        return self._told("reviewed", await held.next(self.wait_s))

    def _told(self, what: str, answer: Any) -> Decision | None:
        if isinstance(answer, Decision):
            print(line(answer.row))
            return answer
        print(f"{what}: undecided ({answer.cause}); treat it as refused")
        self.answered = False
        return None


async def play(name: str, scene: Scene, event_id: str) -> str:
    """Send the whole example; id of the event worth explaining."""
    answer: Decision | None = None
    events = scene.gate.events
    for event in opening(name, events, scene.user, event_id):
        answer = await scene.ask(event)
    if name == "reviewed" and answer is not None and answer.hold == "review":
        answer = await scene.review(answer)
    if name not in ("chat", "publish") or answer is None or not answer.released:
        return event_id
    generation = _generation(name, event_id)
    made = events.completed(
        scene.user, generation, text="一叶落而知秋，风过处，满阶金黄。",
        pass_text=answer.pass_text, net=NET, id=f"{event_id}-answer",
    )  # fmt: skip
    answer = await scene.ask(made)
    if name == "chat" or answer is None or not answer.released:
        return made.id
    published = events.published(
        scene.user, generation, pass_text=answer.pass_text, net=NET, id=f"{event_id}-published",
        content={"objects": [each._asdict() for each in answer.objects]},
    )  # fmt: skip
    await scene.ask(published)
    return published.id


def _generation(name: str, event_id: str) -> Generation:
    template = STYLE if name in ("style", "refused") else CHAT
    return Generation(f"g-{event_id}", template, purpose="chat", publish=name == "publish")


def _template(tenant: str, template: str, **more: Any) -> tuple[str, dict[str, Any]]:
    row = {
        "tenant": tenant, "template": template, "media": ["text"], "ds_class": "DS1", "a17_item": 1,
        "reviewed_media": ["text"], "status": "enabled",
    }  # fmt: skip
    return "facts.templates", row | more


def _terms(tenant: str) -> tuple[str, dict[str, Any]]:
    now, since = now_ms(), rfc3339(now_ms() - HOUR_MS)
    body = {
        "url": "https://example.invalid/terms", "sha256": hashlib.sha256(b"example terms").hexdigest(),
        "published_at": since, "notified_at": since, "effective_at": since,
        "labels_sha256": hashlib.sha256(b"example clause on labels").hexdigest(),
    }  # fmt: skip
    name = f"terms/{tenant}/{TERMS}"
    return "control", {"name": name, "body": body, "by": "synthgate-example", "at": rfc3339(now)}


def _consent(tenant: str) -> tuple[str, dict[str, Any]]:
    return "facts.consents", {
        "tenant": tenant,
        "subject": SUBJECT,
        "grant": "example-grant",
        "grantor": "subject",
        "age_band": "adult",
        "biometric": ["style"],
        "purposes": ["chat"],
        "separate": True,
        "notice_sha256": hashlib.sha256(b"example notice").hexdigest(),
        "granted_at": rfc3339(now_ms() - HOUR_MS),
        "channel": "example-app",
        "proof_ref": "vault/example-grant",
        "necessity_shown": True,
    }
