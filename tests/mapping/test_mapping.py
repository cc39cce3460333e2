"""Mappings: read strictly, what fails is named, nothing is let through that the door would not."""

import contextlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgate.__main__ import main
from synthgate.events.wire import admit
from synthgate.mapping.applied import UnmappedError, event, reply
from synthgate.mapping.cases import seen
from synthgate.mapping.file import Mapping, MappingError

GUIDES = Path(__file__).parents[2] / "src" / "guides" / "mapping"
RULE = """
version = 1
[[event]]
name = "a"
when = "value.k == 'x'"
type = "account.registered"
[event.attrs]
id = "value.id"
source = "'//s'"
time = "rfc3339_ms(at)"
[event.data]
tenant = "'t'"
"user.id" = "value.u"
"note?" = "value.note"
"""


def mapped(value: Any, text: str = RULE, **more: Any) -> Any:
    return event(Mapping.parse(text), seen({"value": value} | more))


def test_a_record_becomes_an_event() -> None:
    made = mapped({"k": "x", "id": "1", "u": "用户"}, at=1_795_000_000_000)
    assert made.key == "t/用户".encode()
    assert json.loads(made.value) == {"tenant": "t", "user": {"id": "用户"}}
    assert dict(made.headers)["ce_type"] == b"account.registered"
    assert made == mapped({"k": "x", "id": "1", "u": "用户"}, at=1_795_000_000_000)


@pytest.mark.parametrize(
    ("value", "at", "why"),
    [
        ({"k": "x", "id": "1"}, "a: data.user.id", "it gives nothing"),
        ({"k": "x", "u": "u"}, "a: attrs.id", "it gives nothing"),
        ({"k": "x", "id": "1", "u": 5}, "a: data.user.id", "bad_shape"),
        ({"k": "x", "id": 1, "u": "u"}, "a: attrs.id", "bad_envelope"),
        ({"k": "x", "id": "1", "u": "13800138000"}, "a: data.user.id", "plain_identity"),
        ({"k": "x", "id": "1", "u": "u", "note": "x" * 300_000}, "a: data", "too_large"),
        ({"k": "y"}, "no rule", "no event's `when` holds"),
        (None, "no rule", "no event's `when` holds"),
    ],
)
def test_what_does_not_map_names_the_expression(value: Any, at: str, why: str) -> None:
    with pytest.raises(UnmappedError) as refused:
        mapped(value, at=1_795_000_000_000)
    assert refused.value.at == at
    assert why in refused.value.why
    assert "13800138000" not in str(refused.value)
    assert "xxx" not in str(refused.value)


def test_a_function_that_cannot_work_names_its_expression() -> None:
    with pytest.raises(UnmappedError) as refused:
        mapped(
            {"k": "x", "id": "1", "u": "u"}, RULE.replace("rfc3339_ms(at)", "rfc3339_ms(value.u)")
        )
    assert (refused.value.at, refused.value.expression) == ("a: attrs.time", "rfc3339_ms(value.u)")
    with pytest.raises(UnmappedError, match="it fails on this record"):
        mapped({"k": "x", "id": "1", "u": "u"}, at=-1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version = 2", "version"),
        ("version = 1\nmore = 1", "more"),
        ("= 1", "statement"),
        (RULE.replace('value.u"', 'value..u"'), "is no expression"),
        (RULE.replace("account.registered", "passage.reentered"), "has no type"),
        (RULE.replace('id = "value.id"', ""), "attrs are"),
        (RULE.replace('"note?"', '"user"'), "made twice"),
        (RULE.replace('"note?"', '"a..b"'), "no path"),
        (RULE + RULE.replace("version = 1", ""), "one name"),
    ],
)
def test_a_file_that_cannot_be_used(text: str, words: str) -> None:
    with pytest.raises(MappingError, match=words):
        Mapping.parse(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
            st.sampled_from(["kind", "msg", "who", "uid", "text", "ts", "job", "from", "ip"]), inner
        ),
    )
)  # fmt: skip
def test_whatever_comes_is_mapped_ignored_or_named(value: Any) -> None:
    mapping = Mapping.read(GUIDES / "chat.toml")
    with contextlib.suppress(UnmappedError):
        made = event(mapping, seen({"value": value}))
        assert made is None or admit(made.value)


