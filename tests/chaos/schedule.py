"""Schedules: which workers over how many brokers, and which faults in which order. A seed fixes all of it."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chaos.faults import FAULTS

FRONT = ("identity", "consent", "moderation")
BACK = ("labelling", "retention", "incidents")
REST = ("consent", "moderation", "labelling", "retention", "incidents")
LAYOUTS: Mapping[str, tuple[Mapping[str, Sequence[str]], Sequence[str]]] = {
    "one": ({"one": ()}, ["one"]),
    "twins": ({"one": (), "other": (), "spare": ()}, ["one", "other"]),
    "halves": ({"front": FRONT, "back": BACK}, ["front", "back"]),
    "fused twins": (
        {"one": ("--fused",), "other": ("--fused",), "spare": ("--fused",)}, ["one", "other"],
    ),
    "switched": (
        {"door": ("identity",), "rest": REST, "fused": ("--fused",)}, ["door", "rest"],
    ),
}  # fmt: skip
"""Workers with their arguments, and which of them run from the start."""
FAULTS_EACH = 4
THREE_EVERY = 4


@dataclass(frozen=True)
class Schedule:
    """One round. ``faults`` by name, in order."""

    seed: int
    nodes: int
    layout: str
    faults: tuple[str, ...]

    @classmethod
    def drawn(cls, seed: int, nodes: int = 1) -> "Schedule":
        """The round of a seed on so many brokers: any layout, four faults of those that fit it."""
        dice = random.Random(f"{seed}/{nodes}")
        layout = dice.choice(sorted(LAYOUTS))
        fitting = [
            name for name, fault in FAULTS.items()
            if layout in fault.layouts and nodes in fault.nodes
        ]  # fmt: skip
        faults = dice.sample(fitting, FAULTS_EACH)
        # What a layout or a cluster is there for is not left to chance.
        own = {"switched": "switch"}.get(layout) or ("node lost" if nodes == 3 else "")
        if own and own not in faults:
            faults[dice.randrange(FAULTS_EACH)] = own
        return cls(seed, nodes, layout, tuple(faults))

    @staticmethod
    def nodes_of(seed: int) -> int:
        """Every fourth round is played on three brokers."""
        return 3 if seed % THREE_EVERY == 0 else 1

    def __str__(self) -> str:
        brokers = "1 broker" if self.nodes == 1 else f"{self.nodes} brokers"
        return f"seed {self.seed}, {brokers}, {self.layout}: {', '.join(self.faults)}"
