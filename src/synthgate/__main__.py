"""``synthgate``: one command line. Each subcommand is one file in ``cli/``; heavy modules load when used.

Exit codes: 0 done, 1 a fault (or a check that failed), 75 try later, 78 configuration, 2 wrong usage.
"""

import os
import sys
from collections.abc import Sequence

from synthgate import cli


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; a known error is one line on stderr."""
    args = cli.parser().parse_args(argv)
    try:
        code: int = args.run(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): nothing is left to say, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        from synthgate.cli.errors import told

        found = told(error)
        if found is None:
            raise
        sentence, code = found
        sys.stderr.write(f"synthgate: {sentence}\n")
    return code


if __name__ == "__main__":
    raise SystemExit(main())
