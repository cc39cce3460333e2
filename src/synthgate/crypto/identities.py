"""A phone, identity document or credit-code number becomes a token: ``<key id>.<32 hex characters>``.

HMAC-SHA-256 under an identity key (PIPL Art. 51): about 10^10 phone and 10^11 document numbers exist, so a hash
without a key is reversed by trying them all. Two keys may live at once: the newer makes tokens, both are
compared with, so a platform moves from one to the other without a day on which nobody is known.

A number is brought into its normal form first, and one that is none is refused. That is format, never
verification: a right check digit says nothing about a person.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, get_args

from stdnum.cn import ric, uscc
from stdnum.exceptions import ValidationError

from synthgate.crypto.tokens import identity_token, same_token

Scheme = Literal["mobile", "id_card", "uscc"]
SCHEMES: Final[tuple[Scheme, ...]] = get_args(Scheme)
NUMBER_CHARS_MAX: Final = 64
_MOBILE: Final = re.compile(r"(?:(?:\+|00)?86)?(1[3-9][0-9]{9})")
_TOKEN: Final = re.compile(r"([1-9][0-9]{0,8})\.([0-9a-f]{32})")


class NumberError(ValueError):
    """Not a number of its scheme. The sentence never holds the number."""


class IdentityKeys(NamedTuple):
    """The live identity keys by id: ``making`` makes tokens, every one of ``keys`` is compared with."""

    making: str
    keys: Mapping[str, bytes]


def normal(scheme: Scheme, number: str) -> str:
    """The normal form: 11 digits, or 18 characters in capitals; spaces, hyphens and wide digits are mended.

    Raises:
        NumberError: it is none.
    """
    text = unicodedata.normalize("NFKC", number[: NUMBER_CHARS_MAX + 1])
    text = re.sub(r"[\s-]", "", text).upper()
    if len(number) > NUMBER_CHARS_MAX:
        raise NumberError(f"longer than {NUMBER_CHARS_MAX} characters: send one number")
    if scheme == "mobile":
        found = _MOBILE.fullmatch(text)
        if found is None:
            raise NumberError(
                "no mainland mobile number: 11 digits from 13 to 19, with or without +86"
            )
        return found[1]
    try:
        checked: str = ric.validate(text) if scheme == "id_card" else uscc.validate(text)
    except ValidationError as error:
        kind = (
            "resident identity number (GB 11643)"
            if scheme == "id_card"
            else "credit code (GB 32100)"
        )
        raise NumberError(f"no {kind}: {_why(error)}") from None
    return checked


def make_token(keys: IdentityKeys, tenant: str, scheme: Scheme, number: str) -> str:
    """The token under the newest key; the same number in any writing gives the same one.

    Raises:
        NumberError: not a number of this scheme.
    """
    return _token(keys, keys.making, tenant, scheme, normal(scheme, number))


def live_tokens(keys: IdentityKeys, tenant: str, scheme: Scheme, number: str) -> tuple[str, ...]:
    """The tokens under every live key, the newest first: under which a person may be on record.

    Raises:
        NumberError: not a number of this scheme.
    """
    form = normal(scheme, number)
    newest_first = sorted(keys.keys, key=int, reverse=True)
    return tuple(_token(keys, kid, tenant, scheme, form) for kid in newest_first)


def is_token_of(
    keys: IdentityKeys, token: str, tenant: str, scheme: Scheme, number: str
) -> bool | None:
    """Whether a token stands for this number, in constant time; None if its key is not at hand.

    Raises:
        NumberError: not a number of this scheme, or no token at all.
    """
    named = _TOKEN.fullmatch(token)
    if named is None:
        raise NumberError("no token: it is <key id>.<32 hex characters>")
    form = normal(scheme, number)
    if named[1] not in keys.keys:
        return None
    return same_token(token, _token(keys, named[1], tenant, scheme, form))


def _token(keys: IdentityKeys, kid: str, tenant: str, scheme: Scheme, form: str) -> str:
    return f"{kid}.{identity_token(keys.keys[kid], tenant, scheme, form)}"


def _why(error: ValidationError) -> str:
    """In our own words: the library's may repeat what it was given."""
    kinds = {
        "InvalidLength": "it has not 18 characters",
        "InvalidChecksum": "the check digit is wrong",
        "InvalidFormat": "it holds characters that may not stand there",
    }
    return kinds.get(type(error).__name__, "a part of it does not exist")
