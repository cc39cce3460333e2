"""Released pictures that look like a file: asked where neither its bytes nor a label lead anywhere.

Never called the same file: the distance is said, and a person judges.
"""

import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from synthgate.cli.errors import CONFIGURATION, CommandError

if TYPE_CHECKING:
    from synthgate.settings import Settings
    from synthgate.steps.likeness import Like
    from synthgate.steps.trace_index import Traced, TraceIndex


class Alike(NamedTuple):
    """What looks like a picture, the nearest first, of how many. why, code: why it cannot be compared."""

    near: "list[Like]"
    compared: int
    why: str | None = None
    code: str | None = None


class Likely(NamedTuple):
    """The log entries that released what a picture looks like, the nearest first; ``compared`` as above."""

    entries: "list[tuple[Traced, Like]]"
    compared: int
    why: str | None

    def row(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {"compared": self.compared, "not_compared": self.why}

    def nothing(self) -> str:
        """Why there is nothing, in one line."""
        if self.why is not None:
            return f"nothing in the logs by hash or label, and it cannot be compared: {self.why}"
        return (
            f"nothing in the logs: no hash, no label, and of {self.compared} released pictures"
            " none looks like it"
        )


def alike(settings: "Settings", data: bytes) -> Alike:
    """The index is brought up to date first. Raises CommandError: the extra is missing."""
    from synthgate.effects.places import open_objects

    try:
        from synthgate.library.pictures import PictureError
        from synthgate.steps.likeness import Likeness
    except ModuleNotFoundError:
        raise CommandError(
            'pictures are compared with the extra: pip install "synthgate[images]"', CONFIGURATION
        ) from None
    pictures = Likeness(settings.likeness_path)
    try:
        pictures.update(open_objects(settings))
        return Alike(pictures.near(data), pictures.count())
    except PictureError as error:
        return Alike([], 0, str(error), error.code)
    finally:
        pictures.close()


def likely(settings: "Settings", path: Path, index: "TraceIndex") -> Likely | None:
    """What released what this file looks like; None of what is no picture.

    Raises:
        CommandError: it is a picture, and the extra is missing.
    """
    data = path.read_bytes()
    if not _picture(data, path.name):
        return None
    try:
        found = alike(settings, data)
    except CommandError as error:
        raise CommandError(
            f"{path}: nothing in the logs by hash or label; {error}", error.code
        ) from None
    if found.code == "not_an_image":  # only its name says so
        return None
    entries: dict[Traced, Like] = {}
    for like in found.near:
        for one in index.by_object(like.sha256):
            entries.setdefault(one, like)
    return Likely(list(entries.items()), found.compared, found.why)


def like_row(like: "Like") -> dict[str, Any]:
    """How near, ready for JSON."""
    from synthgate.library.pictures import BITS

    return {
        "distance": like.distance, "of_bits": BITS, "turned": like.flip, "object": like.name,
        "sha256": like.sha256,
    }  # fmt: skip


def _picture(data: bytes, name: str) -> bool:
    """Also one that carries no label here (BMP, TIFF), by its name."""
    from synthgate.effects.carriers import catalogue
    from synthgate.effects.carriers.carrier import CarrierError

    try:
        return catalogue.of(data, name).medium == "image"
    except CarrierError:
        return (mimetypes.guess_type(name)[0] or "").startswith("image/")
