"""``synthgate worker intake replies``: the stages between the chain and a platform's own topics."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from synthgate.crypto.keys import KeyFolder
from synthgate.events.topics import BY_NAME
from synthgate.settings import Settings, SettingsError
from synthgate.step import Stage
from synthgate.steps.quarantine import Quarantine

_NEEDS: Final = {"intake": "intake_in", "replies": "intake_out"}


def stages(settings: Settings, names: Sequence[str]) -> tuple[list[Stage], list[str]]:
    """The stages of these names, and the topics they write to.

    Raises:
        SettingsError, MappingError, KeyFolderError: what is missing or wrong.
    """
    for name in ("intake_map", *(_NEEDS[one] for one in names)):
        if not getattr(settings, name):
            raise SettingsError(f"worker {' '.join(names)} needs the setting {name}")
    for name in ("intake_in", "intake_out"):
        # Ours have one writer each; what read its own output would never end.
        if getattr(settings, name) in {settings.topic(topic) for topic in BY_NAME}:
            raise SettingsError(f"{name} is a topic of Synthgate's own: name one of the platform's")
    if settings.intake_in and settings.intake_in == settings.intake_out:
        raise SettingsError(
            "intake_in and intake_out are one topic: answers would be read as events"
        )
    try:
        from synthgate.mapping.file import Mapping
        from synthgate.steps.intake import IntakeStage, RepliesStage
    except ImportError as error:
        raise SettingsError(
            f"{error.name} is not there: install Synthgate with its extra `intake`"
        ) from None
    mapping = Mapping.read(Path(settings.intake_map))
    quarantine = Quarantine(KeyFolder(settings.keys_dir).operator_public)
    kinds = {"intake": IntakeStage, "replies": RepliesStage}
    made: list[Stage] = [kinds[one](mapping, quarantine, settings.epoch) for one in names]
    return made, ["quarantine", *(kinds[one].to for one in names)]


def main(args: argparse.Namespace, settings: Settings) -> int:
    """Run, and leave; does not come back while threads of libraries still run."""
    from synthgate.runtime import exits, logs

    logs.set_up(form=settings.log_format)
    exits.leave(run(settings, tuple(dict.fromkeys(args.duties))))


def run(settings: Settings, names: Sequence[str]) -> int:
    """Run them until SIGTERM or a fault; the exit code (0, 1, 75, 78)."""
    from synthgate.runtime.run import run_worker

    made, outputs = stages(settings, names)
    return run_worker(made, settings, outputs=outputs)
