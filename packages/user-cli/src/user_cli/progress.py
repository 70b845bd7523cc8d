"""How far a long piece of work has come, on standard error."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console

from user_cli.output import note

__all__ = ["counted", "progress"]

_SAY_EVERY_S: Final = 10.0


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Give what shows how far it came: at once in a terminal, else in a line now and then."""
    if sys.stderr.isatty():
        with Console(stderr=True).status("begins") as status:
            yield status.update
        return
    due = time.monotonic() + _SAY_EVERY_S

    def show(line: str) -> None:
        nonlocal due
        if time.monotonic() >= due:
            note(line)
            due = time.monotonic() + _SAY_EVERY_S

    yield show


@contextmanager
def counted(what: str) -> Iterator[Callable[[int], None]]:
    """Give what shows how many are done, and how many a second: ``4000 keys, 812/s``."""
    begun = time.monotonic()
    with progress() as show:
        yield lambda done: show(f"{done} {what}, {done / max(time.monotonic() - begun, 0.001):.0f}/s")
