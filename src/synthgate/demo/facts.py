"""What must be known before the stories begin: templates, the sample library, reviewers, consents."""

import hashlib
from typing import Any

from synthgate.demo.acts import CHECKER, TENANT, TERMS, moment
from synthgate.demo.media_stories import SHOWN_BESIDE
from synthgate.demo.stories import CHILD, GONE, WEI
from synthgate.demo.stories_people import HASTY, RENEWED, UNWILLING, VOICE
from synthgate.events.facts import (
    AccountRow,
    ConsentRow,
    ControlRow,
    RecallRow,
    RevocationRow,
    Row,
    SwitchRow,
    TemplateRow,
)
from synthgate.library.sample import SAMPLE_VERSION, sample_rows

NOTICE = hashlib.sha256(b"demo consent notice").hexdigest()
HOUR_MS = 3_600_000
ASKS_TO_DECLARE = {"shows": "declaration", "wording": "内容含AI生成的,请声明"}
"""A form with a box to tick, and the reminder beside it (LBL 6(4))."""


def facts(now_ms: int) -> list[tuple[str, Row]]:
    """Rows with their topics, in the order they are written."""
    at = moment(now_ms - HOUR_MS)
    rows: list[tuple[str, Row]] = [("facts.features", row) for row in sample_rows()]
    rows += [
        ("control", control("library", {"version": SAMPLE_VERSION, "agreed_by": "demo-2"}, now_ms)),
        ("control", control(f"reviewers/{TENANT}", {"reviewers": ["reviewer-1", CHECKER]}, now_ms)),
        ("control", terms(TENANT, now_ms)),
        ("facts.templates", template("chat", now_ms)),
        ("facts.templates", template("style", now_ms, edits_person=["style"])),
        ("control", contract(SHOWN_BESIDE, now_ms)),
        ("control", contract(SHOWN_BESIDE, now_ms, "declare", **ASKS_TO_DECLARE)),
        ("control", contract("studio", now_ms, "declare", **ASKS_TO_DECLARE)),
        ("facts.templates", studio("studio", now_ms)),
        ("facts.templates", studio(SHOWN_BESIDE, now_ms, interface_label=True)),
        ("facts.templates", studio("sketch", now_ms, reviewed_media=["text"])),
        ("facts.consents", consent(WEI, "grant-wei", now_ms)),
        ("facts.consents", consent(GONE, "grant-gone", now_ms)),
        ("facts.consents", consent(CHILD, "grant-child", now_ms, guardian="subj-parent-09")),
        ("facts.consents", consent("subj-child-05", "grant-child-5", now_ms, age_band="lt14")),
        (
            "facts.revocations",
            RevocationRow(
                version=now_ms, tenant=TENANT, subject=GONE, grant="grant-gone", revoked_at=at,
                biometric=["style"],
            ),
        ),
        (
            "facts.accounts",
            AccountRow(
                version=now_ms, tenant=TENANT, user="banned", standing="suspended",
                reason="terms", since=at,
            ),
        ),
    ]  # fmt: skip
    return [*rows, *_people(now_ms)]


