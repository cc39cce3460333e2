"""The words stories are told in: an act is one record sent, and what must come of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from synthgate.demo.media import MediaFile, looked_at

TENANT: Final = "demo"
SOURCE: Final = "demo-app"
CHECKER: Final = "checker-1"
"""The platform's own reviewer of files."""
TERMS: Final = "2026-01"
"""Version of the service terms in force."""
_OF_OURS: Final = ("content.published", "asset.exported", "export.unlabelled_requested")
"""Events that name the objects of the decision they cite."""
NET: Final[Mapping[str, Any]] = {
    "src_ip": "203.0.113.7",
    "src_port": 50123,
    "dst_ip": "198.51.100.20",
    "dst_port": 443,
    "client_fingerprint": "demo-device-1",
}


@dataclass(frozen=True, slots=True)
class Act:
    """One record.

    expect: action of the decision. codes: reason codes that must all be named. cites: act whose pass the
    event carries. raw: send these bytes instead. at_s: event time from now, s. reviewer: answer the hold of
    the act named in ``cites`` with ``outcome``. again: the act whose event is sent once more. files: the
    output, by reference; reviewed: a listed reviewer has looked at them.
    """

    id: str
    say: str
    type: str = "generation.requested"
    expect: str = "release"
    codes: tuple[str, ...] = ()
    prompt: str | None = None
    text: str | None = None
    template: str = "chat"
    generation: str | None = None
    cites: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    raw: bytes | None = None
    key: str | None = None
    at_s: int = 0
    again: str | None = None
    reviewer: str | None = None
    outcome: str | None = None
    medium: str = "text"
    files: tuple[MediaFile, ...] = ()
    reviewed: bool = True
    straight: bool = False
    """Sent past the client, which would not send it."""


@dataclass(frozen=True, slots=True)
class Story:
    """What happens to one user, in order. accepts: the user first accepts the terms in force."""

    user: str
    title: str
    acts: tuple[Act, ...]
    accepts: bool = True

    def __post_init__(self) -> None:
        if self.accepts:
            accepted = Act(f"{self.user}-terms", "terms accepted 接受服务协议", "terms.accepted")
            object.__setattr__(self, "acts", (accepted, *self.acts))


@dataclass(frozen=True, slots=True)
class Cited:
    """What an act takes over from the decision it follows."""

    pass_text: str | None
    objects: tuple[Mapping[str, Any], ...]


def moment(at_ms: int) -> str:
    """RFC 3339 in UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")


def event_of(story: Story, act: Act, now_ms: int, cited: Cited | None, run: str) -> dict[str, Any]:
    """The CloudEvent of an act, with ``data``. ``run`` makes ids of one run unlike another's."""
    time = moment(now_ms + act.at_s * 1000)
    data: dict[str, Any] = {"tenant": TENANT, "user": {"id": story.user}, "net": dict(NET)}
    if act.type.split(".")[0] in ("generation", "asset", "content", "export", "scene"):
        name = act.generation or act.id
        data["generation"] = {
            "id": f"{run}-{name}", "medium": act.medium, "template": act.template, "purpose": "chat",
        }  # fmt: skip
    content: dict[str, Any] = {
        k: v for k, v in (("prompt", act.prompt), ("text", act.text)) if v is not None
    }
    if act.files:
        content["objects"] = [file.row() for file in act.files]
        if act.reviewed:
            data["review"] = review_of(act.files, now_ms, time)
    if content:
        data["content"] = content
    if cited is not None and cited.pass_text is not None:
        data["pass"] = cited.pass_text
    if cited is not None and act.type in _OF_OURS:
        data["content"] = content | {"objects": list(cited.objects)}
    if cited is not None and act.type == "content.transformed":
        data["content"] = content | {"parents": list(cited.objects)}
    if act.type == "identity.verified":
        data |= {
            "method": "mobile", "checker": "demo-checker", "verified_at": time,
            "evidence_ref": f"vault/{run}/{story.user}", "age_band": "adult",
        }  # fmt: skip
    if act.type == "terms.accepted":
        data |= {"terms_version": TERMS, "duty_notice_shown": True, "accepted_at": time}
    if act.type == "consent.prompted":
        data |= {"template": act.template, "prompted_at": time}
    data = _merge(data, act.data)
    for name in act.drop:
        data.pop(name, None)
    return {
        "specversion": "1.0", "id": f"{run}-{act.id}", "source": SOURCE, "type": act.type,
        "time": time, "data": data,
    }  # fmt: skip


def review_of(files: Sequence[MediaFile], now_ms: int, time: str) -> dict[str, Any]:
    """A listed reviewer has looked at all of these, and at all of each."""
    covers = [aspect for file in files for aspect in looked_at(file.media_type, now_ms)]
    return {
        "reviewer": CHECKER, "outcome": "pass", "at": time, "method": "machine", "version": "demo-1",
        "objects": [file.row()["sha256"] for file in files], "covers": list(dict.fromkeys(covers)),
    }  # fmt: skip


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in over.items():
        held = merged.get(name)
        merged[name] = (
            _merge(held, value) if isinstance(held, dict) and isinstance(value, dict) else value
        )
    return merged
