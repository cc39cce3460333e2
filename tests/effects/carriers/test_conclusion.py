"""Four values, and the clause of each fault as the law rows have it."""

import pytest

from synthgate.effects.carriers import conclusion
from synthgate.effects.carriers.carrier import Place, Reading
from synthgate.effects.carriers.conclusion import Conclusion, conclude
from synthgate.effects.label import Label
from synthgate.law import load

GOOD = Label.first("001191110102MACQD9K64010000", "P-1")
HERE = Place("here", GOOD)


@pytest.mark.parametrize(
    ("reading", "value", "rules"),
    [
        (Reading("x", (HERE,)), Conclusion.COMPLIANT, []),
        (Reading("x", (), (), ("a note",)), Conclusion.NOT_FOUND, []),
        (Reading("x", (), ("parser: KeyError",)), Conclusion.INCONCLUSIVE, []),
        (Reading("x", (HERE,), ("truncated: y",)), Conclusion.INCONCLUSIVE, []),
        (Reading("x", (HERE, HERE)), Conclusion.NON_COMPLIANT, ["GB-E-2"]),
        (
            Reading("x", (Place("here", None, fault="not JSON"),)),
            Conclusion.NON_COMPLIANT,
            ["GB-E-1"],
        ),
        (
            Reading("x", (Place("here", Label.first("", "P")),)),
            Conclusion.NON_COMPLIANT,
            ["GB-E-1"],
        ),
        (Reading("x", (Place("there", GOOD, proper=False),)), Conclusion.NON_COMPLIANT, [None]),
    ],
)
def test_four_values(reading, value, rules):
    found, findings = conclude(reading, "TC260-PG-20259A")
    assert (found, [finding.rule for finding in findings]) == (value, rules)


def test_clauses_and_force_are_those_of_the_law():
    rows = {rule: row for row in load().rows for rule in row.rules}
    for rule, clause in (("GB-E-1", conclusion.FIELDS_RIGHT), ("GB-E-2", conclusion.ONE_LABEL)):
        number = clause.removeprefix("GB 45438-2025 ")
        assert number in rows[rule].article
        _, (finding, *_) = conclude(
            Reading("x", (HERE, HERE) if rule == "GB-E-2" else (Place("here", None, fault="x"),))
        )
        assert finding.force == rows[rule].force
