"""Certificates of our own making, as files, and the settings that name them."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from synthgate.effects.provenance import sample_chain
from synthgate.effects.provenance.signer import Signer
from synthgate.settings import Settings


@cache
def made(number: int = 0) -> dict[str, bytes]:
    return dict(sample_chain.make(datetime.now(UTC)))


def laid(folder: Path, **over: bytes) -> dict[str, str]:
    """Settings, and beneath them the files; over: other bytes for chain, key or roots."""
    found = {}
    for name, data in made().items():
        setting = name.removesuffix(".pem")
        path = folder / name
        path.write_bytes(over.get(setting, data))
        found[f"c2pa_{setting}"] = str(path)
    return found


def signer(folder: Path) -> Signer:
    found = Signer.of(Settings(**laid(folder)))
    assert found is not None
    return found
