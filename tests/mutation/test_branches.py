"""No branch of a ``decide`` can be bent without a test that notices."""

import inspect
import re

import pytest

from mutation.branches import DUTIES, survivors
from mutation.mutants import files_of, module_of, mutants

EQUIVALENT = {
    **{
        f"identity.{name} → True": "saves a call that would find nothing: most events have nothing there"
        for name in (
            "decide: facts.findings or event.stub is not None", "_faults: kind in _TELLS or facts.nnid",
            "_faults: not all(map(net.get, required))", "_faults: facts.standing is not NOTHING_SEEN",
            "IdentityFacts.gather: findings", "IdentityFacts.gather: told", "IdentityFacts.gather: off",
        )
    },
    "consent.decide: edits → True": "saves a look at the policy: of no edit none is left either way",
    "consent._tool: edited and _BIOMETRIC.intersection(edited) → _BIOMETRIC.intersection(edited)":
        "saves a call: no edit meets nothing",
    "consent.ConsentFacts.gather: not event.subjects → False": "saves calls: nobody is asked of no subject",
    **{
        f"consent.ConsentFacts.row: self.{name} → True":
            "saves a call where there is nothing to convert: an empty list in the record either way"
        for name in ("grants", "refusals", "unproven")
    },
    "moderation.ModerationFacts.row: self.hits → True":
        "saves a call where there is nothing to convert: no hit is an empty list in the record either way",
    "labelling.facts.LabellingFacts.row: self.objects → True":
        "saves a call where there is nothing to convert: no object is an empty list in the record either way",
}  # fmt: skip
"""Mutants that change nothing anybody could see, and why."""


@pytest.mark.parametrize("duty", DUTIES)
def test_every_bent_branch_is_noticed(duty: str) -> None:
    standing = {mutant.name: str(mutant) for mutant in survivors(duty)}
    told = {name for name in EQUIVALENT if name.startswith(f"{duty}.")}
    assert [text for name, text in standing.items() if name not in told] == []
    assert told <= set(standing), "listed as equivalent, but noticed: take it off the list"


@pytest.mark.parametrize("duty", DUTIES)
def test_every_check_and_every_condition_is_bent(duty: str) -> None:
    bent = {(mutant.duty, mutant.line) for mutant in mutants(duty)}
    wanted = re.compile(
        r"^\s+(if|elif|yield from|reasons\.(extend|append)\(|return .* (and|or) )\b"
    )
    missed = [
        f"{name}:{n}: {line}"
        for name in files_of(duty)
        for n, line in enumerate(inspect.getsource(module_of(name)).splitlines(), 1)
        if wanted.match(line) and (name, n) not in bent
    ]
    assert missed == []
