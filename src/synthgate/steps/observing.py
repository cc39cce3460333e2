"""Observe mode: what would have been refused is told as it is, and need not be obeyed yet.

``control`` row ``observe/<tenant>``: {"duties": […], "percent": 0-100}. A refusal or hold that rests on these
duties alone, of a user in the share, is not enforced: nobody is penalised and nothing is reported for it.
Observing is not complying; a release is never made by it, and no pass.
"""

from collections.abc import Mapping
from typing import Any, Final

from synthgate.registries.control import Control

_UNPASSED: Final = ("no_pass", "pass_invalid")
"""What a later event meets because an earlier one was observed and so has no pass."""
_FOLLOWING: Final = "HOUSE-upstream"
"""A reason that only repeats what an earlier duty said."""


def observed(decision: Mapping[str, Any], control: Control) -> bool:
    """Whether a decision that is no release need not be obeyed."""
    if decision["action"] == "release" or decision["user"] is None:
        return False
    duties, percent = control.observe(decision["tenant"])
    if share(decision["user"]) >= percent:
        return False
    own = [reason for reason in decision["reasons"] if reason["rule"] != _FOLLOWING]
    return bool(own) and all(
        reason["obligation"] in duties or reason["code"] in _UNPASSED for reason in own
    )


def share(user_token: str) -> int:
    """0 to 99, the same for a user always: who is below the percentage is observed."""
    return int(user_token[:8], 16) % 100
