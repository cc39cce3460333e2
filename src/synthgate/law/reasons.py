"""What a reason code says to people, in Chinese and English, and what to send next.

Independent of the law rows: a code means the same under every rule. Texts never hold content or identities.
"""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from synthgate.law.toml_file import LawError, LawModel, build, read_toml

FILE = Path(__file__).parent / "reasons.toml"

Language = Literal["zh", "en"]
Sentence = Annotated[str, Field(min_length=4)]


class ReasonText(LawModel):
    """One code: what is wrong and how to mend it."""

    en: Sentence
    zh: Sentence
    mend_en: Sentence
    mend_zh: Sentence

    def said(self, language: str) -> str:
        """What is wrong."""
        return self.zh if language == "zh" else self.en

    def mend(self, language: str) -> str:
        """What to send or do next."""
        return self.mend_zh if language == "zh" else self.mend_en


@lru_cache(maxsize=8)
def texts(path: Path = FILE) -> dict[str, ReasonText]:
    """Every code with its texts.

    Raises:
        LawError: an unknown or missing key, a code that is not a plain word.
    """
    table: dict[str, Any] = read_toml(path)
    found: dict[str, ReasonText] = {}
    for code, entry in table.items():
        if not (code.isidentifier() and code.islower()):
            raise LawError(f"{path.name}: {code!r} is not a code (lower case and underscores)")
        found[code] = build(ReasonText, entry, f"{path.name}: {code}")
    return found


def text(code: str, language: Language = "en") -> str:
    """What is wrong, in one sentence; an unknown code is shown as it is."""
    entry = texts().get(code)
    return code if entry is None else entry.said(language)


def mend(code: str, language: Language = "en") -> str:
    """What to send or do next; empty for an unknown code."""
    entry = texts().get(code)
    return "" if entry is None else entry.mend(language)
