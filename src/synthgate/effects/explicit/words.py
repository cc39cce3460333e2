"""The words of a label, checked once for all media (GB 45438-2025 5)."""

from synthgate.effects import text_label
from synthgate.effects.explicit.errors import ExplicitError


def check(text: str) -> None:
    """Nothing, if these words are a label.

    Raises:
        ExplicitError: they are none.
    """
    if not text_label.valid(text):
        raise ExplicitError(
            "wording", "a label names AI (or 人工智能) and 生成 or 合成, in one visible line"
        )
