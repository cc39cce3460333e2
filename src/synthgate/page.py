"""Generated pages of the source tree: written, or found stale."""

import sys
from collections.abc import Sequence
from pathlib import Path


def written(page: Path, text: str, module: str, arguments: Sequence[str]) -> int:
    """Write the page, or with ``--check`` say on stderr whether it is stale (1) and what would write it."""
    if "--check" not in arguments:
        page.write_text(text, encoding="utf-8")
        return 0
    if page.is_file() and page.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"{page.name} is stale: run python -m {module}\n")
    return 1
