"""What the demo prints: a line per act as it happens, and a summary."""

import sys
import unicodedata
from collections import Counter
from collections.abc import Sequence

from synthgate.demo.player import Told

SAY_WIDTH = 46
MARKS = {"release": "✓", "refuse": "✗", "hold": "…", "recall": "↩", "undecided": "?"}


def head() -> None:
    """Column names."""
    _line("", "user", "what 事件", "decision", "ms", "why")
    sys.stdout.write("-" * 118 + "\n")


def told(one: Told) -> None:
    """One act."""
    why = ", ".join(dict.fromkeys(one.codes)) or one.cause
    if one.objects:
        why = f"{one.objects} labelled objects"
    if one.cases:
        why += " → case, warning"
    mark = MARKS.get(one.action, " ") + (" " if one.as_told else "!")
    _line(mark, one.story.user[:12], one.act.say, one.action, str(one.ms), why)


def summary(all_told: Sequence[Told], seconds: float, places: Sequence[tuple[str, str]]) -> int:
    """Counts, rate, places; how many acts were not as told."""
    actions = Counter(one.action for one in all_told)
    reasons = Counter(code for one in all_told for code in one.codes)
    wrong = [one for one in all_told if not one.as_told]
    sys.stdout.write(f"\n{len(all_told)} events in {seconds:.1f} s")
    sys.stdout.write(f" ({len(all_told) / seconds:.0f}/s, each story waits for its answers): ")
    sys.stdout.write(", ".join(f"{count} {action}" for action, count in actions.most_common()))
    sys.stdout.write("\nreasons: ")
    sys.stdout.write(", ".join(f"{code} {count}" for code, count in reasons.most_common()) + "\n")
    for name, place in places:
        sys.stdout.write(f"{name:<9} {place}\n")
    for one in wrong:
        sys.stdout.write(
            f"NOT AS TOLD: {one.act.id}: expected {one.act.expect} {one.act.codes},"
            f" got {one.action} {one.codes}\n"
        )
    return len(wrong)


def _line(mark: str, user: str, say: str, action: str, ms: str, why: str) -> None:
    sys.stdout.write(f"{mark:<2} {user:<12} {_fit(say)} {action:<9} {ms:>5}  {why}\n")
    sys.stdout.flush()


def _fit(text: str) -> str:
    """Cut and pad by columns; Chinese characters take two."""
    shown, used = "", 0
    for char in text:
        width = 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if used + width > SAY_WIDTH:
            break
        shown, used = shown + char, used + width
    return shown + " " * (SAY_WIDTH - used)
