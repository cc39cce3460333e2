"""What a library version held when two people put it in force: a digest of its entries, kept on ``control``.

Whoever may write entries cannot change such a version: what is sent for it later is not in it, and if one of
its own entries was overwritten or erased, it is not searched as if it were whole.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from synthgate.events.facts import FeatureRow

if TYPE_CHECKING:
    from synthgate.registries.control import Control
    from synthgate.registries.features import Features, Rows

PREFIX: Final = "seal/"
_SHA256: Final = 64


class Seal(NamedTuple):
    """sha256: of the entries. ends: where ``facts.features`` ended then, by partition."""

    sha256: str
    ends: Mapping[int, int]

    def body(self) -> dict[str, object]:
        """As kept on ``control``."""
        return {"sha256": self.sha256, "ends": {str(at): end for at, end in self.ends.items()}}


def read(body: object) -> Seal | None:
    """A seal, if these are the members of one."""
    if not isinstance(body, dict):
        return None
    sha256, ends = body.get("sha256"), body.get("ends")
    if not isinstance(sha256, str) or len(sha256) != _SHA256 or not isinstance(ends, dict):
        return None
    if not all(at.isdecimal() and type(end) is int for at, end in ends.items()):
        return None
    return Seal(sha256, {int(at): end for at, end in ends.items()})


def content(row: FeatureRow) -> dict[str, Any]:
    """What an entry says; when it was sent is no part of it."""
    return row.model_dump(mode="json", exclude={"v", "version"}, exclude_defaults=True)


def digest(rows: Iterable[FeatureRow]) -> str:
    """Of the entries of a version, in any order."""
    found = hashlib.sha256()
    for row in sorted(rows, key=lambda row: row.entry):
        found.update(orjson.dumps(content(row), option=orjson.OPT_SORT_KEYS) + b"\n")
    return found.hexdigest()


def matching(seal: Seal, found: "Iterable[Rows]") -> "Rows | None":
    """Of what ``Features.sealed`` found the rows the seal was set on."""
    return next((rows for rows in found if digest(rows) == seal.sha256), None)


def seal(features: "Features", rows: "Rows") -> Seal:
    """The seal on these entries of a version, set now."""
    return Seal(digest(rows), features.ends())


def entries(control: "Control", features: "Features", version: int) -> "Rows | None":
    """Entries of a version, by its seal if it has one; None: it is no longer what was put in force."""
    back = control.taken_back().rollbacks
    found = control.seal(version)
    if found is None:
        return features.active(version, back)
    return matching(found, features.sealed(version, found, back))


def last_version(control: "Control") -> int:
    """The greatest version that was ever put in force, withdrawn or not; 0 if none was."""
    back = control.taken_back().rollbacks
    return max([*_versions(control), *(one.version for one in back)], default=0)


def last_standing(control: "Control") -> int:
    """The greatest version that was put in force and not withdrawn; 0 if there is none."""
    back = control.taken_back().rollbacks
    return max((v for v in _versions(control) if not any(b.withdraws(v) for b in back)), default=0)


def _versions(control: "Control") -> list[int]:
    from synthgate.registries.control import InForce

    names = (row.name.partition("/") for row in control.rows())
    found = [int(number) for kind, _, number in names if kind == "seal" and number.isdecimal()]
    held = control.library()
    return [*found, held.version, held.before or 0] if isinstance(held, InForce) else found
