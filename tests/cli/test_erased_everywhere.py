"""One person's marks are sought in every place of the data map: while the law keeps them, and after erasure."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from acts_at_hand import a_bus, accept, answer, decide
from cases_at_hand import tell
from cli.test_erase_topics import OnBus, close
from cli_commands import run
from local_bus import LocalBus
from mapped_places import NOT_OURS, SEARCHED, Installation
from synthgate.api.keys import KeyFile
from synthgate.cli import erase, positions
from synthgate.crypto.tokens import user_token
from synthgate.demo import media
from synthgate.demo.acts import TENANT, Act, Cited, Story, event_of
from synthgate.demo.facts import consent, facts
from synthgate.effects.objects import LocalObjects
from synthgate.events.decision import Decision
from synthgate.events.facts import AccountRow, RevocationRow
from synthgate.events.topics import TOPICS
from synthgate.ledger.expiry import DAY_MS
from synthgate.steps.data_map import STORES, topics
from synthgate.steps.likeness import Likeness

MARKER, FINDING = "QUNSHAN-3D5E", "JIANXIN-5B1E"
"""In the person's id and words; and in what the platform says of a case, which names nobody."""
WHO: Final = Story(f"u-{MARKER}", "", (), accepts=False)
PERSON: Final = f"{TENANT}/{WHO.user}"
SUBJECT: Final = "5" * 32
"""The same person where they are edited: the platform's token."""
GRANT: Final = f"{TENANT}/{SUBJECT}/g-{MARKER}"
HEROIN, HELD = "买卖海洛因", "写一句稳赚不赔的理财广告"
AT = "2026-11-18T00:00:00Z"
PROOF_MS = 1_097 * DAY_MS
"""Consents are kept for three years (PIPL 56), all else for less."""
PERIODS_MS = max(one.kept_ms or 0 for one in TOPICS) + DAY_MS

BY_PLATFORM = "the platform's to remove (ADR 0038), and gone with its tombstones"
NO_INDEX = "a token leads to nothing without index and key; goes when the pack expires"
REGISTER = "a token alone, so that it can be shown what was done, or who got what"
GIVEN = "not reached where it was handed over; the register says who has it"
STAYS: Final[Mapping[tuple[str, str], str]] = {
    ("topic `facts.accounts`", "words"): BY_PLATFORM,
    ("topic `facts.consents`", "words"): BY_PLATFORM,
    ("topic `facts.consents`", "subject"): BY_PLATFORM,
    ("topic `facts.revocations`", "words"): BY_PLATFORM,
    ("topic `facts.revocations`", "subject"): BY_PLATFORM,
    ("registry copies of a worker", "words"): BY_PLATFORM,
    ("registry copies of a worker", "subject"): BY_PLATFORM,
    ("log entries of facts, cases and work: content", "finding"): "names nobody: no key is theirs",
    ("log segments: footers, snapshots", "token"): NO_INDEX,
    ("log segments: footers, snapshots", "subject"): NO_INDEX,
    ("register of erasures", "token"): REGISTER,
    ("register of erasures", "subject"): REGISTER,
    ("register of evidence given away", "token"): REGISTER,
    ("evidence bundles", "words"): GIVEN,
    ("evidence bundles", "token"): GIVEN,
    ("evidence bundles", "picture"): GIVEN,
}
"""What of a person stands after erasure: place, mark, and why the map says so."""
BEFORE: Final = frozenset({
    *(f"topic `{name}`" for name in (
        "generation.events", "operator.events", "passages.identified", "passages.consented",
        "passages.moderated", "passages.labelled", "decisions", "facts.consents", "facts.revocations",
        "facts.accounts", "registry.users", "standings", "cases", "case.events", "work", "quarantine",
    )),
    "log entries: content", "log entries of facts, cases and work: content",
    "log segments: footers, snapshots", "labelled objects and what lies beside them", "trace index",
    "likeness index", "registry copies of a worker", "legal holds", "register of evidence given away",
    "evidence bundles",
})  # fmt: skip
"""Where the person was met while the law kept them: what is found nowhere before proves nothing after."""


class Lived:
    """An installation in which the person did everything once, and its commands."""

    def __init__(self, bus: LocalBus, folder: Path, capsys: Any, caplog: Any) -> None:
        self.bus = bus
        self._capsys = capsys
        self._printed = ""
        self.at = Installation(bus, folder / "bundle.zip", lambda: caplog.text + self._printed)
        self.marks: dict[str, bytes] = {}

    def command(self, *argv: str, code: int = 0) -> str:
        rows = self.bus.settings.model_dump(mode="json", exclude={"instance", "web_port"})
        given = [part for name, value in rows.items() for part in ("--set", f"{name}={value}")]
        ended, said, why = run(self._capsys, *given, *argv)
        assert ended == code, said + why
        self._printed += why
        return said

    def act(self, id: str, kind: str, cited: Decision | None = None, **more: Any) -> Decision:
        self.bus.now_ms += 1000
        for file in more.get("files", ()):
            file.place(self.bus.settings.media_folders[TENANT])
        brought = cited and Cited(cited.pass_, tuple(one.model_dump() for one in cited.objects))
        act = Act(id, id, kind, **more)
        return decide(self.bus, event_of(WHO, act, self.bus.now_ms, brought, "r"))

    def found(self) -> set[tuple[str, str]]:
        """Place and mark, wherever one stands in the other."""
        said = {place: search(self.at) for place, search in SEARCHED.items()}
        return {
            (place, name)
            for place, text in said.items()
            for name, mark in self.marks.items()
            if mark in text
        }


