"""A mutation check over the branches of every ``decide``: each is bent, and a test must notice.

Bent are the functions of ``obligations`` and the tables they read: a condition that always or never holds,
a comparison swapped, half of an and/or dropped, a ``not`` removed, a check that yields nothing, an outcome or
constant replaced. The duty's own unit tests are called as plain functions, and if none of them fails, the rule
stories of the duty are told on a local bus. What still stands is a survivor.

The suite runs all of it. By hand, with every survivor and its line:

    PYTHONPATH=src:tests python tests/mutation/branches.py [DUTY…]
"""

import functools
import importlib
import itertools
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FunctionType
from typing import Any, Final
from unittest import mock

import hypothesis

from every_rule import STORIES
from mutation.mutants import Mutant, bent, module_of, mutants
from rule_players import play_here
from synthgate.law import LawBook

DUTIES: Final = ("identity", "consent", "moderation", "labelling", "retention", "incidents")

Check = Callable[[], object]

FEW_EXAMPLES: Final = hypothesis.settings(
    max_examples=40, derandomize=True, database=None, deadline=None,
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    suppress_health_check=list(hypothesis.HealthCheck),
)  # fmt: skip
"""What a property test gets for one mutant; the suite itself gives it more."""


def unit_checks(duty: str) -> tuple[list[Check], list[Check]]:
    """The duty's own tests: one callable for each set of parameters, and the property tests."""
    folder = Path(str(importlib.import_module("obligations").__file__)).parent
    names = [duty, *(path.stem[5:] for path in sorted(folder.glob(f"test_{duty}_*.py")))]
    examples: list[Check] = []
    properties: list[Check] = []
    tests = [importlib.import_module(f"obligations.test_{name}") for name in names]
    for name, test in (pair for module in tests for pair in vars(module).items()):
        if name.startswith("test_") and isinstance(test, FunctionType):
            if hasattr(test, "hypothesis"):
                properties.append(_few(test))
            else:
                examples.extend(_called(test))
    return examples, properties


def _few(test: Any) -> Check:
    """The test with few examples; it may be the very function the suite runs, so this is undone."""

    def check() -> None:
        with mock.patch.object(test, "_hypothesis_internal_use_settings", FEW_EXAMPLES):
            test()

    return check


def _called(test: FunctionType) -> Iterator[Check]:
    marks = [m for m in getattr(test, "pytestmark", ()) if m.name == "parametrize"]
    if not marks:
        yield test
        return
    choices = [[_named(mark.args[0], value) for value in mark.args[1]] for mark in marks]
    for chosen in itertools.product(*choices):
        arguments = {name: value for part in chosen for name, value in part.items()}
        yield functools.partial(test, **arguments)


def _named(names: str | Sequence[str], value: Any) -> dict[str, Any]:
    if isinstance(names, str):
        return {names: value}
    return dict(zip(names, value, strict=True))


def stories_check(duty: str) -> Check:
    """The rule stories of the duty's rules, told on a local bus of their own."""
    rules = module_of(duty).OBLIGATION.rules
    stories = [story for story in STORIES if story.rule in rules and not story.settings]

    def check() -> None:
        with tempfile.TemporaryDirectory() as folder:
            for story, seen in zip(stories, play_here(Path(folder), stories), strict=True):
                assert not story.unmet(seen)

    return check


def fails(check: Check) -> bool:
    """Whether a check notices. pytest's own failures are no Exceptions."""
    try:
        check()
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - however it fails, it has noticed
        return True
    return False


def survivors(duty: str) -> list[Mutant]:
    """Mutants of a duty that nothing noticed."""
    with books_kept():
        return _standing(duty)


def _standing(duty: str) -> list[Mutant]:
    # From quick to slow: examples, properties, whole stories.
    kinds = [*unit_checks(duty), [stories_check(duty)]]
    broken = [check for kind in kinds for check in kind if fails(check)]
    assert not broken, f"{len(broken)} checks of {duty} fail on the real code"
    standing = []
    for mutant in mutants(duty):
        with bent(mutant):
            if not any(_noticed(kind) for kind in kinds):
                standing.append(mutant)
    # A check that spoils what it reads passes once, and then notices everything.
    broken = [check for kind in kinds for check in kind if fails(check)]
    assert not broken, f"{len(broken)} checks of {duty} fail on the real code when they run again"
    return standing


@contextmanager
def books_kept() -> Iterator[None]:
    """A book without a rule is made once: hashing it anew would take most of the time."""
    with mock.patch.object(LawBook, "without", functools.cache(LawBook.without)):
        yield


def _noticed(checks: list[Check]) -> bool:
    for at, check in enumerate(checks):
        if fails(check):
            # What noticed one change will often notice the next.
            checks.insert(0, checks.pop(at))
            return True
    return False


def main(duties: Sequence[str]) -> int:
    """Print the survivors of these duties, or of all; 1 if there are any."""
    count = 0
    for duty in duties or DUTIES:
        for mutant in survivors(duty):
            count += 1
            print(mutant)
        print(f"{duty}: {len(mutants(duty))} mutants")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
