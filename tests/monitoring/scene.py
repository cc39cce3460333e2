"""Two workers that can be hurt, canaries, a scorer, and a real Prometheus over them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from chaos.rig import SCORERS
from live_chain import HurtableChain, chain_settings
from monitoring.hurt import Flags
from monitoring.panel_numbers import Panel, Shown, await_panels
from monitoring.prometheus import PATIENCE_S, Prometheus
from monitoring.world import flying, prepared
from reviewers.service import Service, a_service_beside
from synthgate.broker.choose import Broker
from synthgate.broker.node import free_ports
from synthgate.client import Answer, Gate, Generation
from synthgate.client.writer import partition_of
from synthgate.demo.acts import NET
from synthgate.demo.chain import Chain
from synthgate.events.event import Event
from synthgate.settings import Settings

Cause = AbstractAsyncContextManager[None]
MACHINE_S = {"DataDiskFull", "CalendarLacks", "CanarySlow"}
"""What this disk, this year, or a slow machine may fire before anything was done."""


@dataclass
class Scene:
    """What a cause needs. ``flags``: of the worker named."""

    chain: Chain
    gate: Gate
    prometheus: Prometheus
    scorer: Service
    flags: dict[str, Flags]
    names: dict[str, str]
    """What instances are called."""
    api_port: int

    @property
    def settings(self) -> Settings:
        return self.chain.settings

    async def fire(
        self,
        names: set[str],
        together: Iterable[Callable[["Scene"], Cause]],
        panels: Mapping[Panel, Shown],
    ) -> None:
        """The alerts are quiet, then caused, then they fire and panels show it; then the causes are gone."""
        await asyncio.to_thread(
            self.prometheus.until, lambda: not names & self.prometheus.firing() - MACHINE_S, "quiet"
        )
        async with AsyncExitStack() as stack:
            for cause in together:
                await stack.enter_async_context(cause(self))
            await asyncio.to_thread(self.prometheus.until_firing, *names)
            await self.show(panels)

    async def show(self, panels: Mapping[Panel, Shown]) -> None:
        """Panels say this, now or soon."""
        await asyncio.to_thread(await_panels, self.prometheus, self.names, panels)

    def story(self, name: str) -> Generation:
        """A generation of the template everybody uses."""
        return Generation(name, template="chat", purpose="chat")

    async def decide(self, event: Event) -> Answer:
        """What becomes of an event, however long it takes."""
        return await self.gate.decide(event, PATIENCE_S)

    async def ask(self, user: str, name: str, prompt: str) -> str:
        """What becomes of a request."""
        event = self.gate.events.requested(user, self.story(name), prompt=prompt, net=dict(NET))
        return (await self.decide(event)).action


def neighbours(count: int) -> list[str]:
    """Users of one partition."""
    names = (f"v{number}" for number in range(1000))
    found = [one for one in names if partition_of(f"acme/{one}".encode(), 4) == 1]
    return found[:count]


ANN, BEN = neighbours(2)


@asynccontextmanager
async def a_scene(broker: Broker, prefix: str, folder: Path) -> AsyncIterator[Scene]:
    """Consent in a worker of its own, everybody else in another; canaries fly, and all is calm."""
    web_ports = free_ports(4)
    with a_service_beside() as scorer:
        scorers = folder / "scorers.toml"
        scorers.write_text(SCORERS.format(url=scorer.url))
        settings = chain_settings(
            broker, prefix, folder, session_timeout_s=6, scorers=str(scorers), guard_users=2,
            delivery_minutes=60,
        )  # fmt: skip
        others = ("identity", "moderation", "labelling", "retention", "incidents")
        layout = {"consent": ("consent",), "others": others}
        ports = dict(zip(layout, web_ports, strict=False))
        chain = HurtableChain(
            broker, settings, layout=layout, programs=dict.fromkeys(layout, "monitoring.hurt"),
            more={name: {"SYNTHGATE_WEB_PORT": str(port)} for name, port in ports.items()},
        )  # fmt: skip
        flags = {name: Flags(settings, name) for name in layout}
        gate = Gate.from_settings(settings, tenant="acme", source="//acme/chat")
        with chain, Prometheus(folder / "prometheus", web_ports) as prometheus:
            async with gate, flying(chain, web_ports[2], every_s=8):
                await prepared(gate, "u", ANN, BEN)
                names = {f"127.0.0.1:{port}": name for name, port in ports.items()}
                yield Scene(chain, gate, prometheus, scorer, flags, names, web_ports[3])
