"""What ``bench soak`` found, for people."""

from collections.abc import Mapping
from typing import Any, Final

from synthgate.bench.soak_fit import LAG_GREW_MAX_SECONDS, MEMORY_GREW_MAX

FLAT: Final = {True: "flat", False: "grows"}
YES: Final = {True: "yes", False: "NO"}


def of_soak(found: Mapping[str, Any]) -> str:
    """The table."""
    judged, accounts = found["judged"], found["accounts"]
    lines = [
        f"soak on {found['store']}",
        f"{found['cores']} cores; {found['seconds'] / 60:.3g} minutes at {found['rate']:,.0f} a second,"
        f" {found['share']:.0%} of the {found['capacity_per_second']:,} that are sustained",
        "",
        f"{'':14}{'MiB':>8}{'MiB/hour':>10}{'grew':>8}{'by design':>11}{'':8}{'lag':>8}{'an hour':>10}",
    ]
    for worker, row in found["memory"].items():
        lag = found["lag"][worker]
        lines.append(
            f"{worker:14}{row['mib']:>8,.1f}{row['mib_per_hour']:>10,.2f}{row['grew_mib']:>8,.2f}"
            f"{row['by_design_mib']:>11,.2f}{FLAT[row['flat']]:>8}"
            f"{lag['mean']:>8,.0f}{lag['per_hour']:>+10,.0f}{FLAT[lag['flat']]:>10}"
        )
    lines += [
        f"({stage}){lag['mean']:>{65 - len(stage)},.0f}{lag['per_hour']:>+10,.0f}{FLAT[lag['flat']]:>10}"
        for stage, lag in found["lag"].items()
        if stage not in found["memory"]
    ]
    lines += [
        "",
        f"memory flat: {YES[judged['memory']]}   (rule: beside what is held by design, none grows by more"
        f" than {MEMORY_GREW_MAX:.0%} after the warm-up)",
        f"lag flat: {YES[judged['lag']]}   (rule: none grows by what is sent in {LAG_GREW_MAX_SECONDS:g} s)",
        f"no error said: {YES[judged['errors']]}   ({found['errors']} lines of error,"
        f" {found['warnings']} of warning)",
        f"each record in the log once, each event answered as it must be: {YES[judged['accounts']]}"
        f"   ({accounts['records']:,} records, {accounts['entries']:,} entries, {accounts['faults']} faults,"
        f" {accounts['holes']} holes, {accounts['unanswered']} unanswered, {accounts['wrong']} wrong)",
    ]
    lines += [f"  {line}" for line in found["said"]]
    lines += [f"  wrong: {what}, {many:,} times" for what, many in found["wrong"].items()]
    return "\n".join(lines)
