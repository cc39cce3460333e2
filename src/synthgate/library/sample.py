"""The sample library that travels with the package: for the demo and tests, marked as a sample."""

import tomllib
from importlib.resources import files

from synthgate.events.facts import FeatureRow

SAMPLE_VERSION = 1
"""Library version the sample's entries are in force from."""


def sample_rows() -> tuple[FeatureRow, ...]:
    """The entries of ``library/sample.toml``, as rows for ``facts.features``."""
    text = files("synthgate.library").joinpath("sample.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)
    return tuple(FeatureRow(**(table["defaults"] | row)) for row in table["entry"])
