"""A log whose other owner was seen stays theirs: it is not opened again by who was taken for dead."""

from pathlib import Path
from typing import Any

import pytest

from ledger.builders import a_draft, a_log
from synthgate.ledger.errors import Fenced
from synthgate.steps.logs import Logs


async def test_who_was_fenced_does_not_come_back_on_another_lane(tmp_path: Path) -> None:
    proofs: Any = type("Proofs", (), {"assigned": lambda *_: None})()
    logs = Logs(lambda log: a_log(tmp_path, log=log), proofs)
    await logs.assigned(frozenset({0}))
    zombie = await logs.opened(0)
    owner = a_log(tmp_path)
    owner.append([a_draft(0)], 1)
    with pytest.raises(Fenced):
        zombie.append([a_draft(1)], 1)
    with pytest.raises(Fenced):
        await logs.opened(0)
    owner.append([a_draft(1)], 2)
    assert owner.head == 2
