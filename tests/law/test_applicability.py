from itertools import product

import pytest

from law.folders import change, copy_of_law
from synthgate.events.topics import DUTIES
from synthgate.events.types import CHAIN_TYPES, EVENT_TYPES
from synthgate.law.applicability import MEDIA, ROLES, load_cells
from synthgate.law.book import FOLDER, load
from synthgate.law.toml_file import LawError

CELLS = load_cells(FOLDER / "applicability.toml")
GATES = tuple(row.name for row in EVENT_TYPES if row.gates)
FOLDED = ("identity.verified", "terms.accepted", "consent.prompted", "account.flagged")


def applies(event_type, duty, role="provider", medium="text"):
    return CELLS[event_type, role, medium, duty].applies


def test_the_whole_product_is_answered():
    walked = set(product(CHAIN_TYPES, ROLES, MEDIA, DUTIES))
    assert set(CELLS) == walked
    assert len(walked) == len(CHAIN_TYPES) * 5 * 7 * 6


TRANSFORMED = """[[cell]]
id = "labelling.transformed"
duty = "labelling"
types = ["@worked_on"]
applies = true
"""
OFF_FOR_USERS = """[[cell]]
id = "labelling.users"
duty = "labelling"
types = ["@worked_on"]
roles = ["user"]
applies = false
article = "DSP 18"
why = "A role would switch a duty off."

[[cell]]
id = "labelling.transformed"
duty = "labelling"
types = ["@worked_on"]
roles = ["provider", "tech_support", "propagator", "app_store"]
applies = true
"""


def test_every_cell_begins_with_a_law_we_hold():
    cites = {edition.law for edition in load().editions} | {"house policy"}
    for cell in CELLS.values():
        assert any(cell.article.startswith(f"{cite} ") for cite in cites), cell


def test_a_role_may_add_a_duty_and_never_takes_one():
    for event_type, role, medium, duty in CELLS:
        if applies(event_type, duty, "provider", medium):
            assert applies(event_type, duty, role, medium), (event_type, role, medium, duty)
    assert applies("content.published", "labelling", "propagator")
    assert applies("content.published", "labelling", "provider")


def test_the_medium_switches_nothing_off():
    for event_type, role, duty in product(CHAIN_TYPES, ROLES, DUTIES):
        assert len({applies(event_type, duty, role, medium) for medium in MEDIA}) == 1


@pytest.mark.parametrize("event_type", CHAIN_TYPES)
def test_identity_retention_and_incidents_hear_everything(event_type):
    assert all(applies(event_type, duty) for duty in ("identity", "retention", "incidents"))


@pytest.mark.parametrize("event_type", GATES)
def test_every_gate_is_moderated(event_type):
    assert applies(event_type, "moderation")


@pytest.mark.parametrize(
    ("duty", "heard"),
    [
        ("consent", {*GATES, "consent.prompted"} - {"content.ingested"}),
        ("moderation", set(GATES)),
        ("labelling", set(GATES) - {"generation.requested"}),
    ],
)
def test_what_each_duty_hears(duty, heard):
    assert {event_type for event_type in CHAIN_TYPES if applies(event_type, duty)} == heard


@pytest.mark.parametrize("event_type", [*FOLDED, "record.stubbed"])
@pytest.mark.parametrize("duty", ["consent", "moderation", "labelling"])
def test_facts_and_stubs_concern_identity_alone(event_type, duty):
    """But for a prompt: consent looks whether the person refused lately."""
    assert applies(event_type, duty) == ((event_type, duty) == ("consent.prompted", "consent"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'types = ["@worked_on"]\n',
            'types = ["@worked_on", "asset.exported"]\n',
            "already in labelling.export",
        ),
        (
            'types = ["content.ingested"]\napplies = false',
            'types = ["content.delivered"]\napplies = false',
            "content.delivered .* is already in consent.ingested",
        ),
        (
            'types = ["asset.exported"]',
            'types = ["asset.exported"]\nmedia = ["image"]',
            "no cell for asset.exported",
        ),
        (
            'types = ["@worked_on"]\n',
            'types = ["@worked_on"]\nroles = ["propogator"]\n',
            "'propogator' is not known",
        ),
        ('types = ["@worked_on"]\n', 'types = ["@worked"]\n', "no group @worked"),
        ('["content.transformed"]', '["content.changed"]', "content.changed"),
        ('id = "labelling.export"', 'id = "labelling.output"', "id is taken"),
        (TRANSFORMED, OFF_FOR_USERS, "would switch labelling off for content.transformed"),
        (
            'id = "labelling.export"',
            'id = "labelling.export"\nmood = "good"',
            r"\(labelling\.export\).*mood",
        ),
        ("[groups]", "mood = 1\n[groups]", "unknown key mood"),
    ],
)
def test_faults_are_refused(tmp_path, old, new, message):
    path = copy_of_law(tmp_path) / "applicability.toml"
    change(path, old, new)
    with pytest.raises(LawError, match=message):
        load_cells(path)


def test_a_claim_of_medium_cannot_switch_a_duty_off(tmp_path):
    path = copy_of_law(tmp_path) / "applicability.toml"
    head = 'duty = "labelling"\ntypes = ["asset.exported"]\n'
    change(
        path, head, head + 'media = ["text", "image", "audio", "video", "virtual_scene", "other"]\n'
    )
    path.write_text(
        path.read_text(encoding="utf-8")
        + '\n[[cell]]\nid = "labelling.silent"\nduty = "labelling"\ntypes = ["asset.exported"]\n'
        'media = ["none"]\napplies = false\narticle = "DSP 16"\nwhy = "Nothing there."\n',
        encoding="utf-8",
    )
    with pytest.raises(LawError, match=r"would switch labelling off for asset\.exported"):
        load_cells(path)