def _people(now_ms: int) -> list[tuple[str, Row]]:
    """Templates and persons of ``stories_people``: with what must have been done before, and without."""
    day_ms = 24 * HOUR_MS
    made = moment(now_ms - day_ms)
    assessment = {"id": "sa-1", "by": "professional", "valid_until": moment(now_ms + day_ms)}
    impact = {"id": "pia-1", "assessed_at": made, "kept_until": moment(now_ms + 1100 * day_ms)}
    person = {"source": "forum", "personal": True}
    templates = [
        template("voice", now_ms, edits_person=["voice"], assessment=assessment, impact_assessment=impact),
        template("unassessed", now_ms, special_object=True),
        template("unweighed", now_ms, edits_person=["voice"], assessment=assessment),
        template("scraped", now_ms, data_sources=[person]),
        template("uncontracted", now_ms, processors=[{"name": "model-api"}]),
        template("ordered-off", now_ms),
        template("chat", now_ms, tenant=HASTY),
    ]  # fmt: skip
    grants = [
        consent(VOICE, "grant-voice", now_ms, biometric=["voice"]),
        consent(RENEWED, "grant-old", now_ms),
        consent(RENEWED, "grant-new", now_ms, supersedes=["grant-old"], purposes=["news"]),
        consent(UNWILLING, "asked", now_ms, answer="refused"),
    ]
    off = SwitchRow(
        version=now_ms, tenant=TENANT, function="template:ordered-off", off=True, order="order-1",
        since=made,
    )  # fmt: skip
    too_late = {"notified_at": moment(now_ms - HOUR_MS // 2)}
    return [
        ("control", terms(HASTY, now_ms, **too_late)),
        *(("facts.templates", row) for row in templates),
        *(("facts.consents", row) for row in grants),
        ("facts.switches", off),
    ]


def control(name: str, body: dict[str, object], now_ms: int) -> ControlRow:
    """An operator's word."""
    return ControlRow(version=now_ms, name=name, body=body, by="demo", at=moment(now_ms))


def terms(tenant: str, now_ms: int, version: str = TERMS, **over: object) -> ControlRow:
    """Service terms in force for an hour, published and told to users before."""
    since, before = moment(now_ms - HOUR_MS), moment(now_ms - 2 * HOUR_MS)
    body: dict[str, object] = {
        "url": f"https://{tenant}.example/terms/{version}", "sha256": NOTICE, "published_at": before,
        "notified_at": before, "effective_at": since, "labels_sha256": NOTICE, "duty_sha256": NOTICE,
    }  # fmt: skip
    return control(f"terms/{tenant}/{version}", body | over, now_ms)


def contract(surface: str, now_ms: int, version: str = "1", **over: object) -> ControlRow:
    """A surface of the app shows the label lastingly: tested an hour ago, for a day."""
    body: dict[str, object] = {
        "wording": "内容由AI生成", "screenshot_sha256": NOTICE, "tested_at": moment(now_ms - HOUR_MS),
        "valid_until": moment(now_ms + 24 * HOUR_MS),
    }  # fmt: skip
    return control(f"interface/{TENANT}/{surface}/{version}", body | over, now_ms)


def template(name: str, now_ms: int, **more: Any) -> TemplateRow:
    """A text template with a reviewer for text."""
    tenant = more.pop("tenant", TENANT)
    return TemplateRow(
        version=now_ms, tenant=tenant, template=name, media=["text"], ds_class="DS1", a17_item=1,
        reviewed_media=["text"], status="enabled", **more,
    )  # fmt: skip


def studio(name: str, now_ms: int, **more: Any) -> TemplateRow:
    """A template for every medium, each with a reviewer, whose output people could take for real."""
    media = ["text", "image", "audio", "video", "other"]
    more = {"media": media, "reviewed_media": media, "ds_class": "DS5", "a17_item": 5} | more
    return TemplateRow.model_validate(
        {"version": now_ms, "tenant": TENANT, "template": name, "status": "enabled", **more}
    )


def consent(
    subject: str,
    grant: str,
    now_ms: int,
    *,
    guardian: str | None = None,
    age_band: str = "adult",
    **over: Any,
) -> ConsentRow:
    """One person's separate consent, an hour old; with a guardian it is a child's."""
    return ConsentRow.model_validate(
        {
            "version": now_ms, "tenant": TENANT, "subject": subject, "grant": grant,
            "grantor": "guardian" if guardian else "subject", "guardian": guardian,
            "age_band": "lt14" if guardian else age_band, "biometric": ["style"],
            "purposes": ["chat"], "separate": True, "notice_sha256": NOTICE,
            "channel": "demo-app", "proof_ref": f"vault/{grant}", "necessity_shown": True,
            "granted_at": moment(now_ms - HOUR_MS), **over,
        }
    )  # fmt: skip


def recall(generation: str, now_ms: int) -> RecallRow:
    """The platform takes a released generation back."""
    return RecallRow(
        version=now_ms, tenant=TENANT, generation=generation, recalled=True, reason="demo",
        since=moment(now_ms),
    )  # fmt: skip
