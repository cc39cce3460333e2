"""The demo: real events through the running chain, told as stories, each outcome expected."""

import argparse


def main(args: argparse.Namespace) -> int:
    """``synthgate demo``."""
    from synthgate.demo.run import main as run

    return run(args)
