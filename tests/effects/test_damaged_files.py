"""Damaged files of every format are labelled, or refused by name: nothing else comes of them."""

import itertools
import random
from pathlib import Path

import pytest

from synthgate.effects.carriers import catalogue
from synthgate.effects.carriers.carrier import CarrierError
from synthgate.effects.carriers.fuzzing import MENDERS, damaged
from synthgate.effects.label import Label
from synthgate.effects.labelled_file import Unlabelled, mark
from synthgate.effects.taken_in import take_in
from synthgate.law.reasons import texts

FILES = Path(__file__).parent / "carriers" / "files"
LABEL = Label.first("001191110000600037341L10001", "SG1-A")
QUICK = (".wav",)
"""Sounds for which no other program is started."""
EACH = 25


def known():
    for path in sorted(FILES.iterdir()):
        try:
            carrier = catalogue.of(path.read_bytes(), path.name)
        except (CarrierError, OSError):
            continue
        yield pytest.param(path, carrier.medium, id=path.name)


@pytest.mark.parametrize(("path", "medium"), list(known()))
def test_what_is_damaged_is_labelled_rightly_or_refused_by_name(path, medium):
    data = path.read_bytes()
    mend = MENDERS.get(catalogue.of(data, path.name).name)
    codes = set()
    for hurt in itertools.islice(damaged([data], random.Random(path.name), mend), EACH):
        for made in (marked, taken):
            try:
                labelled = made(hurt, path, medium)
            except Unlabelled as error:
                codes.add(error.code)
                continue
            if labelled is not None:
                reading = catalogue.of(labelled, path.name).read(labelled)
                assert (len(reading.labels), len(reading.places), reading.faults) == (1, 1, ())
    assert codes <= set(texts())


def marked(data, path, medium):
    if medium == "video" or (medium == "audio" and path.suffix not in QUICK):
        return None
    return mark(data, path.name, medium, "AI生成", LABEL).data


def taken(data, path, medium):
    return take_in(data, path.name, medium, LABEL, declared=True).marked.data
