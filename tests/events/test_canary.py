"""The canary's mark binds what it is about, and never reads as somebody's number."""

import re

from hypothesis import given
from hypothesis import strategies as st

from synthgate.events import canary

ATTRS = {"id": "i", "source": "s", "type": "t", "time": "2026-11-20T08:00:00Z"}
KEY = bytes(32)


@given(st.sampled_from(["id", "source", "type", "time"]), st.text(min_size=1), st.binary())
def test_any_change_breaks_the_mark(name: str, text: str, data: bytes) -> None:
    mark = canary.mac_of(KEY, ATTRS, data)
    assert re.fullmatch("[a-p]{64}", mark)
    assert canary.vouched(KEY, {**ATTRS, "canary": mark}, data)
    if text != ATTRS[name]:
        assert not canary.vouched(KEY, {**ATTRS, name: text, "canary": mark}, data)
    assert not canary.vouched(KEY, {**ATTRS, "canary": mark}, data + b"x")
    assert not canary.vouched(bytes(31) + b"1", {**ATTRS, "canary": mark}, data)
    assert not canary.vouched(None, {**ATTRS, "canary": mark}, data)


def test_parts_do_not_run_into_each_other() -> None:
    one = canary.mac_of(KEY, {**ATTRS, "id": "ab", "source": "c"}, b"")
    assert one != canary.mac_of(KEY, {**ATTRS, "id": "a", "source": "bc"}, b"")
