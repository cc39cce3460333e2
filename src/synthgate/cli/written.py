"""What commands write into files: whole, under a name that must be free; and the font of printed pages."""

import errno
from pathlib import Path
from typing import TYPE_CHECKING, Final

from synthgate.cli.errors import CONFIGURATION, CommandError

if TYPE_CHECKING:
    from synthgate.ledger.files import FileOps
    from synthgate.printed.face import Face
    from synthgate.settings import Settings

_NO_LINKS: Final = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS)


def printing(settings: "Settings") -> "Face":
    """The font to print with.

    Raises:
        CommandError: there is none, or it is not fit; the sentence says how to mend it.
    """
    from synthgate.printed.face import CannotPrint, find_face

    try:
        return find_face(Path(settings.pdf_font) if settings.pdf_font else None)
    except CannotPrint as error:
        raise CommandError(str(error), CONFIGURATION) from None


def written(name: str, page: str, face: "Face | None") -> dict[str, bytes]:
    """A page as members of a bundle: as HTML, and printed if there is something to print it with."""
    files = {f"{name}.html": page.encode()}
    if face is not None:
        from synthgate.printed.document import pdf

        files[f"{name}.pdf"] = pdf(page, face)
    return files


def write_new(path: Path, data: bytes) -> None:
    """Under a name that must be free, whole or not at all; also where there are no hard links (a stick)."""
    from synthgate.ledger.files import FileOps

    ops, path = FileOps(), path.absolute()
    try:
        try:
            ops.write_new(path, data, path.parent)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            _write_plainly(path, data, ops)
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror}") from error


def _write_plainly(path: Path, data: bytes, ops: "FileOps") -> None:
    try:
        ops.write_whole(path, data)
    except FileExistsError:
        raise
    except OSError:
        path.unlink(missing_ok=True)
        raise
