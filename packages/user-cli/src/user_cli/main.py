"""Entry point `userctl`. It imports next to nothing, so that Ctrl-C is met politely from the beginning."""

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run userctl and return its exit code.

    Args:
        arguments: the command line without the program's name; that of the process if None.
    """
    try:
        from user_cli.running import run  # noqa: PLC0415 - takes time, in which Ctrl-C may come

        return run(list(sys.argv[1:] if arguments is None else arguments))
    except KeyboardInterrupt:
        return 130  # exits.INTERRUPTED, which may not be imported yet
