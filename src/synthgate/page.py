"""Pages of the source tree, written or found stale; and the frame of pages for people, in HTML."""

import sys
from collections.abc import Sequence
from pathlib import Path


def framed(title: str, style: str, body: str, language: str) -> str:
    """A page of HTML in ``zh`` or ``en`` that stands alone. title and body are escaped by whoever made them."""
    lang = "zh-CN" if language == "zh" else "en"
    return (
        f'<!doctype html>\n<html lang="{lang}"><head><meta charset="utf-8"><title>{title}</title>\n'
        f"<style>{style}</style></head>\n<body><h1>{title}</h1>\n{body}\n</body></html>\n"
    )


def written(page: Path, text: str, module: str, arguments: Sequence[str]) -> int:
    """Write the page, or with ``--check`` say on stderr whether it is stale (1) and what would write it."""
    if "--check" not in arguments:
        page.write_text(text, encoding="utf-8")
        return 0
    if page.is_file() and page.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"{page.name} is stale: run python -m {module}\n")
    return 1
