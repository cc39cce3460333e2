"""The provider code: form, check character, and the sample that must not be published."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgate.effects.provider_code import SAMPLE_CODE, SAMPLE_USCC, ProviderCodeError, parse

SEEN = ("001191110102MACQD9K64010000", "001191440300708461136T1308L", "001191440300MA5G49LC9K1YO01")
"""Codes found in files of real providers (public)."""


@pytest.mark.parametrize("text", [*SEEN, "0011" + SEEN[0][4:22] + "00000"])
def test_codes_in_use_are_valid(text):
    code = parse(text)
    assert code.text == text
    assert code.credit_code == text[4:22]
    assert code.extension == text[22:]


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "doubao", "某公司", SEEN[0][:-1], SEEN[0] + "0", SEEN[0].lower(), " " + SEEN[0],
        SEEN[0] + "\n",
        "01" + SEEN[0][2:], "0021" + SEEN[0][4:], "0012" + SEEN[0][4:], SEEN[0][:22] + "30000",
        SEEN[0][:22] + "00001", SEEN[0][:21] + "1" + SEEN[0][22:], SEEN[0].replace("M", "I"),
        "０" + SEEN[0][1:],
    ],
)  # fmt: skip
def test_anything_else_is_invalid(text):
    with pytest.raises(ProviderCodeError) as caught:
        parse(text, sample_allowed=True)
    assert caught.value.code == "provider_code_invalid"


@pytest.mark.parametrize("extension", ["00000", "10000", "2ZZZZ", SAMPLE_CODE[22:]])
def test_every_code_on_the_sample_entity_is_the_sample(extension):
    text = "0011" + SAMPLE_USCC + extension
    with pytest.raises(ProviderCodeError) as caught:
        parse(text)
    assert caught.value.code == "provider_code_sample"
    assert parse(text, sample_allowed=True).text == text


def test_the_sample_says_what_it_is():
    assert len(SAMPLE_CODE) == 27
    assert SAMPLE_CODE.endswith("DEMO")


@given(
    st.sampled_from(SEEN), st.integers(4, 21), st.sampled_from("0123456789ABCDEFGHJKLMNPQRTUWXY")
)
def test_one_wrong_character_of_the_credit_code_is_noticed(text, at, char):
    wrong = text[:at] + char + text[at + 1 :]
    if wrong != text:
        with pytest.raises(ProviderCodeError):
            parse(wrong)
