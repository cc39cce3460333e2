"""No worker outlives the test that started it, however that ended."""

from collections.abc import Iterator

import pytest

from runtime.bench import STARTED


@pytest.fixture(autouse=True)
def ended() -> Iterator[None]:
    yield
    while STARTED:
        STARTED.pop().kill()
