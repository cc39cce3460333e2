"""Templates of reports to authorities: items and headings, as data."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from synthgate.law.toml_file import LawModel, build, read_toml

FILE = Path(__file__).parent / "reports.toml"


class Item(LawModel):
    """One item. always: stated in the first report already, never pending."""

    key: str
    zh: str
    en: str
    always: bool = False


class Template(LawModel):
    """One kind of report: title and addressee in both languages, items in the order of the law."""

    zh: str
    en: str
    to_zh: str
    to_en: str
    item: Annotated[tuple[Item, ...], Field(min_length=1, strict=False)]


@lru_cache(maxsize=2)
def templates(path: Path = FILE) -> dict[str, Template]:
    """Every template by kind.

    Raises:
        LawError: an unknown, missing or wrong entry.
    """
    return {
        kind: build(Template, entry, f"{path.name}: {kind}")
        for kind, entry in read_toml(path).items()
    }
