"""What notices and work say to people, in Chinese and English. Texts never hold content or identities."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from synthgate.law.toml_file import LawModel, build, read_toml

FILE = Path(__file__).parent / "notices.toml"


class NoticeText(LawModel):
    """One code in both languages; ``{until}`` and ``{detail}`` are filled in."""

    zh: Annotated[str, Field(min_length=4)]
    en: Annotated[str, Field(min_length=4)]


@lru_cache(maxsize=4)
def texts(path: Path = FILE) -> dict[str, NoticeText]:
    """Every code with its texts.

    Raises:
        LawError: an unknown or missing key.
    """
    return {
        code: build(NoticeText, entry, f"{path.name}: {code}")
        for code, entry in read_toml(path).items()
    }


def said(code: str, *, until: str = "", detail: str = "") -> dict[str, str]:
    """Language to sentence. KeyError: no such code, which is a bug."""
    entry = texts()[code]
    return {
        "zh": entry.zh.replace("{until}", until).replace("{detail}", detail),
        "en": entry.en.replace("{until}", until).replace("{detail}", detail),
    }
