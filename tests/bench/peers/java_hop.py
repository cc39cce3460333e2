"""(j) The hop in Java, on Kafka's own client: compiled here with the jars the broker is run from."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import orjson

from synthgate.bench.our_hop import OUT
from synthgate.broker.jars import find_java, kafka_jars
from synthgate.settings import Settings

SOURCE = Path(__file__).with_name("RawHop.java")


async def run(settings: Settings, count: int) -> dict[str, Any]:
    """Seconds from the first record to the last commit, after one pass over the same events to warm up."""
    java, classes = find_java(), settings.data_dir / "classes"
    javac = shutil.which(str(Path(java).with_name("javac"))) or shutil.which("javac")
    if javac is None:
        raise RuntimeError("javac not found: install a JDK (openjdk-17-jdk-headless)")
    jars = f"{kafka_jars()}/*"
    await _said(javac, "-cp", jars, "-d", str(classes), str(SOURCE))
    told = await _said(
        java, "-Xmx512m", "-cp", f"{classes}:{jars}", "RawHop", settings.brokers,
        settings.topic("generation.events"), settings.topic(OUT),
        f"{settings.topic_prefix}bench.java", str(count),
    )  # fmt: skip
    found: dict[str, Any] = orjson.loads(told.splitlines()[-1])
    return found


async def _said(*command: str) -> bytes:
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    told, _ = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}")
    return told
