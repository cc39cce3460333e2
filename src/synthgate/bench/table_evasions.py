"""What ``bench evasions`` found, for people."""

from collections.abc import Mapping
from typing import Any


def of_evasions(found: Mapping[str, Any]) -> str:
    """The table of ``bench evasions``."""
    lines = [
        f"{found['entries']:,} entries over {found['risks']} risks; {found['each']} evasions by each technique",
        "",
        f"{'technique':28}{'recall':>8}",
    ]  # fmt: skip
    lines += [_share(name, share) for name, share in found["recall"].items()]
    lines += ["", "entries of two ideographs: not listened for by their sound (ADR 0010)"]
    lines += [
        _share(name, share) for name, share in found["recall_of_two"].items() if share is not None
    ]
    ways = ", ".join(f"{way} {count}" for way, count in found["accidents"].items())
    made, allowed = found["holding"], found["allowed"]
    lines += [
        "",
        f"over-refusal {found['over_refusal']:.1%} of {found['sentences']:,} harmless sentences of public text"
        f"   aim: at most {found['over_refusal_aim']:.0%}",
        f"  by design {found['refused_holding'] + found['refused_allowed']} of the {made} taken because an"
        " entry stands in them:",
        f"    {found['refused_holding']} of {made - allowed} that nobody allowed, and for another word"
        f" {found['refused_allowed']} of {allowed} that somebody did",
        f"  by accident {found['refused_accidents']} of the {found['sentences'] - made:,} others"
        + (f" ({ways})" if ways else ""),
    ]
    return "\n".join(lines)


def _share(name: str, share: float | None) -> str:
    return f"{name:28}" + (f"{'few':>8}" if share is None else f"{share:>8.1%}")
