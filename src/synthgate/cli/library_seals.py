"""What was put in force stays what it was: seals set, and rows turned away that would change such a version."""

from typing import TYPE_CHECKING, Final

from synthgate.cli.errors import CommandError

if TYPE_CHECKING:
    from synthgate.events.facts import FeatureRow
    from synthgate.registries import Registries
    from synthgate.registries.features import Rows
    from synthgate.registries.seals import Seal
    from synthgate.settings import Settings

_TOLD_MAX: Final = 5


async def seal(
    settings: "Settings", registries: "Registries", version: int, by: str, at: int
) -> "Seal":
    """The seal of a version, set now if nobody has. at: Unix ms.

    Raises:
        CommandError: an entry cannot be read, or it is no longer what was put in force.
    """
    from synthgate.cli.library_topic import control_row, of_version
    from synthgate.registries import seals

    rows = of_version(registries, version)
    found = registries.control.seal(version) or seals.seal(registries.features, rows)
    if registries.control.permitted(f"{seals.PREFIX}{version}") is None:
        await control_row(settings, f"{seals.PREFIX}{version}", found.body(), by, at)
    return found


def no_stray(registries: "Registries", version: int, rows: "Rows") -> None:
    """Nothing in a new version was sent past the import for one before it, and would count as if it came then.

    Raises:
        CommandError: an entry was.
    """
    from synthgate.registries import seals

    last = seals.last_standing(registries.control)
    sealed = seals.entries(registries.control, registries.features, last) if last else None
    if sealed is None or version <= last:
        return
    there = {row.entry: row for row in sealed}
    for row in rows:
        if row.from_version <= last and there.get(row.entry) is not row:
            raise CommandError(
                f"{row.entry} was sent for version {row.from_version} after version {last} was put in force,"
                f" so it is in neither: import it for version {version}"
            )


def to_send(registries: "Registries", rows: "list[FeatureRow]") -> "list[FeatureRow]":
    """Rows that do not stand on the topic yet, or can no longer be read there.

    Raises:
        CommandError: one would change a version that was put in force; nothing is to be sent.
    """
    from synthgate.events.facts import key_of
    from synthgate.registries import seals

    control, features = registries.control, registries.features
    last, standing = seals.last_version(control), seals.last_standing(control)
    kept = {row.entry: row for row in seals.entries(control, features, standing) or ()}
    back = control.taken_back().rollbacks
    by_version = {
        version: {row.entry: row for row in features.active(version, back)}
        for version in {row.from_version for row in rows}
    }
    unreadable = set(features.unreadable)
    sent, faults = [], []
    for row in rows:
        torn = row.entry in unreadable or key_of(features.topic, row) in unreadable
        exactly = features.exactly(row.entry, row.from_version)
        if row.from_version > last:
            held = by_version[row.from_version].get(row.entry)
            known = held is not None and (held.from_version > last or kept.get(row.entry) is held)
            if torn or not known or held is None or differing(row, held):
                sent.append(row)
        elif exactly is None and not torn:
            faults.append(f"{row.entry} is not in version {row.from_version}")
        elif exactly is not None and (fields := differing(row, exactly)):
            faults.append(f"{row.entry} has another {', '.join(fields)}")
        elif torn:
            sent.append(row)
    if faults:
        more = f" and {len(faults) - _TOLD_MAX} more" if len(faults) > _TOLD_MAX else ""
        raise CommandError(
            f"version {last} was put in force, and nothing sent changes one that was; import for version"
            f" {last + 1}: {'; '.join(faults[:_TOLD_MAX])}{more}"
        )
    return sent


def differing(row: "FeatureRow", held: "FeatureRow") -> list[str]:
    """Fields in which they differ; which version each came with is none."""
    from synthgate.registries.seals import content

    one, other = content(row), content(held)
    names = sorted(one.keys() | other.keys())
    return [name for name in names if name != "from_version" and one.get(name) != other.get(name)]
