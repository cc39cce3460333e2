"""What a person sees of a task: the words around each hit, with numbers of people blotted out.

Read from the log by receipt at the desk and shown there alone; it lies on no topic.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from synthgate.events.event import Event

AROUND: Final = 40
WORDS_MAX: Final = 200
PIECES_MAX: Final = 12
BLOT: Final = "█"
_NUMBERS: Final = re.compile(r"[0-9０-９][0-9０-９ -]{5,}[0-9０-９Xx]")
_ADDRESSES: Final = re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+")


def preview(event: Event, facts: Mapping[str, Any], *, full: bool = False) -> list[str]:
    """Lines to show. facts: of moderation's verdict. full: all words, still blotted."""
    parts = _parts(event)
    lines = [] if full else list(_around(parts, facts.get("hits", ())))
    if not lines:
        for name, words in parts.items():
            cut = words if full else words[:WORDS_MAX]
            lines.append(f"{name}: {_shown(cut)}{'…' if len(cut) < len(words) else ''}")
    for number, row in enumerate(event.content.get("objects") or ()):
        lines.append(
            f"file {number}: {row.get('media_type')}, {row.get('size_bytes')} bytes, sha256 {row.get('sha256')}"
        )
    return lines


def _parts(event: Event) -> dict[str, str]:
    """Words of the event by part, as moderation's hits name them."""
    words = {"prompt": event.prompt, "text": event.text}
    if isinstance(event.content.get("shown"), str) and isinstance(event.text, str):
        words["shown+text"] = event.content["shown"] + words.pop("text")
    return {name: said for name, said in words.items() if isinstance(said, str) and said}


def _around(parts: Mapping[str, str], hits: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    spans: dict[str, list[tuple[int, int]]] = {}
    for hit in hits[:PIECES_MAX]:
        words = parts.get(hit["part"])
        if words is None:
            continue
        start, end = max(0, hit["start"] - AROUND), min(len(words), hit["end"] + AROUND)
        spans.setdefault(hit["part"], []).append((start, end))
    for name, places in spans.items():
        words = parts[name]
        for start, end in _joined(places):
            before, after = "…" if start else "", "…" if end < len(words) else ""
            yield f"{name}[{start}:{end}]: {before}{_shown(words[start:end])}{after}"


def _joined(places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for start, end in sorted(places):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


def _shown(words: str) -> str:
    """Blotted, on one line, without anything that moves a terminal's cursor or turns its text about."""
    words = _ADDRESSES.sub(lambda found: BLOT * len(found[0]), words)
    words = _NUMBERS.sub(lambda found: BLOT * len(found[0]), words)
    return "".join(char if char.isprintable() else "·" for char in words)
