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
    for name, share in found["recall"].items():
        lines.append(f"{name:28}" + (f"{'few':>8}" if share is None else f"{share:>8.1%}"))
    accidents = sum(found["accidents"].values())
    ways = ", ".join(f"{way} {count}" for way, count in found["accidents"].items())
    lines += [
        "",
        f"over-refusal {found['over_refusal']:.1%} of {found['sentences']:,} harmless sentences of public text"
        f"   aim: at most {found['over_refusal_aim']:.0%}",
        f"  {found['holding']} of them hold an entry as it stands; {found['allowed']} of them somebody allowed",
        f"  of the {found['sentences'] - found['holding']:,} others {accidents} are refused"
        + (f" ({ways})" if ways else ""),
    ]
    return "\n".join(lines)
