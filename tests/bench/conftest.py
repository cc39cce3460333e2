"""Fixtures of the benches' tests."""

import pytest

from synthgate.bench import on_broker


@pytest.fixture
def few_partitions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Making topics takes longest where there is little to measure."""
    monkeypatch.setattr(on_broker, "PARTITIONS", 3)
