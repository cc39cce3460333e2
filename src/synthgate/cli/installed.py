"""What is installed beside us, what of it we cannot do without, and under which licences."""

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions
from typing import Final

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

OURS: Final = "synthgate"
_CLASSIFIER: Final = re.compile(r"License :: (?:OSI Approved :: )?(.+)")
_NO_NAME: Final = re.compile("UNKNOWN$|Copyright", re.IGNORECASE)
_STRONG: Final = re.compile(r"(?<!L)A?GPL|GNU (?:Affero )?General Public", re.IGNORECASE)
"""Licences that reach over to what is delivered together with them; the Lesser GPL is not one."""


def installed() -> dict[str, Distribution]:
    """Every distribution of this environment, by its normalised name."""
    return {canonicalize_name(one.name): one for one in sorted(distributions(), key=_name)}


def needs(one: Distribution) -> list[str]:
    """Normalised names of what a distribution requires here, extras of its own left out."""
    rows = (Requirement(row) for row in one.requires or ())
    return sorted(
        {
            canonicalize_name(row.name)
            for row in rows
            if row.marker is None or row.marker.evaluate({"extra": ""})
        }
    )


def required() -> tuple[dict[str, Distribution], list[str]]:
    """What Synthgate without extras rests on, itself included, and names of it that are not installed."""
    found: dict[str, Distribution] = {}
    lacking: list[str] = []
    waiting = [OURS]
    while waiting:
        name = waiting.pop()
        if name in found or name in lacking:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            lacking.append(name)
            continue
        waiting += needs(found[name])
    return dict(sorted(found.items())), sorted(lacking)


def expression(one: Distribution) -> str | None:
    """The licence as an SPDX expression, if the distribution states one."""
    for stated in _fields(one, "License-Expression") + _fields(one, "License"):
        try:
            return str(canonicalize_license_expression(stated))
        except InvalidLicenseExpression:
            continue
    return None


def names(one: Distribution) -> list[str]:
    """Licences as the distribution names them, where it states no expression; none is unknown."""
    stated = [
        found[1]
        for row in _fields(one, "Classifier")
        if (found := _CLASSIFIER.fullmatch(row)) and found[1] != "OSI Approved"
    ]
    # A whole text may stand there; it begins with its name, or with whose it is.
    words = [row.split("\n")[0].strip() for row in _fields(one, "License")]
    return stated or [row for row in words if row and not _NO_NAME.match(row)]


def _fields(one: Distribution, name: str) -> list[str]:
    return one.metadata.get_all(name) or []


def faults(one: Distribution) -> Iterator[str]:
    """Why a person should look before this is delivered."""
    stated = expression(one) or ", ".join(names(one))
    if not stated:
        yield "states no licence"
    elif _STRONG.search(stated):
        yield "is under the GPL or AGPL"


def _name(one: Distribution) -> str:
    return canonicalize_name(one.name)
