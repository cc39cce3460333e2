"""A seed fixes a round; over enough seeds everything is drawn, and nothing that does not fit."""

from chaos.faults import FAULTS
from chaos.plants import PLANTS, SHOWN_BY
from chaos.schedule import FAULTS_EACH, LAYOUTS, Schedule

SEEDS = range(400)


def test_a_seed_gives_the_same_round_again() -> None:
    for seed in SEEDS:
        assert Schedule.drawn(seed, 1) == Schedule.drawn(seed, 1)
    assert len({Schedule.drawn(seed, 1).faults for seed in SEEDS}) > 100


def test_every_fault_and_layout_is_drawn_and_fits() -> None:
    drawn = [Schedule.drawn(seed, nodes) for seed in SEEDS for nodes in (1, 3)]
    assert {fault for schedule in drawn for fault in schedule.faults} == FAULTS.keys()
    assert {schedule.layout for schedule in drawn} == LAYOUTS.keys()
    for schedule in drawn:
        assert len(schedule.faults) == FAULTS_EACH
        for name in schedule.faults:
            assert schedule.layout in FAULTS[name].layouts
            assert schedule.nodes in FAULTS[name].nodes
        if schedule.nodes == 3:
            assert "node lost" in schedule.faults or "switch" in schedule.faults


def test_a_fault_that_needs_a_spare_worker_is_drawn_once_at_most() -> None:
    """The spare has joined then, and another has left."""
    for seed in SEEDS:
        assert Schedule.drawn(seed, 1).faults.count("join and leave") <= 1


def test_what_is_planted_is_shown_by_something() -> None:
    assert SHOWN_BY.keys() == PLANTS.keys()
    for layout, faults in SHOWN_BY.values():
        assert all(layout in FAULTS[name].layouts for name in faults)
