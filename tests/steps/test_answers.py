"""What an entry's content holds is what src/FORMAT.md says, name by name: others verify by that page."""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from acts_at_hand import a_bus, an_event, answer, decide, verify
from generated_acts import Acts
from local_bus import LocalBus
from synthgate.ledger import Entry
from synthgate.steps.answers import Content, pack, unpack
from synthgate.steps.consent import ConsentDuty
from synthgate.steps.evidence import report_row

PAGE = Path(__file__).parents[2] / "src" / "FORMAT.md"
ROW = re.compile(
    r"^\| `((?:decision|pass|passage)[a-z.]*)`[^|]*\|([^|]*)\|([^|]*)\|$", re.MULTILINE
)
SENTENCE = "A row of a bundle's `report.json` says of the content"


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, Content]]:
    """Header and content of entries of many kinds: by chance, and a stream, a hold lifted, a bug."""
    bus = a_bus(tmp_path_factory.mktemp("format"))
    Acts(bus, 20261127).send(250)
    verify(bus)
    asked = decide(bus, an_event(bus, "a"))
    streamed = an_event(
        bus, "part", "generation.segment", content={"text": "a poem"}, **{"pass": asked.pass_}
    )
    streamed["data"]["generation"] |= {"id": "g-a", "segment": {"index": 0}}
    assert decide(bus, streamed).action == "release"
    held = an_event(bus, "h", content={"prompt": "promise guaranteed returns to investors"})
    held = decide(bus, held)
    assert held.action == "hold"
    assert answer(bus, held, "review", outcome="pass", reviewer="r-1").action == "release"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ConsentDuty, "gather", a_bug)
        assert decide(bus, an_event(bus, "bug")).action == "refuse"
    return list(entries(bus))


async def a_bug(*_: object) -> None:
    raise ValueError("planted")


def entries(bus: LocalBus) -> Iterator[tuple[Any, Content]]:
    for log, head in bus.parts.logs.heads().items():
        for entry in bus.parts.logs.get(log).each(0, head):
            assert isinstance(entry, Entry)
            yield entry.header, unpack(entry.content)


def said() -> dict[str, tuple[set[str], set[str]]]:
    """Of each part of the content: names that are always there, and those that may be."""
    found = {}
    for part, always, seldom in ROW.findall(PAGE.read_text(encoding="utf-8")):
        found[part] = set(re.findall(r"`(\w+)`", always)), set(re.findall(r"`(\w+)`", seldom))
    return found


def written(contents: list[tuple[Any, Content]]) -> dict[str, list[set[str]]]:
    """Of each part of the content: the names of every time it was written."""
    found: dict[str, list[set[str]]] = defaultdict(list)

    def put(part: str, row: Any) -> None:
        for one in row if isinstance(row, list) else [row] if row is not None else []:
            found[part].append(set(one))

    for _, content in contents:
        passage = orjson.loads(content.passage)
        put("decision", content.decision)
        for name in ("reasons", "verdicts", "objects"):
            put(f"decision.{name}", (content.decision or {}).get(name))
        put("pass", content.pass_row)
        put("passage", passage)
        for name in ("origin", "reentry", "verdicts"):
            put(f"passage.{name}", passage.get(name))
        for verdict in passage["verdicts"]:
            put("passage.verdicts.reasons", verdict["reasons"])
    return found


def test_the_page_names_what_is_written_and_nothing_else(
    contents: list[tuple[Any, Content]],
) -> None:
    page, found = said(), written(contents)
    assert page.keys() == found.keys()
    for part, rows in found.items():
        always = set.intersection(*rows)
        assert page[part] == (always, set.union(*rows) - always), part


def test_the_four_members_stand_in_this_order() -> None:
    whole = pack(Content(None, None, b"t/u", b'{"x":1}'))
    assert whole == b'{"decision":null,"pass":null,"key":"dC91","passage":{"x":1}}'
    assert '`{"decision":…,"pass":…,"key":' in PAGE.read_text(encoding="utf-8")


def test_a_report_can_be_made_by_the_page_alone(contents: list[tuple[Any, Content]]) -> None:
    """Written again from the words of the page, with nothing of ours but the parsed content."""
    (paragraph,) = (
        one for one in PAGE.read_text(encoding="utf-8").split("\n\n") if SENTENCE in one
    )
    assert len(re.findall(r"`\w+`", paragraph)) > 20
    for header, content in contents:
        ours = report_row(header, pack(content), words=True)
        decision, passage = content.decision or {}, orjson.loads(content.passage)
        row = {name: decision.get(name) for name in ("user", "generation", "label")}
        row["objects"] = [
            {name: one[name] for name in ("name", "sha256", "size_bytes", "media_type")}
            for one in decision.get("objects", ())
        ]
        row["verdicts"] = [
            {
                name: one.get(name)
                for name in (
                    "obligation",
                    "outcome",
                    "law",
                    "library",
                    "as_of",
                    "gathered_at",
                    "by",
                )
            }
            | {
                "reasons": [
                    {name: why.get(name) for name in ("rule", "article", "force", "code", "where")}
                    for why in one["reasons"]
                ]
            }
            for one in passage["verdicts"]
        ]
        event = passage["event"]
        if header["type"] != "record.stubbed":
            generation = event.get("generation") or {}
            row |= {name: generation.get(name) for name in ("template", "model")}
            row["medium"] = generation.get("medium", "none")
            row["purpose"] = generation.get("purpose", "unspecified")
            row["subjects"] = [one["token"] for one in event.get("subjects") or ()]
            row |= {
                "account": event["user"]["id"], "net": event.get("net") or {}, "event": event,
            }  # fmt: skip
        assert {name: ours[name] for name in row} == row
        assert ours.keys() - row.keys() <= {"log", "index", *_CLEAR}


_CLEAR = {
    "action", "tenant", "source", "event_id", "type", "origin", "root", "revision", "supersedes", "answers",
    "cause", "produce_id", "event_time", "recorded_at", "keep_until", "outcomes",
}  # fmt: skip
