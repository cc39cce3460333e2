"""Who meets whom: the duties, their registries, the log and the engine. A list, no logic."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthgate import __version__
from synthgate.crypto.passes import PassBody, verify_pass
from synthgate.events import topics
from synthgate.parts import Parts, copied, parts
from synthgate.reviewers.http_scorer import HttpScorer
from synthgate.reviewers.roster import roster, scored_media, token_of
from synthgate.settings import Settings, SettingsError
from synthgate.step import Stage, Step, Waiting
from synthgate.steps.consent import ConsentDuty
from synthgate.steps.consent_keys import consent_keys
from synthgate.steps.door import Door
from synthgate.steps.identity import IdentityDuty
from synthgate.steps.incidents import IncidentsStep
from synthgate.steps.judge import Duty, JudgeStep
from synthgate.steps.labelling import LabellingDuty
from synthgate.steps.moderation import ModerationDuty
from synthgate.steps.pausable import Pausable
from synthgate.steps.places import check_places, open_sources
from synthgate.steps.receipts import Receipts
from synthgate.steps.recording import RecordsStage
from synthgate.steps.retention import RetentionStep
from synthgate.steps.scoring import Scorers
from synthgate.steps.stages import ChainStage, FusedStage, IdentityStage, RetentionStage
from synthgate.steps.traced import traced

if TYPE_CHECKING:
    from synthgate.runtime.checks import Accepted
    from synthgate.runtime.copies import Copies


def stages(shared: Parts, duties: Sequence[str], *, fused: bool) -> list[Stage]:
    """The stages of the duties asked for; with retention the one that logs what decisions rest on.

    Fused stands for identity to retention on the fast lane, and is the only retention for both lanes.
    """
    build: dict[str, Callable[[], Stage]] = {
        "identity": lambda: _identity(shared),
        "consent": lambda: ChainStage(_consent(shared), shared.quarantine),
        "moderation": lambda: ChainStage(_moderation(shared), shared.quarantine),
        "labelling": lambda: ChainStage(_labelling(shared), shared.quarantine),
        "retention": lambda: RetentionStage(_retention(shared), shared.quarantine),
        "incidents": lambda: _incidents(shared),
    }
    if fused:
        build["identity"] = lambda: FusedStage(
            _identity(shared),
            _consent(shared),
            (_moderation(shared), _labelling(shared)),
            _retention(shared),
            shared.quarantine,
            shared.fresh,
        )
        del build["consent"], build["retention"]
    carried = {"identity": topics.DUTIES[:-1]} if fused else {}
    found: list[Stage] = [
        Pausable(build[duty](), carried.get(duty, (duty,)), shared.registries, shared.fresh)
        for duty in topics.DUTIES
        if duty in duties and duty in build
    ]
    return [*found, _recording(shared)] if "retention" in duties else found


def _judge(shared: Parts, duty: Duty) -> Step:
    return JudgeStep(duty, shared.book, shared.quarantine, shared.registries)


def _identity(shared: Parts) -> IdentityStage:
    pass_keys = shared.keys.pass_keys

    def check(text: str, **asked: object) -> PassBody:
        return verify_pass(pass_keys, text, **asked)  # type: ignore[arg-type]

    door = Door(
        shared.settings, shared.keys.token_key, check, shared.lookup.fetch, shared.quarantine,
        shared.keys.canary_key, scored=scored_media(roster(shared.settings)),
    )  # fmt: skip
    step = _judge(shared, IdentityDuty(shared.registries, shared.fresh, shared.book))
    return IdentityStage(door, step, shared.registries)


def _consent(shared: Parts) -> Step:
    receipts = Receipts(consent_keys(shared.settings.consent_keys))
    return _judge(shared, ConsentDuty(shared.registries, shared.fresh, receipts))


def _moderation(shared: Parts) -> Step:
    scorers = Scorers([HttpScorer(one, token_of(one)) for one in roster(shared.settings)])
    sources = open_sources(shared.settings)
    duty = ModerationDuty(shared.registries, shared.fresh, shared.objects, scorers, sources)
    return _judge(shared, duty)


def _labelling(shared: Parts) -> Step:
    known = (shared.registries, shared.fresh, shared.objects)
    return _judge(shared, LabellingDuty(*known, shared.settings, shared.book))


def _retention(shared: Parts) -> RetentionStep:
    return RetentionStep(
        shared.settings, shared.book, logs=shared.logs, registries=shared.registries,
        fresh=shared.fresh, objects=shared.objects, pass_keys=shared.keys.pass_keys,
        token_key=shared.keys.token_key, quarantine=shared.quarantine,
        accounting=shared.accounting,
    )  # fmt: skip


def _recording(shared: Parts) -> Stage:
    settings = shared.settings
    return RecordsStage(settings.epoch, shared.book, shared.records, shared.keys.token_key)


def _incidents(shared: Parts) -> Stage:
    return IncidentsStep(
        shared.settings, shared.book, cases=shared.cases, registries=shared.registries,
        fresh=shared.fresh, lookup=shared.lookup, quarantine=shared.quarantine,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Assembly:
    """What the engine is given to run: stages, their registry copies, accepted losses, topics written."""

    stages: list[Stage]
    copies: "Copies"
    accepted: "Accepted"
    outputs: list[str]


def assemble(settings: Settings, duties: Sequence[str], *, fused: bool) -> Assembly:
    """The stages of these duties and what they need, ready to run.

    Raises:
        KeyFolderError, WrongMasterKey, LawError, BucketWrong: what is missing or wrong, and how to mend it.
    """
    from synthgate.runtime import metrics
    from synthgate.runtime.copies import Copies

    duties = topics.DUTIES if fused else duties or topics.DUTIES
    check_places(settings, duties)
    shared = parts(settings, _NotYet(), duties)
    metrics.BUILD.labels(__version__, shared.book.hash[:12]).set(1)
    read = [*copied(settings, duties)]
    extra = {"incidents": "cases", "retention": "records.door"}
    read += [topic for duty, topic in extra.items() if duty in duties]
    copies = Copies(shared, read, settings)
    shared.fresh = copies

    async def accepted(topic: str, partition: int, committed: int, start: int) -> bool:
        await copies.fresh(("control",))
        losses = shared.registries.control.losses(topic, partition)
        return any(loss.from_offset == committed and loss.to_offset == start for loss in losses)

    outputs = [row.name for row in topics.TOPICS if row.writer in (*duties, "any duty")]
    return Assembly(stages(shared, duties, fused=fused), copies, accepted, outputs)


def run(settings: Settings, duties: Sequence[str], *, fused: bool) -> int:
    """Run these duties until SIGTERM or a fault; the exit code (0, 1, 75, 78)."""
    from synthgate.runtime.run import run_worker
    from synthgate.runtime.spans import sending

    made = assemble(settings, duties, fused=fused)
    with sending(settings) as tell:
        carried = traced(made.stages, settings, tell, fused=fused) if tell else made.stages
        return run_worker(
            carried, settings, made.copies, accepted=made.accepted, outputs=made.outputs
        )


class _NotYet:
    """Stands in for the copies until they are made; nothing runs before."""

    def positions(self, topics: Sequence[str]) -> Mapping[str, Sequence[int]]:
        """Nothing was read."""
        return {}

    async def fresh(self, topics: Sequence[str]) -> Mapping[str, Sequence[int]]:
        """Never ready."""
        raise Waiting("registries")


def main(args: argparse.Namespace, settings: Settings) -> int:
    """``synthgate worker``: run, and leave; does not come back while threads of libraries still run."""
    from synthgate.runtime import exits, logs

    logs.set_up(form=settings.log_format)
    unknown = [duty for duty in args.duties if duty not in topics.DUTIES]
    if unknown:
        known = f"{', '.join(topics.DUTIES)}; in a worker of their own, {', '.join(topics.BESIDE)}"
        raise SettingsError(f"no duty {unknown[0]!r}; there are {known}")
    exits.leave(run(settings, args.duties, fused=args.fused))
