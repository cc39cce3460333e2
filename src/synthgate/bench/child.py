"""One variant in a process of its own: ``python -m synthgate.bench.child '{…}'``, its figures on stdout."""

import asyncio
import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from synthgate.settings import Settings

PEERS: Final = Path(__file__).parents[3] / "tests" / "bench" / "peers"
"""Where the peers' variants lie, in a checkout."""
VARIANTS: Final[Mapping[str, tuple[str, str]]] = {
    "raw hop": ("synthgate.bench.raw_hop", "run"),
    "our hop": ("synthgate.bench.our_hop", "run"),
    "six topics": ("synthgate.bench.our_chain", "six_topics"),
    "fused": ("synthgate.bench.our_chain", "fused"),
    "one duty": ("synthgate.bench.our_chain", "one_duty"),
    "plain decide": ("synthgate.bench.plain_decide", "run"),
    "plain whole": ("synthgate.bench.plain_whole", "run"),
    "our decide, six topics": ("synthgate.bench.our_decide", "six_topics"),
    "our decide, fused": ("synthgate.bench.our_decide", "fused"),
    "quix, six topics": ("quix_streams", "six_topics"),
    "quix, fused": ("quix_streams", "fused"),
    "confluent, six topics": ("confluent_loop", "six_topics"),
    "confluent, fused": ("confluent_loop", "fused"),
    "java hop": ("java_hop", "run"),
}
"""Module and function of each; ``"one duty: consent"`` also says of which.

Imported when asked for, so that no variant carries another's modules.
"""


def main(asked: dict[str, Any]) -> None:
    """Run the variant, say what was found, and leave without tidying up."""
    from synthgate.runtime import exits, logs
    from synthgate.runtime.memory import collect_seldom

    logs.set_up("warning")
    settings = Settings.load(environ={}, **asked["settings"])
    name, _, of = asked["variant"].partition(": ")
    module, function = VARIANTS[name]
    if not module.startswith("synthgate."):
        sys.path.insert(0, str(PEERS))
    run = getattr(importlib.import_module(module), function)
    collect_seldom()  # for every variant alike
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    found = loop.run_until_complete(run(settings, asked["events"], *filter(None, [of])))
    sys.stdout.write(orjson.dumps(found).decode() + "\n")
    exits.leave(0)


if __name__ == "__main__":
    main(orjson.loads(sys.argv[1]))
