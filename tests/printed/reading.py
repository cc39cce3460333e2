"""What other people's programs read out of a PDF, and what a page says, both without white space."""

from pathlib import Path

from programs import need, output
from synthgate.printed.blocks import Page


def read_out(data: bytes, folder: Path) -> str:
    """Text of a PDF, as poppler reads it."""
    need("pdftotext")
    (folder / "printed.pdf").write_bytes(data)
    return squeezed(output("pdftotext", "-enc", "UTF-8", folder / "printed.pdf", "-"))


def said(html: str) -> str:
    """Text of a page of ours."""
    return squeezed("".join(block.text for block in Page(html).blocks))


def squeezed(text: str) -> str:
    """Without white space, that without width too: where a line is broken is no part of what it says."""
    return "".join(text.replace("\u200b", "").split())