@pytest.mark.parametrize("trace", [5, True, {"a": 1}, [1], "x\ud800", "a\nb", "x" * 300])
def test_a_trace_that_is_none_is_named_and_kills_nothing(trace: Any) -> None:
    text = RULE.replace("id = ", '"traceparent?" = "value.t"\nid = ')
    with pytest.raises(UnmappedError, match="bad_envelope") as caught:
        mapped({"k": "x", "id": "1", "u": "u", "t": trace}, text)
    assert (caught.value.at, caught.value.expression) == ("a: attrs.traceparent", "value.t")


def test_a_reply_no_json_can_hold_is_named_and_kills_nothing() -> None:
    mapping = Mapping.parse(
        "version = 1\n[[reply]]\nname = 'r'\nwhen = '`true`'\nkey = 'user'\nvalue = 'sum(decision)'\n"
    )
    with pytest.raises(UnmappedError, match="no JSON"):
        reply(mapping, {"decision": [2**53] * 4096, "user": "u"})


def test_a_reply_needs_a_key_and_all_its_members() -> None:
    mapping = Mapping.read(GUIDES / "chat.toml")
    decision = {"source": "//acme/chat", "event_id": "m", "action": "release", "pass": "p"}
    with pytest.raises(UnmappedError, match="verdict: key"):
        reply(mapping, {"decision": decision, "tenant": "acme", "user": "u"})
    full = decision | {"generation": "j", "reasons": [], "objects": []}
    made = reply(mapping, {"decision": full, "tenant": "acme", "user": "u"})
    assert made is not None
    assert made.row["value"] == {
        "msg": "m", "job": "j", "go": True, "ticket": "p", "why": [], "serve": [],
    }  # fmt: skip


@pytest.mark.parametrize("name", ["chat", "people"])
def test_the_cases_of_the_guides_hold(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    cases, file = (str(GUIDES / f"{name}.{kind}") for kind in ("cases.json", "toml"))
    assert main(["map", "test", "--map", file, cases]) == 0, capsys.readouterr().out


def test_a_case_that_differs_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads((GUIDES / "chat.cases.json").read_text())
    rows[0]["gives"]["data"]["content"]["prompt"] = "another"
    rows[1]["gives"] = {"unmapped": "typed: data.user.id"}
    rows[2]["gives"] = "ignored"
    rows[4]["gives"]["value"]["more"] = 1
    path = tmp_path / "cases.json"
    path.write_text(json.dumps(rows))
    assert main(["map", "test", "--map", str(GUIDES / "chat.toml"), str(path)]) == 1
    said = capsys.readouterr().out
    for words in ("/data/content/prompt: ", "ignored", "unmapped: typed", "/value/more: missing"):
        assert words in said
    assert "6 cases, 4 differ" in said
    path.write_text("{}")
    assert main(["map", "test", "--map", str(GUIDES / "chat.toml"), str(path)]) == 1
    path.write_text("[1]")
    assert main(["map", "test", "--map", str(GUIDES / "chat.toml"), str(path)]) == 78
    assert main(["map", "test", str(path)]) == 78


def test_the_file_on_the_page_maps_and_answers() -> None:
    page = (GUIDES.parent / "MAPPING.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    value = {"kind": "sign-up", "msg": "1", "ts": 1_795_000_000_000, "uid": "u"}
    made = mapped(value, text)
    assert made.row["data"] == {"tenant": "acme", "user": {"id": "u"}}
    assert mapped({"kind": "heartbeat"}, text) is None
    decision = {"source": "//acme/accounts", "event_id": "1", "action": "release", "pass": None}
    said = reply(Mapping.parse(text), {"decision": decision, "tenant": "acme", "user": "u"})
    assert said is not None
    assert (said.key, said.row["value"]) == (b"u", {"id": "1", "go": True, "ticket": None})


@pytest.mark.parametrize(("age", "band"), [(18, "adult"), (17, "14_17"), (0, "lt14"), (None, None)])
def test_an_age_nobody_told_is_no_child_s(age: int | None, band: str | None) -> None:
    value = {"result": "ok", "by": "bureau", "at": 1795000000, "ref": "vault/2", "age": age}
    text = (GUIDES / "people.toml").read_text()
    made = mapped(value, text, key="u-8", headers={"kind": "kyc"})
    assert made.row["data"].get("age_band") == band
