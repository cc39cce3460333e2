"""Users, lawful and not, who ask both replicas at once; and what became of each."""

import asyncio
import itertools
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import ClientSession

from example_app.model_stub import BACKWARDS
from synthgate.client import Gate
from synthgate.client.build import now_ms

FORBIDDEN = "zzq-forbidden-7"
TEMPLATE = "example-chat"
TERMS = "1"
LAWFUL_USERS = 200
UNLAWFUL_USERS = 50


class Kind(StrEnum):
    LAWFUL = "lawful"
    UNVERIFIED = "unverified"
    PROMPT = "forbidden prompt"
    OUTPUT = "forbidden output"
    TEMPLATE = "unregistered template"
    SUSPENDED = "suspended"


# Out of ten: six lawful, and of the rest each kind in turn.
UNLAWFUL = (Kind.UNVERIFIED, Kind.PROMPT, Kind.OUTPUT, Kind.TEMPLATE, Kind.SUSPENDED)


@dataclass(frozen=True, slots=True)
class Ask:
    number: int
    kind: Kind
    user: str
    prompt: str
    template: str


@dataclass(frozen=True, slots=True)
class Result:
    """action: release | refuse | hold | undecided | error. text: what the file server served, if released."""

    ask: Ask
    status: int
    action: str
    generation: str
    codes: tuple[str, ...]
    text: str | None


def asks(count: int) -> list[Ask]:
    """``count`` generations, each marked so that its output is told from every other."""
    unlawful = itertools.cycle(UNLAWFUL)
    return [_ask(n, Kind.LAWFUL if n % 10 < 6 else next(unlawful)) for n in range(count)]


def _ask(number: int, kind: Kind) -> Ask:
    pool = LAWFUL_USERS if kind is Kind.LAWFUL else UNLAWFUL_USERS
    user = f"{kind.name.lower()}-{number % pool}"
    prompt = f"mark-{number}-end a quiet harbour"
    if kind is Kind.PROMPT:
        prompt += f" {FORBIDDEN}"
    if kind is Kind.OUTPUT:
        prompt += (
            f" {BACKWARDS}{FORBIDDEN[::-1]}"  # the request is harmless, only the output is not
        )
    template = "unregistered" if kind is Kind.TEMPLATE else TEMPLATE
    return Ask(number, kind, user, prompt, template)


async def set_up(gate: Gate) -> None:
    """The facts these users need: template, library, terms, verified identities, suspensions."""
    before = now_ms() - 1000
    await gate.facts.register_template(
        TEMPLATE, media=["text"], ds_class="DS1", a17_item=1, reviewed_media=["text"]
    )
    await gate.facts.add_feature(
        "example-1", kind="keyword", value=FORBIDDEN, risk="A.1h", severity=95, from_version=1,
        criteria="example", proposed_by="ann", approved_by="bob",
    )  # fmt: skip
    await gate.facts.activate_library(1, by="bob", and_by="ann")
    await gate.facts.publish_terms(
        TERMS, url="https://example.invalid/terms", sha256="a" * 64,
        labels_sha256="b" * 64, by="bob", effective_at_ms=before,
        published_at_ms=before, notified_at_ms=before,
    )  # fmt: skip
    told: list[Awaitable[None]] = []
    for kind in Kind:
        pool = LAWFUL_USERS if kind is Kind.LAWFUL else UNLAWFUL_USERS
        users = [f"{kind.name.lower()}-{number}" for number in range(pool)]
        if kind is Kind.SUSPENDED:
            for user in users:
                await gate.facts.restrict_account(user, "suspended", reason="example")
        if kind is not Kind.UNVERIFIED:
            told.extend(_verified(gate, user) for user in users)
    await asyncio.gather(*told)


async def _verified(gate: Gate, user: str) -> None:
    await gate.tell(
        gate.events.identity_verified(
            user, method="mobile", checker="carrier", evidence_ref=f"vault/{user}", age_band="adult"
        )
    )
    await gate.tell(gate.events.terms_accepted(user, terms_version=TERMS, duty_notice_shown=True))


async def drive(
    replicas: Sequence[str], wanted: Sequence[Ask], http: ClientSession, at_once: int = 100
) -> list[Result]:
    """Ask the replicas in turn, ``at_once`` at a time; results in the order of ``wanted``."""
    queue = iter(wanted)
    results: dict[int, Result] = {}

    async def user() -> None:
        for ask in queue:
            results[ask.number] = await _one(replicas[ask.number % len(replicas)], ask, http)

    async with asyncio.TaskGroup() as users:
        for _ in range(at_once):
            users.create_task(user())
    return [results[ask.number] for ask in wanted]


async def _one(replica: str, ask: Ask, http: ClientSession) -> Result:
    body = {"user": ask.user, "prompt": ask.prompt, "template": ask.template}
    async with http.post(f"{replica}/generate", json=body) as answered:
        said = await answered.json()
    text = None
    if "url" in said:
        async with http.get(said["url"]) as served:
            text = await served.text() if served.status == 200 else None
    return Result(
        ask, answered.status, said.get("action", "error"), said.get("generation", ""),
        tuple(said.get("codes", ())), text,
    )  # fmt: skip


def wrong(results: Sequence[Result]) -> list[Result]:
    """Results no app may see: another's output, an unlawful release, a lawful refusal."""
    return [result for result in results if not _right(result)]


def _right(result: Result) -> bool:
    if result.action == "undecided":
        return result.status == 503 and result.text is None
    if result.codes == ("expired",):
        # The chain gave up at the same moment as the app, and its answer was the faster.
        return result.action == "refuse" and result.text is None
    if result.ask.kind is not Kind.LAWFUL:
        return result.action == "refuse" and result.text is None
    if result.action != "release" or result.text is None:
        return False
    return f"mark-{result.ask.number}-end" in result.text and result.generation in result.text