@pytest.fixture
def lived(tmp_path: Path, capsys: Any, caplog: Any, monkeypatch: pytest.MonkeyPatch) -> Lived:
    bus = a_bus(tmp_path / "data", media_roots=f"{TENANT}={tmp_path}/media")
    bus.recording = True
    bus.start()
    on = OnBus(bus)
    monkeypatch.setattr(positions, "records", on.records)
    monkeypatch.setattr(positions, "writer", on.writer)
    for topic, row in facts(bus.now_ms):
        bus.fact(topic, row)
    grant = consent(SUBJECT, f"g-{MARKER}", bus.now_ms, proof_ref=f"vault/{MARKER}")
    bus.fact("facts.consents", grant)
    accept(bus, WHO.user, TENANT)
    lived = Lived(bus, tmp_path, capsys, caplog)
    lived.act("v", "identity.verified")
    lives(lived)
    commands(lived)
    return lived


def lives(lived: Lived) -> None:
    """Generates, is refused, held, edited and blocked; sends what nobody can read."""
    bus, asks, answers = lived.bus, "generation.requested", "generation.completed"
    asked = lived.act("text", asks, prompt=f"a poem on {MARKER}")
    made = lived.act("text-done", answers, asked, text=f"{MARKER} blooms", generation="text")
    drawing = {"generation": "image", "template": "studio", "medium": "image"}
    asked = lived.act("image", asks, prompt=f"画{MARKER}", **drawing)
    drawn = lived.act("image-done", answers, asked, files=(media.PICTURE,), **drawing)
    assert {made.action, drawn.action} == {"release"}
    assert lived.act("bad", asks, prompt=f"{MARKER} {HEROIN}").action == "refuse"
    held = lived.act("held", asks, prompt=f"{MARKER} {HELD}")
    seen = {"outcome": "pass", "reviewer": "reviewer-1", "note": MARKER}
    assert answer(bus, held, "review", **seen).action == "release"
    bus.append("generation.events", PERSON.encode(), f"{{{MARKER}".encode())
    blocked = AccountRow(
        version=1, tenant=TENANT, user=WHO.user, standing="warned", reason=MARKER, since=AT
    )
    bus.fact("facts.accounts", blocked)
    back = RevocationRow(
        version=1, tenant=TENANT, subject=SUBJECT, grant=f"g-{MARKER}", revoked_at=AT, biometric=["style"]
    )  # fmt: skip
    bus.fact("facts.revocations", back)
    tell(bus, "work.done", "any", work="none", detail={"proof": FINDING})
    (picture,) = drawn.objects
    token = user_token(bus.parts.keys.token_key, TENANT, WHO.user)
    marks = {"words": MARKER, "finding": FINDING, "token": token, "subject": SUBJECT,
             "picture": picture.sha256}  # fmt: skip
    lived.marks = {name: mark.encode() for name, mark in marks.items()}


def commands(lived: Lived) -> None:
    """What an operator leaves of them: proofs, indexes, a hold, a bundle, keys."""
    settings = lived.bus.settings
    lived.bus.prove()
    lived.command("log", "build")
    lived.command("trace", "--user", PERSON)
    pictures = Likeness(settings.likeness_path)
    assert pictures.update(LocalObjects(settings.objects_dir)) == 1
    pictures.close()
    who = ("--by", "li", "--reason", "order 17")
    lived.command("evidence", "--user", PERSON, "--content", "--out", str(lived.at.bundle), *who)
    lived.command("hold", "place", "case-9", "--user", PERSON, *who)
    KeyFile(settings.api_keys_path).make(
        tenant=TENANT, sources=["//demo"], scopes=("events",), days=1, by="li", now_ms=lived.bus.now_ms
    )  # fmt: skip


def test_every_place_of_the_map_is_searched() -> None:
    on_the_map = {row.place for row in (*topics(), *STORES.values())}
    assert on_the_map == SEARCHED.keys() | NOT_OURS.keys()
    assert {place for place, _ in STAYS} | BEFORE <= SEARCHED.keys()


def test_nothing_of_a_person_is_anywhere_but_where_it_is_said_and_why(
    lived: Lived, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = lived.bus
    assert {place for place, _ in lived.found()} >= BEFORE
    sealed = b"".join(one.value or b"" for one in bus.records("quarantine"))
    assert sealed and MARKER.encode() not in sealed

    bus.now_ms += DAY_MS
    bus.tick()
    bus.run()
    close(bus)
    bus.run()
    lived.command("hold", "release", "case-9")
    bus.now_ms += PROOF_MS
    monkeypatch.setattr(erase.time, "time_ns", lambda: bus.now_ms * 1_000_000)
    lived.command("erase", "--subject", SUBJECT)
    said = lived.command("erase", PERSON, code=75)
    assert "stays: 1 of facts.accounts: the platform's to remove" in said
    later(lived)
    assert lived.found() == STAYS.keys()

    for topic in ("facts.accounts", "facts.consents", "facts.revocations"):
        key = PERSON if topic == "facts.accounts" else GRANT
        bus.append(topic, key.encode(), None)
    lived.command("erase", PERSON)
    later(lived)
    assert lived.found() == {held for held, why in STAYS.items() if why != BY_PLATFORM}
    lived.command("verify")


def later(lived: Lived) -> None:
    """Until every topic's period is over; whoever looks for a picture looks once."""
    bus = lived.bus
    bus.run()
    bus.now_ms += PERIODS_MS
    bus.tick()
    bus.run()
    pictures = Likeness(bus.settings.likeness_path)
    pictures.update(LocalObjects(bus.settings.objects_dir))
    pictures.close()
