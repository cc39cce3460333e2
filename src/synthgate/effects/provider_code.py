"""The provider code: 27 characters that name who offers the service (TC260-PG-20252A).

``00``, ``1`` organisation, ``1`` bound by its unified social credit code, that code (18), then five of our own:
``00000``, or ``1`` generation / ``2`` propagation and a four-character model or application code.
A code is never invented: it is a setting, checked, and nothing is labelled without it.
"""

import re
from dataclasses import dataclass
from typing import Final

from stdnum.cn import uscc

SAMPLE_USCC: Final = "91110108MA0000001D"
SAMPLE_CODE: Final = f"0011{SAMPLE_USCC}1DEMO"
"""The marked sample, NOT FOR PUBLICATION: an entity that does not exist. Demo and tests alone may set it."""

_FORM: Final = re.compile(r"0011([0-9A-HJ-NPQRTUWXY]{18})(00000|[12][0-9A-Z]{4})", re.ASCII)


class ProviderCodeError(ValueError):
    """No valid provider code. ``code``: provider_code_invalid or provider_code_sample."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"provider_code: {detail}")
        self.code = code


def is_sample(text: str) -> bool:
    """Whether a code, of whatever service of it, is the sample entity's."""
    return text[4:22] == SAMPLE_USCC


@dataclass(frozen=True, slots=True)
class ProviderCode:
    """A checked code and its parts."""

    text: str
    credit_code: str
    extension: str


def parse(text: str, *, sample_allowed: bool = False) -> ProviderCode:
    """Check a code.

    Raises:
        ProviderCodeError: missing, of the wrong form, wrong check character, or the sample where it is
            not allowed.
    """
    if not text:
        raise ProviderCodeError("provider_code_invalid", "not set; it is the 27-character code")
    match = _FORM.fullmatch(text)
    if match is None:
        raise ProviderCodeError(
            "provider_code_invalid",
            "it is 0011, the 18-character credit code, and 00000 or 1/2 with four of 0-9A-Z",
        )
    credit_code, extension = match.groups()
    if not uscc.is_valid(credit_code):
        raise ProviderCodeError(
            "provider_code_invalid", "the credit code's check character is wrong"
        )
    if credit_code == SAMPLE_USCC and not sample_allowed:
        raise ProviderCodeError("provider_code_sample", "the sample code is not for publication")
    return ProviderCode(text, credit_code, extension)
