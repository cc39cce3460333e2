"""Hits of the library as moderation's facts: whom they count for, which are gravest, what they stand for."""

import hashlib
from collections.abc import Iterator
from typing import Any, Final

from synthgate.events.event import Event
from synthgate.events.review_facts import HitFact
from synthgate.library.library import Hit, Library

HITS_RECORDED_MAX: Final = 32
"""Hits told one by one in a verdict; their number and each risk's highest severity count all of them."""
ACROSS: Final = "shown+text"
"""Part a hit of a streamed answer is told of: characters count from the first that was shown."""

Found = tuple[str, Hit]
"""A hit, behind the part it stands in."""


def across(library: Library, shown: str, words: str) -> Iterator[Found]:
    """Hits that a part of a stream completes, its own and those begun in what was shown before it."""
    for hit in library.search(shown + words):
        if hit.end > len(shown):  # what ends before it was judged with the part that showed it
            yield ACROSS, hit


def counted(found: list[Found], event: Event) -> tuple[list[Found], list[Found]]:
    """Hits that count for this user, and those of entries that are only watched."""
    who = f"{event.tenant}/{event.user}"
    sides: tuple[list[Found], list[Found]] = ([], [])
    for item in found:
        hit = item[1]
        counts = hit.share == 100 or _lot(hit.entry, who) < hit.share
        sides[0 if counts else 1].append(item)
    return sides


def _lot(entry: str, who: str) -> int:
    """0-99, always the same for an entry and a user, so that nobody meets an entry now and then."""
    digest = hashlib.sha256(f"{entry}\0{who}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:4]) % 100


def library_facts(
    library: Library | None, found: list[Found], watched: list[Found]
) -> dict[str, Any]:
    """Those of moderation's facts that the library alone says, by name. found: what counts."""
    risks: dict[str, int] = {}
    for _, hit in found:
        risks[hit.risk] = max(hit.severity, risks.get(hit.risk, 0))
    return {
        "library": None if library is None else library.version,
        "hits": gravest(found),
        "found": len(found),
        "risks": risks,
        "watched": gravest(watched),
        "against_label": against_label(found, library),
        "unapproved": unapproved(watched, library),
    }


def against_label(found: list[Found], library: Library | None) -> tuple[str, ...]:
    """Entries found in a prompt that stand for a request to remove, hide or forge a label."""
    if not found or library is None or not library.against_label:
        return ()
    entries = sorted({hit.entry for part, hit in found if part == "prompt"})
    return tuple(entry for entry in entries if entry in library.against_label)


def unapproved(watched: list[Found], library: Library | None) -> tuple[str, ...]:
    """Entries found that one person alone took in."""
    if not watched or library is None or not library.alone:
        return ()
    return tuple(sorted({hit.entry for _, hit in watched} & library.alone))


def gravest(found: list[Found]) -> tuple[HitFact, ...]:
    """The hits to tell one by one; of more than fit, one of each entry before a second of any."""
    if not found:
        return ()
    found = sorted(found, key=lambda item: (-item[1].severity, item[0], item[1].start))
    if len(found) > HITS_RECORDED_MAX:
        firsts: dict[str, Found] = {}
        others = [one for one in found if firsts.setdefault(one[1].entry, one) is not one]
        found = [*firsts.values(), *others]
    return tuple(_fact(part, hit) for part, hit in found[:HITS_RECORDED_MAX])


def _fact(part: str, hit: Hit) -> HitFact:
    return HitFact(
        hit.entry, hit.risk, hit.severity, hit.normalisation, part, hit.start, hit.end, hit.since
    )
