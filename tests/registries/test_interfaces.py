"""Interface contracts: which one counts when, and what no contract can be read from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registries.rows import a_control, put
from synthgate.registries import Registries
from synthgate.registries.control import Control
from synthgate.registries.interfaces import Contract, in_force

BODY = {
    "wording": "AI生成", "screenshot_sha256": "a" * 64, "tested_at": "2026-11-01T00:00:00Z",
    "valid_until": "2026-12-01T00:00:00Z",
}  # fmt: skip
TESTED, UNTIL = 1_793_491_200_000, 1_796_083_200_000


def _control(*rows: tuple[str, dict[str, object]]) -> Control:
    registries = Registries(["control"])
    put(registries, "control", *(a_control(name, dict(body)) for name, body in rows))
    return registries.control


def test_a_contract_counts_from_its_test_until_its_end() -> None:
    control = _control(("interface/acme/chat/1", BODY))
    assert control.interface("acme", "chat", TESTED) == Contract(
        "chat", "1", "AI生成", TESTED, UNTIL
    )
    assert control.interface("acme", "chat", UNTIL - 1) != "interface_expired"
    assert control.interface("acme", "chat", TESTED - 1) == "interface_expired"
    assert control.interface("acme", "chat", UNTIL) == "interface_expired"
    assert control.interface("acme", "player", TESTED) == "interface_unknown"
    assert control.interface("other", "chat", TESTED) == "interface_unknown"


def test_a_contract_is_about_one_thing() -> None:
    control = _control(
        ("interface/acme/chat/1", BODY), ("interface/acme/chat/2", BODY | {"shows": "offer"}),
        ("interface/acme/chat/3", BODY | {"shows": "start_frame", "height_percent": 6}),
    )  # fmt: skip
    found = {
        shows: control.interface("acme", "chat", TESTED, shows)
        for shows in ("label", "offer", "start_frame", "declaration")
    }
    assert {shows: getattr(one, "version", one) for shows, one in found.items()} == {
        "label": "1", "offer": "2", "start_frame": "3", "declaration": "interface_unknown",
    }  # fmt: skip
    assert getattr(found["start_frame"], "height_percent", None) == 6.0


@pytest.mark.parametrize(
    ("name", "over"),
    [
        ("interface/acme/chat", {}),
        ("interface/acme/chat/1/2", {}),
        ("interface//chat/1", {}),
        ("interface/acme/chat/1", {"wording": ""}),
        ("interface/acme/chat/1", {"wording": 5}),
        ("interface/acme/chat/1", {"screenshot_sha256": "A" * 64}),
        ("interface/acme/chat/1", {"tested_at": "yesterday"}),
        ("interface/acme/chat/1", {"valid_until": None}),
        ("interface/acme/chat/1", {"shows": "nothing"}),
        ("interface/acme/chat/1", {"shows": None}),
        ("interface/acme/chat/1", {"valid_until": "2026-11-01T00:00:00Z"}),
    ],
)
def test_a_row_nobody_can_read_does_not_count(name: str, over: dict[str, object]) -> None:
    control = _control((name, BODY | over))
    assert control.interface("acme", "chat", TESTED) == "interface_unknown"


def test_one_that_can_be_read_counts_beside_one_that_cannot() -> None:
    control = _control(
        ("interface/acme/chat/1", BODY), ("interface/acme/chat/2", BODY | {"wording": ""})
    )
    assert isinstance(control.interface("acme", "chat", TESTED), Contract)


SPANS = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 20)).filter(lambda span: span[0] < span[1]), max_size=5
)  # fmt: skip


@given(SPANS, st.integers(0, 20))
def test_the_last_one_tested_that_still_counts_is_in_force(spans, as_of) -> None:
    known = [Contract("s", str(n), "w", start, end) for n, (start, end) in enumerate(spans)]
    found = in_force(known, as_of)
    good = [one for one in known if one.tested_at <= as_of < one.valid_until]
    if good:
        assert found in good
        assert found.tested_at == max(one.tested_at for one in good)
    else:
        assert found == ("interface_expired" if known else "interface_unknown")
