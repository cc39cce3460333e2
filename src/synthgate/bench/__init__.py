"""``synthgate bench``: what the chain and the log cost here, as ratios to the least the same work can cost.

Absolute figures say more of the machine than of us. So every figure stands beside one of bare code, or of
plain Faust, that was measured in the same run, on the same broker or disk, with the same bytes.
"""

import argparse
import importlib
import sys

import orjson


def main(args: argparse.Namespace) -> int:
    """Measure, and print a table or one JSON object. 0 if it could be measured, whatever came out.

    Raises:
        BrokerUnavailableError: no real Kafka can be had (``bench chain``).
    """
    from synthgate.bench import table

    measure = importlib.import_module(f"synthgate.bench.{args.what}").measure
    more = {"minutes": args.minutes, "out": args.out} if args.what == "soak" else {}
    found = measure(quick=args.quick, folder=args.folder, **more)
    text = table.OF[args.what](found)
    if args.json:
        text = orjson.dumps(found, option=orjson.OPT_INDENT_2).decode()
    sys.stdout.write(text + "\n")
    return 0
