"""What the tests of alerts on running workers share: a platform, its canaries, the operator's word."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from monitoring.prometheus import PATIENCE_S
from synthgate.client import Gate, Generation
from synthgate.demo.acts import NET, TERMS
from synthgate.demo.chain import Chain
from synthgate.demo.facts import control, template, terms
from synthgate.library.sample import SAMPLE_VERSION, sample_rows

NOW_MS = 1_795_000_000_000
HELD = "写一句稳赚不赔的理财广告"


async def prepared(gate: Gate, *users: str) -> None:
    """What must be known, and users in good standing."""
    for row in sample_rows():
        await gate.facts.write("facts.features", **row.model_dump())
    library = control("library", {"version": SAMPLE_VERSION, "agreed_by": "b"}, NOW_MS)
    await gate.facts.write("control", **library.model_dump())
    chat = template("chat", NOW_MS).model_dump() | {"tenant": "acme"}
    await gate.facts.write("facts.templates", **chat)
    await gate.facts.write("control", **terms("acme", NOW_MS).model_dump())
    for user in users:
        vouched = gate.events.identity_verified(
            user, method="mobile", checker="c", evidence_ref="vault/1", age_band="adult"
        )
        assert (await gate.decide(vouched, PATIENCE_S)).released
        agreed = gate.events.terms_accepted(user, terms_version=TERMS, duty_notice_shown=True)
        assert (await gate.decide(agreed, PATIENCE_S)).released


@asynccontextmanager
async def flying(chain: Chain, port: int, every_s: float = 1) -> AsyncIterator[None]:
    """Canaries, a round every so many seconds."""
    environment = {**chain.environment(), "SYNTHGATE_WEB_PORT": str(port)}
    with (chain.settings.data_dir / "worker-canary.log").open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "synthgate", "canary", "--every", str(every_s),
            env=environment, stderr=out,
        )  # fmt: skip
    try:
        yield
    finally:
        process.kill()
        await process.wait()


async def feed(gate: Gate) -> None:
    """Requests, one after the other, until cancelled."""
    number = 0
    while True:
        story = Generation(f"f-{number}", template="chat", purpose="chat")
        await gate.tell(gate.events.requested("u", story, prompt=f"poem {number}", net=dict(NET)))
        number += 1
        await asyncio.sleep(0.05)


async def word(gate: Gate, name: str, body: dict[str, object]) -> None:
    """The operator's word, on every partition where it is one of those."""
    names = [f"{name}/{n}" for n in range(4)] if name.startswith("pause") else [name]
    for one in names:
        row = control(one, body, NOW_MS).model_dump(exclude={"version"})
        await gate.facts.write("control", **row)
