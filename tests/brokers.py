"""What tests share about brokers: what was used, what could not be had, and what that means."""

import os
from collections.abc import Callable
from typing import TypeVar

import pytest

from synthgate.broker.errors import BrokerUnavailableError

Started = TypeVar("Started")


def or_not_run(start: Callable[[], Started], what: str = "a real Kafka") -> Started:
    """What ``start`` returns; without a broker the test is skipped by name, and failed in CI."""
    try:
        return start()
    except BrokerUnavailableError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI insists on {what}: {error}", pytrace=False)
        pytest.skip(f"no {what.removeprefix('a ').removeprefix('an ')}: {error}")
