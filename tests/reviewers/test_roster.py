"""The file of scorers: read whole or refused with one sentence that says where."""

import pytest

from synthgate.reviewers.roster import load_roster, roster, scored_media
from synthgate.settings import Settings, SettingsError

GOOD = """
[[scorer]]
name = "vision"
url = "https://score.example/v1"
media = ["image", "video"]
covers = ["picture", "frames"]
token_env = "VISION_TOKEN"
"""


def write(tmp_path, text):
    path = tmp_path / "scorers.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_file(tmp_path):
    (one,) = load_roster(write(tmp_path, GOOD), {"VISION_TOKEN": "s"})
    assert one.media == {"image", "video"}
    assert scored_media([one]) == {"image", "video"}


def test_none_is_configured_without_a_file():
    assert roster(Settings.load(environ={})) == ()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("name", "nam", "scorer 1: name: Field required"),
        ('"image", "video"', '"smell"', "media"),
        ("https://score.example/v1", "ftp://x", "url must be"),
        ("https://score.example/v1", "https://me:pw@x/", "without a user"),
        ("https://score.example/v1", "http://score.example/v1", "https only"),
        ('covers = ["picture", "frames"]', "", "covers must say"),
        ('covers = ["picture", "frames"]', 'covers = ["all"]', "covers"),
        ("VISION_TOKEN", "OTHER_TOKEN", "OTHER_TOKEN is not set"),
        ("[[scorer]]", "luck = 1\n[[scorer]]", "nothing else"),
        ("[[scorer]]", "[scorer]", "nothing else"),
        ("name = ", "name = = ", "scorers.toml"),
    ],
)
def test_a_bad_one_says_what_and_where(tmp_path, old, new, says):
    with pytest.raises(SettingsError, match=says) as caught:
        load_roster(write(tmp_path, GOOD.replace(old, new)), {"VISION_TOKEN": "s"})
    assert "\n" not in str(caught.value)
    assert ":pw" not in str(caught.value)


def test_two_of_one_name_and_no_file_are_refused(tmp_path):
    with pytest.raises(SettingsError, match="two scorers are named 'vision'"):
        load_roster(write(tmp_path, GOOD * 2), {"VISION_TOKEN": "s"})
    with pytest.raises(SettingsError, match="No such file"):
        load_roster(tmp_path / "none.toml")
